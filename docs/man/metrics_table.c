/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The reference of metrics, from the tables that the daemon exports them by.
 */
#include "docs/man/metrics_table.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "control/stats/metrics_families.h"

#define METRICS_MAX 256

/* A metric, of one figure or several. */
struct metric {
	struct metrics_place place;
	bool path; /* a label */
	unsigned modes;
};

/* The name that `stats` prints for the first port or lcore. */
static void name_of(const struct figure *figure, char name[64])
{
	char *number;

	snprintf(name, 64, "%s", figure->name);
	number = strchr(name, '#');
	if (number)
		*number = '0';
}

static unsigned collect(struct metric metrics[METRICS_MAX])
{
	unsigned count = 0;

	for (size_t i = 0; i < figure_count; i++) {
		const struct figure *figure = &figure_table[i];
		struct metrics_place place;
		char name[64];
		unsigned k = 0;

		if (figure->kind == FIGURE_STATS_ONLY)
			continue;
		name_of(figure, name);
		place = metrics_place_of(name, "daemon");
		while (k < count && strcmp(metrics[k].place.name, place.name) != 0)
			k++;
		if (k == METRICS_MAX)
			continue;
		if (k == count)
			metrics[count++] = (struct metric){.place = place};
		metrics[k].path |= place.path != NULL;
		metrics[k].modes |= figure->modes;
	}
	return count;
}

static const char *unit_of(const char *name)
{
	static const char *const units[][2] = {{"_bytes", "bytes"}, {"_seconds", "seconds"},
		{"_ms", "milliseconds"}, {"_us", "microseconds"}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		const char *at = strstr(name, units[i][0]);
		size_t len = strlen(units[i][0]);

		if (at && (at[len] == '\0' || at[len] == '_'))
			return units[i][1];
	}
	return "";
}

static void put_modes(unsigned modes, const char *only)
{
	static const struct {
		unsigned mode;
		const char *name;
	} names[] = {{FIGURE_SOCKET, "socket"}, {FIGURE_XDP, "xdp"}, {FIGURE_DPDK, "dpdk"}};
	const char *before = "";

	if (modes & FIGURE_IN_FARM && !(modes & FIGURE_EVERY_MODE))
		only = "--farm";
	if ((modes & FIGURE_EVERY_MODE) != FIGURE_EVERY_MODE) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (!(modes & names[i].mode))
				continue;
			printf("%s%s", before, names[i].name);
			before = ", ";
		}
	} else if (!only) {
		fputs("all", stdout);
	}
	if (only)
		printf("%swith `%s`", *before ? " " : "", only);
}

/* As a cell, with a capital letter and a full stop. */
static void put_sentence(const char *text)
{
	putchar(toupper((unsigned char)*text));
	for (text++; *text; text++) {
		if (*text == '|')
			putchar('\\');
		putchar(*text);
	}
	if (text[-1] != '.')
		putchar('.');
}

static void put_row(const char *name, const char *type, const char *labels, unsigned modes,
	const char *only, const char *help)
{
	const char *before = "";

	printf("| `%s` | %s | %s | ", name, type, unit_of(name));
	while (*labels) {
		size_t len = strcspn(labels, " ");

		printf("%s`%.*s`", before, (int)len, labels);
		before = ", ";
		labels += len + strspn(labels + len, " ");
	}
	fputs(" | ", stdout);
	put_modes(modes, only);
	fputs(" | ", stdout);
	put_sentence(help);
	puts(" |");
}

void metrics_table(void)
{
	static struct metric metrics[METRICS_MAX];
	unsigned count = collect(metrics);
	char labels[64];

	puts("| metric | type | unit | labels | modes | meaning |\n|---|---|---|---|---|---|");
	for (size_t i = 0; i < METRICS_MADE; i++) {
		const struct metrics_made_row *row = &metrics_made_rows[i];

		put_row(row->name, row->type, row->labels, row->modes, row->only, row->help);
	}
	for (unsigned i = 0; i < count; i++) {
		const struct metrics_place *place = &metrics[i].place;

		snprintf(labels, sizeof(labels), "%s%s", metrics[i].path ? "path " : "",
			place->label);
		put_row(place->name, place->counter ? "counter" : "gauge", labels, metrics[i].modes,
			NULL, place->help ? place->help : place->figure->help);
	}
}

/* The values of labels that stand for several figures. */
void metrics_values(void)
{
	puts("| metric | label | value | modes | meaning |\n|---|---|---|---|---|");
	for (size_t k = 0; k < metrics_family_count; k++) {
		const struct metrics_family *family = &metrics_families[k];

		for (size_t i = 0; family->label && i < figure_count; i++) {
			const struct figure *figure = &figure_table[i];
			struct metrics_place place;
			char name[64];

			if (figure->kind == FIGURE_STATS_ONLY)
				continue;
			name_of(figure, name);
			place = metrics_place_of(name, "daemon");
			if (strcmp(place.name, family->name) != 0)
				continue;
			printf("| `%s` | `%s` | `%.*s` | ", place.name, place.label,
				place.value_len, place.value);
			put_modes(figure->modes, NULL);
			fputs(" | ", stdout);
			put_sentence(figure->help);
			puts(" |");
		}
	}
}
