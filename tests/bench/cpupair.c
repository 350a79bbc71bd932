/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * cpupair FIRST SECOND: measures how two CPUs are related, which the host of a virtual machine may
 * change at any time. Prints the nanoseconds that a cache line takes from one to the other (a few
 * tens where they share a cache, some hundreds where they do not), and the percentage of its speed
 * that the second keeps while the first is busy (about 50 if both are threads of one core).
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STEP_SECONDS 0.03

static atomic_bool stop, started;
static _Alignas(128) atomic_uint ball;
static int first;

static double now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static bool pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/* As many independent additions as any core can do in parallel. */
static void work(void)
{
	uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;

	for (uint64_t i = 0; i < 10000; i++) {
		a += i, b ^= i, c += i, d ^= i, e += i, f ^= i;
		/* Otherwise the compiler would compute the result and remove the loop. */
		__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
	}
}

static void *busy(void *arg)
{
	pin(first);
	atomic_store(&started, true);
	while (!atomic_load(&stop))
		work();
	return arg;
}

static void *throw_back(void *arg)
{
	pin(first);
	atomic_store(&started, true);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		unsigned seen = atomic_load_explicit(&ball, memory_order_acquire);

		if (seen & 1)
			atomic_store_explicit(&ball, seen + 1, memory_order_release);
	}
	return arg;
}

/* Calls of work() per second of this thread's CPU time. */
static double speed(void)
{
	double start = now(CLOCK_THREAD_CPUTIME_ID), end = now(CLOCK_MONOTONIC) + STEP_SECONDS;
	unsigned n = 0;

	for (; now(CLOCK_MONOTONIC) < end; n++)
		work();
	return n / (now(CLOCK_THREAD_CPUTIME_ID) - start);
}

/* Time of one direction, in the fastest thousand: in the others a thread lost its CPU. */
static double line_ns(void)
{
	double end = now(CLOCK_MONOTONIC) + STEP_SECONDS, best = 1e9;

	while (now(CLOCK_MONOTONIC) < end) {
		double start = now(CLOCK_MONOTONIC), ns;

		for (unsigned i = 0; i < 1000; i++) {
			unsigned seen = atomic_load_explicit(&ball, memory_order_relaxed);

			atomic_store_explicit(&ball, seen + 1, memory_order_release);
			while (atomic_load_explicit(&ball, memory_order_acquire) != seen + 2)
				;
		}
		ns = (now(CLOCK_MONOTONIC) - start) * 1e9 / 2000;
		if (ns < best)
			best = ns;
	}
	return best;
}

static double beside(void *(*other)(void *), double (*measure)(void))
{
	pthread_t thread;
	double result;

	atomic_store(&stop, false);
	atomic_store(&started, false);
	if (pthread_create(&thread, NULL, other, NULL) != 0)
		exit(1);
	while (!atomic_load(&started))
		;
	result = measure();
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	return result;
}

int main(int argc, char **argv)
{
	double alone;

	if (argc != 3 || atoi(argv[1]) == atoi(argv[2])) {
		fputs("usage: cpupair FIRST SECOND\n", stderr);
		return 2;
	}
	first = atoi(argv[1]);
	if (!pin(first) || !pin(atoi(argv[2]))) {
		perror("cpupair");
		return 1;
	}
	alone = speed();
	printf("%.0f %.0f\n", beside(throw_back, line_ns), 100 * beside(busy, speed) / alone);
	return 0;
}
