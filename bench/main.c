/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * sessionbench: loads a session cache, verifies every reply, and measures rates and latency.
 */
#include "common/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/flow.h"
#include "bench/frames.h"
#include "bench/options.h"
#include "bench/preload.h"
#include "bench/program_time.h"
#include "bench/progress.h"
#include "bench/report.h"
#include "bench/sockets.h"

/* NEWs and REMOVEs that are checked after a run: enough for an error of half a percent. */
#define READBACK_MAX 20000

static volatile int stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static int run_preload(const struct bench_options *options, struct bench_result *total)
{
	uint64_t start = bench_now(), done = 0;
	struct progress *progress =
		options->quiet ? NULL : progress_preload(&done, options->sessions - options->first);
	int ret = preload_store(options, &total->counters, &done, &stop);

	progress_stop(progress);
	total->preload_seconds = (double)(bench_now() - start) / 1e9;
	return ret;
}

/* Draws evenly from each thread's newest NEWs, at most --sessions in all: a full cache may have
 * evicted older ones. */
static unsigned draw_news(
	const struct bench_options *options, const uint64_t *news, uint64_t *numbers)
{
	unsigned count = 0, room = READBACK_MAX / options->threads;

	for (unsigned t = 0; t < options->threads; t++) {
		uint64_t newest = options->sessions / options->threads, first = 0;
		unsigned wanted;

		if (newest < 1)
			newest = 1;
		if (news[t] > newest)
			first = news[t] - newest;
		wanted = news[t] - first < room ? (unsigned)(news[t] - first) : room;
		for (unsigned i = 0; i < wanted; i++)
			numbers[count++] = ((uint64_t)options->run << POPULATION_RUN_SHIFT |
						   (uint64_t)t << POPULATION_LANE_BITS) +
					   first + (news[t] - first) * i / wanted;
	}
	return count;
}

static unsigned draw_removes(
	const struct bench_options *options, uint64_t removes, uint64_t *numbers)
{
	unsigned count = removes < READBACK_MAX ? (unsigned)removes : READBACK_MAX;

	(void)options;
	for (unsigned i = 0; i < count; i++)
		numbers[i] = removes * i / count;
	return count;
}

static int run_readback(
	const struct bench_options *options, const uint64_t *news, struct bench_result *total)
{
	uint64_t *numbers = calloc(READBACK_MAX, sizeof(*numbers)), there = 0;
	bool removing = options->workload == WORKLOAD_REMOVE;
	unsigned count;
	int ret;

	if (!numbers)
		return error_set(ENOMEM, "no memory to check the sent NEWs and REMOVEs");
	count = removing ? draw_removes(options, total->counters.remove_sent, numbers)
			 : draw_news(options, news, numbers);
	ret = preload_ask(options, numbers, count, &total->counters, &there);
	total->readback = count;
	total->readback_seen = removing ? count - there : there;
	free(numbers);
	return ret;
}

/* Optional parts of a run; NULL if not requested. */
struct instruments {
	struct frames *frames;
	struct program_time *time;
};

static int run_workload(const struct bench_options *options, const struct instruments *with,
	struct bench_result *results, uint64_t *news, struct bench_result *total)
{
	struct progress *progress = options->quiet ? NULL : progress_run(results, options->threads);
	cpu_set_t senders;
	uint64_t ns;
	int ret = 0;

	if (with->time)
		ret = program_time_read(with->time, &ns, &total->program_frames);
	if (ret == 0 && with->time && options->warm_up > 0) {
		frames_cpus(with->frames, &senders);
		ret = program_time_skip(with->time, options->warm_up * options->threads, &senders);
	}
	if (ret == 0)
		ret = with->frames ? frames_run(with->frames, results, news, &stop)
				   : sockets_run(options, results, news, &stop);
	progress_stop(progress);
	if (ret == 0 && with->time) {
		ret = program_time_read(with->time, &ns, &total->program_frames);
		if (total->program_frames > 0)
			total->program_ns = (double)ns / (double)total->program_frames;
	}
	return ret;
}

static void add_up(const struct bench_options *options, const struct bench_result *results,
	struct bench_result *total)
{
	for (unsigned i = 0; i < options->threads; i++) {
		bench_counters_add(&total->counters, &results[i].counters);
		histogram_add(&total->latency, &results[i].latency);
		histogram_add(&total->served, &results[i].served);
		held_add(&total->held, &results[i].held);
		if (results[i].behind_ns > total->behind_ns)
			total->behind_ns = results[i].behind_ns;
		if (results[i].seconds > total->seconds)
			total->seconds = results[i].seconds;
	}
}

static int run(const struct bench_options *options, const struct instruments *with,
	struct bench_result *total)
{
	struct bench_result *results = calloc(options->threads, sizeof(*results));
	uint64_t news[BENCH_THREADS_MAX] = {0};
	int ret = 0;

	if (!results)
		return error_set(ENOMEM, "no memory for results");
	if (options->preload != BENCH_PRELOAD_NONE && options->workload != WORKLOAD_MISS &&
		options->workload != WORKLOAD_NEW && options->workload != WORKLOAD_CHURN)
		ret = run_preload(options, total);
	if (ret == 0 && options->preload != BENCH_PRELOAD_ONLY) {
		ret = run_workload(options, with, results, news, total);
		add_up(options, results, total);
		if (ret == 0 && options->workload != WORKLOAD_CHURN &&
			total->counters.new_sent + total->counters.remove_sent > 0)
			ret = run_readback(options, news, total);
	}
	free(results);
	return ret;
}

/* The line that says why the exit code is 1, or NULL. */
static const char *judge(const struct bench_options *options, const struct bench_result *total)
{
	const struct bench_counters *c = &total->counters;

	if (bench_counters_wrong(c) > 0)
		return "wrong replies";
	if (c->get_sent > 0 && c->hits + c->misses == 0)
		return c->refused > 0 ? "nothing listens at the target"
				      : "the target does not answer";
	if (options->require_hits && c->misses > 0 && options->workload != WORKLOAD_MISS)
		return "misses of sessions that were stored";
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct bench_options options;
	struct bench_result *total = calloc(1, sizeof(*total));
	struct instruments with = {0};
	const char *fault;
	int ret = 0;

	bench_options_parse(&options, argc, argv);
	if (!total)
		return BENCH_EXIT_FAILED;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (options.program_time)
		ret = program_time_open(&with.time, options.program_time);
	if (ret == 0 && options.interface[0] != '\0')
		ret = frames_open(&with.frames, &options);
	if (ret == 0)
		ret = run(&options, &with, total);
	frames_close(with.frames);
	program_time_close(with.time);
	if (ret < 0)
		fprintf(stderr, "sessionbench: %s\n", error_message());
	if (ret == 0 || bench_counters_wrong(&total->counters) > 0) {
		if (options.json)
			report_json(stdout, &options, total);
		else
			report_text(stdout, &options, total);
	}
	fault = judge(&options, total);
	if (ret == 0 && options.preload != BENCH_PRELOAD_ONLY && fault) {
		fprintf(stderr, "sessionbench: %s\n", fault);
		ret = -EBADMSG;
	}
	free(total);
	return ret < 0 ? BENCH_EXIT_FAILED : 0;
}
