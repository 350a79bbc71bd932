/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which session id contexts are counted by name: those of most sessions stored of late. A session
 * keeps the place that its context had. A context that gives way keeps its place without being
 * named, until its last session ends. The writer thread's.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_CONTEXT_LIST_H
#define SESSIOND_CONTROL_SESSIONS_CONTEXT_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "control/sessions/census.h"

/* Places for contexts with sessions, named or not; then one for the sessions of all others. */
#define CONTEXT_PLACES 127
#define CONTEXT_OTHERS CONTEXT_PLACES
/* No session's place: what was counted in places that other contexts have now. */
#define CONTEXT_GONE (CONTEXT_OTHERS + 1)
#define CONTEXT_ROWS (CONTEXT_GONE + 1)

/* Contexts that may become frequent, by hash: one for each value of its upper bits. */
#define CONTEXT_CANDIDATES 256

struct context_candidate {
	uint64_t hash;
	uint32_t count;
};

/* Zero-initialise it. */
struct context_list {
	unsigned count; /* of the contexts named */
	unsigned last;	/* the one found last */
	uint32_t since; /* sessions, since the counts were halved */
	uint64_t hash[CENSUS_CONTEXTS];
	uint32_t recent[CENSUS_CONTEXTS]; /* sessions stored of late */
	uint8_t place[CENSUS_CONTEXTS];
	bool is_named[CONTEXT_PLACES];
	struct context_candidate candidates[CONTEXT_CANDIDATES];
};

/* A session is stored: the place of its context, or CONTEXT_OTHERS. `rows`: CONTEXT_ROWS, by place;
 * the list fills in their contexts, and moves the counts of a place that it gives to another. */
unsigned context_list_place(
	struct context_list *list, struct census_row *rows, const struct session_facts *facts);

#endif
