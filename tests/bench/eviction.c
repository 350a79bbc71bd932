/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Hit ratios of eviction policies, as a Markdown table: `eviction [CLIENTS [VISITS]]`.
 *
 * Traffic is a model of clients, not a list of requests, because a miss changes later requests: the
 * client makes a full handshake and returns with its new session. Every policy sees the same
 * visits. A hit is an attempted resumption that succeeded; resumptions of ended sessions, which no
 * cache can serve, are not counted.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/zipf.h"
#include "tests/bench/eviction.h"

/* Visits per second, over all clients: determines the age of sessions in a full cache relative to
 * their lifetimes and to the pauses of clients. */
static double visits_a_second = 1000;

/* Sessions that a client keeps of its newest handshakes; browsers use a ticket once. */
#define TICKETS 2

struct client {
	struct cache_session tickets[TICKETS];
	double ends[TICKETS];
	unsigned visits_left; /* the farm model: visits until it never returns */
	unsigned timeout;
	bool tls13;
};

struct trace {
	const char *name;
	double zipf;	  /* popularity of clients; 0: the farm model */
	double tls13;	  /* share of clients that speak TLS 1.3 */
	bool one_timeout; /* else terminators have 300 s to 2 h */
};

static const struct trace traces[] = {
	{"Zipf 0.7, TLS 1.2", 0.7, 0, true},
	{"Zipf 0.99, TLS 1.2", 0.99, 0, true},
	{"Zipf 1.2, TLS 1.2", 1.2, 0, true},
	{"Zipf 0.99, TLS 1.2, mixed timeouts", 0.99, 0, false},
	{"Zipf 0.99, TLS 1.3", 0.99, 1, true},
	{"Zipf 0.99, half TLS 1.3, mixed timeouts", 0.99, 0.5, false},
	{"farm, TLS 1.2", 0, 0, true},
	{"farm, TLS 1.3", 0, 1, true},
	{"farm, half TLS 1.3", 0, 0.5, true},
	{"farm, half TLS 1.3, mixed timeouts", 0, 0.5, false},
};

static const double capacities[] = {0.05, 0.1, 0.2, 0.4};

struct counts {
	uint64_t tried, hits;
};

static double uniform(uint64_t *random)
{
	return ((double)(random_next(random) >> 11) + 0.5) * 0x1p-53;
}

static void push(struct client *client, struct cache_session session, double ends)
{
	client->tickets[1] = client->tickets[0];
	client->ends[1] = client->ends[0];
	client->tickets[0] = session;
	client->ends[0] = ends;
}

static void pop(struct client *client)
{
	client->tickets[0] = client->tickets[1];
	client->ends[0] = client->ends[1];
	client->tickets[1].id = 0;
}

static void store(struct cache *cache, struct client *client, double now)
{
	push(client, cache_new(cache, now, client->timeout, client->tls13), now + client->timeout);
}

/* One connection of a client. */
static void visit(struct cache *cache, struct client *client, double now, struct counts *counts)
{
	bool hit = false;

	/* The newest one that has not ended; the client knows the lifetimes. */
	while (client->tickets[0].id != 0 && client->ends[0] <= now + 1)
		pop(client);
	if (client->tickets[0].id != 0) {
		hit = cache_get(cache, now, client->tickets[0]);
		counts->tried++;
		counts->hits += hit;
		if (client->tls13 || !hit)
			pop(client);
	}
	if (client->tls13) {
		store(cache, client, now);
		if (!hit)
			store(cache, client, now);
	} else if (!hit) {
		store(cache, client, now);
	}
}

static void client_begin(struct client *client, const struct trace *trace, uint64_t *random)
{
	static const unsigned timeouts[] = {300, 300, 1800, 7200};

	*client = (struct client){
		.tls13 = uniform(random) < trace->tls13,
		.timeout = trace->one_timeout ? 7200 : timeouts[random_next(random) % 4],
	};
}

/* A fixed population; some clients come far more often than others. */
static void run_zipf(
	struct cache *cache, const struct trace *trace, uint32_t clients, struct counts *counts)
{
	struct client *all = calloc(clients, sizeof(*all));
	uint64_t random = 11, visits = 10ULL * clients;
	struct zipf zipf;

	if (!all)
		exit(1);
	for (uint32_t i = 0; i < clients; i++)
		client_begin(&all[i], trace, &random);
	zipf_init(&zipf, clients, trace->zipf);
	for (uint64_t i = 0; i < visits; i++)
		visit(cache, &all[zipf_next(&zipf, &random)], (double)i / visits_a_second, counts);
	free(all);
}

struct event {
	double at;
	uint32_t client;
};

static void event_push(struct event *events, uint32_t *count, struct event event)
{
	uint32_t at = (*count)++;

	for (; at > 0 && events[(at - 1) / 2].at > event.at; at = (at - 1) / 2)
		events[at] = events[(at - 1) / 2];
	events[at] = event;
}

static struct event event_pop(struct event *events, uint32_t *count)
{
	struct event first = events[0], last = events[--*count];
	uint32_t at = 0, child;

	for (; (child = 2 * at + 1) < *count; at = child) {
		if (child + 1 < *count && events[child + 1].at < events[child].at)
			child++;
		if (events[child].at >= last.at)
			break;
		events[at] = events[child];
	}
	events[at] = last;
	return first;
}

/* Clients that come, make a full handshake, resume 0 to 5 times and never return. Half of them do
 * not return at all; pauses are log-normal, with a median of a minute and a long tail. */
static void run_farm(
	struct cache *cache, const struct trace *trace, uint32_t clients, struct counts *counts)
{
	struct client *all = calloc(clients, sizeof(*all));
	struct event *events = calloc(clients, sizeof(*events));
	uint64_t random = 13, made = 0, total = 4ULL * clients;
	uint32_t waiting = 0;

	if (!all || !events)
		exit(1);
	for (uint32_t i = 0; i < clients; i++) {
		/* New clients replace those that left. */
		event_push(events, &waiting,
			(struct event){uniform(&random) * clients * 2.5 / visits_a_second, i});
	}
	while (made < total && waiting > 0) {
		struct event event = event_pop(events, &waiting);
		struct client *client = &all[event.client];
		double pause;

		if (client->visits_left == 0) {
			client_begin(client, trace, &random);
			client->visits_left = 1;
			if (uniform(&random) < 0.5)
				client->visits_left += 1 + random_next(&random) % 5;
			made++;
		}
		visit(cache, client, event.at, counts);
		if (--client->visits_left > 0)
			pause = exp(log(60) + 1.5 * sqrt(-2 * log(uniform(&random))) *
						      cos(2 * M_PI * uniform(&random)));
		else
			pause = -log(uniform(&random)) * clients * 2.5 / visits_a_second;
		event.at += pause;
		event_push(events, &waiting, event);
	}
	free(all);
	free(events);
}

static double ratio(
	enum policy policy, const struct trace *trace, uint32_t clients, uint32_t capacity)
{
	struct cache *cache = cache_create(policy, capacity);
	struct counts counts = {0};

	if (trace->zipf > 0)
		run_zipf(cache, trace, clients, &counts);
	else
		run_farm(cache, trace, clients, &counts);
	cache_destroy(cache);
	return counts.tried > 0 ? (double)counts.hits / (double)counts.tried : 0;
}

#define TRACES	   (sizeof(traces) / sizeof(traces[0]))
#define CAPACITIES (sizeof(capacities) / sizeof(capacities[0]))

struct summary {
	double sum, worst; /* of a policy's hit ratio relative to the best one's */
	unsigned good, rows;
};

static void print_row(size_t trace, size_t capacity, uint32_t clients, struct summary *summaries)
{
	uint32_t sessions = (uint32_t)(capacities[capacity] * clients);
	double ratios[POLICIES], best = 0;

	printf("| %s | %.0f %% |", traces[trace].name, 100 * capacities[capacity]);
	for (int p = 0; p < POLICIES; p++) {
		ratios[p] = ratio((enum policy)p, &traces[trace], clients, sessions);
		best = fmax(best, ratios[p]);
	}
	for (int p = 0; p < POLICIES; p++) {
		double share = best > 0 ? ratios[p] / best : 1;
		bool good = share >= 0.99;

		printf(good ? " **%.3f** |" : " %.3f |", ratios[p]);
		summaries[p].good += good;
		summaries[p].sum += share;
		summaries[p].worst = fmin(summaries[p].worst, share);
		summaries[p].rows++;
	}
	printf("\n");
	fflush(stdout);
}

static void print_summary(const char *name, const struct summary *summaries)
{
	printf("| *%s: best or within 1 %%, of %u* | |", name, summaries[0].rows);
	for (int p = 0; p < POLICIES; p++)
		printf(" %u |", summaries[p].good);
	printf("\n| *%s: share of the best, mean* | |", name);
	for (int p = 0; p < POLICIES; p++)
		printf(" %.3f |", summaries[p].sum / summaries[p].rows);
	printf("\n| *%s: share of the best, worst* | |", name);
	for (int p = 0; p < POLICIES; p++)
		printf(" %.3f |", summaries[p].worst);
	printf("\n");
}

int main(int argc, char **argv)
{
	uint32_t clients = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
	struct summary zipf[POLICIES], farm[POLICIES];

	if (argc > 2)
		visits_a_second = strtod(argv[2], NULL);
	if (clients < 100 || !(visits_a_second > 0)) {
		fprintf(stderr, "eviction: at least 100 clients, and some visits a second\n");
		return 2;
	}
	for (int p = 0; p < POLICIES; p++)
		zipf[p] = farm[p] = (struct summary){.worst = 1};
	printf("| %u clients, %.0f visits a second | room, of clients |", clients, visits_a_second);
	for (int p = 0; p < POLICIES; p++)
		printf(" %s |", policy_names[p]);
	printf("\n|---|---:|");
	for (int p = 0; p < POLICIES; p++)
		printf("---:|");
	printf("\n");
	for (size_t t = 0; t < TRACES; t++) {
		for (size_t c = 0; c < CAPACITIES; c++)
			print_row(t, c, clients, traces[t].zipf > 0 ? zipf : farm);
	}
	print_summary("Zipf", zipf);
	print_summary("farm", farm);
	return 0;
}
