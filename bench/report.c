/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/report.h"

#include <jansson.h>

#include <inttypes.h>

static const struct {
	const char *name;
	double percent;
} percentiles[] = {
	{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99}, {"max", 100}};

#define PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

void bench_counters_add(struct bench_counters *into, const struct bench_counters *from)
{
#define X(name, text) into->name += from->name;
	BENCH_COUNTERS(X)
	BENCH_WRONG_COUNTERS(X)
#undef X
}

uint64_t bench_counters_wrong(const struct bench_counters *counters)
{
	uint64_t sum = 0;

#define X(name, text) sum += counters->name;
	BENCH_WRONG_COUNTERS(X)
#undef X
	return sum;
}

static double per_second(const struct bench_result *result, uint64_t n)
{
	return result->seconds > 0 ? (double)n / result->seconds : 0;
}

static double share(uint64_t part, uint64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : 0;
}

static uint64_t replies(const struct bench_result *result)
{
	return result->counters.hits + result->counters.misses - result->counters.after_lost;
}

static uint64_t requests(const struct bench_result *result)
{
	const struct bench_counters *c = &result->counters;

	return c->get_sent + c->new_sent + c->remove_sent;
}

static uint64_t updates(const struct bench_result *result)
{
	return result->counters.new_sent + result->counters.remove_sent;
}

/* The NEWs and REMOVEs that took effect: counted if each burst was waited for, else estimated from
 * those checked after the run. */
static double landed(const struct bench_result *result)
{
	if (result->counters.landed > 0)
		return (double)result->counters.landed;
	return share(result->readback_seen, result->readback) * (double)updates(result);
}

/* Whether it is behind by more than 1 % of the run. */
static bool is_behind(const struct bench_result *result)
{
	return (double)result->behind_ns > result->seconds * 1e7;
}

static void print_time(FILE *out, uint64_t ns)
{
	if (ns < 10000)
		fprintf(out, "%" PRIu64 " ns", ns);
	else if (ns < 10000000)
		fprintf(out, "%.1f us", (double)ns / 1e3);
	else
		fprintf(out, "%.1f ms", (double)ns / 1e6);
}

static void print_latency(
	FILE *out, const struct bench_options *options, const struct bench_result *result)
{
	const struct bench_counters *c = &result->counters;

	if (result->latency.count == 0) {
		if (options->interface[0] != '\0')
			fprintf(out, "latency    not measured: frames are sent and answered in "
				     "bursts\n");
		return;
	}
	fprintf(out, "latency    ");
	for (size_t i = 0; i < PERCENTILES; i++) {
		fprintf(out, "%s%s ", i > 0 ? "  " : "", percentiles[i].name);
		print_time(out, histogram_percentile(&result->latency, percentiles[i].percent));
	}
	fprintf(out, "\n%s\n",
		c->landed > 0 ? "           from sending a burst until its last session can be read"
		: options->rate > 0 ? "           from the time at which each request was due"
				    : "           from the time at which each request was sent");
	if (c->landed > 0)
		return;
	fprintf(out, "deadline   ");
	print_time(out, options->deadline_ns);
	fprintf(out, ": %.6f %% late (%" PRIu64 ") or lost (%" PRIu64 ")\n",
		100 * share(c->late + c->lost, c->get_sent), c->late, c->lost);
	if (c->lost > 0)
		fprintf(out, "           percentiles do not include lost GETs\n");
}

static void print_held(
	FILE *out, const struct bench_options *options, const struct bench_result *result)
{
	const struct held_result *held = &result->held;

	if (held->times == 0)
		return;
	fprintf(out, "held up    the load itself was held up %" PRIu64 " times, longest ",
		held->times);
	print_time(out, held->longest);
	fprintf(out, ", ");
	print_time(out, held->total);
	fprintf(out, " in all\n");
	if (result->served.count == 0)
		return;
	fprintf(out, "           without that, from when each was sent: p99.9 ");
	print_time(out, histogram_percentile(&result->served, 99.9));
	fprintf(out, "  max ");
	print_time(out, histogram_percentile(&result->served, 100));
	if (options->rate > 0)
		fprintf(out, ", %" PRIu64 " of %" PRIu64 " late", result->counters.late_served,
			result->counters.late);
	fputc('\n', out);
}

void report_text(FILE *out, const struct bench_options *options, const struct bench_result *result)
{
	const struct bench_counters *c = &result->counters;
	uint64_t wrong = bench_counters_wrong(c);

	if (result->preload_seconds > 0)
		fprintf(out, "preload    %u sessions in %.2f s, each read back\n",
			options->sessions - options->first, result->preload_seconds);
	if (requests(result) > 0)
		fprintf(out,
			"sent       %" PRIu64 " in %.2f s: %.0f GET/s, %.0f NEW/s, %.0f REMOVE/s\n",
			requests(result), result->seconds, per_second(result, c->get_sent),
			per_second(result, c->new_sent), per_second(result, c->remove_sent));
	if (c->get_sent > 0)
		fprintf(out,
			"replies    %.0f/s: %" PRIu64 " hits, %" PRIu64 " misses; %" PRIu64
			" lost\n",
			per_second(result, replies(result)), c->hits, c->misses, c->lost);
	if (updates(result) > 0 && (result->readback > 0 || c->landed > 0))
		fprintf(out, "landed     %.0f/s; of %" PRIu64 " checked afterwards %.2f %%\n",
			landed(result) / result->seconds, result->readback,
			100 * share(result->readback_seen, result->readback));
	if (is_behind(result)) {
		fprintf(out, "BEHIND     the load itself was ");
		print_time(out, result->behind_ns);
		fprintf(out, " late at the end: this machine cannot reach that --rate\n");
	}
	print_latency(out, options, result);
	print_held(out, options, result);
	if (result->program_ns > 0)
		fprintf(out, "program    %.1f ns a frame over %" PRIu64 " frames\n",
			result->program_ns, result->program_frames);
#define X(name, text) \
	if (c->name > 0) \
		fprintf(out, "%-10s %" PRIu64 " %s\n", wrong > 0 ? "WRONG" : "", c->name, text);
	BENCH_WRONG_COUNTERS(X)
#undef X
	if (c->duplicates + c->after_lost + c->refused > 0)
		fprintf(out,
			"also       %" PRIu64 " duplicates, %" PRIu64
			" after they were lost, %" PRIu64 " refused\n",
			c->duplicates, c->after_lost, c->refused);
}

static json_t *json_options(const struct bench_options *o)
{
	char target[ADDRESS_TEXT];

	return json_pack("{ss ss ss si si si sf sf si si si si sf sI}", "workload",
		workload_names[o->workload], "target", endpoint_format(&o->target, target),
		"interface", o->interface, "sessions", (int)o->sessions, "value_min",
		(int)o->population.value_min, "value_max", (int)o->population.value_max, "zipf",
		o->zipf, "rate", o->rate, "window", (int)o->window, "threads", (int)o->threads,
		"ports", (int)o->ports, "run", (int)o->run, "resumed", o->resumed, "deadline_ns",
		(json_int_t)o->deadline_ns);
}

static json_t *json_latency(const struct histogram *latency)
{
	json_t *object;

	if (latency->count == 0)
		return json_null(); /* not measured, unlike 0 */
	object = json_object();
	for (size_t i = 0; i < PERCENTILES; i++)
		json_object_set_new(object, percentiles[i].name,
			json_integer(
				(json_int_t)histogram_percentile(latency, percentiles[i].percent)));
	return object;
}

static json_t *json_held(const struct held_result *held)
{
	if (!held->measured)
		return json_null();
	return json_pack("{sI sI sI sI sI}", "times", (json_int_t)held->times, "longest_ns",
		(json_int_t)held->longest, "total_ns", (json_int_t)held->total, "longest_gap_ns",
		(json_int_t)held->longest_gap, "waited_ns", (json_int_t)held->waited);
}

int report_json(FILE *out, const struct bench_options *options, const struct bench_result *result)
{
	const struct bench_counters *c = &result->counters;
	json_t *root = json_object(), *counters = json_object();
	int ret;

#define X(name, text) json_object_set_new(counters, #name, json_integer((json_int_t)c->name));
	BENCH_COUNTERS(X)
	BENCH_WRONG_COUNTERS(X)
#undef X
#define SET(name, value) json_object_set_new(root, name, value)
	SET("options", json_options(options));
	SET("seconds", json_real(result->seconds));
	SET("requests_per_second", json_real(per_second(result, requests(result))));
	SET("gets_per_second", json_real(per_second(result, c->get_sent)));
	SET("news_per_second", json_real(per_second(result, c->new_sent)));
	SET("replies_per_second", json_real(per_second(result, replies(result))));
	SET("landed_per_second",
		json_real(result->seconds > 0 ? landed(result) / result->seconds : 0));
	SET("late_or_lost", json_real(share(c->late + c->lost, c->get_sent)));
	SET("latency_ns", json_latency(&result->latency)); /* of answered GETs */
	SET("served_ns", json_latency(&result->served));
	SET("held_up", json_held(&result->held));
	SET("counters", counters);
	SET("behind_ns", json_integer((json_int_t)result->behind_ns));
	SET("readback", json_integer((json_int_t)result->readback));
	SET("readback_seen", json_integer((json_int_t)result->readback_seen));
	SET("preload_seconds", json_real(result->preload_seconds));
	SET("program_ns", json_real(result->program_ns));
	SET("program_frames", json_integer((json_int_t)result->program_frames));
	SET("wrong", json_integer((json_int_t)bench_counters_wrong(c)));
#undef SET
	ret = json_dumpf(root, out, JSON_INDENT(2));
	json_decref(root);
	if (ret == 0 && fputc('\n', out) == EOF)
		ret = -1;
	return ret;
}
