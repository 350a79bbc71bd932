/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * soak_clients HOST PORT CAPACITY SECONDS: TLS 1.3 clients visit a farm, 2500 visits per second,
 * and count the hits of a real cache; the same visits at the same times go to the model of
 * tests/bench/eviction.h, which has the same capacity and only sessiond's lifetimes and eviction.
 * Ends with exit code 1 if a reply was wrong, if one GET in a thousand got none, or if the hit
 * ratio differs from the model's by more than 0.03: other clients, unknown to the model, use the
 * cache too (real stunnels, in soak.sh).
 *
 * A client resumes with the newer of its last two sessions, and discards it; a full handshake gives
 * it two new ones, a resumption one. A quarter have sessions that end after 10 seconds. One NEW in
 * twenty is never requested.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/bench/eviction.h"
#include "tests/e2e/sample.h"

#define CLIENTS		20000
#define VISITS_A_SECOND 2500
#define TICKETS		2
#define SHORT		10 /* seconds */
#define LONG		300
#define VALUE		144
#define SEED		1000 /* family of the keys */
#define LOST_US		200000
#define MARGIN		0.03
#define ABANDONED	20

/* A session: its number in the real cache, its slot in the model. */
struct ticket {
	uint64_t number; /* 0: none */
	struct cache_session session;
	double ends;
};

struct client {
	struct ticket tickets[TICKETS];
};

struct side {
	struct client *clients;
	uint64_t tried, hits;
};

struct soak {
	int fd;
	struct cache *model;
	struct side real, predicted;
	uint64_t random, stored, lost, wrong;
};

static uint64_t next_random(struct soak *soak)
{
	uint64_t x = soak->random += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static unsigned timeout_of(uint32_t client)
{
	return client % 4 == 0 ? SHORT : LONG;
}

/* The beginning of OpenSSL's TLS 1.3 sessions, and bytes from its key. */
static void make_value(const uint8_t key[SESSD_KEY_SIZE], uint8_t value[VALUE])
{
	static const uint8_t begin[] = {0x30, 0x81, VALUE - 3, 2, 1, 1, 2, 2, 3, 4};

	for (unsigned i = 0; i < VALUE; i++)
		value[i] = (uint8_t)(key[i % SESSD_KEY_SIZE] + i);
	memcpy(value, begin, sizeof(begin));
}

static void send_new(struct soak *soak, uint64_t number, unsigned timeout)
{
	uint8_t out[SAMPLE_DATAGRAM];
	struct sessd_header *header = (struct sessd_header *)out;

	sample_new(out, SEED, number, (uint16_t)timeout);
	make_value(header->key, out + sizeof(*header));
	/* A lost NEW is detected by its GET. */
	if (send(soak->fd, out, sizeof(*header) + VALUE, 0) < 0)
		return;
}

/* Whether the real cache has the session. */
static bool ask(struct soak *soak, uint64_t number)
{
	uint8_t out[SAMPLE_DATAGRAM], in[2048], value[VALUE];
	struct sessd_header *header = (struct sessd_header *)out,
			    *reply = (struct sessd_header *)in;
	ssize_t n;

	if (send(soak->fd, out, sample_get(out, SEED, number), 0) < 0) {
		soak->lost++;
		return false;
	}
	make_value(header->key, value);
	do /* skip a late reply to another GET */
		n = recv(soak->fd, in, sizeof(in), 0);
	while (n >= (ssize_t)sizeof(*reply) &&
		memcmp(reply->key, header->key, SESSD_KEY_SIZE) != 0);
	if (n < 0) {
		soak->lost++;
		return false;
	}
	if (n == sizeof(*reply) && reply->type == SESSD_ERR)
		return false;
	if (n != sizeof(*reply) + VALUE || reply->type != SESSD_OK ||
		memcmp(reply + 1, value, VALUE) != 0) {
		soak->wrong++;
		return false;
	}
	return true;
}

static void push(struct client *client, struct ticket ticket)
{
	memmove(client->tickets + 1, client->tickets, (TICKETS - 1) * sizeof(ticket));
	client->tickets[0] = ticket;
}

static void pop(struct client *client)
{
	memmove(client->tickets, client->tickets + 1, (TICKETS - 1) * sizeof(client->tickets[0]));
	client->tickets[TICKETS - 1] = (struct ticket){0};
}

/* Stores a session on one side. */
static struct ticket store(struct soak *soak, const struct side *side, double now, unsigned timeout)
{
	struct ticket ticket = {.number = ++soak->stored, .ends = now + timeout};

	if (side == &soak->real)
		send_new(soak, ticket.number, timeout);
	else
		ticket.session = cache_new(soak->model, now, timeout, true);
	return ticket;
}

static void visit(struct soak *soak, struct side *side, uint32_t number, double now)
{
	struct client *client = &side->clients[number];
	unsigned timeout = timeout_of(number);
	bool hit = false;

	while (client->tickets[0].number && client->tickets[0].ends <= now + 1)
		pop(client);
	if (client->tickets[0].number) {
		hit = side == &soak->real ? ask(soak, client->tickets[0].number)
					  : cache_get(soak->model, now, client->tickets[0].session);
		side->tried++;
		side->hits += hit;
		pop(client);
	}
	push(client, store(soak, side, now, timeout));
	if (!hit)
		push(client, store(soak, side, now, timeout));
}

static double ratio(const struct side *side)
{
	return side->tried ? (double)side->hits / (double)side->tried : 0;
}

static void run(struct soak *soak, uint64_t seconds)
{
	uint64_t start = now_ns(), due = start, end = start + seconds * 1000000000;

	for (uint64_t i = 0; now_ns() < end; i++) {
		uint32_t client = (uint32_t)(next_random(soak) % CLIENTS);
		double now;

		due += 1000000000 / VISITS_A_SECOND;
		if (now_ns() < due)
			sleep_until_ns(due);
		else if (now_ns() - due > 10000000)
			due = now_ns(); /* do not catch up lost time: no bursts */
		now = (double)(now_ns() - start) / 1e9;
		visit(soak, &soak->real, client, now);
		visit(soak, &soak->predicted, client, now);
		if (i % ABANDONED == 0) {
			store(soak, &soak->real, now, SHORT);
			store(soak, &soak->predicted, now, SHORT);
		}
	}
}

int main(int argc, char **argv)
{
	struct timeval patience = {.tv_usec = LOST_US};
	struct soak soak = {.random = 1};
	double difference;

	if (argc != 5) {
		fprintf(stderr, "usage: soak_clients HOST PORT CAPACITY SECONDS\n");
		return 2;
	}
	soak.fd = udp_connect(argv[1], argv[2]);
	setsockopt(soak.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	soak.model =
		cache_create(POLICY_OWN, (uint32_t)parse_number("CAPACITY", argv[3], 1, 100000000));
	soak.real.clients = calloc(CLIENTS, sizeof(struct client));
	soak.predicted.clients = calloc(CLIENTS, sizeof(struct client));
	if (!soak.real.clients || !soak.predicted.clients)
		return 1;
	run(&soak, parse_number("SECONDS", argv[4], 1, 86400));
	cache_destroy(soak.model);
	difference = ratio(&soak.real) - ratio(&soak.predicted);
	printf("tried %llu hits %llu lost %llu wrong %llu ratio %.4f predicted %.4f\n",
		(unsigned long long)soak.real.tried, (unsigned long long)soak.real.hits,
		(unsigned long long)soak.lost, (unsigned long long)soak.wrong, ratio(&soak.real),
		ratio(&soak.predicted));
	free(soak.real.clients);
	free(soak.predicted.clients);
	return soak.wrong > 0 || soak.lost * 1000 > soak.real.tried || fabs(difference) > MARGIN;
}
