/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/source_list.h"

#include <stdlib.h>
#include <string.h>

static bool is_at(const struct source_list *list, unsigned place, const struct address *source)
{
	return memcmp(&list->places[place].address, source, sizeof(*source)) == 0;
}

/* The addresses of a farm differ in their last bytes. */
static uint8_t hash(const struct address *source)
{
	const uint8_t *bytes = source->bytes;

	return (uint8_t)(bytes[15] ^ bytes[14] * 31 ^ bytes[13] * 17 ^ bytes[7]);
}

static unsigned find(const struct source_list *list, const struct address *source)
{
	for (unsigned i = 1; i < list->count; i++)
		if (is_at(list, i, source))
			return i;
	return SOURCE_UNKNOWN;
}

static void retire(struct source_list *list, unsigned i)
{
	struct source_place *unknown = &list->places[SOURCE_UNKNOWN];
	const struct source_place *place = &list->places[i];

	unknown->stored += place->stored;
	unknown->used += place->used;
	unknown->elsewhere += place->elsewhere;
	unknown->home += place->home;
	memset(&list->places[i], 0, sizeof(list->places[i]));
}

static unsigned place_for_new(struct source_list *list)
{
	if (list->count == 0)
		list->count = 1; /* the unknown */
	if (list->count < SOURCE_LIST_SIZE)
		return list->count++;
	for (unsigned i = 1; i < list->count; i++)
		if (list->places[i].sessions == 0) {
			retire(list, i);
			return i;
		}
	return SOURCE_UNKNOWN;
}

uint8_t source_list_take(struct source_list *list, const struct address *source)
{
	unsigned place = SOURCE_UNKNOWN;
	uint8_t *near;

	if (source) {
		near = &list->near[hash(source)];
		place = *near;
		if (place == SOURCE_UNKNOWN || !is_at(list, place, source))
			place = find(list, source);
		if (place == SOURCE_UNKNOWN) {
			place = place_for_new(list);
			if (place != SOURCE_UNKNOWN)
				list->places[place].address = *source;
		}
		*near = (uint8_t)place;
	}
	list->places[place].sessions++;
	list->places[place].stored++;
	return (uint8_t)place;
}

void source_list_release(struct source_list *list, uint8_t place)
{
	list->places[place].sessions--;
}

void source_list_given(
	struct source_list *list, uint8_t place, const struct address *by, unsigned weight)
{
	struct source_place *maker = &list->places[place];

	if (place == SOURCE_UNKNOWN || address_is_wildcard(by))
		return;
	if (address_equal(&maker->address, by))
		maker->home += weight;
	else
		maker->elsewhere += weight;
}

static int most_first(const void *a, const void *b)
{
	const struct source_place *left = a, *right = b;

	if (left->stored != right->stored)
		return left->stored < right->stored ? 1 : -1;
	return memcmp(&left->address, &right->address, sizeof(left->address));
}

unsigned source_list_rows(
	const struct source_list *list, struct source_place rows[SOURCE_LIST_SIZE])
{
	unsigned count = 0;

	for (unsigned i = 0; i < SOURCE_LIST_SIZE; i++)
		if (list->places[i].stored)
			rows[count++] = list->places[i];
	qsort(rows, count, sizeof(rows[0]), most_first);
	return count;
}
