/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * witness: stores sessions at a cache and asks for each a moment later, notes when it was answered,
 * kills the cache in the middle, and asks on. Later it asks for every session that was answered
 * well before the kill. See usage_text.
 */
#include "tests/e2e/sample.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

static const char usage_text[] =
	"usage: witness store HOST PORT FILE [options]\n"
	"       witness check HOST PORT FILE [options]\n"
	"       witness lag HOST PORT HOST PORT [options]\n"
	"  --count N      sessions (default 100000)\n"
	"  --rate N       NEWs a second (default 50000), and as many GETs\n"
	"  --seed N       the family that they are from (default 1)\n"
	"  --kill PIDS    kill -9 these, separated by commas, ...\n"
	"  --at N         once so many sessions were answered (default: half of them)\n"
	"  --rest S       then go on asking for so many seconds (default 8)\n"
	"store prints what was answered, and the longest silence after the kill; check asks for "
	"what was\n"
	"answered more than 100 ms before the kill, and exits 1 if anything of it is missing. lag "
	"stores\n"
	"sessions at the first cache, one every 2 ms, asks for each at the second until it is "
	"there, and\n"
	"prints how long that took.\n";

#define LAG_NS	  5000000 /* from a NEW to its GET */
#define BEFORE_NS 100000000
#define REST_RATE 2000
#define STEP_NS	  200000
#define STEP_MOST 256
#define ASKED \
	65536 /* GETs that may be on their way: what the request's spare field tells apart \
	       */
#define UNANSWERED    (1U << 20)
#define TRIES	      5
#define TRY_US	      500000
#define LOAD_MOST_NS  60000000000
#define RECEIVE_BYTES (64 << 20)
#define LAG_EVERY_NS  2000000
#define LOST_NS	      5000000000

static struct {
	uint64_t count, rate, seed, at, rest;
	char *kill;
} opt = {.count = 100000, .rate = 50000, .seed = 1, .rest = 8};

struct get {
	uint64_t index, sent;
	bool waits;
};

/* What the file has. */
static uint64_t killed, *seen; /* when; 0: not yet */

static struct get gets[ASKED];
static uint64_t get_count, answered, confirmed, wrong;
static uint64_t unanswered[UNANSWERED]; /* when they were sent */
static uint32_t unanswered_count;
static uint64_t last_reply, silence_begin, silence_end;

static int usage(const char *problem)
{
	fprintf(stderr, "witness: %s\n%s", problem, usage_text);
	return 2;
}

static void give_up(const struct get *get)
{
	if (get->waits && unanswered_count < UNANSWERED)
		unanswered[unanswered_count++] = get->sent;
}

/* Replies repeat the request's timeout, which a GET does not need. */
static void ask(int fd, uint64_t index)
{
	uint8_t out[SAMPLE_DATAGRAM];
	size_t len = sample_get(out, opt.seed, index);
	struct get *get = &gets[get_count % ASKED];

	give_up(get);
	*get = (struct get){index, now_ns(), true};
	out[offsetof(struct sessd_header, timeout)] = (uint8_t)(get_count >> 8);
	out[offsetof(struct sessd_header, timeout) + 1] = (uint8_t)get_count;
	get_count++;
	(void)!send(fd, out, len, 0);
}

static void note_silence(uint64_t now)
{
	if (killed && now - last_reply > silence_end - silence_begin) {
		silence_begin = last_reply;
		silence_end = now;
	}
	last_reply = now;
}

static void receive(int fd)
{
	uint8_t in[2048];
	ssize_t len;

	while ((len = recv(fd, in, sizeof(in), MSG_DONTWAIT)) >= 0 || errno == ECONNREFUSED) {
		uint64_t now = now_ns();
		enum sample_reply reply;
		struct get *get;

		if (len < (ssize_t)SESSD_HEADER_SIZE)
			continue;
		get = &gets[in[offsetof(struct sessd_header, timeout)] << 8 |
			    in[offsetof(struct sessd_header, timeout) + 1]];
		in[offsetof(struct sessd_header, timeout)] = 0;
		in[offsetof(struct sessd_header, timeout) + 1] = 0;
		if (!get->waits)
			continue;
		reply = sample_check(opt.seed, get->index, in, (size_t)len);
		if (reply != REPLY_HIT && reply != REPLY_MISS) {
			wrong += reply == REPLY_WRONG;
			continue;
		}
		get->waits = false;
		answered++;
		note_silence(now);
		if (reply == REPLY_HIT && seen[get->index] == 0) {
			seen[get->index] = now;
			confirmed++;
		}
	}
}

static void kill_them(void)
{
	killed = now_ns();
	last_reply = killed;
	for (char *pid = strtok(opt.kill, ","); pid; pid = strtok(NULL, ","))
		if (kill((pid_t)atol(pid), SIGKILL) < 0)
			perror("witness: kill");
	printf("killed after %llu sessions were answered\n", (unsigned long long)confirmed);
	fflush(stdout);
}

/* Sends NEWs that are due, and GETs for those of LAG_NS ago. */
static void step(int fd, uint64_t start, uint64_t *news, uint64_t *asked)
{
	uint8_t out[SAMPLE_DATAGRAM];
	uint64_t passed = now_ns() - start, due = passed * opt.rate / 1000000000;
	uint64_t due_get = passed > LAG_NS ? (passed - LAG_NS) * opt.rate / 1000000000 : 0;

	for (unsigned i = 0; i < STEP_MOST && *news < due && *news < opt.count; i++, ++*news)
		(void)!send(fd, out, sample_new(out, opt.seed, *news, 3600), 0);
	for (unsigned i = 0; i < STEP_MOST && *asked < due_get && *asked < *news; i++)
		ask(fd, (*asked)++);
}

static int report(void)
{
	uint64_t outside = 0;

	for (uint32_t i = 0; i < ASKED; i++)
		give_up(&gets[i]);
	/* A GET that was on its way when the silence began belongs to it. */
	for (uint32_t i = 0; i < unanswered_count; i++)
		outside +=
			unanswered[i] + 2 * STEP_NS < silence_begin || unanswered[i] > silence_end;
	printf("%llu of %llu sessions answered; %llu GETs, %u unanswered, of which %llu were not "
	       "sent "
	       "during the silence; wrong %llu\n",
		(unsigned long long)confirmed, (unsigned long long)opt.count,
		(unsigned long long)get_count, unanswered_count, (unsigned long long)outside,
		(unsigned long long)wrong);
	printf("silence_ms %llu begins %llu ms after the kill\n",
		(unsigned long long)((silence_end - silence_begin) / 1000000),
		(unsigned long long)((silence_begin > killed ? silence_begin - killed : 0) /
				     1000000));
	return wrong == 0 && outside * 50 <= get_count ? 0 : 1;
}

static int store(int fd, FILE *file)
{
	int room = RECEIVE_BYTES;
	uint64_t start = now_ns(), news = 0, asked = 0, rest = 0, rest_begun = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	last_reply = start;
	for (;;) {
		uint64_t now = now_ns();

		receive(fd);
		if (!killed && opt.kill && confirmed >= opt.at)
			kill_them();
		if (news < opt.count || asked < opt.count) {
			step(fd, start, &news, &asked);
		} else if (rest_begun == 0) {
			rest_begun = now;
		} else {
			uint64_t due = (now - rest_begun) * REST_RATE / 1000000000;

			for (unsigned i = 0; i < STEP_MOST && rest < due; i++)
				ask(fd, rest++ * 37 % opt.count);
		}
		if (killed && now > killed + opt.rest * 1000000000ULL && rest_begun)
			break;
		if (now > start + LOAD_MOST_NS) {
			fprintf(stderr, "witness: only %llu sessions were answered\n",
				(unsigned long long)confirmed);
			return 1;
		}
		sleep_until_ns(now + STEP_NS);
	}
	sleep_until_ns(now_ns() + 300000000);
	receive(fd);
	note_silence(now_ns());
	if (fwrite(&killed, sizeof(killed), 1, file) != 1 ||
		fwrite(seen, sizeof(*seen), opt.count, file) != opt.count || fclose(file) != 0) {
		perror("witness");
		return 1;
	}
	return report();
}

static int check(int fd, FILE *file)
{
	uint64_t due = 0, found[REPLY_WRONG + 1] = {0};

	if (fread(&killed, sizeof(killed), 1, file) != 1 ||
		fread(seen, sizeof(*seen), opt.count, file) != opt.count) {
		fprintf(stderr, "witness: the file is short\n");
		return 1;
	}
	fclose(file);
	for (uint64_t i = 0; i < opt.count; i++) {
		enum sample_reply reply = REPLY_NONE;

		if (seen[i] == 0 || seen[i] + BEFORE_NS > killed)
			continue;
		due++;
		for (unsigned t = 0; t < TRIES && reply == REPLY_NONE; t++)
			reply = sample_ask(fd, opt.seed, i, TRY_US);
		found[reply]++;
	}
	printf("of %llu sessions that were answered 100 ms before the kill: hit %llu miss %llu "
	       "wrong "
	       "%llu unanswered %llu\n",
		(unsigned long long)due, (unsigned long long)found[REPLY_HIT],
		(unsigned long long)found[REPLY_MISS], (unsigned long long)found[REPLY_WRONG],
		(unsigned long long)found[REPLY_NONE]);
	return due > 0 && found[REPLY_HIT] == due ? 0 : 1;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int lag(int to, int from)
{
	uint8_t out[SAMPLE_DATAGRAM];

	for (uint64_t i = 0; i < opt.count; i++) {
		uint64_t sent = now_ns();

		(void)!send(to, out, sample_new(out, opt.seed, i, 300), 0);
		while (sample_ask(from, opt.seed, i, TRY_US) != REPLY_HIT) {
			if (now_ns() - sent > LOST_NS) {
				fprintf(stderr, "witness: session %llu does not arrive\n",
					(unsigned long long)i);
				return 1;
			}
		}
		seen[i] = now_ns() - sent;
		sleep_until_ns(sent + LAG_EVERY_NS);
	}
	qsort(seen, opt.count, sizeof(*seen), compare);
	printf("lag_us p50 %llu p99 %llu max %llu\n",
		(unsigned long long)seen[opt.count / 2] / 1000,
		(unsigned long long)seen[opt.count * 99 / 100] / 1000,
		(unsigned long long)seen[opt.count - 1] / 1000);
	return 0;
}

static int parse(int argc, char **argv)
{
	static const struct option options[] = {
		{"count", required_argument, NULL, 'n'},
		{"rate", required_argument, NULL, 'r'},
		{"seed", required_argument, NULL, 's'},
		{"kill", required_argument, NULL, 'k'},
		{"at", required_argument, NULL, 'a'},
		{"rest", required_argument, NULL, 'R'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			opt.count = parse_number("--count", optarg, 1, 10000000);
			break;
		case 'r':
			opt.rate = parse_number("--rate", optarg, 1, 1000000);
			break;
		case 's':
			opt.seed = parse_number("--seed", optarg, 0, UINT32_MAX);
			break;
		case 'k':
			opt.kill = optarg;
			break;
		case 'a':
			opt.at = parse_number("--at", optarg, 1, 10000000);
			break;
		case 'R':
			opt.rest = parse_number("--rest", optarg, 1, 50);
			break;
		default:
			return usage("unknown option");
		}
	}
	if (opt.at == 0)
		opt.at = opt.count / 2;
	return optind < argc ? 0 : usage("a command is needed");
}

int main(int argc, char **argv)
{
	FILE *file = NULL;
	bool stores;
	char **args;

	if (parse(argc, argv))
		return 2;
	args = argv + optind;
	argc -= optind;
	seen = calloc(opt.count, sizeof(*seen));
	if (!seen) {
		perror("witness");
		return 1;
	}
	if (strcmp(args[0], "lag") == 0)
		return argc == 5 ? lag(udp_connect(args[1], args[2]), udp_connect(args[3], args[4]))
				 : usage("lag needs two caches");
	stores = strcmp(args[0], "store") == 0;
	if (argc != 4 || (!stores && strcmp(args[0], "check") != 0))
		return usage("store or check, HOST, PORT and FILE are needed");
	if (stores && !opt.kill)
		return usage("store needs --kill");
	file = fopen(args[3], stores ? "w" : "r");
	if (!file) {
		perror("witness");
		return 1;
	}
	return (stores ? store : check)(udp_connect(args[1], args[2]), file);
}
