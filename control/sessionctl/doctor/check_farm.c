/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The farm of caches of a running daemon: its engines, the other caches, and what gets lost.
 */
#include "control/sessionctl/doctor/doctor.h"

#include "control/farm/farm.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define CHECK "farm"

/* More than what engines on other continents need. */
#define LAG_MS 1000

void doctor_farm_figure(struct doctor_farm *farm, const char *name, uint64_t value)
{
	static const struct {
		const char *name;
		size_t offset;
	} figures[] = {
		{"farm_engines", offsetof(struct doctor_farm, engines)},
		{"farm_engines_up", offsetof(struct doctor_farm, engines_up)},
		{"farm_caches_alive", offsetof(struct doctor_farm, caches)},
		{"farm_lag_ms", offsetof(struct doctor_farm, lag_ms)},
		{"farm_gaps", offsetof(struct doctor_farm, gaps)},
		{"farm_name_clash", offsetof(struct doctor_farm, name_clash)},
		{"farm_refused_key", offsetof(struct doctor_farm, refused_key)},
		{"farm_refused_seal", offsetof(struct doctor_farm, refused_seal)},
		{"farm_drop_queue_full", offsetof(struct doctor_farm, queue_full)},
		{"farm_drop_engine_full", offsetof(struct doctor_farm, engine_full)},
	};

	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		if (strcmp(name, figures[i].name) == 0)
			memcpy((char *)farm + figures[i].offset, &value, sizeof(value));
}

/* The text of ` NAME="TEXT"`, cut to `room`. */
static void copy_word(const char *line, const char *name, char *to, size_t room)
{
	const char *at = strstr(line, name);
	size_t len;

	to[0] = '\0';
	if (!at)
		return;
	at += strlen(name);
	len = strcspn(at, "\"");
	snprintf(to, room, "%.*s", (int)len, at);
}

void doctor_farm_line(struct doctor_farm *farm, const char *line)
{
	unsigned i = farm->engine_count;

	if (strncmp(line, "engine ", 7) != 0 || i == sizeof(farm->engine) / sizeof(farm->engine[0]))
		return;
	copy_word(line, " url=\"", farm->engine[i].url, sizeof(farm->engine[i].url));
	copy_word(line, " faults=\"", farm->engine[i].faults, sizeof(farm->engine[i].faults));
	farm->engine_count++;
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at += len)
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return true;
	return false;
}

static void settings(const struct doctor_farm *farm, struct doctor_report *report)
{
	for (unsigned i = 0; i < farm->engine_count; i++)
		for (unsigned k = 0; k < FARM_ENGINE_FAULTS; k++)
			if (has_word(farm->engine[i].faults, farm_faults[k].name))
				doctor_say(report,
					k == FARM_ENGINE_PLAIN ? DOCTOR_NOTE : DOCTOR_WARNING,
					CHECK, "", farm_faults[k].advice, "engine %s: %s",
					farm->engine[i].url, farm_faults[k].text);
}

static void losses(const struct doctor_farm *farm, struct doctor_report *report)
{
	if (farm->refused_key > 0)
		doctor_say(report, DOCTOR_PROBLEM, CHECK, "",
			"copy the key file to every cache and reload: sessionctl reload",
			"another cache seals with a key that is not in this cache's farm-key: "
			"%" PRIu64 " batches refused",
			farm->refused_key);
	if (farm->refused_seal > 0)
		doctor_say(report, DOCTOR_PROBLEM, CHECK, "",
			"give the engine's user a new password, and see who may write to it",
			"%" PRIu64 " batches were changed on their way, or forged",
			farm->refused_seal);
	if (farm->engine_full > 0)
		doctor_say(report, DOCTOR_PROBLEM, CHECK, "",
			"raise the engines' maxmemory, or see their ACL: "
			"docs/farm-of-caches.md",
			"every engine refused %" PRIu64 " changes", farm->engine_full);
	if (farm->queue_full > 0)
		doctor_say(report, DOCTOR_WARNING, CHECK, "", "give the daemon another core",
			"%" PRIu64
			" changes were not published: the farm's thread does not keep up",
			farm->queue_full);
	if (farm->gaps > 0)
		doctor_say(report, DOCTOR_NOTE, CHECK, "",
			"see whether the engines were down, or their maxmemory is too small",
			"%" PRIu64
			" batches of other caches were lost by the engines, and published "
			"again",
			farm->gaps);
}

void doctor_farm(const struct doctor_host *host, struct doctor_report *report)
{
	const struct doctor_farm *farm = &host->farm;
	unsigned before = report->count;

	if (farm->engines == 0)
		return;
	if (farm->engines_up < farm->engines)
		doctor_say(report, farm->engines_up ? DOCTOR_WARNING : DOCTOR_PROBLEM, CHECK, "",
			"sessionctl farm shows which, and why",
			"%" PRIu64 " of %" PRIu64 " engines answer", farm->engines_up,
			farm->engines);
	if (farm->engines == 1)
		doctor_say(report, DOCTOR_NOTE, CHECK, "",
			"name a second, independent one with another line `farm = URL`",
			"there is one engine: while it is down, caches share no new sessions");
	if (farm->name_clash)
		doctor_say(report, DOCTOR_PROBLEM, CHECK, "",
			"set farm-node to another name for each, and restart one",
			"another cache has the same name");
	if (farm->engines_up > 0 && farm->caches == 0)
		doctor_say(report, DOCTOR_WARNING, CHECK, "",
			"check farm and farm-name there: sessionctl farm",
			"no other cache is heard of");
	if (farm->caches > 0 && farm->lag_ms > LAG_MS)
		doctor_say(report, DOCTOR_WARNING, CHECK, "",
			"see the engine's load and the network",
			"this cache is %" PRIu64 " ms behind another", farm->lag_ms);
	settings(farm, report);
	losses(farm, report);
	if (report->count == before)
		doctor_say(report, DOCTOR_GOOD, CHECK, "", "",
			"%" PRIu64 " engines, %" PRIu64 " other caches, lag %" PRIu64 " ms",
			farm->engines_up, farm->caches, farm->lag_ms);
}
