/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Notes up to which entries of the streams this cache has stored sessions. They are kept beside the
 * sessions, so that the next daemon, which adopts them, reads only what came afterwards. A mark
 * never says more than what is stored.
 */
#include "control/farm/farm_private.h"

#include <string.h>

#define MARKS_VERSION 1

_Static_assert(sizeof(struct farm_marks) <= FARM_NOTES_MAX, "they fit");

static size_t size_of(const struct farm_marks *marks)
{
	return offsetof(struct farm_marks, marks) + marks->count * sizeof(marks->marks[0]);
}

/* Other limits refuse other sessions. */
static bool fits(const struct farm *farm, const struct farm_marks *marks)
{
	return marks->version == MARKS_VERSION && marks->capacity == farm->capacity &&
	       marks->value_max == farm->value_max &&
	       strncmp(marks->farm, farm->name, sizeof(farm->name)) == 0;
}

void marks_load(struct farm *farm)
{
	struct farm_marks *kept = &farm->kept;
	size_t size = farm->side.kept_size;

	if (!farm->side.kept || size > sizeof(*kept) || size < offsetof(struct farm_marks, marks))
		return;
	memcpy(kept, farm->side.kept, size);
	if (kept->count > FARM_PEERS * FARM_ENGINES_MAX || size != size_of(kept) ||
		!fits(farm, kept))
		kept->count = 0;
	farm->resumes = kept->count > 0;
	for (uint32_t i = 0; i < kept->count; i++) {
		const struct farm_mark *mark = &kept->marks[i];

		if (mark->engine < FARM_ENGINES_MAX &&
			entry_id_compare(mark->id, farm->kept_end[mark->engine]) > 0)
			farm->kept_end[mark->engine] = mark->id;
	}
}

struct entry_id marks_end(const struct farm_engine *engine)
{
	const struct farm *farm = engine->farm;

	for (unsigned e = 0; e < FARM_ENGINES_MAX; e++)
		if (strncmp(farm->kept.run_ids[e], engine->run_id, sizeof(engine->run_id)) == 0)
			return farm->kept_end[e];
	return (struct entry_id){0};
}

bool marks_find(struct farm_engine *engine, const struct farm_peer *peer, struct entry_id *id)
{
	struct farm_marks *kept = &engine->farm->kept;

	for (uint32_t i = 0; i < kept->count; i++) {
		struct farm_mark *mark = &kept->marks[i];

		if (mark->engine >= FARM_ENGINES_MAX ||
			strncmp(kept->run_ids[mark->engine], engine->run_id,
				sizeof(engine->run_id)) != 0 ||
			strncmp(mark->node, peer->name, sizeof(peer->name)) != 0)
			continue;
		*id = mark->id;
		*mark = kept->marks[--kept->count];
		return true;
	}
	return false;
}

static void add(struct farm_marks *marks, const struct farm_engine *engine,
	const struct farm_peer *peer, struct entry_id id)
{
	struct farm_mark *mark = &marks->marks[marks->count++];

	mark->id = id;
	mark->engine = engine->index;
	memcpy(mark->node, peer->name, sizeof(peer->name));
}

void marks_keep(struct farm *farm)
{
	struct farm_marks now;

	/* History may still have a flush or a REMOVE of what is stored. */
	if (!farm->side.keep || farm->warm_up != FARM_WARM_UP_DONE || farm->history.active)
		return;
	memset(&now, 0, sizeof(now));
	now.version = MARKS_VERSION;
	now.capacity = farm->capacity;
	now.value_max = farm->value_max;
	memcpy(now.farm, farm->name, sizeof(farm->name));
	for (unsigned e = 0; e < FARM_ENGINES_MAX; e++) {
		const struct farm_engine *engine = &farm->engines[e];

		/* An entry that is half passed on counts as seen at both engines. */
		if (engine->delivery.active)
			return;
		if (!engine->used)
			continue;
		memcpy(now.run_ids[e], engine->run_id, sizeof(engine->run_id));
		for (unsigned i = 0; i < FARM_PEERS; i++) {
			const struct farm_stream *stream = &farm->peers[i].streams[e];

			if (farm->peers[i].used && stream->state == STREAM_READ &&
				stream->history_done && !stream->skipped)
				add(&now, engine, &farm->peers[i], stream->tail);
		}
	}
	if (size_of(&now) == size_of(&farm->marked) &&
		memcmp(&now, &farm->marked, size_of(&now)) == 0)
		return;
	if (farm->side.keep(farm->side.ctx, &now, size_of(&now)))
		farm->marked = now;
}
