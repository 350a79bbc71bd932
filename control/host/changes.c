/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/host/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_LEAST 64

static void *item_at(const struct changes *changes, const struct changes_list *list, size_t i)
{
	return list->items + i * changes->size;
}

void changes_begin(struct changes *changes)
{
	changes->now.count = 0;
	changes->failed = false;
}

void changes_add(struct changes *changes, const void *item)
{
	struct changes_list *now = &changes->now;

	if (now->count == now->room) {
		size_t room = now->room ? 2 * now->room : ROOM_LEAST;
		uint8_t *more = reallocarray(now->items, room, changes->size);

		if (!more) {
			changes->failed = true;
			return;
		}
		now->items = more;
		now->room = room;
	}
	memcpy(item_at(changes, now, now->count++), item, changes->size);
}

static int by_bytes(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(const size_t *)size);
}

/* Sorts, and removes duplicates. */
static void sort(struct changes *changes, struct changes_list *list)
{
	size_t kept = 0;

	if (list->count == 0)
		return;
	qsort_r(list->items, list->count, changes->size, by_bytes, &changes->size);
	for (size_t i = 1; i < list->count; i++) {
		if (memcmp(item_at(changes, list, i), item_at(changes, list, kept),
			    changes->size) == 0)
			continue;
		if (++kept != i)
			memcpy(item_at(changes, list, kept), item_at(changes, list, i),
				changes->size);
	}
	list->count = kept + 1;
}

int changes_end(struct changes *changes)
{
	if (changes->failed)
		return -ENOMEM;
	sort(changes, &changes->now);
	changes->came = false;
	changes->at_told = changes->at_now = 0;
	return 0;
}

/* Which list has the next item: negative the old one only, positive the new one only, 0 both. */
static int next(const struct changes *changes)
{
	if (changes->at_now == changes->now.count)
		return -1;
	if (changes->at_told == changes->told.count)
		return 1;
	return memcmp(item_at(changes, &changes->told, changes->at_told),
		item_at(changes, &changes->now, changes->at_now), changes->size);
}

/* Walks both lists and reports what is in only one of them: removed items, or added ones if
 * `came`. */
static bool tell_pass(struct changes *changes, unsigned *limit,
	void (*changed)(void *ctx, const void *item, bool present), void *ctx)
{
	while (changes->at_told < changes->told.count || changes->at_now < changes->now.count) {
		int where = next(changes);
		size_t told = changes->at_told, now = changes->at_now;

		if (where != 0 && (where > 0) == changes->came && (*limit)-- == 0) {
			*limit = 0;
			return true;
		}
		changes->at_told += where <= 0;
		changes->at_now += where >= 0;
		if (where < 0 && !changes->came)
			changed(ctx, item_at(changes, &changes->told, told), false);
		else if (where > 0 && changes->came)
			changed(ctx, item_at(changes, &changes->now, now), true);
	}
	return false;
}

/* Removed items first, so that there is room for the added ones. */
bool changes_tell(struct changes *changes, unsigned limit,
	void (*changed)(void *ctx, const void *item, bool present), void *ctx)
{
	struct changes_list old = changes->told;

	if (tell_pass(changes, &limit, changed, ctx))
		return true;
	if (!changes->came) {
		changes->came = true;
		changes->at_told = changes->at_now = 0;
		if (tell_pass(changes, &limit, changed, ctx))
			return true;
	}
	changes->told = changes->now;
	changes->now = old;
	return false;
}

void changes_free(struct changes *changes)
{
	free(changes->told.items);
	free(changes->now.items);
}
