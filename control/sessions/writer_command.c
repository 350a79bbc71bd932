/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/writer_private.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "control/sessions/writer_farm.h"

bool writer_obey(struct writer *writer)
{
	struct command *command = atomic_load_explicit(&writer->command, memory_order_acquire);

	if (!command)
		return false;
	if (!command->step(writer, command->ctx)) {
		writer_commit(writer);
		return true;
	}
	writer_commit(writer);
	pthread_mutex_lock(&writer->lock);
	command->done = true;
	atomic_store_explicit(&writer->command, NULL, memory_order_relaxed);
	pthread_cond_signal(&writer->done);
	pthread_mutex_unlock(&writer->lock);
	return false;
}

/* Passes a command to the writer, which runs it between batches, and waits. */
static void command_run(
	struct writer *writer, bool (*step)(struct writer *writer, void *ctx), void *ctx)
{
	struct command command = {.step = step, .ctx = ctx};

	if (!writer->started)
		return;
	atomic_store_explicit(&writer->command, &command, memory_order_release);
	writer->ops->wake(writer->engine);
	pthread_mutex_lock(&writer->lock);
	while (!command.done && !writer->ended)
		pthread_cond_wait(&writer->done, &writer->lock);
	atomic_store_explicit(&writer->command, NULL, memory_order_relaxed);
	pthread_mutex_unlock(&writer->lock);
}

/* The writer uses either only between two commands. */
static bool join_step(struct writer *writer, void *ctx)
{
	writer_farm_join(writer->farm, ctx);
	return true;
}

void writer_join_farm(struct writer *writer, struct farm *farm)
{
	command_run(writer, join_step, farm);
}

static bool farm_step(struct writer *writer, void *ctx)
{
	struct writer_farm **farm = ctx, *before = writer->farm;

	writer->farm = *farm;
	*farm = before;
	if (writer->farm)
		writer_farm_own_all(writer->farm, table_used_end(writer->table));
	/* It serves already. */
	if (!writer->ready)
		status_set(&writer->status, SESSD_STATUS_READY);
	writer->ready = true;
	return true;
}

int writer_set_farm(struct writer *writer, bool on)
{
	size_t bytes = writer_farm_bytes(table_capacity(writer->table));
	struct writer_farm *farm = NULL;

	if (on == (writer->farm != NULL))
		return 0;
	if (on) {
		farm = writer_farm_create(table_capacity(writer->table));
		if (!farm)
			return error_set(ENOMEM, "no memory for a farm (%zu MiB)", bytes >> 20);
	}
	command_run(writer, farm_step, &farm);
	writer_farm_destroy(farm);
	writer->reserved_bytes =
		on ? writer->reserved_bytes + bytes : writer->reserved_bytes - bytes;
	return 0;
}

/* What is known of a session. */
static void inform(struct writer *writer, struct session *session, struct session_info *info)
{
	census_info(writer->census, session->slot, clock_tick(), info);
	if (info->others)
		writer_read_context(writer, session, info);
}

/* Whether the filter selects a session; `info` is filled in if so. The context of one of the others
 * is read if the filter asks for it, or `shown`; `values` counts that. */
static bool selects(struct writer *writer, const struct session_filter *filter,
	struct session *session, bool shown, struct session_info *info, unsigned *values)
{
	struct session_filter rest = *filter;

	census_info(writer->census, session->slot, clock_tick(), info);
	if (!info->others || !(filter->by_context || shown))
		return session_filter_selects(filter, session, info);
	rest.by_context = false;
	if (!session_filter_selects(&rest, session, info))
		return false;
	writer_read_context(writer, session, info);
	++*values;
	return session_filter_selects(filter, session, info);
}

struct find_command {
	enum {
		COMMAND_FIND,
		COMMAND_DELETE,
		COMMAND_TAKE,
	} what;
	const uint8_t *key;
	struct session *session; /* of COMMAND_FIND */
	struct session_info *info;
	bool found;
};

/* As a reader would: what has ended, if not swept yet, cannot be taken. */
static bool take(struct writer *writer, const struct session *session)
{
	if (session->expires <= clock_tick())
		return false;
	return writer->ops->claim ? writer->ops->claim(writer->engine, session)
				  : table_claim(writer->table, session->slot);
}

static bool find_step(struct writer *writer, void *ctx)
{
	struct find_command *find = ctx;
	uint32_t slot = writer_find_slot(writer, find->key);
	struct session session;

	if (slot == TABLE_NO_SLOT)
		return true;
	/* A fast path of its own must have it before it can be claimed there. */
	writer_commit(writer);
	if (!writer_session(writer, slot, &session) || writer_is_taken(writer, &session))
		return true;
	switch (find->what) {
	case COMMAND_FIND:
		if (find->info)
			inform(writer, &session, find->info);
		writer_read_length(writer, &session);
		*find->session = session;
		find->found = true;
		break;
	case COMMAND_DELETE:
		if (writer->farm)
			writer_farm_ended(writer, find->key, FARM_REMOVE);
		writer_drop_early(writer, slot);
		counter_add(&writer->sessions_flushed, 1);
		find->found = true;
		break;
	case COMMAND_TAKE:
		find->found = take(writer, &session);
		if (find->found)
			writer_drop_taken(writer, slot);
		break;
	}
	return true;
}

bool writer_delete(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE])
{
	struct find_command find = {.what = COMMAND_DELETE, .key = key};

	command_run(writer, find_step, &find);
	return find.found;
}

bool writer_take(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE])
{
	struct find_command find = {.what = COMMAND_TAKE, .key = key};

	command_run(writer, find_step, &find);
	return find.found;
}

bool writer_find(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE], struct session *session,
	struct session_info *info)
{
	struct find_command find = {
		.what = COMMAND_FIND, .key = key, .session = session, .info = info};

	command_run(writer, find_step, &find);
	return find.found;
}

/* Begins the next pass; call it when none is running. It will delete every current session, but no
 * session stored from now on. */
static void flush_begin(struct writer *writer)
{
	lifetime_turn(writer->lifetime);
	writer->flush_begun++;
	if (writer->farm)
		writer_farm_flush_begins(writer->farm);
	writer->flush_next = 0;
}

bool writer_flush_step(struct writer *writer)
{
	uint32_t capacity = table_capacity(writer->table);
	struct session session;
	unsigned deletes = 0;

	if (writer->flush_next == capacity) {
		if (writer->flush_begun == writer->flush_wanted)
			return false;
		flush_begin(writer);
	}
	if (!writer_pace_due(&writer->flush_pace))
		return true;
	for (unsigned i = 0; i < STEP_SLOTS && deletes < STEP_DELETES; i++) {
		if (lifetime_before_turn(writer->lifetime) == 0)
			writer->flush_next = capacity;
		if (writer->flush_next == capacity)
			break;
		if (table_slot(writer->table, writer->flush_next, &session) &&
			lifetime_is_before_turn(writer->lifetime, writer->flush_next)) {
			writer_drop_early(writer, writer->flush_next);
			counter_add(&writer->sessions_flushed, 1);
			deletes++;
		}
		writer->flush_next++;
	}
	writer_commit(writer);
	atomic_fetch_add_explicit(&writer->flush_deleted, deletes, memory_order_relaxed);
	if (writer->flush_next < capacity)
		return true;
	atomic_store_explicit(&writer->flush_ended, writer->flush_begun, memory_order_release);
	return writer->flush_begun != writer->flush_wanted;
}

static bool flush_start_step(struct writer *writer, void *ctx)
{
	struct writer_flush *flush = ctx;

	/* A running pass keeps sessions stored since it began, so wait for the next one. */
	flush->pass = writer->flush_begun + 1;
	flush->deleted_before = atomic_load_explicit(&writer->flush_deleted, memory_order_relaxed);
	writer->flush_wanted = flush->pass;
	if (writer->farm)
		writer_farm_flush_here(writer->farm);
	return true;
}

void writer_flush_start(struct writer *writer, struct writer_flush *flush)
{
	*flush = (struct writer_flush){.pass = UINT64_MAX};
	command_run(writer, flush_start_step, flush);
}

int writer_flush_done(struct writer *writer, const struct writer_flush *flush, uint64_t *deleted)
{
	bool ended;

	pthread_mutex_lock(&writer->lock);
	ended = writer->ended;
	pthread_mutex_unlock(&writer->lock);
	/* Acquire: flush_deleted then includes the whole pass. */
	if (atomic_load_explicit(&writer->flush_ended, memory_order_acquire) >= flush->pass) {
		*deleted = atomic_load_explicit(&writer->flush_deleted, memory_order_relaxed) -
			   flush->deleted_before;
		return 1;
	}
	if (ended || !writer->started)
		return error_set(ESHUTDOWN,
			"the daemon is ending: not all sessions were deleted, flush again");
	return 0;
}

struct list_command {
	const struct session_filter *filter;
	uint32_t *next;
	struct session *sessions;
	struct session_info *infos;
	unsigned room, count;
};

static bool list_step(struct writer *writer, void *ctx)
{
	static const struct session_filter every;
	struct list_command *list = ctx;
	uint32_t end = table_used_end(writer->table);
	unsigned values = 0;

	for (unsigned i = 0; i < STEP_SLOTS && values < STEP_VALUES && list->count < list->room;
		i++) {
		if (*list->next >= end) {
			*list->next = table_capacity(writer->table);
			break;
		}
		struct session *session = &list->sessions[list->count];

		if (writer_session(writer, *list->next, session) &&
			!writer_is_taken(writer, session) &&
			selects(writer, list->filter ? list->filter : &every, session, true,
				&list->infos[list->count], &values)) {
			writer_read_length(writer, session);
			list->count++;
		}
		++*list->next;
	}
	/* One step is a page, even an empty one: the main thread waits for it. */
	return true;
}

unsigned writer_list(struct writer *writer, const struct session_filter *filter, uint32_t *next,
	struct session *sessions, struct session_info *infos, unsigned room)
{
	struct list_command list = {
		.filter = filter, .next = next, .sessions = sessions, .infos = infos, .room = room};

	command_run(writer, list_step, &list);
	return list.count;
}

struct remove_command {
	const struct session_filter *filter;
	uint32_t *next;
	unsigned count;
};

static bool remove_step(struct writer *writer, void *ctx)
{
	struct remove_command *remove = ctx;
	uint32_t end = table_used_end(writer->table);
	uint64_t now = clock_tick();
	struct session session;
	struct session_info info;
	unsigned values = 0;

	for (unsigned i = 0; i < STEP_SLOTS && values < STEP_VALUES && remove->count < STEP_DELETES;
		i++) {
		uint32_t slot = *remove->next;

		if (slot >= end) {
			*remove->next = table_capacity(writer->table);
			break;
		}
		++*remove->next;
		if (!writer_session(writer, slot, &session) || writer_is_taken(writer, &session))
			continue;
		if (session.expires <= now ||
			!selects(writer, remove->filter, &session, false, &info, &values))
			continue;
		if (writer->farm)
			writer_farm_ended(writer, session.key, FARM_REMOVE);
		writer_drop_early(writer, slot);
		counter_add(&writer->sessions_flushed, 1);
		remove->count++;
	}
	return true;
}

unsigned writer_remove(struct writer *writer, const struct session_filter *filter, uint32_t *next)
{
	struct remove_command remove = {.filter = filter, .next = next};

	command_run(writer, remove_step, &remove);
	return remove.count;
}

struct rows_command {
	struct census_row *rows;
	unsigned count;
};

static bool rows_step(struct writer *writer, void *ctx)
{
	struct rows_command *command = ctx;

	command->count = census_rows(writer->census, command->rows);
	return true;
}

unsigned writer_contexts(struct writer *writer, struct census_row rows[CENSUS_ROWS])
{
	struct rows_command command = {.rows = rows};

	command_run(writer, rows_step, &command);
	return command.count;
}

struct places_command {
	struct source_place *rows;
	unsigned count;
};

static bool places_step(struct writer *writer, void *ctx)
{
	struct places_command *command = ctx;

	command->count = census_sources(writer->census, command->rows);
	return true;
}

unsigned writer_sources(struct writer *writer, struct source_place rows[SOURCE_LIST_SIZE])
{
	struct places_command command = {.rows = rows};

	command_run(writer, places_step, &command);
	return command.count;
}

struct describe_command {
	struct session_event *events;
	unsigned count, weight;
};

static void describe(struct writer *writer, struct session_event *event, unsigned weight)
{
	uint32_t slot = writer_find_slot(writer, event->request.key);
	struct session_info info;
	struct session session;
	struct address by;

	if (slot == TABLE_NO_SLOT || !table_slot(writer->table, slot, &session))
		return;
	inform(writer, &session, &info);
	event->kind = info.kind;
	event->context_len = info.context_len;
	memcpy(event->context, info.context, sizeof(event->context));
	memcpy(&by, event->request.source, sizeof(by));
	census_given(writer->census, slot, &by, weight);
}

static bool describe_step(struct writer *writer, void *ctx)
{
	struct describe_command *command = ctx;

	for (unsigned i = 0; i < command->count; i++)
		if (command->events[i].request.outcome == SESSD_OUTCOME_HIT)
			describe(writer, &command->events[i], command->weight);
	return true;
}

void writer_describe(
	struct writer *writer, struct session_event *events, unsigned count, unsigned weight)
{
	struct describe_command command = {.events = events, .count = count, .weight = weight};

	command_run(writer, describe_step, &command);
}
