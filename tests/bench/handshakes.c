/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * handshakes resumed|full PORT SECONDS [THREADS]: TLS 1.3 handshakes with a server of loopback, one
 * after the other in each thread, without a request. Each offers a session that was given 32
 * handshakes before, as clients come back later; `full` offers none. Prints as JSON how many there
 * were, how many of them resumed, and the percentiles of their time. Exits 1 if one failed.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/client/visitor.h"

#define THREADS_MAX 64
#define DEPTH	    32
#define TIMES_MAX   200000

struct client {
	pthread_t thread;
	SSL_CTX *ctx;
	SSL_SESSION *sessions[2 * DEPTH];
	unsigned first, count; /* of sessions */
	unsigned given;	       /* by this connection */
	unsigned handshakes, resumed, all;
	uint32_t *times; /* ns */
};

static int port;
static bool full;
static double seconds;
static pthread_barrier_t filled;
static atomic_uint_fast64_t began;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct client *client = SSL_get_app_data(ssl);

	client->given++;
	if (client->count == 2 * DEPTH)
		return 0;
	client->sessions[(client->first + client->count++) % (2 * DEPTH)] = session;
	return 1;
}

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "handshakes: %s failed\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void handshake(struct client *client, bool timed)
{
	SSL *ssl = SSL_new(client->ctx);
	int fd = visitor_connect(port);
	uint64_t from;
	char byte;

	SSL_set_fd(ssl, fd);
	SSL_set_app_data(ssl, client);
	if (timed && !full && client->count) {
		SSL_SESSION *session = client->sessions[client->first];

		client->first = (client->first + 1) % (2 * DEPTH);
		client->count--;
		SSL_set_session(ssl, session);
		SSL_SESSION_free(session);
	}
	client->given = 0;
	from = now_ns();
	check(SSL_connect(ssl) == 1, "a handshake");
	if (timed && client->handshakes < TIMES_MAX)
		client->times[client->handshakes] = (uint32_t)(now_ns() - from);
	/* Returns after each record: the tickets come in one or two of them. */
	while (client->given == 0) {
		int ret = SSL_read(ssl, &byte, 1);

		check(ret > 0 || SSL_get_error(ssl, ret) == SSL_ERROR_WANT_READ, "a ticket");
	}
	client->all++;
	client->handshakes += timed;
	client->resumed += timed && SSL_session_reused(ssl);
	/* Without a close_notify the server would remove the session. */
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

static void *run(void *arg)
{
	struct client *client = arg;
	uint64_t end;

	while (client->count < DEPTH)
		handshake(client, false);
	pthread_barrier_wait(&filled);
	end = now_ns();
	atomic_store(&began, end);
	end += (uint64_t)(seconds * 1e9);
	while (now_ns() < end)
		handshake(client, true);
	return NULL;
}

static SSL_CTX *context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_session_cache_mode(
		ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	return ctx;
}

static int by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
	static struct client clients[THREADS_MAX];
	unsigned threads = argc > 4 ? (unsigned)atoi(argv[4]) : 1;
	unsigned handshakes = 0, resumed = 0, all = 0, times = 0;
	uint32_t *sorted;
	double took;

	if (argc < 4 || threads < 1 || threads > THREADS_MAX) {
		fprintf(stderr, "usage: handshakes resumed|full PORT SECONDS [THREADS]\n");
		return 2;
	}
	full = strcmp(argv[1], "full") == 0;
	port = atoi(argv[2]);
	seconds = atof(argv[3]);
	pthread_barrier_init(&filled, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		clients[i].ctx = context();
		clients[i].times = calloc(TIMES_MAX, sizeof(uint32_t));
		check(pthread_create(&clients[i].thread, NULL, run, &clients[i]) == 0, "a thread");
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(clients[i].thread, NULL);
	took = (double)(now_ns() - atomic_load(&began)) / 1e9;
	sorted = calloc((size_t)threads * TIMES_MAX, sizeof(uint32_t));
	for (unsigned i = 0; i < threads; i++) {
		for (unsigned n = 0; n < clients[i].handshakes && n < TIMES_MAX; n++)
			sorted[times++] = clients[i].times[n];
		handshakes += clients[i].handshakes;
		resumed += clients[i].resumed;
		all += clients[i].all;
	}
	check(times > 0, "every handshake");
	qsort(sorted, times, sizeof(uint32_t), by_size);
	printf("{\"handshakes\": %u, \"resumed\": %u, \"all\": %u, \"seconds\": %.6f, "
	       "\"p50\": %u, \"p99\": %u, \"p999\": %u}\n",
		handshakes, resumed, all, took, sorted[times / 2], sorted[(size_t)times * 99 / 100],
		sorted[(size_t)times * 999 / 1000]);
	return 0;
}
