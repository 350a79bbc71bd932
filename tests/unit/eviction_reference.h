/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A reference for the eviction of control/sessions/lifetime.h: the same rule over one array sorted
 * by age, without regard to speed.
 */
#ifndef SESSIOND_TESTS_EVICTION_REFERENCE_H
#define SESSIOND_TESTS_EVICTION_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define REFERENCE_MAX  2048
#define REFERENCE_NONE UINT32_MAX

struct reference_session {
	bool held, once, visited, proven;
};

struct reference {
	uint32_t capacity, count;
	uint32_t
		order[REFERENCE_MAX]; /* slots; each queue's slots are in order from old to young */
	struct reference_session of[REFERENCE_MAX];
	uint32_t search; /* start of the next search for a used single-use session */
	uint32_t evicted;
	uint64_t visits[2]; /* found in the probation and the proven queue */
	/* Events that occurred. */
	unsigned spent, kept, kept_proven, most_kept;
};

static inline void reference_add(struct reference *ref, uint32_t slot, bool once)
{
	ref->of[slot] = (struct reference_session){.held = true, .once = once};
	ref->order[ref->count++] = slot;
}

static inline void reference_remove(struct reference *ref, uint32_t slot)
{
	uint32_t at = 0;

	while (ref->order[at] != slot)
		at++;
	ref->count--;
	memmove(&ref->order[at], &ref->order[at + 1], (ref->count - at) * sizeof(*ref->order));
	ref->of[slot].held = false;
}

/* In slots 0 to 7, 8 to 15 and so on, 128 per eviction. */
static inline uint32_t reference_spent(struct reference *ref)
{
	uint32_t groups = ref->capacity / 8;
	bool any = false;

	for (uint32_t i = 0; i < ref->count; i++)
		any |= ref->of[ref->order[i]].once;
	for (unsigned looked = 0; any && groups > 0 && looked < 128; looked += 8) {
		for (uint32_t slot = 8 * ref->search; slot < 8 * ref->search + 8; slot++) {
			const struct reference_session *session = &ref->of[slot];

			if (session->held && session->once && session->visited)
				return slot;
		}
		ref->search = (ref->search + 1) % groups;
	}
	return REFERENCE_NONE;
}

static inline uint32_t reference_evict(struct reference *ref)
{
	uint32_t slot, sizes[2] = {0, 0};
	unsigned kept = 0;

	if (++ref->evicted % ref->capacity == 0) {
		ref->visits[0] /= 2;
		ref->visits[1] /= 2;
	}
	slot = reference_spent(ref);
	if (slot != REFERENCE_NONE) {
		ref->visits[0]++;
		ref->spent++;
		reference_remove(ref, slot);
		return slot;
	}
	for (uint32_t i = 0; i < ref->count; i++)
		sizes[ref->of[ref->order[i]].proven]++;
	for (;; kept++) {
		struct reference_session *session;
		bool proven = false;
		uint32_t at = 0;

		if (sizes[0] == 0)
			proven = true;
		else if (sizes[1] > ref->capacity / 64)
			proven = sizes[0] <= ref->capacity / 16 ||
				 ref->visits[0] * sizes[1] >= ref->visits[1] * sizes[0];
		while (ref->of[ref->order[at]].proven != proven)
			at++;
		slot = ref->order[at];
		session = &ref->of[slot];
		ref->visits[proven] += session->visited;
		if (!session->visited || session->once || kept == 16)
			break;
		reference_remove(ref, slot);
		reference_add(ref, slot, false);
		session->proven = true;
		sizes[proven]--;
		sizes[1]++;
		ref->kept++;
		ref->kept_proven += proven;
	}
	if (kept > ref->most_kept)
		ref->most_kept = kept;
	reference_remove(ref, slot);
	return slot;
}

#endif
