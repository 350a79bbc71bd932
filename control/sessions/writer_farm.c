/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/writer_farm.h"

#include "common/clock.h"
#include "control/sessions/farm_counters.h"
#include "control/sessions/farm_notes.h"
#include "control/sessions/record_ring.h"
#include "control/sessions/removed_keys.h"
#include "control/sessions/writer_private.h"
#include "dataplane/tls_version.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* Some 30 ms of a million NEWs a second, in which the farm's thread may wait for a CPU. */
#define OUT_BYTES (8U << 20)
/* The rest of it is for REMOVEs, TAKEs and flushes. */
#define OUT_REST (OUT_BYTES / 8)
/* Sessions that are passed on again wait while clients fill so much. */
#define OUT_BUSY (OUT_BYTES / 2)
#define IN_BYTES (4U << 20)

/* For so long a key that was removed here is refused from peers: the farm may hear of it late,
 * while its engines are down, or never, if the queue to it is full. */
#define REMOVED_SECONDS 60

/* Records of peers between two looks at what clients sent: some 0.1 ms. */
#define SLICE 256

struct writer_farm {
	struct record_ring out, in;
	struct farm_notes notes;
	struct removed_keys *removed;
	uint64_t *own; /* a bit per slot: a client stored it here, or an earlier daemon left it */
	/* A bit per slot: it is from before this daemon, and no record that is newer than a flush
	 * has come for it: a flush in the history ends it. */
	uint64_t *before;
	bool taken_over;   /* an earlier daemon left sessions */
	bool reached;	   /* history is as old as they are */
	bool flush_before; /* a flush of them is under way, from this word on: */
	size_t flush_word;
	struct pace flush_pace;
	_Atomic(struct farm *) farm;
	bool told;	      /* something was pushed since the farm was woken */
	atomic_bool in_woken; /* the writer was woken, and has not looked yet */
	atomic_bool again_wanted;
	_Atomic uint64_t again_at; /* once what came in before this position was taken */
	bool again;		   /* sessions are being passed on again, from slot `next` on */
	uint32_t next;
	struct pace pace;
	/* A NEW of the history finds no room, and no later one of it will. */
	atomic_bool full;
	_Atomic uint64_t full_refused; /* by the farm's thread */
	bool flush_here;	       /* the next flush is not only a peer's */
	bool flush_owed;	       /* it could not be pushed yet */
	uint64_t flushed_before; /* NEWs before this position of `in` are older than the flush */
#define X(name, ...) uint64_t name;
	FARM_COUNTERS(X)
#undef X
};

static size_t slot_words(uint32_t capacity)
{
	return (capacity + 63) / 64;
}

size_t writer_farm_bytes(uint32_t capacity)
{
	return OUT_BYTES + IN_BYTES + removed_keys_bytes() + slot_words(capacity) * 16;
}

struct writer_farm *writer_farm_create(uint32_t capacity)
{
	struct writer_farm *farm = aligned_alloc(64, sizeof(*farm));

	if (!farm)
		return NULL;
	memset(farm, 0, sizeof(*farm));
	farm->own = calloc(slot_words(capacity), 8);
	farm->before = calloc(slot_words(capacity), 8);
	farm->removed = removed_keys_create();
	if (!farm->own || !farm->before || !farm->removed ||
		record_ring_open(&farm->out, OUT_BYTES) < 0 ||
		record_ring_open(&farm->in, IN_BYTES) < 0) {
		writer_farm_destroy(farm);
		return NULL;
	}
	return farm;
}

void writer_farm_destroy(struct writer_farm *farm)
{
	if (!farm)
		return;
	record_ring_close(&farm->out);
	record_ring_close(&farm->in);
	removed_keys_destroy(farm->removed);
	free(farm->own);
	free(farm->before);
	free(farm);
}

void writer_farm_stats(const struct writer_farm *farm, stats_emit emit, void *ctx)
{
	uint64_t refused = atomic_load_explicit(&farm->full_refused, memory_order_relaxed);

#define X(name, ...) \
	emit(ctx, #name, \
		__atomic_load_n(&farm->name, __ATOMIC_RELAXED) + \
			(&farm->name == &farm->farm_no_room ? refused : 0));
	FARM_COUNTERS(X)
#undef X
}

void writer_farm_join(struct writer_farm *farm, struct farm *to)
{
	atomic_store(&farm->farm, to);
}

void writer_farm_own_all(struct writer_farm *farm, uint32_t end)
{
	memset(farm->own, 0xff, slot_words(end) * 8);
	atomic_store(&farm->again_wanted, true);
}

bool writer_farm_warm(const struct writer_farm *farm)
{
	const struct farm *to = atomic_load_explicit(&farm->farm, memory_order_acquire);

	return to && farm_ready(to);
}

/* What goes out. */

static bool push(struct writer_farm *farm, const struct farm_record *record, uint32_t leave)
{
	if (!record_ring_push(&farm->out, record, FARM_LIVE, leave))
		return false;
	farm->told = true;
	return true;
}

static void set_bit(uint64_t *words, uint32_t slot, bool on)
{
	uint64_t bit = 1ULL << slot % 64;

	if (on)
		words[slot / 64] |= bit;
	else
		words[slot / 64] &= ~bit;
}

static bool has_bit(const uint64_t *words, uint32_t slot)
{
	return words[slot / 64] >> slot % 64 & 1;
}

static void set_origin(struct writer_farm *farm, uint32_t slot, bool own, bool before)
{
	set_bit(farm->own, slot, own);
	set_bit(farm->before, slot, before);
}

void writer_farm_adopted(struct writer_farm *farm, uint32_t slot)
{
	set_origin(farm, slot, true, true);
	farm->taken_over = true;
}

/* What was dropped is in the table: the farm asks for it again, when engines take something. */
static void tell_lost(struct writer_farm *farm)
{
	struct farm *to = atomic_load_explicit(&farm->farm, memory_order_acquire);

	if (to)
		farm_lost(to);
}

void writer_farm_new(struct writer_farm *farm, const struct session *session, uint64_t hash,
	uint16_t timeout, const void *value)
{
	struct farm_record record = {.type = FARM_NEW,
		.value_len = session->len,
		.value = value,
		.seconds_left = timeout};

	set_origin(farm, session->slot, true, false);
	removed_keys_clear(farm->removed, hash);
	memcpy(record.key, session->key, SESSD_KEY_SIZE);
	if (push(farm, &record, OUT_REST)) {
		counter_add(&farm->farm_passed, 1);
		return;
	}
	counter_add(&farm->farm_drop_queue_full, 1);
	tell_lost(farm);
}

void writer_farm_ended(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE], int type)
{
	struct writer_farm *farm = writer->farm;
	struct farm_record record = {.type = (uint8_t)type};

	removed_keys_add(
		farm->removed, table_hash(writer->table, key), clock_tick(), REMOVED_SECONDS);
	memcpy(record.key, key, SESSD_KEY_SIZE);
	counter_add(push(farm, &record, 0) ? &farm->farm_passed : &farm->farm_drop_queue_full, 1);
}

void writer_farm_flush_here(struct writer_farm *farm)
{
	farm->flush_here = true;
}

/* A flush is never dropped. */
static void tell_flush(struct writer_farm *farm)
{
	const struct farm_record record = {.type = FARM_FLUSH};

	if (!farm->flush_owed || !push(farm, &record, 0))
		return;
	farm->flush_owed = false;
	counter_add(&farm->farm_passed, 1);
}

void writer_farm_flush_begins(struct writer_farm *farm)
{
	if (!farm->flush_here)
		return;
	farm->flush_here = false;
	farm->flush_owed = true;
	farm->flushed_before = record_ring_tail(&farm->in);
	tell_flush(farm);
}

static bool pass_again(struct writer *writer, uint32_t slot, uint64_t now)
{
	uint8_t value[ENGINE_VALUE_ROOM];
	struct farm_record record = {.type = FARM_NEW, .value = value};
	struct session session;

	if (!writer_session(writer, slot, &session) || writer_is_taken(writer, &session) ||
		session.expires < now + clock_ticks(1))
		return false;
	record.value_len = writer_value(writer, &session, value);
	if (record.value_len == 0)
		return false;
	memcpy(record.key, session.key, SESSD_KEY_SIZE);
	/* Rounded down: a session never lives longer than its client said. */
	record.seconds_left = (uint32_t)clock_seconds(session.expires - now) - 1;
	if (record.seconds_left > 0 && push(writer->farm, &record, OUT_REST))
		counter_add(&writer->farm->farm_passed_again, 1);
	explicit_bzero(value, record.value_len);
	return true;
}

/* A step of passing on the sessions of this cache again; true if there is more. */
static bool again_step(struct writer *writer)
{
	struct writer_farm *farm = writer->farm;
	uint32_t end = table_used_end(writer->table);
	uint64_t now = clock_tick();
	unsigned passed = 0;

	/* What a flush ends does not go out again. */
	if (farm->flush_before || !record_ring_passed(&farm->in, atomic_load(&farm->again_at)))
		return false;
	if (atomic_exchange_explicit(&farm->again_wanted, false, memory_order_acquire)) {
		farm->again = true;
		farm->next = 0;
	}
	if (!farm->again || !writer_pace_due(&farm->pace))
		return farm->again;
	for (unsigned i = 0; i < STEP_SLOTS && passed < SLICE && farm->next < end; i++) {
		if (record_ring_room(&farm->out) < OUT_BUSY)
			return true;
		if (has_bit(farm->own, farm->next))
			passed += pass_again(writer, farm->next, now);
		farm->next++;
	}
	farm->again = farm->next < end;
	return farm->again;
}

/* What comes in. */

static void store(struct writer *writer, const struct farm_record *record, enum farm_age age)
{
	struct writer_farm *farm = writer->farm;
	uint64_t hash = table_hash(writer->table, record->key), now = clock_tick();
	uint32_t slot = table_find(writer->table, hash, record->key);
	struct session_facts facts;
	struct session session;
	bool oldest;

	if (record->value_len == 0 || record->value_len > writer->value_max ||
		record->seconds_left == 0 || record->seconds_left > UINT16_MAX ||
		status_has(&writer->status, slot)) {
		counter_add(&farm->farm_invalid, 1);
		return;
	}
	/* Which also tells other caches, and notes the key. */
	if (slot != TABLE_NO_SLOT && writer_session(writer, slot, &session) &&
		writer_is_taken(writer, &session))
		writer_drop_taken(writer, slot);
	else if (slot != TABLE_NO_SLOT && session.expires > now) {
		counter_add(&farm->farm_exists, 1);
		if (age == FARM_HISTORY && has_bit(farm->before, slot))
			farm->reached = true;
		if (age != FARM_MISSED)
			set_bit(farm->before, slot, false);
		return;
	} else if (slot != TABLE_NO_SLOT) {
		writer_drop_early(writer, slot);
		counter_add(&writer->sessions_expired, 1);
	}
	if (removed_keys_has(farm->removed, hash, now)) {
		counter_add(&farm->farm_outdated, 1);
		return;
	}
	/* In a full cache history gives way, unless it is newer than what was taken over. */
	oldest = age == FARM_HISTORY && (!farm->taken_over || farm->reached);
	slot = oldest ? writer_free_slot(writer, now) : writer_take_slot(writer, now);
	if (slot == TABLE_NO_SLOT && oldest) {
		atomic_store_explicit(&farm->full, true, memory_order_relaxed);
		counter_add(&farm->farm_no_room, 1);
		return;
	}
	if (slot == TABLE_NO_SLOT) {
		counter_add(&writer->new_failed, 1);
		return;
	}
	memcpy(session.key, record->key, SESSD_KEY_SIZE);
	session.expires = clock_expiry(now, record->seconds_left);
	session.slot = slot;
	session.len = record->value_len;
	set_origin(farm, slot, false, age == FARM_MISSED);
	session_read(record->value, record->value_len, &facts);
	writer_store(writer, hash, &session, record->value, &facts, NULL, oldest);
	counter_add(&farm->farm_stored, 1);
}

static void end(struct writer *writer, const struct farm_record *record)
{
	struct writer_farm *farm = writer->farm;
	uint32_t slot = writer_find_slot(writer, record->key);
	struct session session;

	if (slot == TABLE_NO_SLOT || !table_slot(writer->table, slot, &session))
		return;
	if (writer_is_taken(writer, &session)) {
		writer_drop_taken(writer, slot);
		return;
	}
	writer_drop_early(writer, slot);
	counter_add(record->type == FARM_TAKEN ? &farm->farm_taken : &farm->farm_removed, 1);
}

/* Deletes a session that was stored before a flush. */
static bool flush_slot(struct writer *writer, uint32_t slot)
{
	struct session session;

	if (!table_slot(writer->table, slot, &session) || status_has(&writer->status, slot))
		return false;
	writer_drop_early(writer, slot);
	counter_add(&writer->sessions_flushed, 1);
	return true;
}

static void flush_before_begin(struct writer_farm *farm)
{
	farm->flush_before = true;
	farm->flush_word = 0;
}

/* A step of a flush of the sessions from before. */
static void flush_before_step(struct writer *writer)
{
	struct writer_farm *farm = writer->farm;
	size_t words = slot_words(table_capacity(writer->table));
	unsigned deletes = 0;

	if (!farm->flush_before || !writer_pace_due(&farm->flush_pace))
		return;
	for (unsigned i = 0; i < STEP_SLOTS && farm->flush_word < words; i++) {
		uint64_t *word = &farm->before[farm->flush_word];

		while (*word != 0 && deletes < STEP_DELETES) {
			uint32_t slot =
				(uint32_t)farm->flush_word * 64 + (uint32_t)__builtin_ctzll(*word);

			*word &= *word - 1;
			deletes += flush_slot(writer, slot);
		}
		if (*word != 0)
			break;
		farm->flush_word++;
	}
	writer_commit(writer);
	farm->flush_before = farm->flush_word < words;
}

/* False: what follows waits until the flush has begun, or it would be flushed too. */
static bool take(void *ctx, const struct farm_record *record, enum farm_age age, uint64_t at)
{
	struct writer *writer = ctx;
	struct writer_farm *farm = writer->farm;

	switch (record->type) {
	case FARM_NEW:
		if (at < farm->flushed_before)
			counter_add(&farm->farm_outdated, 1);
		else
			store(writer, record, age);
		break;
	case FARM_REMOVE:
	case FARM_TAKEN:
		end(writer, record);
		break;
	case FARM_FLUSH:
		counter_add(&farm->farm_flushes, 1);
		if (age == FARM_LIVE)
			/* As one of the administrator. */
			writer->flush_wanted = writer->flush_begun + 1;
		else
			flush_before_begin(farm);
		return false;
	default:
		break; /* the farm counts them */
	}
	return true;
}

/* It was asked for, and has not begun; or one of the sessions from before has not ended. */
static bool flush_waits(const struct writer *writer)
{
	return writer->flush_begun != writer->flush_wanted || writer->farm->flush_before;
}

/* A flush that did not end would be forgotten by the next daemon. */
static void write_notes(struct writer *writer)
{
	struct writer_farm *farm = writer->farm;

	if (farm_notes_offered(&farm->notes) && record_ring_passed(&farm->in, farm->notes.at) &&
		!flush_waits(writer) &&
		writer->flush_begun ==
			atomic_load_explicit(&writer->flush_ended, memory_order_relaxed))
		farm_notes_write(&farm->notes);
}

int writer_farm_step(struct writer *writer, int rest)
{
	struct writer_farm *farm = writer->farm;
	struct farm *to = atomic_load_explicit(&farm->farm, memory_order_acquire);
	unsigned n;

	flush_before_step(writer);
	/* Whoever pushes after this wakes the writer again. */
	atomic_exchange(&farm->in_woken, false);
	n = flush_waits(writer) ? 0 : record_ring_pull(&farm->in, SLICE, take, writer);
	if (n > 0)
		writer_commit(writer);
	write_notes(writer);
	/* A peer's flush begins in the next round. */
	if ((again_step(writer) || flush_waits(writer)) && rest > STEP_PAUSE_MS)
		rest = STEP_PAUSE_MS;
	tell_flush(farm);
	if (farm->told && to) {
		farm->told = false;
		record_ring_announce(&farm->out);
		farm_wake(to);
	}
	if (n < SLICE)
		return rest;
	/* There is more. A reader that waits for this CPU goes first: the kernel may let it wait
	 * for a tick of its timer, 4 ms. */
	sched_yield();
	return 0;
}

/* The farm's thread. */

struct outlet {
	void (*take)(void *to, const struct farm_record *record);
	void *to;
};

static bool let_out(void *ctx, const struct farm_record *record, enum farm_age age, uint64_t at)
{
	const struct outlet *outlet = ctx;

	(void)age;
	(void)at;
	outlet->take(outlet->to, record);
	return true;
}

static unsigned outgoing(void *ctx, unsigned max,
	void (*take_record)(void *to, const struct farm_record *record), void *to)
{
	struct writer *writer = ctx;
	struct outlet outlet = {take_record, to};

	return record_ring_pull(&writer->farm->out, max, let_out, &outlet);
}

static void wake_writer(struct writer *writer)
{
	if (!atomic_exchange(&writer->farm->in_woken, true))
		writer->ops->wake(writer->engine);
}

static bool incoming(void *ctx, const struct farm_record *record, enum farm_age age)
{
	struct writer *writer = ctx;
	struct writer_farm *farm = writer->farm;
	bool pushed;

	/* Of a session that is stored already it tells how new that is. */
	if (age == FARM_HISTORY && record->type == FARM_NEW && !farm->taken_over &&
		atomic_load_explicit(&farm->full, memory_order_relaxed)) {
		atomic_fetch_add_explicit(&farm->full_refused, 1, memory_order_relaxed);
		return true;
	}
	pushed = record_ring_push(&farm->in, record, age, 0);
	wake_writer(writer);
	return pushed;
}

static void resend(void *ctx)
{
	struct writer *writer = ctx;

	atomic_store(&writer->farm->again_at, record_ring_tail(&writer->farm->in));
	atomic_store_explicit(&writer->farm->again_wanted, true, memory_order_release);
	wake_writer(writer);
}

static bool keep(void *ctx, const void *bytes, size_t size)
{
	struct writer *writer = ctx;

	return farm_notes_offer(
		&writer->farm->notes, bytes, size, record_ring_tail(&writer->farm->in));
}

struct farm_side writer_farm_side(struct writer *writer)
{
	struct farm_notes *notes = &writer->farm->notes;
	struct farm_side side = {.ctx = writer,
		.outgoing = outgoing,
		.incoming = incoming,
		.resend = resend,
		.keep = keep,
		.taken_over = writer->farm->taken_over};
	size_t size = 0;
	void *memory = writer->ops->notes ? writer->ops->notes(writer->engine, &size) : NULL;

	farm_notes_open(notes, memory, size);
	side.kept = farm_notes_read(notes, &side.kept_size);
	return side;
}
