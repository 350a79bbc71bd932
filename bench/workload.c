/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/workload.h"

void workload_init(struct workload *w, const struct bench_options *options, unsigned thread)
{
	*w = (struct workload){
		.options = options,
		.random = mix64(options->population.seed << 32 ^ options->run << 8 ^ thread),
		.first_new = (uint64_t)options->run << POPULATION_RUN_SHIFT |
			     (uint64_t)thread << POPULATION_LANE_BITS,
		.next_each = thread,
	};
	if (options->zipf > 0)
		zipf_init(&w->zipf, options->sessions, options->zipf);
}

uint64_t workload_stored(struct workload *w)
{
	uint32_t n = w->options->sessions;

	if (w->options->zipf > 0)
		return zipf_next(&w->zipf, &w->random) * POPULATION_SPREAD % n;
	return scale32(random_next(&w->random), n);
}

static uint64_t new_number(struct workload *w)
{
	return w->first_new + w->news++;
}

static void next_of_mix(struct workload *w, struct operation *operation)
{
	double u = (double)(random_next(&w->random) >> 11) * 0x1p-53;

	if (!w->second && u < w->options->resumed)
		*operation = (struct operation){SESSD_GET, workload_stored(w)};
	else
		*operation = (struct operation){SESSD_NEW, new_number(w)};
	w->second = !w->second;
}

/* Every session once; all but REMOVEs not in the order in which they lie in memory. */
static bool next_of_each(struct workload *w, enum sessd_type type, struct operation *operation)
{
	uint64_t number = w->next_each;

	if (number >= w->options->sessions)
		return false;
	w->next_each += w->options->threads;
	if (type != SESSD_REMOVE)
		number = number * POPULATION_SPREAD % w->options->sessions;
	*operation = (struct operation){type, number};
	return true;
}

bool workload_next(struct workload *w, struct operation *operation)
{
	switch (w->options->workload) {
	case WORKLOAD_GET:
		if (w->options->each)
			return next_of_each(w, SESSD_GET, operation);
		*operation = (struct operation){SESSD_GET, workload_stored(w)};
		return true;
	case WORKLOAD_MISS:
		*operation =
			(struct operation){SESSD_GET, random_next(&w->random) | POPULATION_NEVER};
		return true;
	case WORKLOAD_NEW:
		*operation = (struct operation){SESSD_NEW, new_number(w)};
		return true;
	case WORKLOAD_REMOVE:
		return next_of_each(w, SESSD_REMOVE, operation);
	case WORKLOAD_TAKE:
		return next_of_each(w, SESSD_TAKE, operation);
	case WORKLOAD_MIX:
		next_of_mix(w, operation);
		return true;
	case WORKLOAD_CHURN: /* only for live frames, which have their own generator */
		break;
	}
	return false;
}
