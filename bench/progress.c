/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/progress.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct progress {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ended;
	const uint64_t *done;
	uint64_t total;
	const struct bench_result *results;
	unsigned count;
	struct bench_counters last;
};

static uint64_t load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void print_run(struct progress *p, unsigned second)
{
	struct bench_counters now = {0};
	uint64_t wrong;

	for (unsigned i = 0; i < p->count; i++) {
		const struct bench_counters *c = &p->results[i].counters;
#define X(name, text) now.name += load(&c->name);
		BENCH_COUNTERS(X)
		BENCH_WRONG_COUNTERS(X)
#undef X
	}
	wrong = bench_counters_wrong(&now);
#define GROWTH(name) ((unsigned long)(now.name - p->last.name))
	fprintf(stderr, "%4u s  %lu GET/s  %lu NEW/s  %lu replies/s  %lu late  %lu lost", second,
		GROWTH(get_sent), GROWTH(new_sent), GROWTH(hits) + GROWTH(misses), GROWTH(late),
		GROWTH(lost));
#undef GROWTH
	if (wrong > 0)
		fprintf(stderr, "  %lu WRONG", (unsigned long)wrong);
	fputc('\n', stderr);
	p->last = now;
}

static void *progress_main(void *arg)
{
	struct progress *p = arg;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&p->lock);
	for (unsigned second = 1;; second++) {
		next.tv_sec++;
		while (!p->ended &&
			pthread_cond_timedwait(&p->changed, &p->lock, &next) != ETIMEDOUT)
			;
		if (p->ended)
			break;
		if (p->results)
			print_run(p, second);
		else
			fprintf(stderr, "%4u s  %lu of %lu sessions stored and verified\n", second,
				(unsigned long)load(p->done), (unsigned long)p->total);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static struct progress *progress_start(const struct progress *what)
{
	struct progress *p = malloc(sizeof(*p));
	pthread_condattr_t attr;

	if (!p)
		return NULL;
	*p = *what;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&p->thread, NULL, progress_main, p) != 0) {
		free(p);
		return NULL;
	}
	return p;
}

struct progress *progress_preload(const uint64_t *done, uint64_t total)
{
	struct progress what = {.done = done, .total = total};

	return progress_start(&what);
}

struct progress *progress_run(const struct bench_result *results, unsigned count)
{
	struct progress what = {.results = results, .count = count};

	return progress_start(&what);
}

void progress_stop(struct progress *progress)
{
	if (!progress)
		return;
	pthread_mutex_lock(&progress->lock);
	progress->ended = true;
	pthread_cond_signal(&progress->changed);
	pthread_mutex_unlock(&progress->lock);
	pthread_join(progress->thread, NULL);
	pthread_cond_destroy(&progress->changed);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
}
