/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "docs/man/mdoc.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bench/options.h"
#include "common/cli.h"
#include "control/config/option_table.h"
#include "control/sessionctl/command_table.h"
#include "control/stats/figures.h"

#define COLUMNS 76

static void put_char(char c, bool option)
{
	switch (c) {
	case '\\':
		fputs("\\e", stdout);
		break;
	case '`':
		fputs("\\(ga", stdout);
		break;
	case '-':
		/* A dash that is to be typed, not a hyphen. */
		fputs(option ? "\\-" : "-", stdout);
		break;
	default:
		putchar(c);
	}
}

/* Sentences, each on lines of its own, as mdoc wants them; with a full stop at the end. */
static void put_text(const char *text)
{
	size_t column = 0, len = 0;

	for (const char *word = text; *word; word += len) {
		word += strspn(word, " \n");
		len = strcspn(word, " \n");
		if (len == 0)
			break;
		if (column > 0 && column + len + 1 > COLUMNS) {
			putchar('\n');
			column = 0;
		}
		if (column > 0)
			putchar(' ');
		else if (word[0] == '.' || word[0] == '\'')
			fputs("\\&", stdout);
		for (size_t i = 0; i < len; i++)
			put_char(word[i], word[0] == '-');
		column += len + 1;
		if (word[len - 1] == '.' && word[len] == ' ' &&
			isupper((unsigned char)word[len + 1])) {
			putchar('\n');
			column = 0;
		}
	}
	puts(text[0] && text[strlen(text) - 1] == '.' ? "" : ".");
}

/* One argument of a macro, blanks and quotes in it included. */
static void put_argument(const char *arg)
{
	fputs(" Ar ", stdout);
	for (const char *c = arg; *c; c++) {
		if (*c == '"')
			fputs("\\(dq", stdout);
		else if (*c == ' ')
			fputs("\\ ", stdout);
		else
			putchar(*c);
	}
}

static void put_option(int key, const char *name, const char *arg)
{
	fputs(".It", stdout);
	if (key > 0 && key < 256)
		printf(" Fl %c ,", key);
	printf(" Fl -%s", name);
	if (arg)
		put_argument(arg);
	putchar('\n');
}

static void begin_list(void)
{
	puts(".Bl -tag -width Ds");
}

static void end_list(void)
{
	puts(".El");
}

static void put_argp_options(const struct argp_option *option)
{
	for (; option->name; option++) {
		put_option(option->key, option->name, option->arg);
		put_text(option->doc);
	}
}

static void put_def(const struct option_def *def)
{
	char text[OPTION_HELP];

	put_text(option_help(def, text));
	if (option_default_is_list(def)) {
		char list[OPTION_HELP];

		snprintf(list, sizeof(list), "The default is %s", def->fallback);
		put_text(list);
	}
	if (def->details)
		put_text(def->details);
}

void mdoc_sessiond_options(void)
{
	begin_list();
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];

		if (def->flags & OPTION_ARGUMENT)
			printf(".It Ar %s\n", def->arg);
		else
			put_option(def->letter, def->name, def->arg);
		put_def(def);
	}
	put_argp_options(cli_common_options);
	end_list();
}

/* Quotes are for the shell. */
static const char *unquoted(const char *arg, char text[64])
{
	size_t len = 0;

	for (; *arg && len < 63; arg++)
		if (*arg != '"')
			text[len++] = *arg;
	text[len] = '\0';
	return text;
}

void mdoc_conf_options(void)
{
	begin_list();
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];
		char arg[64];

		if (def->flags & OPTION_COMMAND_LINE)
			continue;
		printf(".It Ic %s No =", def->name);
		put_argument(def->arg ? unquoted(def->arg, arg) : "yes|no");
		putchar('\n');
		put_def(def);
		if (def->flags & OPTION_RELOADABLE) {
			put_text("May be changed while running.");
		} else {
			char why[OPTION_HELP];

			snprintf(why, sizeof(why), "A change needs a restart: %s.", def->fixed);
			put_text(why);
		}
	}
	end_list();
}

void mdoc_sessionctl_options(void)
{
	begin_list();
	put_argp_options(ctl_options);
	put_argp_options(cli_common_options);
	end_list();
}

void mdoc_sessionctl_commands(void)
{
	begin_list();
	for (size_t i = 0; i < ctl_command_count; i++) {
		const struct ctl_command *command = &ctl_commands[i];

		printf(".It Ic %s", command->name);
		if (command->argument)
			put_argument(command->argument);
		putchar('\n');
		put_text(command->help);
		if (command->details)
			put_text(command->details);
	}
	end_list();
}

/* N is the port's or the lcore's number. */
static void put_figure(const struct figure *figure)
{
	fputs(".It Sy ", stdout);
	for (const char *c = figure->name; *c; c++)
		putchar(*c == '#' ? 'N' : *c);
	putchar('\n');
	put_text(figure->help);
}

/* Of one mode those that not every mode has. */
static void put_figures(unsigned modes)
{
	begin_list();
	for (size_t i = 0; i < figure_count; i++) {
		const struct figure *figure = &figure_table[i];
		bool every = figure->modes == FIGURE_EVERY_MODE;

		if (modes == FIGURE_EVERY_MODE ? every : !every && figure->modes & modes)
			put_figure(figure);
	}
	end_list();
}

void mdoc_counters(void)
{
	put_figures(FIGURE_EVERY_MODE);
}

void mdoc_measured_figures(void)
{
	put_figures(FIGURE_MEASURED);
}

void mdoc_farm_figures(void)
{
	put_figures(FIGURE_IN_FARM);
}

void mdoc_socket_counters(void)
{
	put_figures(FIGURE_SOCKET);
}

void mdoc_xdp_counters(void)
{
	put_figures(FIGURE_XDP);
}

void mdoc_dpdk_counters(void)
{
	put_figures(FIGURE_DPDK);
}

/* Options without a name are headings. */
void mdoc_sessionbench_options(void)
{
	const struct argp_option *option = bench_option_table;

	for (; option->name || option->doc; option++) {
		if (option->name) {
			put_option(option->key, option->name, option->arg);
			put_text(option->doc);
			continue;
		}
		if (option != bench_option_table)
			end_list();
		printf(".Ss %s\n", option->doc);
		begin_list();
	}
	end_list();
}
