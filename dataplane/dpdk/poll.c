/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * How the writer waits. The lcores never enter the kernel and so never wake it: after a short spin
 * it sleeps in steps of at most 0.75 ms. That bounds the delay of a NEW, and costs an idle daemon
 * one to three percent of a virtual CPU.
 *
 * It pauses between two looks at rings that hold little: each look takes the cache line from the
 * lcore that is about to write it, and costs as much for few entries as for many. Without the
 * pause, on CPUs that share no cache, it took half of an lcore's time.
 */
#include "dataplane/dpdk/dpdk.h"

#include "common/spin_wait.h"

#include <rte_pause.h>
#include <sys/prctl.h>
#include <time.h>

/* Entries per lcore and poll, which bounds the writer's step. */
#define PULL_MAX 128

#define SPIN_WAIT_NS   10000
#define SPIN_NS	       30000
#define SLEEP_LEAST_NS 50000
#define SLEEP_MOST_NS  750000

/* Reads the rings round robin, beginning with the next one each time. */
static unsigned pull_all(struct engine *engine)
{
	unsigned n = 0, at = engine->next;

	for (unsigned i = 0; i < engine->lcore_count; i++) {
		n += update_ring_pull(&engine->lcores[at].updates, &engine->sink, PULL_MAX);
		at = at + 1 == engine->lcore_count ? 0 : at + 1;
	}
	engine->next = at + 1 >= engine->lcore_count ? 0 : at + 1;
	return n;
}

static bool woken(struct engine *engine)
{
	return __atomic_load_n(&engine->wake, __ATOMIC_RELAXED) &&
	       __atomic_exchange_n(&engine->wake, false, __ATOMIC_ACQUIRE);
}

int writer_poll(struct engine *engine, int timeout_ms)
{
	static __thread bool slack_set;
	uint64_t now, end;
	unsigned n;
	int err = port_events_error(engine);

	if (err)
		return err;
	if (engine->few)
		spin_wait(SPIN_WAIT_NS);
	n = pull_all(engine);
	engine->few = n > 0 && n < PULL_MAX;
	if (n || timeout_ms == 0) {
		if (n)
			engine->busy_ns = latency_now();
		return (int)n;
	}
	if (!slack_set) {
		/* By default the kernel may extend each sleep by 50 microseconds. */
		prctl(PR_SET_TIMERSLACK, 1000);
		slack_set = true;
	}
	now = latency_now();
	end = now + (uint64_t)timeout_ms * 1000000U;
	while (!woken(engine)) {
		uint64_t idle = now - engine->busy_ns, sleep = idle;

		if (idle < SPIN_NS) {
			spin_wait(SPIN_WAIT_NS);
		} else {
			if (sleep < SLEEP_LEAST_NS)
				sleep = SLEEP_LEAST_NS;
			if (sleep > SLEEP_MOST_NS)
				sleep = SLEEP_MOST_NS;
			nanosleep(&(struct timespec){.tv_nsec = (long)sleep}, NULL);
		}
		n = pull_all(engine);
		engine->few = n > 0 && n < PULL_MAX;
		now = latency_now();
		if (n)
			engine->busy_ns = now;
		if (n || now >= end)
			break;
	}
	return (int)n;
}
