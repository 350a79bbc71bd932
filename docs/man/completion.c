/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "docs/man/completion.h"

#include <stdio.h>

#include "common/cli.h"
#include "control/config/option_table.h"
#include "control/sessionctl/command_table.h"

static void put_compgen(const char *what)
{
	printf("\n\t\tmapfile -t COMPREPLY < <(compgen %s -- \"$word\")\n", what);
}

static void put_values(const struct option_def *def)
{
	char words[256];

	if (def->words) {
		snprintf(words, sizeof(words), "-W '%s'", def->words);
		put_compgen(words);
		return;
	}
	switch (def->complete) {
	case COMPLETE_NOTHING:
		putchar(' ');
		return;
	case COMPLETE_INTERFACES:
		put_compgen("-W \"$(ls /sys/class/net 2>/dev/null)\"");
		return;
	case COMPLETE_USERS:
		put_compgen("-u");
		return;
	case COMPLETE_FILES:
		put_compgen("-f");
		break;
	case COMPLETE_FOLDERS:
		put_compgen("-d");
		break;
	}
	puts("\t\tcompopt -o filenames 2>/dev/null");
}

void completion_values(void)
{
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];

		if (!def->arg || def->flags & OPTION_ARGUMENT)
			continue;
		putchar('\t');
		if (def->letter)
			printf("-%c | ", def->letter);
		printf("--%s)", def->name);
		put_values(def);
		puts(def->words || def->complete ? "\t\t;;" : ";;");
	}
}

static void put_words(const struct argp_option *option)
{
	for (; option->name; option++)
		printf("\t\t\t--%s\n", option->name);
}

void completion_options(void)
{
	for (size_t i = 0; i < option_table_size; i++)
		if (!(option_table[i].flags & OPTION_ARGUMENT))
			printf("\t\t\t--%s\n", option_table[i].name);
	put_words(cli_common_options);
}

/* The options that another word follows. */
void completion_ctl_values(void)
{
	const char *before = "\t\t";

	for (const struct argp_option *option = ctl_options; option->name; option++) {
		if (!option->arg)
			continue;
		fputs(before, stdout);
		if (option->key < 256)
			printf("-%c | ", option->key);
		printf("--%s", option->name);
		before = " | ";
	}
	puts(")");
}

void completion_ctl_options(void)
{
	put_words(ctl_options);
	put_words(cli_common_options);
}

void completion_ctl_commands(void)
{
	for (size_t i = 0; i < ctl_command_count; i++)
		printf("\t\t\t%s\n", ctl_commands[i].name);
}
