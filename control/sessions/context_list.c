/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/context_list.h"

#include <string.h>

/* After so many sessions all counts are halved: the list follows the present. */
#define HALVE_AFTER 65536
/* A candidate takes a place that has sessions once it has stored so many, and twice as many as the
 * context there: two that are equally frequent do not take turns. */
#define LEAST 16

#define NONE CENSUS_CONTEXTS /* of the named contexts */

static uint64_t hash_of(const struct session_facts *facts)
{
	uint64_t hash = facts->context_len + 1U, word;

	for (size_t i = 0; i < sizeof(facts->context); i += sizeof(word)) {
		memcpy(&word, facts->context + i, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
		hash ^= hash >> 29;
	}
	return hash;
}

static bool is_of(const struct census_row *row, const struct session_facts *facts)
{
	return row->context_len == facts->context_len &&
	       memcmp(row->context, facts->context, sizeof(row->context)) == 0;
}

static void halve(struct context_list *list)
{
	list->since = 0;
	for (unsigned i = 0; i < list->count; i++)
		list->recent[i] /= 2;
	for (unsigned i = 0; i < CONTEXT_CANDIDATES; i++)
		list->candidates[i].count /= 2;
}

/* The named context without sessions that has stored the fewest. */
static unsigned unused(const struct context_list *list, const struct census_row *rows)
{
	unsigned least = NONE;
	uint64_t fewest = 0;

	for (unsigned i = 0; i < list->count; i++) {
		const struct census_row *row = &rows[list->place[i]];
		uint64_t stored = census_row_stored(row);

		if (census_row_sessions(row) == 0 && (least == NONE || stored < fewest)) {
			least = i;
			fewest = stored;
		}
	}
	return least;
}

/* Counts a candidate, of those with its upper bits the most frequent one (Boyer and Moore's
 * majority vote). Its count, or 0 if it is another one's. */
static uint32_t vote(struct context_list *list, uint64_t hash)
{
	struct context_candidate *candidate = &list->candidates[hash >> 56];

	if (candidate->hash == hash)
		return ++candidate->count;
	if (candidate->count > 0)
		candidate->count--;
	else
		*candidate = (struct context_candidate){hash, 1};
	return 0;
}

/* The named context that has become rarer than the candidate, which has stored `*count`. */
static unsigned outvoted(struct context_list *list, uint64_t hash, uint32_t *count)
{
	unsigned least = 0;

	*count = vote(list, hash);
	if (*count < LEAST)
		return NONE;
	for (unsigned i = 1; i < list->count; i++)
		if (list->recent[i] < list->recent[least])
			least = i;
	if (*count <= 2 * list->recent[least])
		return NONE;
	list->candidates[hash >> 56].count = 0;
	return least;
}

static void empty(struct census_row *rows, unsigned place)
{
	for (unsigned i = 0; i < SESSION_KINDS; i++) {
		struct census_counts *from = &rows[place].of[i], *to = &rows[CONTEXT_GONE].of[i];

		to->stored += from->stored;
		to->used += from->used;
		from->stored = 0;
		from->used = 0;
	}
}

/* A place for the context: its own of before, or one without sessions. CONTEXT_OTHERS if there is
 * none. */
static unsigned free_place(
	const struct context_list *list, struct census_row *rows, const struct session_facts *facts)
{
	unsigned free = CONTEXT_OTHERS;

	for (unsigned place = 0; place < CONTEXT_PLACES; place++) {
		if (list->is_named[place])
			continue;
		if (census_row_stored(&rows[place]) > 0 && is_of(&rows[place], facts)) {
			/* They stay with the others, whose counts never fall. */
			empty(rows, place);
			return place;
		}
		if (free == CONTEXT_OTHERS && census_row_sessions(&rows[place]) == 0)
			free = place;
	}
	if (free == CONTEXT_OTHERS)
		return free;
	empty(rows, free);
	rows[free].context_len = facts->context_len;
	memcpy(rows[free].context, facts->context, sizeof(rows[free].context));
	return free;
}

/* Names the context in place of the `i`th one, or as one more. */
static bool name(struct context_list *list, struct census_row *rows, unsigned i,
	const struct session_facts *facts)
{
	unsigned place;

	if (i < list->count)
		list->is_named[list->place[i]] = false;
	place = free_place(list, rows, facts);
	if (place == CONTEXT_OTHERS) {
		if (i < list->count)
			list->is_named[list->place[i]] = true;
		return false;
	}
	if (i == list->count)
		list->count++;
	list->is_named[place] = true;
	list->place[i] = (uint8_t)place;
	return true;
}

static unsigned find(const struct context_list *list, const struct census_row *rows,
	const struct session_facts *facts, uint64_t hash)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->hash[i] == hash && is_of(&rows[list->place[i]], facts))
			return i;
	return NONE;
}

static unsigned admit(struct context_list *list, struct census_row *rows,
	const struct session_facts *facts, uint64_t hash)
{
	unsigned i = list->count;
	uint32_t recent = 0;

	if (i == NONE)
		i = unused(list, rows);
	if (i == NONE)
		i = outvoted(list, hash, &recent);
	if (i == NONE || !name(list, rows, i, facts))
		return NONE;
	list->hash[i] = hash;
	list->recent[i] = recent;
	return i;
}

unsigned context_list_place(
	struct context_list *list, struct census_row *rows, const struct session_facts *facts)
{
	unsigned i = list->last;

	if (++list->since == HALVE_AFTER)
		halve(list);
	if (i >= list->count || !is_of(&rows[list->place[i]], facts)) {
		uint64_t hash = hash_of(facts);

		i = find(list, rows, facts, hash);
		if (i == NONE)
			i = admit(list, rows, facts, hash);
		if (i == NONE)
			return CONTEXT_OTHERS;
		list->last = i;
	}
	list->recent[i]++;
	return list->place[i];
}
