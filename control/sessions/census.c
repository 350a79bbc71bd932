/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/census.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/locked_memory.h"
#include "control/sessions/context_list.h"
#include "dataplane/request.h"

/* Births are in units of 2^7 ticks, 0.13 s: 21 bits last for 78 hours. A session is at most 18
 * hours old when it is adopted, and lives for 18 hours more. */
#define BORN_SHIFT 7
#define BORN_BITS  21
#define BORN_MASK  ((1U << BORN_BITS) - 1)
/* Words of marks that a scan looks at, a million slots, and sessions that it counts: each is a
 * cache miss. Both bound it to some 0.1 ms. */
#define SCAN_WORDS    16384
#define SCAN_SESSIONS 2048

/* Ages of evicted sessions in seconds: four buckets for each doubling, up to 2^17. */
#define AGE_BUCKETS 64
/* When so many were counted, all counts are halved: the median follows the present. */
#define AGES_MAX 8192

struct note {
	uint32_t born : BORN_BITS;
	uint32_t place : 7; /* of its context */
	uint32_t kind : 3;  /* enum session_kind */
	uint32_t held : 1;
	uint8_t source;
} __attribute__((packed));

_Static_assert(sizeof(struct note) == 5, "five bytes a session");
_Static_assert(CONTEXT_OTHERS < 1 << 7 && SESSION_KINDS <= 1 << 3 && SOURCE_LIST_SIZE <= 256,
	"a note has room");

struct census {
	uint32_t capacity;
	const uint64_t *marks;
	uint64_t *seen;	    /* a bit per slot: its session was counted as used */
	struct note *notes; /* capacity */
	uint32_t scan;	    /* the next word of marks */
	struct context_list contexts;
	struct census_row rows[CONTEXT_ROWS];
	/* Of all rows: another thread that added the rows up could count one twice that moves. */
	struct census_counts totals[SESSION_KINDS];
	struct source_list sources;
	uint32_t ages[AGE_BUCKETS];
	uint32_t age_count;
};

static size_t note_bytes(uint32_t capacity)
{
	return (size_t)capacity * sizeof(struct note);
}

static uint32_t mark_words(uint32_t capacity)
{
	return MARKS_WORDS(capacity);
}

static size_t seen_bytes(uint32_t capacity)
{
	return (size_t)mark_words(capacity) * sizeof(uint64_t);
}

size_t census_reserved_bytes(uint32_t capacity)
{
	return sizeof(struct census) + note_bytes(capacity) + seen_bytes(capacity);
}

struct census *census_create(uint32_t capacity, const uint64_t *marks)
{
	struct census *census = calloc(1, sizeof(*census));

	if (!census)
		return NULL;
	census->capacity = capacity;
	census->marks = marks;
	census->rows[CONTEXT_OTHERS].others = true;
	census->notes = memory_reserve(note_bytes(capacity), false);
	census->seen = memory_reserve(seen_bytes(capacity), false);
	if (census->notes && census->seen)
		return census;
	census_destroy(census);
	return NULL;
}

void census_destroy(struct census *census)
{
	if (!census)
		return;
	memory_release(census->notes, note_bytes(census->capacity));
	memory_release(census->seen, seen_bytes(census->capacity));
	free(census);
}

static struct census_counts *counts_of(struct census *census, const struct note *note)
{
	return &census->rows[note->place].of[note->kind];
}

static bool is_seen(const struct census *census, uint32_t slot)
{
	return census->seen[slot / 64] >> slot % 64 & 1;
}

static void see(struct census *census, uint32_t slot)
{
	census->seen[slot / 64] |= 1ULL << slot % 64;
	counter_add(&counts_of(census, &census->notes[slot])->used, 1);
	counter_add(&census->totals[census->notes[slot].kind].used, 1);
	census->sources.places[census->notes[slot].source].used++;
}

uint8_t census_add(struct census *census, uint32_t slot, const struct session_facts *facts,
	const struct address *source, uint64_t born, bool used)
{
	struct note *note = &census->notes[slot];
	struct census_counts *counts, *total;

	note->born = (uint32_t)(born >> BORN_SHIFT) & BORN_MASK;
	note->place = context_list_place(&census->contexts, census->rows, facts) & 0x7f;
	note->kind = facts->kind & 7;
	note->source = source_list_take(&census->sources, source);
	note->held = 1;
	census->seen[slot / 64] &= ~(1ULL << slot % 64);
	counts = counts_of(census, note);
	total = &census->totals[note->kind];
	counter_add(&counts->sessions, 1);
	counter_add(&counts->stored, 1);
	counter_add(&total->sessions, 1);
	counter_add(&total->stored, 1);
	if (used)
		see(census, slot);
	return note->source;
}

void census_prefetch(const struct census *census, uint32_t slot)
{
	__builtin_prefetch(&census->notes[slot], 1);
	__builtin_prefetch(&census->seen[slot / 64], 1);
}

void census_taken(struct census *census, uint32_t slot)
{
	if (census->notes[slot].held && !is_seen(census, slot))
		see(census, slot);
}

struct census_counts census_counts(
	const struct census *census, unsigned place, enum session_kind kind)
{
	return census->rows[place].of[kind];
}

bool census_is_named(const struct census *census, unsigned place)
{
	return place < CONTEXT_PLACES && census->contexts.is_named[place];
}

void census_end(struct census *census, uint32_t slot)
{
	struct note *note = &census->notes[slot];

	if (!note->held)
		return;
	if (mark_test(census->marks, slot) && !is_seen(census, slot))
		see(census, slot);
	counter_add(&counts_of(census, note)->sessions, (uint64_t)-1);
	counter_add(&census->totals[note->kind].sessions, (uint64_t)-1);
	source_list_release(&census->sources, note->source);
	note->held = 0;
}

static uint32_t age_of(const struct census *census, uint32_t slot, uint64_t now)
{
	uint32_t units = ((uint32_t)(now >> BORN_SHIFT) - census->notes[slot].born) & BORN_MASK;

	return (uint32_t)(((uint64_t)units << (BORN_SHIFT + SESSD_TICK_SHIFT)) / 1000000000U);
}

/* Two bits after the highest one: 4, 5, 6, 7, 8, 10, 12, 14, 16, 20... */
static unsigned age_bucket(uint32_t age)
{
	unsigned top;

	if (age < 4)
		return age;
	top = 31 - (unsigned)__builtin_clz(age);
	top = (top - 1) * 4 + (age >> (top - 2) & 3);
	return top < AGE_BUCKETS ? top : AGE_BUCKETS - 1;
}

static uint32_t bucket_begin(unsigned bucket)
{
	return bucket < 4 ? bucket : (4U | (bucket & 3)) << (bucket / 4 - 1);
}

void census_evicted(struct census *census, uint32_t slot, uint64_t now)
{
	uint32_t *bucket = &census->ages[age_bucket(age_of(census, slot, now))];

	if (census->age_count >= AGES_MAX) {
		census->age_count = 0;
		for (unsigned i = 0; i < AGE_BUCKETS; i++) {
			__atomic_store_n(&census->ages[i], census->ages[i] / 2, __ATOMIC_RELAXED);
			census->age_count += census->ages[i];
		}
	}
	census->age_count++;
	__atomic_store_n(bucket, *bucket + 1, __ATOMIC_RELAXED);
}

/* The beginning of the bucket that holds the middle; 0 if none was evicted. */
static uint64_t median_age(const struct census *census)
{
	uint32_t ages[AGE_BUCKETS];
	uint64_t count = 0, seen = 0;

	for (unsigned i = 0; i < AGE_BUCKETS; i++)
		count += ages[i] = __atomic_load_n(&census->ages[i], __ATOMIC_RELAXED);
	for (unsigned i = 0; i < AGE_BUCKETS; i++) {
		seen += ages[i];
		if (count && 2 * seen >= count)
			return bucket_begin(i);
	}
	return 0;
}

bool census_scan(struct census *census)
{
	uint32_t words = mark_words(census->capacity);
	unsigned counted = 0;

	for (unsigned i = 0; i < SCAN_WORDS && i < words && counted < SCAN_SESSIONS; i++) {
		uint32_t at = census->scan;
		uint64_t marks = __atomic_load_n(&census->marks[at], __ATOMIC_RELAXED);

		for (marks &= ~census->seen[at]; marks; marks &= marks - 1) {
			uint32_t slot = at * 64 + (uint32_t)__builtin_ctzll(marks);

			counted++;
			if (slot < census->capacity && census->notes[slot].held)
				see(census, slot);
		}
		census->scan = at + 1 == words ? 0 : at + 1;
	}
	return counted >= SCAN_SESSIONS;
}

void census_info(
	const struct census *census, uint32_t slot, uint64_t now, struct session_info *info)
{
	const struct note *note = &census->notes[slot];
	const struct census_row *row = &census->rows[note->place];

	*info = (struct session_info){
		.age = age_of(census, slot, now),
		.kind = (enum session_kind)note->kind,
		.used = is_seen(census, slot) || mark_test(census->marks, slot),
		.has_source = note->source != SOURCE_UNKNOWN,
		.source = census->sources.places[note->source].address,
		.others = row->others,
		.context_len = row->context_len,
	};
	memcpy(info->context, row->context, sizeof(info->context));
}

void census_given(struct census *census, uint32_t slot, const struct address *by, unsigned weight)
{
	if (census->notes[slot].held)
		source_list_given(&census->sources, census->notes[slot].source, by, weight);
}

unsigned census_sources(const struct census *census, struct source_place rows[SOURCE_LIST_SIZE])
{
	return source_list_rows(&census->sources, rows);
}

static int most_first(const void *a, const void *b)
{
	uint64_t left = census_row_sessions(a), right = census_row_sessions(b);

	if (left == right) {
		left = census_row_stored(a);
		right = census_row_stored(b);
	}
	return left < right ? 1 : left > right ? -1 : 0;
}

static void add_row(struct census_row *to, const struct census_row *row)
{
	for (unsigned i = 0; i < SESSION_KINDS; i++) {
		to->of[i].sessions += row->of[i].sessions;
		to->of[i].stored += row->of[i].stored;
		to->of[i].used += row->of[i].used;
	}
}

unsigned census_rows(const struct census *census, struct census_row rows[CENSUS_ROWS])
{
	struct census_row *others = &rows[CENSUS_CONTEXTS];
	unsigned count = 0;

	memset(others, 0, sizeof(*others));
	others->others = true;
	for (unsigned place = 0; place < CONTEXT_ROWS; place++) {
		const struct census_row *row = &census->rows[place];

		if (census_is_named(census, place))
			rows[count++] = *row;
		else
			add_row(others, row);
	}
	if (census_row_stored(others) > 0)
		rows[count++] = *others;
	qsort(rows, count, sizeof(rows[0]), most_first);
	return count;
}

void census_stats(const struct census *census, stats_emit emit, void *ctx)
{
	static const char *const kinds[SESSION_KINDS] = {
		[SESSION_TLS13] = "tls13",
		[SESSION_TLS12] = "tls12",
		[SESSION_TLS_OTHER] = "tls_other",
		[SESSION_SEALED] = "sealed",
		[SESSION_OPAQUE] = "opaque",
	};
	char name[48];

	for (unsigned kind = 0; kind < SESSION_KINDS; kind++) {
		const struct census_counts *total = &census->totals[kind];

		snprintf(name, sizeof(name), "%s_sessions", kinds[kind]);
		emit(ctx, name, __atomic_load_n(&total->sessions, __ATOMIC_RELAXED));
		snprintf(name, sizeof(name), "%s_stored", kinds[kind]);
		emit(ctx, name, __atomic_load_n(&total->stored, __ATOMIC_RELAXED));
		snprintf(name, sizeof(name), "%s_used", kinds[kind]);
		emit(ctx, name, __atomic_load_n(&total->used, __ATOMIC_RELAXED));
	}
	emit(ctx, "evicted_age_seconds", median_age(census));
}
