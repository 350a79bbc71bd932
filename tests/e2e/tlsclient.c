/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * tlsclient: makes TLS sessions at one terminator and resumes them at another, as the clients of a
 * farm do. See usage() below.
 */
#include "tests/e2e/sample.h"
#include "tests/e2e/tls_visit.h"

#include <openssl/pem.h>

#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
	"usage: tlsclient [options]\n"
	"  --make ADDR:PORT      make the sessions here\n"
	"  --resume ADDR:PORT    resume each of them once here\n"
	"  --count N             sessions (default 1)\n"
	"  --threads N           connections at a time (default 1)\n"
	"  --tls 1.2|1.3         default 1.3\n"
	"  --expect resumed|full what a visit to --resume must be (default resumed)\n"
	"  --delay MS            wait between making and resuming\n"
	"  --cert FILE           PEM with a client certificate and its key\n"
	"  --sni NAME\n"
	"  --abrupt              end the visits to --make without close_notify\n"
	"  --save FILE           write the sessions as PEM; holds secrets\n"
	"  --load FILE           read them instead of making them\n"
	"Prints 'made N resumed N full N failed N'; exits 0 if all is as expected.\n";

static struct {
	const char *make, *resume, *cert, *sni, *save, *load;
	unsigned count, threads, delay_ms;
	int version;
	bool expect_full, abrupt;
} opt = {.count = 1, .threads = 1, .version = TLS1_3_VERSION};

static SSL_CTX *ctx;
static SSL_SESSION **sessions;
static atomic_uint next_visit, made, resumed, full, failed;

static void usage(const char *problem)
{
	fprintf(stderr, "tlsclient: %s\n%s", problem, usage_text);
	exit(2);
}

static void note_failure(const char *phase, unsigned i, const char *error)
{
	/* A broken farm fails every visit the same way: the first few errors are enough. */
	if (atomic_fetch_add(&failed, 1) < 5)
		fprintf(stderr, "tlsclient: %s, session %u: %s\n", phase, i, error);
}

static void *make_some(void *arg)
{
	unsigned i;

	(void)arg;
	while ((i = atomic_fetch_add(&next_visit, 1)) < opt.count) {
		struct visit visit = {.where = opt.make, .sni = opt.sni, .abrupt = opt.abrupt};

		if (visit_make(ctx, &visit) < 0)
			note_failure("make", i, visit.error);
		else if (!visit.session)
			note_failure("make", i, "the terminator gave no session");
		else
			atomic_fetch_add(&made, 1);
		sessions[i] = visit.session;
	}
	return NULL;
}

static void *resume_some(void *arg)
{
	unsigned i;

	(void)arg;
	while ((i = atomic_fetch_add(&next_visit, 1)) < opt.count) {
		struct visit visit = {.where = opt.resume, .sni = opt.sni, .session = sessions[i]};

		if (!sessions[i])
			continue;
		if (visit_make(ctx, &visit) < 0)
			note_failure("resume", i, visit.error);
		else
			atomic_fetch_add(visit.resumed ? &resumed : &full, 1);
		sessions[i] = visit.session;
	}
	return NULL;
}

static void run_phase(void *(*some)(void *))
{
	pthread_t threads[64];

	atomic_store(&next_visit, 0);
	for (unsigned i = 0; i < opt.threads; i++) {
		if (pthread_create(&threads[i], NULL, some, NULL) != 0) {
			fprintf(stderr, "tlsclient: no thread\n");
			exit(1);
		}
	}
	for (unsigned i = 0; i < opt.threads; i++)
		pthread_join(threads[i], NULL);
}

static void save_sessions(void)
{
	FILE *file = fopen(opt.save, "w");

	for (unsigned i = 0; file && i < opt.count; i++)
		if (sessions[i])
			PEM_write_SSL_SESSION(file, sessions[i]);
	if (!file || fclose(file) != 0) {
		perror(opt.save);
		exit(1);
	}
}

static void load_sessions(void)
{
	FILE *file = fopen(opt.load, "r");

	if (!file) {
		perror(opt.load);
		exit(1);
	}
	while (made < opt.count && (sessions[made] = PEM_read_SSL_SESSION(file, NULL, NULL, NULL)))
		made++;
	fclose(file);
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"make", required_argument, NULL, 'm'},
		{"resume", required_argument, NULL, 'r'},
		{"count", required_argument, NULL, 'n'},
		{"threads", required_argument, NULL, 't'},
		{"tls", required_argument, NULL, 'v'},
		{"expect", required_argument, NULL, 'e'},
		{"delay", required_argument, NULL, 'd'},
		{"cert", required_argument, NULL, 'c'},
		{"sni", required_argument, NULL, 's'},
		{"abrupt", no_argument, NULL, 'a'},
		{"save", required_argument, NULL, 'S'},
		{"load", required_argument, NULL, 'L'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			opt.make = optarg;
			break;
		case 'r':
			opt.resume = optarg;
			break;
		case 'n':
			opt.count = parse_number("--count", optarg, 1, 1000000);
			break;
		case 't':
			opt.threads = parse_number("--threads", optarg, 1, 64);
			break;
		case 'v':
			if (strcmp(optarg, "1.2") != 0 && strcmp(optarg, "1.3") != 0)
				usage("--tls is 1.2 or 1.3");
			opt.version = optarg[2] == '2' ? TLS1_2_VERSION : TLS1_3_VERSION;
			break;
		case 'e':
			if (strcmp(optarg, "resumed") != 0 && strcmp(optarg, "full") != 0)
				usage("--expect is resumed or full");
			opt.expect_full = *optarg == 'f';
			break;
		case 'd':
			opt.delay_ms = parse_number("--delay", optarg, 0, 600000);
			break;
		case 'c':
			opt.cert = optarg;
			break;
		case 's':
			opt.sni = optarg;
			break;
		case 'a':
			opt.abrupt = true;
			break;
		case 'S':
			opt.save = optarg;
			break;
		case 'L':
			opt.load = optarg;
			break;
		default:
			usage("unknown option");
		}
	}
	if (optind != argc)
		usage("too many arguments");
	if (!opt.make == !opt.load)
		usage("one of --make and --load is needed");
	if (!opt.resume && !opt.save)
		usage("--resume or --save is needed");
}

int main(int argc, char **argv)
{
	unsigned wanted;

	parse_options(argc, argv);
	ctx = visit_context(opt.version, opt.cert);
	sessions = calloc(opt.count, sizeof(*sessions));
	if (!sessions)
		return 1;
	if (opt.load)
		load_sessions();
	else
		run_phase(make_some);
	if (opt.resume) {
		if (opt.delay_ms)
			sleep_until_ns(now_ns() + opt.delay_ms * 1000000ULL);
		run_phase(resume_some);
	}
	if (opt.save)
		save_sessions();
	printf("made %u resumed %u full %u failed %u\n", made, resumed, full, failed);
	wanted = opt.expect_full ? full : resumed;
	for (unsigned i = 0; i < opt.count; i++)
		SSL_SESSION_free(sessions[i]);
	free(sessions);
	SSL_CTX_free(ctx);
	return made == opt.count && failed == 0 && (!opt.resume || wanted == opt.count) ? 0 : 1;
}
