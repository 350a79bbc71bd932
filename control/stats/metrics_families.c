/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/stats/metrics_families.h"

#include <stdio.h>
#include <string.h>

/* Metrics made of several figures, and metrics whose name differs from their figure's. */
const struct metrics_family metrics_families[] = {
	{"get_retries", "sessiond_lookup_retries_total", NULL, true},
	{"get_*", "sessiond_gets_total", "outcome", true, "GETs answered, by path and outcome."},
	{"take_*", "sessiond_takes_total", "outcome", true, "TAKEs answered, by path and outcome."},
	{"new_*", "sessiond_news_total", "outcome", false, "NEWs received, by outcome."},
	{"remove_*", "sessiond_removes_total", "outcome", false, "REMOVEs received, by outcome."},
	{"drop_*", "sessiond_dropped_total", "reason", true,
		"Requests dropped without a reply, by path and reason."},
	{"pass_*", "sessiond_passed_total", "reason", true,
		"Packets that the XDP program passed to the kernel, by reason."},
	{"farm_drop_*", "sessiond_farm_dropped_total", "reason", false,
		"NEWs, REMOVEs and TAKEs that were not published to other caches, by reason."},
	{"farm_refused_*", "sessiond_farm_refused_total", "reason", false,
		"Batches of other caches that were refused, by reason."},
	{"sessions_adopted", "sessiond_sessions_adopted_total", NULL, false},
	{"sessions_*", "sessiond_sessions_ended_total", "reason", false,
		"Sessions that ended, by reason."},
	{"capacity", "sessiond_capacity_sessions", NULL, false},
	{"mode_*", "sessiond_mode", "mode", false, "1 for the mode in use."},
	{"xdp_interfaces_reattached", "sessiond_xdp_reattached_total", NULL, false},
	{"xdp_interfaces_*", "sessiond_xdp_interfaces", "state", false,
		"Interfaces, by state of the XDP program."},
};

const size_t metrics_family_count = sizeof(metrics_families) / sizeof(metrics_families[0]);

const char *const metrics_paths[][2] = {
	{"xdp_", "xdp"}, {"slow_", "daemon"}, {"xsk_", "af_xdp"}, {"dpdk_", "dpdk"}, {NULL, NULL}};

static bool is_like(const char *name, const char *pattern, struct metrics_place *place)
{
	size_t same = strcspn(pattern, "*");

	if (strncmp(name, pattern, same) != 0)
		return false;
	if (pattern[same] == '\0')
		return name[same] == '\0';
	place->value = name + same;
	place->value_len = (int)strlen(place->value);
	return place->value_len > 0;
}

static const struct metrics_family *match(const char *name, struct metrics_place *place)
{
	for (size_t i = 0; i < metrics_family_count; i++)
		if (is_like(name, metrics_families[i].pattern, place))
			return &metrics_families[i];
	return NULL;
}

static void put_in(struct metrics_place *place, const struct metrics_family *family)
{
	const char *suffix = strrchr(family->name, '_');

	snprintf(place->name, sizeof(place->name), "%s", family->name);
	snprintf(place->label, sizeof(place->label), "%s", family->label ? family->label : "");
	place->counter = strcmp(suffix, "_total") == 0;
	place->help = family->help;
}

/* A metric with the name of its figure. A number in the name becomes the value of a label, and the
 * word before it the label's name: port, lcore. */
static void put_alone(struct metrics_place *place, const char *name)
{
	const char *row = place->figure ? place->figure->name : name, *word;
	size_t before = strcspn(row, "#"), digits = 0;

	if (row[before]) {
		for (word = row + before; word > row && word[-1] != '_';)
			word--;
		snprintf(place->label, sizeof(place->label), "%.*s", (int)(row + before - word),
			word);
		place->value = name + before;
		digits = strspn(place->value, "0123456789");
		place->value_len = (int)digits;
	}
	place->counter = !place->figure || place->figure->kind != FIGURE_GAUGE;
	snprintf(place->name, sizeof(place->name), "sessiond_%.*s%s%s", (int)before, name,
		name + before + digits, place->counter ? "_total" : "");
	if (!place->figure)
		place->help = "See sessionctl stats.";
}

struct metrics_place metrics_place_of(const char *name, const char *mode_path)
{
	struct metrics_place place = {.figure = figure_find(name)};
	const struct metrics_family *family;

	for (size_t i = 0; metrics_paths[i][0]; i++) {
		size_t len = strlen(metrics_paths[i][0]);

		if (strncmp(name, metrics_paths[i][0], len) != 0)
			continue;
		family = match(name + len, &place);
		if (!family || !family->path)
			continue;
		if (!place.figure)
			place.figure = figure_find(name + len);
		put_in(&place, family);
		place.path = metrics_paths[i][1];
		return place;
	}
	family = match(name, &place);
	if (family)
		put_in(&place, family);
	else
		put_alone(&place, name);
	if (family && family->path)
		place.path = mode_path;
	return place;
}
