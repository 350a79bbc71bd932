/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The program, loaded for a test with its maps filled, and one packet at a time through it.
 * Whatever fails here fails the running cmocka test.
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

/* A bound for tests that end by themselves: ticks until a session that is to live ends. */
#define FIXTURE_LIFE (3600ULL * 1000)

struct fixture {
	struct sessiond_bpf *bpf;
	struct sessd_config config;
};

/* --rate-limit of what fixture_open opens; 0: none. */
extern uint32_t fixture_limit_gets, fixture_limit_news;
/* Whether fixture_run takes the program of generic XDP. */
extern bool fixture_generic;
/* --xdp-histogram of what fixture_open opens. */
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

/* Loads it, with the loopback interface, whence all packets come here, as the first of those that
 * it hands over from, and fills the maps: FRAME_SERVER4/6 on FRAME_PORT are served; 10.0.0.0/8 and
 * fd00::/8 may ask. fixture_stop works on what fixture_start left, however far it came. */
void fixture_start(struct fixture *fixture, uint32_t value_max);
/* The same, with the loopback interface as the program's `interface`-th, or none (-1). */
void fixture_start_as(struct fixture *fixture, uint32_t value_max, int interface);
void fixture_stop(struct fixture *fixture);

/* Makes a session's entry and overflow; `overflow` has SESSD_OVERFLOW_SIZE(value_max) bytes. */
void fixture_session(const struct fixture *fixture, struct sessd_entry *entry, uint8_t *overflow,
	const uint8_t *key, uint32_t slot, int64_t life, const void *value, size_t length);

/* Puts a session into the maps that ends `life` ticks from now. */
void fixture_put(const struct fixture *fixture, const uint8_t *key, uint32_t slot, int64_t life,
	const void *value, size_t length);

void fixture_put_raw(const struct fixture *fixture, const uint8_t *key,
	const struct sessd_entry *entry, uint32_t slot, const void *overflow);

uint64_t fixture_tick(void);
uint8_t fixture_mark(const struct fixture *fixture, uint32_t slot);
void fixture_clear_marks(const struct fixture *fixture);

void fixture_counters(const struct fixture *fixture, struct sessd_xdp_counters *sum);

/* Runs one frame through the program. */
void fixture_run(
	const struct fixture *fixture, const uint8_t *frame, size_t size, struct outcome *outcome);

/* Fails unless the outcome's counters are `retries` in get_retries, 1 in the one that lies at
 * `offset` of struct sessd_xdp_counters (none if it is FIXTURE_NO_COUNTER), and 0 in all others. */
#define FIXTURE_NO_COUNTER  SIZE_MAX
#define FIXTURE_COUNTER(of) offsetof(struct sessd_xdp_counters, of)
void fixture_assert_counted(const struct outcome *outcome, size_t offset, uint64_t retries);

#endif
