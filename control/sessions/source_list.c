/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/source_list.h"

#include <string.h>

static bool is_at(const struct source_list *list, unsigned place, const struct address *source)
{
	return memcmp(&list->addresses[place], source, sizeof(*source)) == 0;
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

static unsigned place_for_new(struct source_list *list)
{
	if (list->count == 0)
		list->count = 1; /* the unknown */
	if (list->count < SOURCE_LIST_SIZE)
		return list->count++;
	for (unsigned i = 1; i < list->count; i++)
		if (list->sessions[i] == 0)
			return i;
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
				list->addresses[place] = *source;
		}
		*near = (uint8_t)place;
	}
	list->sessions[place]++;
	return (uint8_t)place;
}

void source_list_release(struct source_list *list, uint8_t place)
{
	list->sessions[place]--;
}
