/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What is known of the sessions besides their keys: session id context, TLS version, who made each,
 * when, and whether it was ever asked for. Counted by context and kind, and by source. All of it
 * belongs to the writer thread; other threads may read the figures of census_stats.
 *
 * Hits cost the readers nothing here: a session counts as used once its visited mark is seen set,
 * by a scan of the marks or when it ends. TLS 1.3 clients use a session once, so its uses are its
 * hits; a TLS 1.2 session that is resumed several times counts once.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_CENSUS_H
#define SESSIOND_CONTROL_SESSIONS_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"
#include "control/sessions/source_list.h"
#include "dataplane/engine.h"
#include "dataplane/session_der.h"

/* Contexts counted separately: the most frequent ones (context_list.h). All others are one more
 * row, with what was counted of contexts that gave way. */
#define CENSUS_CONTEXTS 64
#define CENSUS_ROWS	(CENSUS_CONTEXTS + 1)

struct census_counts {
	uint64_t sessions; /* now */
	/* Since the start, or since the context has had its row; adopted ones included. */
	uint64_t stored;
	uint64_t used; /* asked for at least once, since then too */
};

struct census_row {
	uint8_t context_len;
	uint8_t context[SESSION_CONTEXT_MAX];
	bool others; /* the row of all other contexts */
	struct census_counts of[SESSION_KINDS];
};

static inline uint64_t census_row_sessions(const struct census_row *row)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < SESSION_KINDS; i++)
		sum += row->of[i].sessions;
	return sum;
}

static inline uint64_t census_row_stored(const struct census_row *row)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < SESSION_KINDS; i++)
		sum += row->of[i].stored;
	return sum;
}

/* What is known of one session. */
struct session_info {
	uint32_t age; /* seconds since it was stored; of adopted ones since it was made, if known */
	enum session_kind kind;
	bool used;
	bool has_source;
	struct address source; /* who made it */
	bool others;	       /* its context is one of the others */
	uint8_t context_len;
	uint8_t context[SESSION_CONTEXT_MAX];
};

struct census;

/* `marks` are the visited marks. NULL with errno set. */
struct census *census_create(uint32_t capacity, const uint64_t *marks);
void census_destroy(struct census *census);
size_t census_reserved_bytes(uint32_t capacity);

/* A session was stored in `slot` at tick `born`; its mark is set if `used`. `source` may be NULL.
 * Returns the place of the source (source_list.h). */
uint8_t census_add(struct census *census, uint32_t slot, const struct session_facts *facts,
	const struct address *source, uint64_t born, bool used);
/* A session is soon added in `slot`. */
void census_prefetch(const struct census *census, uint32_t slot);
/* It ends, before its mark is cleared. */
void census_end(struct census *census, uint32_t slot);
/* It was used by a TAKE, which sets no mark. */
void census_taken(struct census *census, uint32_t slot);
/* Call it before census_end for a session that is evicted: its age is remembered. */
void census_evicted(struct census *census, uint32_t slot, uint64_t now);
/* Looks for sessions that were used since the last scan, in a bounded part of the slots. True if it
 * counted as many as it may at once: call it again in a millisecond, else in a second. */
bool census_scan(struct census *census);

/* A GET of `by` found the session in `slot`; counts for `weight` GETs. */
void census_given(struct census *census, uint32_t slot, const struct address *by, unsigned weight);
/* The sources of sessions: as source_list_rows. */
unsigned census_sources(const struct census *census, struct source_place rows[SOURCE_LIST_SIZE]);

void census_info(
	const struct census *census, uint32_t slot, uint64_t now, struct session_info *info);
/* The counts in a place of context_list.h, below CONTEXT_ROWS. They begin anew when the place is
 * another context's, or named again; CONTEXT_GONE has what was there. */
struct census_counts census_counts(
	const struct census *census, unsigned place, enum session_kind kind);
/* Whether the context in this place has a row of its own. */
bool census_is_named(const struct census *census, unsigned place);
/* Writes the rows that ever counted a session, most sessions first, at most CENSUS_ROWS. */
unsigned census_rows(const struct census *census, struct census_row rows[CENSUS_ROWS]);

/* Sums over all contexts, and the median age of evicted sessions. Any thread. */
void census_stats(const struct census *census, stats_emit emit, void *ctx);

#endif
