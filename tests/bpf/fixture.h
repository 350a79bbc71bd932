/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Loads the program for a test, fills its maps, and runs it on one packet at a time. A failure here
 * fails the running cmocka test.
 */
#ifndef TESTS_BPF_FIXTURE_H
#define TESTS_BPF_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/bpf/frame.h"

#include <sessiond/map_abi.h>
#include <sessiond/visited.h>

#include "ebpf/sessiond.skel.h"

#define FIXTURE_CAPACITY 1024

/* Most instructions that the verifier may follow: a quarter of what the kernel allows. */
#define VERIFIED_MAX 250000

/* Lifetime in ticks of sessions that must not end during a test. */
#define FIXTURE_LIFE (3600ULL * 1000)

struct fixture {
	struct sessiond_bpf *bpf;
	struct sessd_config config;
};

/* --rate-limit for fixture_open; 0: none. */
extern uint32_t fixture_limit_gets, fixture_limit_news;
/* Whether fixture_run uses the program for generic XDP. */
extern bool fixture_generic;
/* --xdp-histogram for fixture_open. */
extern bool fixture_timed;
/* --take no. */
extern bool fixture_no_take;

struct outcome {
	uint32_t verdict; /* XDP_* */
	size_t size;
	uint8_t frame[FRAME_MAX + 600];
	struct sessd_xdp_counters counted; /* by this packet */
};

/* Exits 77, saying why, unless this process may load BPF programs. */
void fixture_require(void);

/* Opens the skeleton with sizes for `value_max`; the caller loads it. */
struct sessiond_bpf *fixture_open(uint32_t value_max);

/* Loads it and fills the maps. The loopback interface, where all packets arrive here, is the first
 * interface with redirection; FRAME_SERVER4/6 on FRAME_PORT are served; 10.0.0.0/8 and fd00::/8 are
 * allowed. fixture_stop also works after a partial fixture_start. */
void fixture_start(struct fixture *fixture, uint32_t value_max);
/* The same, with the loopback interface as the program's `interface`-th, or none (-1). */
void fixture_start_as(struct fixture *fixture, uint32_t value_max, int interface);
void fixture_stop(struct fixture *fixture);

/* Builds a session's entry and rest, of SESSD_REST_SIZE(value_max) bytes. The rest is the only one
 * in the block of the slot's number, at a place that depends on the slot. */
void fixture_session(const struct fixture *fixture, struct sessd_entry *entry, uint8_t *rest,
	const uint8_t *key, uint32_t slot, int64_t life, const void *value, size_t length);

/* Puts a session into the maps that ends `life` ticks from now. */
void fixture_put(const struct fixture *fixture, const uint8_t *key, uint32_t slot, int64_t life,
	const void *value, size_t length);

void fixture_put_raw(const struct fixture *fixture, const uint8_t *key,
	const struct sessd_entry *entry, uint32_t slot, const void *rest);

/* The parts of it: the rest's number in the entry, and the block, SESSD_BLOCK_SIZE(value_max)
 * bytes, with the rest. */
void fixture_set_rest(const struct fixture *fixture, struct sessd_entry *entry, uint32_t slot);
void fixture_block(const struct fixture *fixture, uint32_t slot, const void *rest, uint8_t *block);

uint64_t fixture_tick(void);
uint8_t fixture_mark(const struct fixture *fixture, uint32_t slot);
void fixture_clear_marks(const struct fixture *fixture);

void fixture_counters(const struct fixture *fixture, struct sessd_xdp_counters *sum);

/* Runs one frame through the program. */
void fixture_run(
	const struct fixture *fixture, const uint8_t *frame, size_t size, struct outcome *outcome);

/* Fails unless the outcome's counters are `retries` in get_retries, 1 in the counter at `offset` of
 * struct sessd_xdp_counters (none for FIXTURE_NO_COUNTER), and 0 in all others. */
#define FIXTURE_NO_COUNTER  SIZE_MAX
#define FIXTURE_COUNTER(of) offsetof(struct sessd_xdp_counters, of)
void fixture_assert_counted(const struct outcome *outcome, size_t offset, uint64_t retries);

#endif
