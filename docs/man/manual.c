/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Makes the manual out of the tables that --help is made from: copies a template to stdout and puts
 * a section in the place of each line @NAME@. Run when the project is built; not installed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docs/man/completion.h"
#include "docs/man/mdoc.h"
#include "docs/man/metrics_table.h"
#include "docs/man/plain.h"

static const struct {
	const char *name;
	void (*put)(void);
} sections[] = {
	{"completion-ctl-commands", completion_ctl_commands},
	{"completion-ctl-options", completion_ctl_options},
	{"completion-ctl-values", completion_ctl_values},
	{"completion-options", completion_options},
	{"completion-values", completion_values},
	{"conf", plain_conf},
	{"conf-options", mdoc_conf_options},
	{"counters", mdoc_counters},
	{"counters-dpdk", mdoc_dpdk_counters},
	{"counters-farm", mdoc_farm_figures},
	{"counters-measured", mdoc_measured_figures},
	{"counters-socket", mdoc_socket_counters},
	{"counters-xdp", mdoc_xdp_counters},
	{"figures", plain_figures},
	{"markdown-metrics", metrics_table},
	{"markdown-metrics-values", metrics_values},
	{"markdown-options", plain_markdown_table},
	{"sessionbench-options", mdoc_sessionbench_options},
	{"sessionctl-commands", mdoc_sessionctl_commands},
	{"sessionctl-options", mdoc_sessionctl_options},
	{"sessiond-options", mdoc_sessiond_options},
};

/* `name` has `len` characters and no end. 0, or -1 if there is no such section. */
static int put_section(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (strlen(sections[i].name) == len && memcmp(sections[i].name, name, len) == 0) {
			sections[i].put();
			return 0;
		}
	}
	fprintf(stderr, "manual: there is no section %.*s\n", (int)len, name);
	return -1;
}

static int put_template(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[512];
	int ret = 0;

	if (!file) {
		perror(path);
		return -1;
	}
	while (ret == 0 && fgets(line, sizeof(line), file)) {
		size_t len = strcspn(line, "\n");

		if (len > 2 && line[0] == '@' && line[len - 1] == '@')
			ret = put_section(line + 1, len - 2);
		else
			fputs(line, stdout);
	}
	if (ferror(file))
		ret = -1;
	fclose(file);
	return ret;
}

int main(int argc, char **argv)
{
	int ret;

	if (argc == 3 && strcmp(argv[1], "--section") == 0) {
		ret = put_section(argv[2], strlen(argv[2]));
	} else if (argc == 2) {
		ret = put_template(argv[1]);
	} else {
		fputs("usage: manual TEMPLATE, or manual --section NAME\n", stderr);
		return 2;
	}
	return ret < 0 || fflush(stdout) == EOF || ferror(stdout) ? 1 : 0;
}
