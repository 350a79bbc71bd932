/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * burstbench LCORE SESSIONS ROUNDS: what a TAKE and a GET cost an lcore of dpdk mode. The engine's
 * own bursts run over a port of rings, without a NIC, and only they are timed. A TAKE can hit a
 * session only once, so a pass asks for each session once, in a scattered order, after all of them
 * were stored anew; passes of TAKEs and of GETs take turns. Prints requests per second, a line per
 * round: TAKEs, GETs; of the median burst, because others use the CPU too.
 */
#include "dataplane/dpdk/burst.h"
#include "dataplane/dpdk/eal.h"

#include "bench/population.h"
#include "common/clock.h"
#include "common/log.h"
#include "tests/wire.h"

#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_SIZE 144
#define UPDATES	   64
#define PASS_LEAST 300000 /* requests of a round, at least: many passes over few sessions */

static struct engine engine;
static struct lcore *lcore;
static struct rte_ring *in, *out;
static uint32_t sessions;
static uint64_t heard; /* of sessions that were taken */

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "burstbench: %s\n", what);
	exit(1);
}

static void make_key(uint32_t number, uint8_t key[SESSD_KEY_SIZE])
{
	for (unsigned i = 0; i < SESSD_KEY_SIZE / 8; i++) {
		uint64_t word = mix64((uint64_t)number * 4 + i + 1);

		memcpy(key + 8 * i, &word, 8);
	}
}

static void store_all(void)
{
	uint64_t expires = clock_tick() + clock_ticks(3600);
	uint8_t value[VALUE_SIZE] = {0};
	struct session session;

	for (uint32_t i = 0; i < sessions; i++) {
		uint64_t hash;

		session = (struct session){.len = VALUE_SIZE, .expires = expires};
		make_key(i, session.key);
		memcpy(value, session.key, sizeof(session.key));
		session.sum = htons((uint16_t)wire_sum(0, value, sizeof(value)));
		hash = table_hash(lcore->table, session.key);
		session.slot = table_find(lcore->table, hash, session.key);
		if (session.slot != TABLE_NO_SLOT)
			table_delete(lcore->table, session.slot);
		session.slot = table_alloc(lcore->table);
		table_insert(lcore->table, hash, &session, value);
	}
}

static void offer(enum sessd_type type, uint32_t number)
{
	static const uint8_t addresses[8] = {192, 0, 2, 99, 192, 0, 2, 1};
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(engine.ports[0].pool);
	uint8_t *data = mbuf ? (uint8_t *)rte_pktmbuf_append(mbuf, FAST_END) : NULL;
	struct sessd_header header = {.version = SESSD_VERSION, .type = (uint8_t)type};
	uint8_t *ip, *udp;

	if (!data)
		fail("no buffer");
	ip = data + FAST_IP;
	udp = data + FAST_UDP;
	memset(data, 0, FAST_END);
	memcpy(data, engine.ports[0].mac, FRAME_MAC);
	data[6] = 2;
	put16(data + 12, ETHERTYPE_IP);
	ip[0] = 0x45;
	put16(ip + 2, 20 + FAST_UDP_LENGTH);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, addresses, sizeof(addresses));
	put16(ip + 10, ~wire_sum(0, ip, 20));
	put16(udp, 1024 + number % 60000);
	put16(udp + 2, SESSD_PORT);
	put16(udp + 4, FAST_UDP_LENGTH);
	make_key(number, header.key);
	memcpy(udp + 8, &header, sizeof(header));
	put16(udp + 6, ~wire_sum(wire_sum(IPPROTO_UDP + FAST_UDP_LENGTH, ip + 12, 8), udp,
			       FAST_UDP_LENGTH));
	if (rte_ring_enqueue(in, mbuf) != 0)
		fail("no room in the ring");
}

static void collect(unsigned expected)
{
	struct rte_mbuf *mbuf = NULL;

	for (unsigned i = 0; i < expected; i++) {
		const uint8_t *data;

		if (rte_ring_dequeue(out, (void **)&mbuf) != 0)
			fail("a request was not answered");
		data = rte_pktmbuf_mtod(mbuf, const uint8_t *);
		if (data[FAST_REQUEST + 1] != SESSD_OK || mbuf->data_len != FAST_END + VALUE_SIZE ||
			memcmp(data + FAST_REQUEST + 4, data + FAST_END, SESSD_KEY_SIZE) != 0)
			fail("a session was not found");
		rte_pktmbuf_free(mbuf);
	}
}

static void on_key(void *ctx, const uint8_t key[SESSD_KEY_SIZE])
{
	(void)ctx;
	(void)key;
	heard++;
}

struct bursts {
	uint32_t *cycles;
	size_t count;
};

/* Adds the cycles of each whole burst. */
static void pass(enum sessd_type type, struct bursts *bursts)
{
	static const struct update_sink sink = {.on_taken = on_key, .on_remove = on_key};
	struct port_queue queue = {.port = &engine.ports[0]};
	uint64_t before = heard;

	for (uint32_t at = 0; at < sessions; at += BURST) {
		uint32_t n = RTE_MIN(sessions - at, (uint32_t)BURST);
		uint64_t start, cycles;

		for (uint32_t i = 0; i < n; i++)
			offer(type, (uint32_t)((at + i) * POPULATION_SPREAD % sessions));
		start = rte_rdtsc();
		lcore_burst(lcore, &queue);
		cycles = rte_rdtsc() - start;
		if (n == BURST)
			bursts->cycles[bursts->count++] = (uint32_t)RTE_MIN(cycles, UINT32_MAX);
		collect(n);
		while (update_ring_pull(&lcore->updates, &sink, UPDATES))
			;
	}
	if (heard - before != (type == SESSD_TAKE ? sessions : 0))
		fail("the writer did not hear of every TAKE");
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Requests per second of the median burst; empties the list. */
static double median(struct bursts *bursts)
{
	size_t middle = bursts->count / 2;

	qsort(bursts->cycles, bursts->count, sizeof(bursts->cycles[0]), compare);
	bursts->count = 0;
	return BURST * (double)rte_get_tsc_hz() / bursts->cycles[middle];
}

static void open_all(const char *id)
{
	struct table_config config = {
		.capacity = sessions, .value_max = SESSD_VALUE_DEFAULT_MAX, .populate = true};
	struct allow_list allow = {.count = 1};
	struct endpoint endpoint;
	char args[200];

	snprintf(args, sizeof(args),
		"-l %s --no-huge --no-pci --no-telemetry -- --rxd 64 --txd 64 --mbufs 2048", id);
	if (endpoint_parse("192.0.2.1", SESSD_PORT, &endpoint) < 0 ||
		prefix_parse("0.0.0.0/0", &allow.prefixes[0]) < 0 ||
		local_endpoints_init(&engine.local, &endpoint, 1) < 0 ||
		dpdk_args_parse(&engine.args, args) < 0 || eal_open(&engine.args) < 0)
		fail(error_message());
	in = rte_ring_create("in", 256, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	out = rte_ring_create("out", 256, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (!in || !out || rte_eth_from_rings("bench", &in, 1, &out, 1, 0) < 0)
		fail("no port of rings");
	engine.config.value_max = SESSD_VALUE_DEFAULT_MAX;
	engine.config.take = true;
	engine.args.updates = UPDATES;
	engine.lcore_count = 1;
	engine.lcores = lcore = aligned_alloc(64, sizeof(*lcore));
	if (!lcore || reader_shared_open(&engine.readers, 0, 0, READER_TALKERS_ALL, true) < 0 ||
		lcore_open(lcore, &engine, 0) < 0 || ports_open(&engine) < 0 ||
		ports_start(&engine) < 0)
		fail(error_message());
	fast_prepare(&engine.ports[0], &engine.local, true);
	lcore->fast = fast_choose();
	lcore->allow = engine.allow = allow_ranges_make(&allow);
	lcore->table = table_create(&config);
	if (!lcore->table || !lcore->allow)
		fail("no memory");
}

int main(int argc, char **argv)
{
	unsigned rounds = argc == 4 ? (unsigned)atoi(argv[3]) : 0, passes;
	struct bursts bursts[2] = {0};

	if (!rounds || (sessions = (uint32_t)atoi(argv[2])) < BURST) {
		fprintf(stderr, "usage: burstbench LCORE SESSIONS ROUNDS, at least 32 SESSIONS\n");
		return 2;
	}
	log_open(LOG_LEVEL_ERROR);
	open_all(argv[1]);
	passes = (PASS_LEAST + sessions - 1) / sessions;
	for (unsigned i = 0; i < 2; i++) {
		bursts[i].cycles = calloc((size_t)passes * (sessions / BURST), sizeof(uint32_t));
		if (!bursts[i].cycles)
			fail("no memory");
	}
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < 2 * passes; i++) {
			store_all();
			pass(i % 2 ? SESSD_GET : SESSD_TAKE, &bursts[i % 2]);
		}
		printf("%.0f", median(&bursts[0]));
		printf(" %.0f\n", median(&bursts[1]));
		fflush(stdout);
	}
	for (unsigned i = 0; i < 2; i++)
		free(bursts[i].cycles);
	update_ring_close(&lcore->updates);
	ports_close(&engine);
	table_destroy(lcore->table);
	reader_shared_close(&engine.readers);
	eal_release();
	return 0;
}
