/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/mirror/claims.h"

#include <sessiond/claim.h>

#include <bpf/bpf.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Words of bits that one step looks at: some 10 us. */
#define STEP_WORDS 4096

struct claims {
	int sessions_fd, program_fd;
	struct sessd_claim *shared;
	uint64_t *taken;
	uint32_t capacity;
	size_t words, next; /* of `taken`, and where the next step begins */
};

struct claims *claims_create(
	int sessions_fd, int program_fd, int claim_fd, uint64_t *taken, uint32_t capacity)
{
	struct claims *claims = calloc(1, sizeof(*claims));
	void *shared;

	if (!claims)
		return NULL;
	shared = mmap(
		NULL, sizeof(struct sessd_claim), PROT_READ | PROT_WRITE, MAP_SHARED, claim_fd, 0);
	if (shared == MAP_FAILED) {
		free(claims);
		return NULL;
	}
	claims->sessions_fd = sessions_fd;
	claims->program_fd = program_fd;
	claims->shared = shared;
	claims->taken = taken;
	claims->capacity = capacity;
	claims->words = MARKS_WORDS((size_t)capacity);
	return claims;
}

void claims_destroy(struct claims *claims)
{
	if (!claims)
		return;
	explicit_bzero(claims->shared, sizeof(*claims->shared));
	munmap(claims->shared, sizeof(struct sessd_claim));
	free(claims);
}

bool claims_take(
	struct claims *claims, const uint8_t key[SESSD_KEY_SIZE], uint64_t guard, uint32_t slot)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);
	struct sessd_claim *shared = claims->shared;
	bool done;

	shared->guard = guard;
	memcpy(shared->key, key, SESSD_KEY_SIZE);
	shared->done = 0;
	done = bpf_prog_test_run_opts(claims->program_fd, &run) == 0 && run.retval == 0 &&
	       shared->done;
	if (done)
		mark_set(claims->taken, slot);
	return done;
}

/* Whether the guard says so. One that waits to be stored is not in the map. */
static bool is_gone(const struct claims *claims, const uint8_t key[SESSD_KEY_SIZE])
{
	struct sessd_entry entry;
	bool gone;

	if (bpf_map_lookup_elem(claims->sessions_fd, key, &entry) < 0)
		return false;
	gone = entry.guard == 0;
	explicit_bzero(&entry, sizeof(entry));
	return gone;
}

bool claims_covers(const struct claims *claims, uint32_t slot)
{
	return slot < claims->capacity;
}

bool claims_taken(const struct claims *claims, const struct session *session)
{
	return mark_test(claims->taken, session->slot) && is_gone(claims, session->key);
}

unsigned claims_find(struct claims *claims,
	bool (*held)(void *ctx, uint32_t slot, struct session *session), void *ctx, uint32_t *slots,
	unsigned room, bool *more)
{
	unsigned found = 0, looked = 0;
	struct session session;

	for (unsigned i = 0; i < STEP_WORDS && claims->next < claims->words; i++) {
		uint64_t bits = __atomic_load_n(&claims->taken[claims->next], __ATOMIC_RELAXED);

		for (; bits && looked < room; bits &= bits - 1, looked++) {
			uint32_t slot =
				(uint32_t)(claims->next * 64) + (uint32_t)__builtin_ctzll(bits);

			/* The bit first: whoever sets it from now on is found the next time. */
			__atomic_fetch_and(
				&claims->taken[claims->next], ~mark_bit(slot), __ATOMIC_SEQ_CST);
			if (held(ctx, slot, &session) && is_gone(claims, session.key))
				slots[found++] = slot;
		}
		if (bits)
			break;
		claims->next++;
	}
	*more = claims->next < claims->words;
	if (!*more)
		claims->next = 0;
	return found;
}
