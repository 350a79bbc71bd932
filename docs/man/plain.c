/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "docs/man/plain.h"

#include <stdio.h>
#include <string.h>

#include "control/config/option_table.h"
#include "control/stats/metrics_families.h"

#define COLUMNS 78

static void put_markdown(const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			putchar('\\');
		putchar(*text);
	}
}

void plain_markdown_table(void)
{
	puts("| option | default | a change | |\n|---|---|---|---|");
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];

		fputs("| ", stdout);
		if (def->letter)
			printf("`-%c`, ", def->letter);
		putchar('`');
		if (!(def->flags & OPTION_ARGUMENT))
			printf("--%s%s", def->name, def->arg ? " " : "");
		if (def->arg)
			put_markdown(def->arg);
		putchar('`');
		if (def->fallback && !option_default_is_list(def))
			printf(" | `%s` | ", def->fallback);
		else
			fputs(" | | ", stdout);
		if (!(def->flags & OPTION_COMMAND_LINE))
			printf("%s ", def->flags & OPTION_RELOADABLE ? "reload" : "restart");
		fputs("| ", stdout);
		put_markdown(def->help);
		printf("%s |\n", def->flags & OPTION_REPEATABLE ? "; repeatable" : "");
	}
}

static void put_comment(const char *text)
{
	size_t column = 1, len;

	putchar('#');
	for (const char *word = text; *word; word += len) {
		word += strspn(word, " ");
		len = strcspn(word, " ");
		if (column > 1 && column + len + 1 > COLUMNS) {
			fputs("\n#", stdout);
			column = 1;
		}
		printf(" %.*s", (int)len, word);
		column += len + 1;
	}
	putchar('\n');
}

static void put_setting(const struct option_def *def)
{
	const char *value = def->fallback ? def->fallback : def->example;
	size_t len;

	if (!option_default_is_list(def)) {
		printf("#%s = %s\n", def->name, value ? value : def->arg);
		return;
	}
	for (; *value; value += len + (value[len] == ' ')) {
		len = strcspn(value, " ");
		printf("#%s = %.*s\n", def->name, (int)len, value);
	}
}

void plain_conf(void)
{
	put_comment(
		"Configuration of sessiond; sessiond.conf(5) describes it. Each line is name = "
		"value. The file lists every option with its default, or with an example where it "
		"says so. After a change run sessiond --check --config THIS-FILE. Then run "
		"sessionctl reload for options marked reload, and restart sessiond for others. "
		"The service's unit sets --pin-dir, which overrides pin-dir here. If you set "
		"control here, add the same path to ExecReload= of the unit.");
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];
		char text[OPTION_HELP + 64];

		if (def->flags & OPTION_COMMAND_LINE)
			continue;
		snprintf(text, sizeof(text), "%s%s%s%s", def->help,
			def->flags & OPTION_REPEATABLE ? "; repeatable" : "",
			def->flags & OPTION_RELOADABLE ? "; reload" : "",
			def->fallback ? "" : "; an example");
		putchar('\n');
		put_comment(text);
		put_setting(def);
	}
}

void plain_figures(void)
{
	static const char *const kinds[] = {[FIGURE_GAUGE] = "gauge",
		[FIGURE_COUNTER] = "counter",
		[FIGURE_LOSS] = "loss",
		[FIGURE_STATS_ONLY] = "stats"};

	for (size_t i = 0; i < figure_count; i++) {
		const struct figure *figure = &figure_table[i];
		struct metrics_place place;
		char name[64], *number;

		snprintf(name, sizeof(name), "%s", figure->name);
		number = strchr(name, '#');
		if (number)
			*number = '0';
		place = metrics_place_of(name, "daemon");
		printf("%s %s ", name, kinds[figure->kind]);
		if (figure->kind == FIGURE_STATS_ONLY)
			puts("- - -");
		else if (place.label[0])
			printf("%s %s %.*s\n", place.name, place.label, place.value_len,
				place.value);
		else
			printf("%s - -\n", place.name);
	}
}
