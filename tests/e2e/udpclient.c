/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * udpclient: a client of the protocol, whose sessions are computed from a seed and a number. Every
 * reply is checked byte for byte. See usage_text.
 */
#include "tests/e2e/sample.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char usage_text[] =
	"usage: udpclient COMMAND HOST PORT [options]\n"
	"  store     send a NEW for each session; with --confirm GET each until it is there\n"
	"  remove    send a REMOVE for each session\n"
	"  fetch     GET each session once, or round and round for --seconds or until SIGTERM\n"
	"  load      GETs, one in four of them for sessions that are not there, and every fourth\n"
	"            packet a NEW, at --rate for --seconds, without waiting for replies\n"
	"options:\n"
	"  --count N    sessions (default 1)\n"
	"  --seed N     the family that they are from (default 1)\n"
	"  --timeout S  their lifetime in seconds (default 300)\n"
	"  --rate N     packets a second (default 10000)\n"
	"  --seconds S  at most 120\n"
	"  --forever    fetch: go round until SIGTERM or 120 seconds\n"
	"  --expect hit|miss|any|silence   fetch: what every GET must get (default hit); any: a "
	"hit\n"
	"               or a miss\n"
	"  --share N    load: at least so many of 100 GETs must get a reply (default: one of all)\n"
	"  --confirm\n";

/* A reply this late is lost. The output has the delays; other tests judge them, because a busy
 * machine takes the CPU away for longer than stunnel waits. */
#define LOST_US	   1000000
#define SILENCE_US 200000

static struct {
	uint64_t count, seed, rate, seconds, share;
	uint16_t timeout;
	enum sample_reply expect;
	bool confirm, forever, any;
} opt = {.count = 1, .seed = 1, .rate = 10000, .timeout = 300, .expect = REPLY_HIT};

static volatile sig_atomic_t stopped;

static void on_signal(int signo)
{
	(void)signo;
	stopped = 1;
}

static int usage(const char *problem)
{
	fprintf(stderr, "udpclient: %s\n%s", problem, usage_text);
	return 2;
}

/* Paces request number `n` of a run that began at `start`. */
static void pace(uint64_t start, uint64_t n)
{
	uint64_t due = start + n * 1000000000 / opt.rate;

	if (due > now_ns())
		sleep_until_ns(due);
}

static int store(int fd)
{
	uint8_t out[SAMPLE_DATAGRAM];
	uint64_t start = now_ns(), missing = 0;

	for (uint64_t i = 0; i < opt.count; i++) {
		pace(start, i);
		if (send(fd, out, sample_new(out, opt.seed, i, opt.timeout), 0) < 0)
			missing++;
	}
	for (uint64_t i = 0; opt.confirm && i < opt.count; i++) {
		uint64_t end = now_ns() + 3000000000;
		enum sample_reply reply;

		while ((reply = sample_ask(fd, opt.seed, i, LOST_US)) != REPLY_HIT)
			if (now_ns() > end)
				break;
		missing += reply != REPLY_HIT;
	}
	printf("stored %llu missing %llu\n", (unsigned long long)opt.count,
		(unsigned long long)missing);
	return missing ? 1 : 0;
}

static int remove_all(int fd)
{
	uint8_t out[SAMPLE_DATAGRAM];
	uint64_t start = now_ns();

	for (uint64_t i = 0; i < opt.count; i++) {
		pace(start, i);
		if (send(fd, out, sample_remove(out, opt.seed, i), 0) < 0)
			return 1;
	}
	return 0;
}

static int fetch(int fd)
{
	uint64_t start = now_ns(), end, longest = 0, sent, seen[REPLY_WRONG + 1] = {0};
	bool loop = opt.forever || opt.seconds;

	end = start + (opt.forever ? 120 : opt.seconds) * 1000000000ULL;
	for (sent = 0; !stopped && (loop ? now_ns() < end : sent < opt.count); sent++) {
		uint64_t began, took;

		pace(start, sent);
		began = now_ns();
		seen[sample_ask(fd, opt.seed, sent % opt.count,
			opt.expect == REPLY_NONE ? SILENCE_US : LOST_US)]++;
		took = now_ns() - began;
		longest = took > longest ? took : longest;
		if (took > 2000000) /* don't make up for the time lost: no bursts */
			start += took;
	}
	printf("sent %llu hit %llu miss %llu wrong %llu lost %llu longest_us %llu\n",
		(unsigned long long)sent, (unsigned long long)seen[REPLY_HIT],
		(unsigned long long)seen[REPLY_MISS], (unsigned long long)seen[REPLY_WRONG],
		(unsigned long long)seen[REPLY_NONE], (unsigned long long)(longest / 1000));
	return sent > 0 && seen[opt.expect] + (opt.any ? seen[REPLY_MISS] : 0) == sent ? 0 : 1;
}

static int load(int fd)
{
	uint8_t out[SAMPLE_DATAGRAM], in[2048];
	uint64_t start = now_ns(), end = start + opt.seconds * 1000000000ULL;
	uint64_t sent = 0, replies = 0, stored = 0;

	while (!stopped && now_ns() < end) {
		size_t len;

		pace(start, sent);
		switch (sent % 4) {
		case 0:
			len = sample_new(out, opt.seed, stored++, opt.timeout);
			break;
		case 1:
			len = sample_get(out, opt.seed + 1, sent);
			break;
		default:
			len = sample_get(out, opt.seed, sent % stored);
			break;
		}
		if (send(fd, out, len, 0) > 0)
			sent++;
		while (recv(fd, in, sizeof(in), MSG_DONTWAIT) > 0)
			replies++;
	}
	printf("sent %llu new %llu replies %llu\n", (unsigned long long)sent,
		(unsigned long long)stored, (unsigned long long)replies);
	return replies && replies * 100 >= (sent - stored) * opt.share ? 0 : 1;
}

static const struct {
	const char *name;
	int (*run)(int fd);
} commands[] = {{"store", store}, {"remove", remove_all}, {"fetch", fetch}, {"load", load}};

static int parse_expect(const char *text)
{
	if (strcmp(text, "hit") == 0)
		opt.expect = REPLY_HIT;
	else if (strcmp(text, "miss") == 0)
		opt.expect = REPLY_MISS;
	else if (strcmp(text, "silence") == 0)
		opt.expect = REPLY_NONE;
	else if (strcmp(text, "any") == 0)
		opt.any = true;
	else
		return usage("--expect is hit, miss, any or silence");
	return 0;
}

static int parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"count", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 's'},
		{"timeout", required_argument, NULL, 't'},
		{"rate", required_argument, NULL, 'r'},
		{"seconds", required_argument, NULL, 'S'},
		{"expect", required_argument, NULL, 'e'},
		{"share", required_argument, NULL, 'H'},
		{"forever", no_argument, NULL, 'f'},
		{"confirm", no_argument, NULL, 'c'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			opt.count = parse_number("--count", optarg, 1, 10000000);
			break;
		case 's':
			opt.seed = parse_number("--seed", optarg, 0, UINT32_MAX);
			break;
		case 't':
			opt.timeout = parse_number("--timeout", optarg, 0, UINT16_MAX);
			break;
		case 'r':
			opt.rate = parse_number("--rate", optarg, 1, 1000000);
			break;
		case 'S':
			opt.seconds = parse_number("--seconds", optarg, 1, 120);
			break;
		case 'e':
			if (parse_expect(optarg))
				return 2;
			break;
		case 'H':
			opt.share = parse_number("--share", optarg, 1, 100);
			break;
		case 'f':
			opt.forever = true;
			break;
		case 'c':
			opt.confirm = true;
			break;
		default:
			return usage("unknown option");
		}
	}
	return optind + 3 == argc ? 0 : usage("COMMAND, HOST and PORT are needed");
}

int main(int argc, char **argv)
{
	if (parse_options(argc, argv))
		return 2;
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[optind], commands[i].name) == 0)
			return commands[i].run(udp_connect(argv[optind + 1], argv[optind + 2]));
	return usage("unknown command");
}
