/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * `sessionctl doctor` on this host: asks the daemon, chooses the interfaces and prints the
 * findings.
 */
#include "control/sessionctl/sessionctl.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "common/log.h"

#include "common/text.h"
#include "control/sessionctl/admin_client.h"
#include "control/sessionctl/doctor/doctor.h"

#define TIMEOUT_MS 2000

/* Additional exit codes, by the worst finding. */
enum {
	EXIT_WARNING = 3,
	EXIT_PROBLEM = 4,
};

static const char *const severities[] = {"good", "note", "warning", "problem"};

static void add_interface(struct doctor_host *host, const char *name)
{
	for (unsigned i = 0; i < host->interface_count; i++)
		if (strcmp(host->interfaces[i], name) == 0)
			return;
	if (host->interface_count < DOCTOR_INTERFACES_MAX && strlen(name) < IF_NAMESIZE)
		strcpy(host->interfaces[host->interface_count++], name);
}

/* Adds the interfaces with a pinned XDP program. */
static void add_pinned(struct doctor_host *host)
{
	char path[PATH_MAX], port[8], name[IF_NAMESIZE];
	struct dirent *file;
	uint64_t index;
	DIR *dir;

	snprintf(port, sizeof(port), "%u", host->port);
	dir = opendir(doctor_pin_path(host, path, port));
	while (dir && (file = readdir(dir)))
		if (strncmp(file->d_name, "link-", 5) == 0 &&
			text_number(file->d_name + 5, 1, UINT32_MAX, &index) &&
			if_indextoname((unsigned)index, name))
			add_interface(host, name);
	if (dir)
		closedir(dir);
}

/* Adds the interfaces that are up, except loopback. */
static void add_all(struct doctor_host *host)
{
	char path[PATH_MAX], text[32];
	DIR *dir = opendir(doctor_path(host, path, "/sys/class/net"));
	struct dirent *file;

	while (dir && (file = readdir(dir)))
		if (file->d_name[0] != '.' && strcmp(file->d_name, "lo") != 0 &&
			doctor_read(host, text, sizeof(text), "/sys/class/net/%s/operstate",
				file->d_name) &&
			strcmp(text, "down") != 0)
			add_interface(host, file->d_name);
	if (dir)
		closedir(dir);
}

/* What the daemon says: whether it is in xdp mode, and where its pins are. */
static bool answers_on_interfaces;
static char pin_root[PATH_MAX];

static int on_figure(void *ctx, char *line)
{
	struct doctor_host *host = ctx;

	uint64_t port;

	if (strncmp(line, "pid ", 4) == 0)
		host->daemon_pid = atoi(line + 4);
	else if (strcmp(line, "mode_xdp 1") == 0)
		answers_on_interfaces = true;
	else if (strncmp(line, "resumed_estimate ", 17) == 0)
		host->resumed = strtoull(line + 17, NULL, 10);
	else if (strncmp(line, "not_resumed_estimate ", 21) == 0)
		host->not_resumed = strtoull(line + 21, NULL, 10);
	else if (strncmp(line, "port ", 5) == 0 && text_number(line + 5, 1, 65535, &port))
		host->port = (uint16_t)port;
	else if (strncmp(line, "farm_", 5) == 0) {
		char *value = strchr(line, ' ');

		if (value) {
			*value++ = '\0';
			doctor_farm_figure(&host->farm, line, strtoull(value, NULL, 10));
		}
	}
	return 0;
}

/* The value of `NAME = VALUE   # WHERE`, if that is the name; else NULL. Ends it in place. */
static char *value_of(char *line, const char *name)
{
	size_t len = strlen(name);
	char *value, *end;

	if (strncmp(line, name, len) != 0 || strncmp(line + len, " = ", 3) != 0)
		return NULL;
	value = line + len + 3;
	if (*value == '"') {
		end = strchr(++value, '"');
	} else {
		end = strstr(value, " # ");
		while (end && end > value && end[-1] == ' ')
			end--;
	}
	if (end)
		*end = '\0';
	return value;
}

static int on_option(void *ctx, char *line)
{
	struct doctor_host *host = ctx;
	const char *value;

	if ((value = value_of(line, "interface")) && answers_on_interfaces) {
		add_interface(host, value);
		host->own = host->interface_count;
	} else if ((value = value_of(line, "pin-dir"))) {
		snprintf(pin_root, sizeof(pin_root), "%s", value);
	}
	return 0;
}

/* `CONTEXT TLS ...`: collects the contexts, each once. */
static int on_context(void *ctx, char *line)
{
	struct doctor_host *host = ctx;
	size_t used = strlen(host->contexts);
	char *known;

	line[strcspn(line, " ")] = '\0';
	known = strstr(host->contexts, line);
	if (!known || (known[strlen(line)] && known[strlen(line)] != ','))
		snprintf(host->contexts + used, sizeof(host->contexts) - used, "%s%s",
			used ? ", " : "", line);
	return 0;
}

static int on_farm(void *ctx, char *line)
{
	struct doctor_host *host = ctx;

	doctor_farm_line(&host->farm, line);
	return 0;
}

/* The daemon's namespaces, if it has its own. */
static void enter(const struct ctl *ctl, struct doctor_host *host)
{
	if (!ctl->pin_root_given)
		doctor_find_pins(host->daemon_pid, host->pins_at);
	host->namespace = doctor_enter_namespace(host->daemon_pid);
}

static void find_daemon(const struct ctl *ctl, struct doctor_host *host)
{
	struct admin_client *client;

	if (admin_client_open(&client, ctl->control_path, TIMEOUT_MS) < 0)
		return;
	if (admin_client_request(client, "stats", on_figure, host) < 0) {
		host->daemon_pid = 0;
	} else {
		if (admin_client_daemon(client) > 0) {
			host->daemon_pid = admin_client_daemon(client);
			enter(ctl, host);
		}
		/* An older daemon does not tell. */
		admin_client_request(client, "config", on_option, host);
		admin_client_request(client, "contexts", on_context, host);
		if (host->farm.engines > 0)
			admin_client_request(client, "farm", on_farm, host);
	}
	admin_client_close(client);
}

/* Whether the daemon's interfaces are here. */
static bool has_own(const struct doctor_host *host)
{
	for (unsigned i = 0; i < host->own; i++)
		if (if_nametoindex(host->interfaces[i]) == 0)
			return false;
	return true;
}

/* The one that is named; else the daemon's, and those with pins of its; else all. */
static void add_interfaces(const struct ctl *ctl, struct doctor_host *host)
{
	char own[DOCTOR_INTERFACES_MAX][IF_NAMESIZE];
	unsigned count = host->own;

	if (ctl->argument) {
		memcpy(own, host->interfaces, sizeof(own));
		host->interface_count = host->own = 0;
		add_interface(host, ctl->argument);
		for (unsigned i = 0; i < count; i++)
			if (strcmp(own[i], ctl->argument) == 0)
				host->own = 1;
		return;
	}
	add_pinned(host);
	if (host->interface_count == 0)
		add_all(host);
}

static int print_json(const struct doctor_report *report)
{
	json_t *list = json_array();
	int ret = list ? 0 : -1;

	for (unsigned i = 0; ret == 0 && i < report->count; i++) {
		const struct doctor_finding *finding = &report->findings[i];

		ret = json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:s, s:s}", "check", finding->check, "severity",
				severities[finding->severity], "interface", finding->subject,
				"finding", finding->text, "advice", finding->advice));
	}
	if (ret == 0)
		ret = json_dumpf(list, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(list);
	return ret;
}

static void print_text(const struct doctor_report *report)
{
	for (unsigned i = 0; i < report->count; i++) {
		const struct doctor_finding *finding = &report->findings[i];

		printf("%-8s %s: %s%s%s\n", severities[finding->severity], finding->check,
			finding->subject, finding->subject[0] ? ": " : "", finding->text);
		if (finding->advice[0])
			printf("         -> %s\n", finding->advice);
	}
}

int ctl_doctor(const struct ctl *ctl)
{
	static struct doctor_host host;
	static struct doctor_report report;
	char quoted[TEXT_QUOTE];
	struct timespec tick;

	host.root = "";
	host.pin_root = ctl->pin_root;
	host.port = SESSD_PORT; /* unless the daemon or --port gives another */
	host.probe = &doctor_probe_host;
	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) == 0)
		host.tick_ns = (uint64_t)tick.tv_nsec;
	if (ctl->argument && strlen(ctl->argument) >= IF_NAMESIZE) {
		error_set(EINVAL, "doctor %s: no such interface: a name has at most %d characters",
			text_quote(ctl->argument, quoted), IF_NAMESIZE - 1);
		return ctl_fail(EXIT_USAGE);
	}
	find_daemon(ctl, &host);
	if (ctl->port)
		host.port = ctl->port;
	if (!ctl->pin_root_given && pin_root[0])
		host.pin_root = pin_root;
	doctor_mount_sysfs(host.sysfs);
	if (host.namespace == DOCTOR_NAMESPACE_HIDDEN && !has_own(&host))
		host.namespace = DOCTOR_NAMESPACE_CLOSED;
	if (host.namespace == DOCTOR_NAMESPACE_CLOSED)
		host.interface_count = host.own = 0;
	else
		add_interfaces(ctl, &host);
	doctor_run(&host, &report);
	if (!ctl->json) {
		print_text(&report);
	} else if (print_json(&report) < 0) {
		fprintf(stderr, "sessionctl: cannot write the findings\n");
		return EXIT_RUNTIME;
	}
	switch (doctor_worst(&report)) {
	case DOCTOR_PROBLEM:
		return EXIT_PROBLEM;
	case DOCTOR_WARNING:
		return EXIT_WARNING;
	default:
		return EXIT_SUCCESS;
	}
}
