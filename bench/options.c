/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/options.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const workload_names[] = {"get", "miss", "new", "remove", "take", "mix", "churn", NULL};

enum {
	OPT_ZIPF = 256,
	OPT_SEED,
	OPT_RUN,
	OPT_MIX,
	OPT_CHANGES,
	OPT_PRELOAD_RATE,
	OPT_PRELOAD_ONLY,
	OPT_NO_PRELOAD,
	OPT_FIRST,
	OPT_DEADLINE,
	OPT_PATIENCE,
	OPT_LIFETIME,
	OPT_REQUIRE_HITS,
	OPT_JSON,
	OPT_SOURCE_PORT,
	OPT_MAC,
	OPT_PROGRAM_TIME,
	OPT_REFLECTOR,
	OPT_WARM_UP,
};

const struct argp_option bench_option_table[] = {
	{0, 0, 0, 0, "Workload", 1},
	{"workload", 'w', "NAME", 0,
		"get (default), miss, new, remove, take, mix (TLS 1.3) or churn. churn asks for "
		"keys "
		"that a second sessionbench, with the same --run and with --changes, stores and "
		"removes at random; a value shows its key and its NEW",
		0},
	{"changes", OPT_CHANGES, NULL, 0, "churn: be that second sessionbench", 0},
	{"mix", OPT_MIX, "SHARE", 0,
		"mix: share of connections that resume (1 GET, 1 NEW); the others are full "
		"handshakes (2 NEWs). Default 0.5",
		0},
	{"sessions", 'n', "N", 0, "Sessions to preload and to ask for (1000)", 0},
	{"value", 'v', "BYTES[-BYTES]", 0, "Size of values, 1 to 1400 (144)", 0},
	{"keys", 'k', "HOW", 0,
		"uniform (default), zipf[:EXPONENT] (zipf:0.99), or each: every session once, for "
		"get",
		0},
	{"seed", OPT_SEED, "N", 0, "Seed of keys and values (1)", 0},
	{"lifetime", OPT_LIFETIME, "SECONDS", 0, "Timeout of NEWs (3600)", 0},
	{0, 0, 0, 0, "Load", 2},
	{"rate", 'r', "N", 0,
		"Open loop: requests per second, whatever the replies; latency counts from the "
		"time a request was due. Suffixes: k, M. Default: closed loop; with --interface as "
		"fast as the CPU builds frames",
		0},
	{"window", 'W', "N", 0, "Closed loop: outstanding requests per source port (16)", 0},
	{"duration", 'd', "SECONDS", 0, "Length of the run (10)", 0},
	{"count", 'c', "N", 0, "End after this many requests; 0 (default): after the duration", 0},
	{"threads", 't', "N", 0, "Sending threads (1)", 0},
	{"ports", 'p', "N", 0, "Source ports per thread (4)", 0},
	{"preload-rate", OPT_PRELOAD_RATE, "N", 0, "Preload at most this many sessions per second",
		0},
	{"preload-only", OPT_PRELOAD_ONLY, NULL, 0, "Store and verify the sessions, then end", 0},
	{"no-preload", OPT_NO_PRELOAD, NULL, 0, "Use the sessions of an earlier run", 0},
	{"first", OPT_FIRST, "N", 0,
		"Preload from session N on; earlier ones are already stored (0)", 0},
	{"run", OPT_RUN, "N", 0, "Number of the run, makes the keys of NEWs new (from the clock)",
		0},
	{0, 0, 0, 0, "Checks", 3},
	{"deadline", OPT_DEADLINE, "TIME", 0, "Count replies later than this (1ms)", 0},
	{"patience", OPT_PATIENCE, "TIME", 0, "Count a reply as lost after this time (200ms)", 0},
	{"require-hits", OPT_REQUIRE_HITS, NULL, 0, "A miss of a stored key is a failure", 0},
	{"json", OPT_JSON, NULL, 0, "Print the result as JSON", 0},
	{"quiet", 'q', NULL, 0, "Print no progress", 0},
	{0, 0, 0, 0, "XDP live frames", 4},
	{"interface", 'i', "IF", 0,
		"Send frames by XDP on this interface; an XDP program there checks and drops the "
		"replies. Frames go in bursts, so latency is not measured",
		0},
	{"source-port", OPT_SOURCE_PORT, "PORT", 0, "First source port of frames (20000)", 0},
	{"mac", OPT_MAC, "MAC", 0, "Destination MAC address; default: the kernel's neighbour entry",
		0},
	{"reflector", OPT_REFLECTOR, NULL, 0,
		"The target is not a cache but sends frames back, for comparison", 0},
	{"warm-up", OPT_WARM_UP, "N", 0,
		"Each thread begins with N GETs of stored sessions. They count, except in the time "
		"of "
		"--program-time",
		0},
	{"program-time", OPT_PROGRAM_TIME, "WHAT", 0,
		"Also measure the time per frame of an XDP program: IF, NETNS/IF, or id:NUMBER", 0},
	{NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0}, /* as in the other programs */
	{0},
};

static const char doc[] =
	"Loads a session cache and verifies every reply, byte for byte.\v"
	"Exit codes: 0; 1 if a reply was wrong or the run failed; 2 for a wrong command line. "
	"A miss is a wrong reply only with --require-hits; OK for a key that was never stored is "
	"always one.";

/* argp_error would add a second line about --help. */
__attribute__((noreturn, format(printf, 1, 2))) static void bad(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("sessionbench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(BENCH_EXIT_USAGE);
}

static double number(const char *name, const char *text, double low, double high, bool suffix)
{
	char *end;
	double n = strtod(text, &end);

	if (suffix && *end == 'k') {
		n *= 1e3;
		end++;
	} else if (suffix && *end == 'M') {
		n *= 1e6;
		end++;
	}
	if (end == text || *end != '\0' || isnan(n) || n < low || n > high)
		bad("--%s: %s is not a number from %.10g to %.10g", name, text, low, high);
	return n;
}

static uint64_t duration_ns(const char *name, const char *text)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
	char *end;
	double n = strtod(text, &end);

	for (size_t i = 0; end != text && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) == 0 && n > 0 && n * units[i].ns < 1e12)
			return (uint64_t)(n * units[i].ns);
	}
	bad("--%s: %s is not a time such as 500us, 1ms or 2s", name, text);
	return 0;
}

static void parse_value(struct population *p, const char *text)
{
	unsigned min, max;
	int used = 0, n = sscanf(text, "%u%n-%u%n", &min, &used, &max, &used);

	if (n == 1)
		max = min;
	if (n < 1 || text[used] != '\0' || min < 1 || min > max || max > SESSD_VALUE_LIMIT)
		bad("--value: %s is not a size, or a range of sizes, from 1 to %u", text,
			SESSD_VALUE_LIMIT);
	p->value_min = min;
	p->value_max = max;
}

static void parse_keys(struct bench_options *o, const char *text)
{
	o->each = strcmp(text, "each") == 0;
	if (strcmp(text, "uniform") == 0 || o->each)
		o->zipf = 0;
	else if (strcmp(text, "zipf") == 0)
		o->zipf = 0.99;
	else if (strncmp(text, "zipf:", 5) == 0)
		o->zipf = number("keys zipf", text + 5, 0.01, 10, false);
	else
		bad("--keys: %s is none of uniform, zipf[:EXPONENT] and each", text);
}

static void parse_workload(struct bench_options *o, const char *text)
{
	for (int i = 0; workload_names[i]; i++) {
		if (strcmp(text, workload_names[i]) == 0) {
			o->workload = (enum workload_kind)i;
			return;
		}
	}
	bad("--workload: %s is not get, miss, new, remove, take, mix or churn", text);
}

/* Checks combinations of options. */
static void check(const struct bench_options *o)
{
	if (o->interface[0] != '\0') {
		if (o->source_port + o->ports > UINT16_MAX + 1U)
			bad("--source-port: there are no %u ports from %u on", o->ports,
				o->source_port);
	} else if (o->ports > BENCH_PORTS_MAX) {
		bad("--ports: at most %u without --interface", BENCH_PORTS_MAX);
	}
	if (o->workload == WORKLOAD_CHURN &&
		(o->interface[0] == '\0' || o->population.value_min < 8))
		bad("--workload churn needs --interface and a --value of at least 8 bytes");
	if (o->workload == WORKLOAD_CHURN && o->zipf > 0)
		bad("--workload churn needs uniform keys");
	if (o->warm_up > 0 && o->interface[0] == '\0')
		bad("--warm-up works with --interface only");
	if (o->each && o->workload != WORKLOAD_GET)
		bad("--keys each works with --workload get only");
	if (o->changes && o->workload != WORKLOAD_CHURN)
		bad("--changes works with --workload churn only");
	if (o->reflector && (o->interface[0] == '\0' || o->workload != WORKLOAD_GET))
		bad("--reflector works with --interface and --workload get only");
	if (o->interface[0] == '\0' &&
		o->rate / (o->threads * o->ports) * (double)o->patience_ns / 1e9 > 65535)
		bad("--rate: too fast for %u source ports; give more --ports, or less --patience",
			o->threads * o->ports);
	if (o->first > o->sessions)
		bad("--first: there are no more than %u --sessions", o->sessions);
	if (o->preload == BENCH_PRELOAD_ONLY && o->workload != WORKLOAD_GET)
		bad("--preload-only runs no workload");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct bench_options *o = state->input;

	switch (key) {
	case 'w':
		parse_workload(o, arg);
		return 0;
	case OPT_MIX:
		o->resumed = number("mix", arg, 0, 1, false);
		return 0;
	case OPT_CHANGES:
		o->changes = true;
		return 0;
	case 'n':
		o->sessions = (uint32_t)number("sessions", arg, 1, 1 << 30, true);
		return 0;
	case 'v':
		parse_value(&o->population, arg);
		return 0;
	case 'k':
		parse_keys(o, arg);
		return 0;
	case OPT_SEED:
		o->population.seed = (uint64_t)number("seed", arg, 0, UINT32_MAX, false);
		return 0;
	case OPT_LIFETIME:
		o->timeout = (uint16_t)number("lifetime", arg, 1, UINT16_MAX, false);
		return 0;
	case 'r':
		o->rate = number("rate", arg, 1, 1e9, true);
		return 0;
	case 'W':
		o->window = (unsigned)number("window", arg, 1, BENCH_WINDOW_MAX, true);
		return 0;
	case 'd':
		o->duration = number("duration", arg, 0.01, 86400, false);
		return 0;
	case 'c':
		o->count = (uint64_t)number("count", arg, 0, 1e15, true);
		return 0;
	case 't':
		o->threads = (unsigned)number("threads", arg, 1, BENCH_THREADS_MAX, false);
		return 0;
	case 'p':
		o->ports = (unsigned)number("ports", arg, 1, BENCH_FRAME_PORTS_MAX, false);
		return 0;
	case OPT_PRELOAD_RATE:
		o->preload_rate = number("preload-rate", arg, 1, 1e9, true);
		return 0;
	case OPT_PRELOAD_ONLY:
		o->preload = BENCH_PRELOAD_ONLY;
		return 0;
	case OPT_NO_PRELOAD:
		o->preload = BENCH_PRELOAD_NONE;
		return 0;
	case OPT_FIRST:
		o->first = (uint32_t)number("first", arg, 0, 1 << 30, true);
		return 0;
	case OPT_RUN:
		o->run = (uint32_t)number("run", arg, 1, (double)POPULATION_RUN_MASK, false);
		return 0;
	case OPT_DEADLINE:
		o->deadline_ns = duration_ns("deadline", arg);
		return 0;
	case OPT_PATIENCE:
		o->patience_ns = duration_ns("patience", arg);
		return 0;
	case OPT_REQUIRE_HITS:
		o->require_hits = true;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case 'i':
		if (strlen(arg) >= sizeof(o->interface))
			bad("--interface: %s is too long for a name", arg);
		strcpy(o->interface, arg);
		return 0;
	case OPT_SOURCE_PORT:
		o->source_port = (uint16_t)number("source-port", arg, 1, UINT16_MAX, false);
		return 0;
	case OPT_MAC:
		if (strlen(arg) != sizeof(o->mac) - 1)
			bad("--mac: %s is not a MAC address", arg);
		strcpy(o->mac, arg);
		return 0;
	case OPT_REFLECTOR:
		o->reflector = true;
		o->preload = BENCH_PRELOAD_NONE;
		return 0;
	case OPT_WARM_UP:
		o->warm_up = (uint64_t)number("warm-up", arg, 0, 1e9, true);
		return 0;
	case OPT_PROGRAM_TIME:
		o->program_time = arg;
		return 0;
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			bad("one target is enough: %s", arg);
		if (endpoint_parse(arg, SESSD_PORT, &o->target) < 0 || o->target.any)
			bad("%s is not ADDR[:PORT] or [V6]:PORT", arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		bad("name the server: ADDR[:PORT]");
		return 0;
	case ARGP_KEY_END:
		check(o);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const char *argp_program_version = "sessionbench " SESSIOND_VERSION;

void bench_options_parse(struct bench_options *options, int argc, char **argv)
{
	static const struct argp argp = {
		bench_option_table, parse_option, "ADDR[:PORT]", doc, NULL, NULL, NULL};

	*options = (struct bench_options){
		.population = {.seed = 1, .value_min = 144, .value_max = 144},
		.sessions = 1000,
		.resumed = 0.5,
		.window = 16,
		.threads = 1,
		.ports = 4,
		.duration = 10,
		.deadline_ns = 1000000,
		.patience_ns = 200000000,
		.timeout = 3600,
		.source_port = 20000,
		.run = (uint32_t)(mix64((uint64_t)time(NULL) << 20 ^ (uint64_t)getpid()) %
				  (POPULATION_RUN_MASK - 1)) +
		       1,
	};
	argp_err_exit_status = BENCH_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
}
