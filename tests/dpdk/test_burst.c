/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Whole bursts, from port to port: EAL without hugepages, a port whose queues are rings that the
 * test fills and empties, the engine's own code between them, a real table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/dpdk/burst.h"
#include "dataplane/dpdk/eal.h"

#include "common/clock.h"
#include "common/locked_memory.h"
#include "tests/dpdk/packet.h"
#include "tests/wire.h"

#include "common/log.h"

#include <dlfcn.h>
#include <errno.h>
#include <rte_dev.h>
#include <rte_eth_ring.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_ring.h>
#include <rte_telemetry.h>
#include <stdlib.h>

#define VALUE_MAX 1000
#define UPDATES	  64

#define NODE_WITHOUT_MEMORY 7

static struct engine engine;
static struct lcore *lcore;
static struct rte_ring *in, *out;
static struct table *table;
static unsigned last_new_len;
static struct address last_new_source;

static void on_new(void *ctx, const uint8_t key[SESSD_KEY_SIZE], uint16_t timeout,
	const void *value, size_t len, const struct address *source)
{
	struct session session = {.len = (uint16_t)len};

	(void)ctx;
	last_new_source = source ? *source : (struct address){{0}};
	last_new_len = (unsigned)len;
	if (len > VALUE_MAX)
		return;
	memcpy(session.key, key, SESSD_KEY_SIZE);
	session.sum = htons((uint16_t)wire_sum(0, value, len));
	session.expires = clock_tick() + clock_ticks(timeout);
	session.slot = table_alloc(table);
	assert_int_not_equal(session.slot, TABLE_NO_SLOT);
	table_insert(table, table_hash(table, key), &session, value);
}

static void on_remove(void *ctx, const uint8_t key[SESSD_KEY_SIZE])
{
	uint32_t slot = table_find(table, table_hash(table, key), key);

	(void)ctx;
	if (slot != TABLE_NO_SLOT)
		table_delete(table, slot);
}

static unsigned told_of_taken;

static void on_taken(void *ctx, const uint8_t key[SESSD_KEY_SIZE])
{
	uint32_t slot = table_find(table, table_hash(table, key), key);

	(void)ctx;
	told_of_taken++;
	assert_int_not_equal(slot, TABLE_NO_SLOT);
	assert_true(table_taken(table, slot));
	table_delete(table, slot);
}

static const struct update_sink sink = {on_new, on_remove, on_taken, NULL};

static void allow(const char *const *prefixes, size_t count)
{
	struct allow_list list = {.count = count};

	for (size_t i = 0; i < count; i++)
		assert_int_equal(prefix_parse(prefixes[i], &list.prefixes[i]), 0);
	free(engine.allow);
	engine.allow = allow_ranges_make(&list);
	lcore->allow = engine.allow;
	lcore->recent.size = 0;
}

static int group_setup(void **state)
{
	static const char *const addrs[] = {"192.0.2.1", "2001:db8::1", "192.0.2.2:7"};
	struct endpoint listen[3];

	(void)state;
	log_open(LOG_LEVEL_DEBUG);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(endpoint_parse(addrs[i], SESSD_PORT, &listen[i]), 0);
	assert_int_equal(local_endpoints_init(&engine.local, listen, 3), 0);
	assert_int_equal(dpdk_args_parse(&engine.args,
				 "-l 0 --no-huge --no-pci --no-telemetry -- --rxd 64 --txd 64 "
				 "--mbufs 2048 --vlan 100 --vlan 100.101"),
		0);
	if (eal_open(&engine.args) < 0) {
		print_message("%s\n", error_message());
		return -1;
	}
	in = rte_ring_create("in", 256, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	out = rte_ring_create("out", 256, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	assert_true(rte_eth_from_rings("test", &in, 1, &out, 1, 0) >= 0);
	engine.config.value_max = VALUE_MAX;
	engine.lcore_count = 1;
	lcore = engine.lcores = aligned_alloc(64, sizeof(*lcore));
	engine.args.updates = UPDATES;
	assert_int_equal(reader_shared_open(&engine.readers, 0, 0, READER_TALKERS_ALL, true), 0);
	assert_int_equal(lcore_open(lcore, &engine, 0), 0);
	assert_int_equal(ports_open(&engine), 0);
	assert_int_equal(ports_start(&engine), 0);
	memcpy(engine.ports[0].mac, packet_server_mac, 6);
	fast_prepare(&engine.ports[0], &engine.local, true);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	update_ring_close(&lcore->updates);
	reader_shared_close(&engine.readers);
	ports_close(&engine);
	free(engine.lcores);
	free(engine.allow);
	eal_release();
	return 0;
}

static int setup(void **state)
{
	static const char *const everyone[] = {"0.0.0.0/0", "::/0"};
	struct table_config config = {.capacity = 4096, .value_max = VALUE_MAX};

	(void)state;
	memset(&lcore->counters, 0, sizeof(lcore->counters));
	memset(&lcore->reader.counters, 0, sizeof(lcore->reader.counters));
	memset(&lcore->reader.samples, 0, sizeof(lcore->reader.samples));
	memset(&lcore->echoes, 0, sizeof(lcore->echoes));
	memset(&lcore->neighbours, 0, sizeof(lcore->neighbours));
	memset(&engine.ports[0].offload, 0, sizeof(engine.ports[0].offload));
	table = lcore->table = table_create(&config);
	assert_non_null(table);
	allow(everyone, 2);
	return 0;
}

static int setup_base(void **state)
{
	lcore->fast = &fast_base;
	return setup(state);
}

static int setup_chosen(void **state)
{
	lcore->fast = fast_choose();
	return setup(state);
}

static int teardown(void **state)
{
	(void)state;
	table_destroy(table);
	assert_int_equal(rte_ring_count(in), 0);
	assert_int_equal(rte_ring_count(out), 0);
	/* No received packet was leaked, whatever its outcome. */
	assert_int_equal(rte_mempool_in_use_count(engine.ports[0].pool), 0);
	return 0;
}

static struct rte_mbuf *offer(const uint8_t *frame, size_t len)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(engine.ports[0].pool);

	assert_non_null(mbuf);
	memset(mbuf->buf_addr, 0xaa, mbuf->buf_len); /* the last packet's remains */
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)len), frame, len);
	assert_int_equal(rte_ring_enqueue(in, mbuf), 0);
	return mbuf;
}

static void run(void)
{
	static struct port_queue queue; /* TAKEs that wait refer to it */

	queue.port = &engine.ports[0];
	while (lcore_burst(lcore, &queue))
		;
}

static struct rte_mbuf *reply_buffer(void)
{
	struct rte_mbuf *mbuf = NULL;

	assert_int_equal(rte_ring_dequeue(out, (void **)&mbuf), 0);
	return mbuf;
}

/* The sent frame, or NULL; its length in *len. The bytes are valid until the next call. */
static const uint8_t *taken(size_t *len)
{
	static uint8_t frame[PACKET_ROOM];
	struct rte_mbuf *mbuf = NULL;

	if (rte_ring_dequeue(out, (void **)&mbuf) != 0)
		return NULL;
	assert_int_equal(mbuf->nb_segs, 1);
	assert_int_equal(mbuf->pkt_len, mbuf->data_len);
	*len = mbuf->data_len;
	memcpy(frame, rte_pktmbuf_mtod(mbuf, void *), *len);
	rte_pktmbuf_free(mbuf);
	return frame;
}

static void offer_request(const struct packet_spec *spec, enum sessd_type type, uint16_t timeout,
	uint8_t id, const void *value, size_t value_len)
{
	uint8_t payload[PACKET_ROOM], frame[PACKET_ROOM];

	packet_request((struct sessd_header *)payload, type, timeout, id);
	memcpy(payload + SESSD_HEADER_SIZE, value_len ? value : payload, value_len);
	offer(frame, packet_build(frame, spec, payload, SESSD_HEADER_SIZE + value_len));
}

static void store(uint8_t id, const void *value, size_t len, uint16_t timeout)
{
	uint8_t key[SESSD_KEY_SIZE];

	memset(key, id, sizeof(key));
	on_new(NULL, key, timeout, value, len, NULL);
}

static void fill(uint8_t *value, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		value[i] = (uint8_t)(seed * 31 + i * 7 + i / 256);
}

/* Sends a GET or TAKE, and checks every byte of the reply. `value` NULL: a miss. */
static void ask_by(enum sessd_type type, const struct packet_spec *spec, uint8_t id,
	const void *value, size_t value_len, const void *trailing, size_t trailing_len)
{
	struct sessd_header expected;
	const uint8_t *frame, *reply;
	size_t frame_len, len;

	offer_request(spec, type, 0x1234, id, trailing, trailing_len);
	run();
	frame = taken(&frame_len);
	assert_non_null(frame);
	reply = packet_check_reply(frame, frame_len, spec, &len);
	packet_request(&expected, value ? SESSD_OK : SESSD_ERR, 0x1234, id);
	assert_int_equal(len, SESSD_HEADER_SIZE + (value ? value_len : 0));
	assert_memory_equal(reply, &expected, sizeof(expected));
	if (value)
		assert_memory_equal(reply + SESSD_HEADER_SIZE, value, value_len);
}

static void ask(const struct packet_spec *spec, uint8_t id, const void *value, size_t value_len,
	const void *trailing, size_t trailing_len)
{
	ask_by(SESSD_GET, spec, id, value, value_len, trailing, trailing_len);
}

/* A TAKE gets the session once, and the writer hears of it. */
static void takes(void **state)
{
	uint8_t value[VALUE_MAX], trailing[PACKET_ROOM];

	(void)state;
	memset(trailing, 0x5a, sizeof(trailing));
	told_of_taken = 0;
	for (unsigned i = 0; i < 250; i++) {
		struct packet_spec spec = {.v6 = i & 1, .proto = IPPROTO_UDP, .tags = i % 3};
		size_t len = 1 + i * 4 % VALUE_MAX;

		fill(value, len, i);
		store((uint8_t)i, value, len, 300);
		ask_by(SESSD_TAKE, &spec, (uint8_t)i, value, len, trailing, i % 5 ? 0 : i);
		ask_by(SESSD_TAKE, &spec, (uint8_t)i, NULL, 0, trailing, i % 5 ? 0 : i);
		ask(&spec, (uint8_t)i, NULL, 0, NULL, 0);
		assert_int_equal(table_count(table), 1);
		assert_int_equal(update_ring_pull(&lcore->updates, &sink, UPDATES), 1);
		assert_int_equal(told_of_taken, i + 1);
		assert_int_equal(table_count(table), 0);
	}
	assert_int_equal(lcore->reader.counters.take_hits, 250);
	assert_int_equal(lcore->reader.counters.take_misses, 250);
	assert_int_equal(lcore->reader.counters.get_misses, 250);
	assert_int_equal(lcore->counters.remove_queued, 0);
}

static void decide(enum take_decision decision)
{
	struct take_question question;

	assert_true(take_queue_next(lcore->takes, &question));
	assert_in_range(question.seconds, 290, 301);
	take_queue_decide(lcore->takes, question.place, decision);
}

/* Whether the next reply is OK to this TAKE; fails if there is none. */
static bool gave(const struct packet_spec *spec, uint8_t id, const void *value, size_t value_len)
{
	struct sessd_header expected;
	const uint8_t *frame, *reply;
	size_t frame_len, len;

	frame = taken(&frame_len);
	assert_non_null(frame);
	reply = packet_check_reply(frame, frame_len, spec, &len);
	packet_request(&expected, len > SESSD_HEADER_SIZE ? SESSD_OK : SESSD_ERR, 0x1234, id);
	assert_memory_equal(reply, &expected, sizeof(expected));
	if (len == SESSD_HEADER_SIZE)
		return false;
	assert_int_equal(len, SESSD_HEADER_SIZE + value_len);
	assert_memory_equal(reply + SESSD_HEADER_SIZE, value, value_len);
	return true;
}

/* --take farm: a TAKE waits for the decision, and its buffer with it. */
static void takes_that_a_farm_decides(void **state)
{
	struct take_queues *queues = take_queues_open(1);
	uint8_t value[VALUE_MAX];
	size_t len;

	(void)state;
	assert_non_null(queues);
	take_queues_begin(queues);
	lcore->takes = queues->queues;
	lcore->waiting = calloc(TAKE_PLACES, sizeof(*lcore->waiting));
	fast_prepare(&engine.ports[0], &engine.local, false);
	told_of_taken = 0;
	for (unsigned i = 0; i < 60; i++) {
		struct packet_spec spec = {.v6 = i & 1, .proto = IPPROTO_UDP, .tags = i % 3};
		size_t size = 1 + i * 9;
		uint8_t id = (uint8_t)i;

		fill(value, size, i);
		ask_by(SESSD_TAKE, &spec, id, NULL, 0, NULL, 0); /* not there: nobody is asked */
		assert_false(take_queues_waiting(queues));
		store(id, value, size, 300);
		/* Two at once. */
		offer_request(&spec, SESSD_TAKE, 0x1234, id, NULL, 0);
		offer_request(&spec, SESSD_TAKE, 0x1234, id, NULL, 0);
		run();
		assert_null(taken(&len));
		assert_int_equal(lcore_decided(lcore), 0);
		ask(&spec, id, value, size, NULL, 0); /* GETs find it meanwhile */
		decide(TAKE_LOST);
		decide(i % 2 ? TAKE_WON : TAKE_UNDECIDED);
		assert_int_equal(lcore_decided(lcore), 2);
		assert_false(gave(&spec, id, value, size));
		assert_int_equal(gave(&spec, id, value, size), i % 2);
		assert_int_equal(lcore->waiting_count, 0);
		if (i % 2) {
			assert_int_equal(update_ring_pull(&lcore->updates, &sink, UPDATES), 1);
			ask(&spec, id, NULL, 0, NULL, 0);
		} else {
			ask(&spec, id, value, size, NULL, 0);
		}
	}
	assert_int_equal(told_of_taken, 30);
	assert_int_equal(lcore->reader.counters.take_hits, 30);
	assert_int_equal(lcore->reader.counters.take_lost_race, 60);
	assert_int_equal(lcore->reader.counters.take_misses, 60 + 30);
	/* Too many at once are misses. */
	store(200, "abc", 3, 300);
	for (unsigned i = 0; i < LCORE_TAKES + 8; i++) {
		struct packet_spec spec = {.proto = IPPROTO_UDP};

		offer_request(&spec, SESSD_TAKE, 0x1234, 200, NULL, 0);
		run();
	}
	for (unsigned i = 0; i < 8; i++)
		assert_non_null(taken(&len));
	assert_null(taken(&len));
	assert_int_equal(lcore->waiting_count, LCORE_TAKES);
	take_queues_end(queues);
	while (lcore_decided(lcore))
		while (taken(&len))
			;
	assert_int_equal(lcore->waiting_count, 0);
	free(lcore->waiting);
	lcore->takes = NULL;
	lcore->waiting = NULL;
	take_queues_close(queues);
	fast_prepare(&engine.ports[0], &engine.local, true);
}

/* Without room on the way to the writer a TAKE is dropped, and takes nothing. */
static void takes_without_room(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	unsigned stored = UPDATES + 20, ok = 0;
	size_t len;

	(void)state;
	told_of_taken = 0;
	for (unsigned i = 0; i < stored; i++) {
		store((uint8_t)i, "abc", 3, 300);
		offer_request(&spec, SESSD_TAKE, 0, (uint8_t)i, NULL, 0);
	}
	run();
	while (taken(&len))
		ok++;
	assert_int_equal(ok, UPDATES);
	assert_int_equal(lcore->reader.counters.take_hits, UPDATES);
	assert_int_equal(lcore->counters.drop_ring_full, 20);
	while (update_ring_pull(&lcore->updates, &sink, UPDATES))
		;
	assert_int_equal(told_of_taken, UPDATES);
	assert_int_equal(table_count(table), 20);
}

/* TAKEs on the fast path, of every length; the burst has GETs and NEWs too. */
static void fast_takes(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	uint8_t value[VALUE_MAX];
	uint64_t plain = 0;

	(void)state;
	told_of_taken = 0;
	for (size_t len = 1; len <= sizeof(value); len += len < 300 ? 1 : 25, plain++) {
		fill(value, len, (unsigned)len);
		store(1, value, len, 300);
		ask_by(SESSD_TAKE, &spec, 1, value, len, NULL, 0);
		ask_by(SESSD_TAKE, &spec, 1, NULL, 0, NULL, 0);
		ask(&spec, 1, NULL, 0, NULL, 0);
		update_ring_pull(&lcore->updates, &sink, UPDATES);
		assert_int_equal(told_of_taken, plain + 1);
	}
	store(1, value, 10, 0);
	ask_by(SESSD_TAKE, &spec, 1, NULL, 0, NULL, 0);
	assert_int_equal(lcore->counters.plain_gets, 3 * plain + 1);
	assert_int_equal(lcore->reader.counters.take_hits, plain);
	assert_int_equal(lcore->reader.counters.take_misses, plain + 1);
	assert_int_equal(lcore->reader.counters.get_misses, plain);
}

/* Of two TAKEs in a burst one gets the session, whichever path each has; a GET between them does
 * not depend on the order. */
static void takes_together(void **state)
{
	struct packet_spec plain = {.proto = IPPROTO_UDP},
			   general = {.proto = IPPROTO_UDP, .v6 = true};
	unsigned ok = 0, replies = 0;
	const uint8_t *frame;
	size_t len;

	(void)state;
	told_of_taken = 0;
	for (unsigned i = 0; i < 8; i++)
		store((uint8_t)i, "abc", 3, 300);
	for (unsigned i = 0; i < 8; i++) {
		offer_request(i & 1 ? &plain : &general, SESSD_TAKE, 0, (uint8_t)i, NULL, 0);
		offer_request(&plain, SESSD_NEW, 60, (uint8_t)(100 + i), "xyz", 3);
		offer_request(i & 2 ? &plain : &general, SESSD_TAKE, 0, (uint8_t)i, NULL, 0);
		offer_request(&plain, SESSD_GET, 0, 200, NULL, 0);
	}
	run();
	while ((frame = taken(&len))) {
		replies++;
		ok += (len == 14 + 20 + 8 + SESSD_HEADER_SIZE + 3 &&
			      frame[14 + 28 + 1] == SESSD_OK) ||
		      (len == 14 + 40 + 8 + SESSD_HEADER_SIZE + 3 &&
			      frame[14 + 48 + 1] == SESSD_OK);
	}
	assert_int_equal(replies, 24);
	assert_int_equal(ok, 8);
	assert_int_equal(lcore->reader.counters.take_hits, 8);
	assert_int_equal(lcore->reader.counters.take_misses, 8);
	assert_int_equal(lcore->reader.counters.get_misses, 8);
	assert_int_equal(update_ring_pull(&lcore->updates, &sink, UPDATES), 16);
	assert_int_equal(told_of_taken, 8);
	assert_int_equal(table_count(table), 8);
}

/* --take no: of unknown type, on the fast path too. */
static void takes_not_answered(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	size_t len;

	(void)state;
	lcore->reader.shared.no_take = true;
	fast_prepare(&engine.ports[0], &engine.local, false);
	store(1, "abc", 3, 300);
	offer_request(&spec, SESSD_TAKE, 0, 1, NULL, 0);
	run();
	assert_null(taken(&len));
	assert_int_equal(lcore->reader.counters.drop_type, 1);
	ask(&spec, 1, "abc", 3, NULL, 0);
	assert_int_equal(lcore->counters.plain_gets, 1);
	lcore->reader.shared.no_take = false;
	fast_prepare(&engine.ports[0], &engine.local, true);
}

static bool arp_answered(const char *sender)
{
	uint8_t frame[60] = {[12] = 8, [13] = 6, [15] = 1, [16] = 8, [18] = 6, [19] = 4, [21] = 1};
	const uint8_t *reply;
	size_t len;

	memset(frame, 0xff, 6);
	memcpy(frame + 6, packet_client_mac, 6);
	memcpy(frame + 22, packet_client_mac, 6);
	assert_int_equal(inet_pton(AF_INET, sender, frame + 28), 1);
	assert_int_equal(inet_pton(AF_INET, "192.0.2.1", frame + 38), 1);
	offer(frame, sizeof(frame));
	run();
	reply = taken(&len);
	return reply && reply[21] == 2;
}

/* Every length of a value, both families, tags, trailing bytes. */
static void gets(void **state)
{
	uint8_t value[VALUE_MAX], trailing[PACKET_ROOM];

	(void)state;
	memset(trailing, 0x5a, sizeof(trailing));
	for (unsigned i = 0; i < 250; i++) {
		struct packet_spec spec = {.v6 = i & 1,
			.proto = IPPROTO_UDP,
			.tags = i % 3,
			.trailer = i % 7 == 0 ? 18 : 0};
		size_t len = 1 + i * 4 % VALUE_MAX;

		fill(value, len, i);
		store((uint8_t)i, value, len, 300);
		ask(&spec, (uint8_t)i, value, len, trailing, i % 5 ? 0 : i * 5 % 1200);
		ask(&spec, 255, NULL, 0, trailing, i % 5 ? 0 : 512);
	}
	assert_int_equal(lcore->reader.counters.get_hits, 250);
	assert_int_equal(lcore->reader.counters.get_misses, 250);
}

static void expired(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP};

	(void)state;
	store(1, "abc", 3, 0);
	ask(&spec, 1, NULL, 0, NULL, 0);
	assert_int_equal(lcore->reader.counters.get_expired, 1);
}

/* Packets that a kernel's stack would answer. */
static void odd_packets(void **state)
{
	static const uint8_t nops[] = {1, 1, 1, 0}, record_route[] = {7, 7, 4, 0, 0, 0, 0, 0},
			     hop[] = {17, 0, 5, 2, 0, 0, 1, 0},
			     dest[] = {17, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
			     both[] = {60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0},
			     atomic[] = {17, 0, 0, 0, 1, 2, 3, 4},
			     routed[] = {17, 0, 0, 0, 0, 0, 0, 0};
	const struct packet_spec specs[] = {
		{.extra = nops, .extra_len = 4},
		{.extra = record_route, .extra_len = 8, .tags = 2},
		{.v6 = true, .extra = hop, .extra_len = 8},
		{.v6 = true, .extra = dest, .extra_len = 16, .extra_proto = IPPROTO_DSTOPTS},
		{.v6 = true, .extra = both, .extra_len = 16, .tags = 1},
		{.v6 = true, .extra = atomic, .extra_len = 8, .extra_proto = IPPROTO_FRAGMENT},
		{.v6 = true, .extra = routed, .extra_len = 8, .extra_proto = IPPROTO_ROUTING},
		{.no_checksum = true},
		{.partial_checksum = true},
		{.v6 = true, .partial_checksum = true},
		{.source_port = 1},
		{.dest = "192.0.2.2", .dest_port = 7},
	};
	uint8_t value[200];

	(void)state;
	fill(value, sizeof(value), 1);
	store(1, value, sizeof(value), 300);
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct packet_spec spec = specs[i];

		print_message("case %zu\n", i);
		spec.proto = IPPROTO_UDP;
		ask(&spec, 1, value, sizeof(value), NULL, 0);
		ask(&spec, 2, NULL, 0, "xyz", 3);
	}
}

/* The UDP datagram may be shorter than its packet: the rest is not part of the request. */
static void udp_shorter_than_ip(void **state)
{
	uint8_t payload[64], frame[PACKET_ROOM];
	struct packet_spec spec = {
		.proto = IPPROTO_UDP, .udp_length_delta = -28, .no_checksum = true};
	size_t len;

	(void)state;
	packet_request((struct sessd_header *)payload, SESSD_GET, 0, 1);
	offer(frame, packet_build(frame, &spec, payload, sizeof(payload)));
	run();
	assert_non_null(taken(&len));
	assert_int_equal(lcore->reader.counters.get_misses, 1);
}

static void assert_dropped(const char *what, const uint64_t *counter, uint64_t expected)
{
	size_t len;

	run();
	if (*counter != expected)
		print_message("%s\n", what);
	assert_int_equal(*counter, expected);
	assert_null(taken(&len));
}

static void drops(void **state)
{
	static const uint8_t lsrr[] = {131, 3, 4, 0}, broken[] = {7, 9, 4, 0},
			     fragment[] = {17, 0, 0, 1, 0, 0, 0, 0},
			     unknown[] = {17, 0, 0x80, 4, 0, 0, 0, 0},
			     routed[] = {17, 0, 0, 1, 0, 0, 0, 0},
			     long_header[] = {17, 99, 1, 4, 0, 0, 0, 0};
	struct dpdk_counters *c = &lcore->counters;
	struct request_counters *r = &lcore->reader.counters;
	const struct {
		const char *name;
		uint64_t *counter;
		struct packet_spec spec;
	} cases[] = {
		{"other port", &c->drop_other_port, {.dest_port = 1}},
		{"port of another address", &c->drop_other_port, {.dest = "192.0.2.2"}},
		{"not local", &c->drop_not_local, {.dest = "192.0.2.3"}},
		{"not local 6", &c->drop_not_local, {.v6 = true, .dest = "2001:db8::3"}},
		{"source route", &c->drop_ip_options, {.extra = lsrr, .extra_len = 4}},
		{"broken options", &c->drop_ip_options, {.extra = broken, .extra_len = 4}},
		{"unknown option", &c->drop_ip_options,
			{.v6 = true, .extra = unknown, .extra_len = 8}},
		{"segments left", &c->drop_ip_options,
			{.v6 = true,
				.extra = routed,
				.extra_len = 8,
				.extra_proto = IPPROTO_ROUTING}},
		{"fragment", &c->drop_fragment,
			{.v6 = true,
				.extra = fragment,
				.extra_len = 8,
				.extra_proto = IPPROTO_FRAGMENT}},
		{"extension past the end", &c->drop_truncated,
			{.v6 = true, .extra = long_header, .extra_len = 8}},
		{"source port 0", &c->drop_bad_source, {.source_port = 0xffff}}, /* see below */
		{"source 0", &c->drop_bad_source, {.source = "0.1.2.3"}},
		{"source loopback", &c->drop_bad_source, {.source = "127.0.0.1"}},
		{"source group", &c->drop_bad_source, {.source = "224.0.0.1"}},
		{"source loopback 6", &c->drop_bad_source, {.v6 = true, .source = "::1"}},
		{"source mapped", &c->drop_bad_source, {.v6 = true, .source = "::ffff:192.0.2.9"}},
		{"no checksum 6", &c->drop_bad_checksum, {.v6 = true, .no_checksum = true}},
		{"udp too long", &c->drop_bad_length, {.udp_length_delta = 1}},
		{"udp too short", &c->drop_bad_length, {.udp_length_delta = -40}},
	};
	uint8_t payload[SESSD_HEADER_SIZE], frame[PACKET_ROOM];
	size_t len;

	(void)state;
	(void)r;
	packet_request((struct sessd_header *)payload, SESSD_GET, 0, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet_spec spec = cases[i].spec;
		uint64_t before = *cases[i].counter;

		spec.proto = IPPROTO_UDP;
		len = packet_build(frame, &spec, payload, sizeof(payload));
		if (spec.source_port == 0xffff)
			memset(frame + 34, 0, 2);
		offer(frame, len);
		assert_dropped(cases[i].name, cases[i].counter, before + 1);
	}
}

/* Every frame truncated at every byte: dropped, and nothing read past its end (a sanitizer detects
 * more). */
static void truncated(void **state)
{
	uint8_t payload[SESSD_HEADER_SIZE], frame[PACKET_ROOM];

	(void)state;
	packet_request((struct sessd_header *)payload, SESSD_GET, 0, 1);
	for (unsigned v6 = 0; v6 < 2; v6++) {
		for (unsigned tags = 0; tags < 3; tags++) {
			struct packet_spec spec = {.v6 = v6, .proto = IPPROTO_UDP, .tags = tags};
			size_t len = packet_build(frame, &spec, payload, sizeof(payload)), none;

			for (size_t cut = 0; cut < len; cut++) {
				offer(frame, cut);
				run();
				assert_null(taken(&none));
			}
		}
	}
}

static void flipped_bits(void **state)
{
	uint8_t payload[SESSD_HEADER_SIZE + 5] = {0}, frame[PACKET_ROOM];
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	size_t len, got;

	(void)state;
	packet_request((struct sessd_header *)payload, SESSD_GET, 0, 1);
	len = packet_build(frame, &spec, payload, sizeof(payload));
	/* From the IP header on; one bit cannot change this UDP checksum to 0. */
	for (size_t bit = 14 * 8; bit < len * 8; bit++) {
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		offer(frame, len);
		run();
		if (taken(&got)) {
			print_message("bit %zu was not noticed\n", bit);
			fail();
		}
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	offer(frame, len);
	run();
	assert_non_null(taken(&got));
}

static void protocol_drops(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	uint8_t payload[SESSD_HEADER_SIZE], frame[PACKET_ROOM];
	struct sessd_header *header = (struct sessd_header *)payload;

	(void)state;
	packet_request(header, SESSD_GET, 0, 1);
	offer(frame, packet_build(frame, &spec, payload, SESSD_HEADER_SIZE - 1));
	assert_dropped("short", &lcore->reader.counters.drop_short, 1);
	offer(frame, packet_build(frame, &spec, payload, 0));
	assert_dropped("empty", &lcore->reader.counters.drop_short, 2);
	header->version = 2;
	offer(frame, packet_build(frame, &spec, payload, sizeof(payload)));
	assert_dropped("version", &lcore->reader.counters.drop_version, 1);
	header->version = 1;
	header->type = SESSD_OK;
	offer(frame, packet_build(frame, &spec, payload, sizeof(payload)));
	assert_dropped("type", &lcore->reader.counters.drop_type, 1);
	assert_int_equal(lcore->reader.samples.full[SESSD_DROP_SHORT], 1);
	assert_int_equal(lcore->reader.samples.full[SESSD_DROP_VERSION], 1);
	assert_int_equal(lcore->reader.samples.full[SESSD_DROP_TYPE], 1);
	assert_int_equal(lcore->reader.samples.events[SESSD_DROP_TYPE].detail, SESSD_OK);
	assert_int_equal(lcore->reader.samples.events[SESSD_DROP_VERSION].detail, 2);
	assert_int_equal(ntohs(lcore->reader.samples.events[SESSD_DROP_TYPE].port), 4711);
}

static void not_allowed(void **state)
{
	static const char *const few[] = {"198.51.100.0/24", "2001:db8:1::/48"};
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	struct address addr;
	unsigned drops = 0;

	(void)state;
	allow(few, 2);
	for (enum sessd_type type = SESSD_NEW; type <= SESSD_REMOVE; type++) {
		for (unsigned v6 = 0; v6 < 2; v6++) {
			spec.v6 = v6;
			offer_request(&spec, type, 300, 1, "x", 1);
			assert_dropped(
				"not allowed", &lcore->reader.counters.drop_not_allowed, ++drops);
		}
	}
	assert_int_equal(update_ring_pull(&lcore->updates, &sink, 64), 0);
	assert_int_equal(lcore->reader.samples.full[SESSD_DROP_NOT_ALLOWED], 1);
	assert_int_equal(address_parse("192.0.2.99", &addr), 0);
	assert_memory_equal(
		lcore->reader.samples.events[SESSD_DROP_NOT_ALLOWED].source, addr.bytes, 16);
	spec.v6 = false;
	spec.source = "198.51.100.9";
	ask(&spec, 1, NULL, 0, NULL, 0);
	spec.v6 = true;
	spec.source = "2001:db8:1::9";
	ask(&spec, 1, NULL, 0, NULL, 0);
	lcore->allow = NULL; /* no list yet: nobody */
	lcore->recent.size = 0;
	offer_request(&spec, SESSD_GET, 0, 1, NULL, 0);
	assert_dropped("no list", &lcore->reader.counters.drop_not_allowed, drops + 1);
}

static void ignore_new(void *ctx, const uint8_t key[SESSD_KEY_SIZE], uint16_t timeout,
	const void *value, size_t len, const struct address *source)
{
	(void)ctx;
	(void)key;
	(void)timeout;
	(void)value;
	(void)len;
	(void)source;
}

static void ignore_remove(void *ctx, const uint8_t key[SESSD_KEY_SIZE])
{
	(void)ctx;
	(void)key;
}

static const struct update_sink ignore = {ignore_new, ignore_remove, ignore_remove, NULL};

/* How many of `count` requests pass: replies, or changes that reach the sink. */
static unsigned let_in(const struct packet_spec *spec, enum sessd_type type, unsigned count)
{
	unsigned passed = 0;
	size_t len;

	for (unsigned i = 0; i < count; i++) {
		offer_request(spec, type, 300, 77, "value", type == SESSD_NEW ? 5 : 0);
		if (i % 7 != 6 && i != count - 1)
			continue;
		run();
		passed += update_ring_pull(&lcore->updates, &ignore, UPDATES);
		while (taken(&len))
			passed++;
	}
	return passed;
}

/* A full bucket, and its refill since `start`. */
#define ASSERT_LIMITED(passed, rate, start) \
	assert_in_range( \
		passed, rate, (rate) + 1 + (clock_tick() - (start)) * (rate) / clock_ticks(1))

/* --rate-limit: a burst of one second per source, for GETs and changes separately; the fast path
 * and the general path (tags, IPv6) use the same bucket; the excess is counted. */
static void limited(void **state)
{
	struct packet_spec one = {.proto = IPPROTO_UDP}, tagged = one, v6 = one, other = one;
	uint64_t start = clock_tick();
	unsigned gets, changes;

	(void)state;
	tagged.tags = 1;
	v6.v6 = true;
	other.source = "192.0.2.98";
	store(77, "value", 5, 300);
	lcore->reader.shared.limit = rate_limit_create(30, 10);
	assert_non_null(lcore->reader.shared.limit);
	assert_int_equal(let_in(&one, SESSD_GET, 20), 20);
	gets = 20 + let_in(&tagged, SESSD_GET, 20);
	gets += let_in(&one, SESSD_GET, 20);
	ASSERT_LIMITED(gets, 30, start);
	assert_int_equal(lcore->reader.counters.get_hits, gets);
	assert_int_equal(lcore->reader.counters.drop_limit_get, 60 - gets);
	assert_int_equal(let_in(&one, SESSD_NEW, 6), 6);
	changes = 6 + let_in(&tagged, SESSD_REMOVE, 6);
	changes += let_in(&one, SESSD_REMOVE, 20);
	ASSERT_LIMITED(changes, 10, start);
	assert_int_equal(lcore->reader.counters.drop_limit_new, 32 - changes);
	/* Other sources have their own buckets. */
	gets = let_in(&v6, SESSD_GET, 100);
	ASSERT_LIMITED(gets, 30, start);
	gets = let_in(&other, SESSD_GET, 100);
	ASSERT_LIMITED(gets, 30, start);
	/* Only one of the two is limited. */
	rate_limit_destroy(lcore->reader.shared.limit);
	lcore->reader.shared.limit = rate_limit_create(0, 10);
	assert_int_equal(let_in(&one, SESSD_GET, 100), 100);
	changes = let_in(&one, SESSD_NEW, 50);
	ASSERT_LIMITED(changes, 10, start);
	rate_limit_destroy(lcore->reader.shared.limit);
	lcore->reader.shared.limit = NULL;
	assert_int_equal(let_in(&one, SESSD_GET, 100), 100);
}

static void updates(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP, .tags = 1};
	uint8_t value[PACKET_ROOM];

	(void)state;
	fill(value, sizeof(value), 3);
	for (unsigned i = 0; i < 40; i++) {
		spec.v6 = i & 1;
		offer_request(&spec, SESSD_NEW, 300, (uint8_t)i, value, 1 + i * 20);
	}
	run();
	assert_int_equal(lcore->counters.new_queued, 40);
	assert_int_equal(update_ring_pull(&lcore->updates, &sink, 7), 7);
	assert_int_equal(update_ring_pull(&lcore->updates, &sink, 100), 33);
	assert_int_equal(update_ring_pull(&lcore->updates, &sink, 100), 0);
	for (unsigned i = 0; i < 40; i++)
		ask(&spec, (uint8_t)i, value, 1 + i * 20, NULL, 0);
	/* Past the end of the ring and around. */
	for (unsigned i = 0; i < 40; i++)
		offer_request(&spec, SESSD_REMOVE, 0, (uint8_t)i, NULL, 0);
	run();
	assert_int_equal(lcore->counters.remove_queued, 40);
	assert_int_equal(update_ring_pull(&lcore->updates, &sink, 100), 40);
	for (unsigned i = 0; i < 40; i++)
		ask(&spec, (uint8_t)i, NULL, 0, NULL, 0);
	/* The writer refuses a value that is too long, and gets its length. */
	offer_request(&spec, SESSD_NEW, 300, 1, value, VALUE_MAX + 1);
	run();
	assert_int_equal(update_ring_pull(&lcore->updates, &sink, 100), 1);
	assert_int_equal(last_new_len, VALUE_MAX + 1);
}

/* The writer is told who sent a NEW, by both paths. */
static void update_sources(void **state)
{
	static const struct {
		const char *source;
		struct packet_spec spec;
	} ways[] = {
		{"192.0.2.77", {.proto = IPPROTO_UDP, .source = "192.0.2.77"}},
		{"192.0.2.78", {.proto = IPPROTO_UDP, .source = "192.0.2.78", .tags = 1}},
		{"2001:db8::4d", {.proto = IPPROTO_UDP, .source = "2001:db8::4d", .v6 = true}},
	};
	char text[ADDRESS_TEXT];

	(void)state;
	for (uint8_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		offer_request(&ways[i].spec, SESSD_NEW, 300, (uint8_t)(100 + i), "value", 5);
		run();
		assert_int_equal(update_ring_pull(&lcore->updates, &sink, 100), 1);
		assert_string_equal(address_format(&last_new_source, text), ways[i].source);
	}
}

static struct talker watched_sources[8];
static unsigned watched_count;
static struct sessd_request_event watched_events[64];
static unsigned watched_event_count;

static void keep_source(void *ctx, const struct talker *talker)
{
	(void)ctx;
	watched_sources[watched_count++] = *talker;
}

static void keep_event(void *ctx, const struct sessd_request_event *event)
{
	(void)ctx;
	watched_events[watched_event_count++] = *event;
}

static const struct talker *watched_source(const char *text)
{
	struct address source;

	assert_int_equal(address_parse(text, &source), 0);
	watched_count = 0;
	talkers_list(engine.readers.talkers, keep_source, NULL);
	for (unsigned i = 0; i < watched_count; i++)
		if (address_equal(&watched_sources[i].source, &source))
			return &watched_sources[i];
	fail_msg("%s is not counted", text);
	return NULL;
}

/* While somebody watches, all paths count requests by source, and GETs and TAKEs with their
 * outcome. */
static void watched(void **state)
{
	struct packet_spec one = {.proto = IPPROTO_UDP, .source = "192.0.2.77"};
	struct packet_spec tagged = one, v6 = one;
	uint8_t payload[SESSD_HEADER_SIZE], frame[PACKET_ROOM];
	const struct talker *source;
	struct address address;
	size_t len;
	uint64_t start = clock_tick();
	unsigned changes;

	(void)state;
	tagged.tags = 1;
	v6.v6 = true;
	v6.source = "2001:db8::4d";
	store(1, "value", 5, 300);
	let_in(&one, SESSD_GET, 5);
	watched_count = watched_event_count = 0;
	talkers_list(engine.readers.talkers, keep_source, NULL);
	assert_int_equal(watched_count, 0); /* nobody watches */

	talkers_watch(engine.readers.talkers, 1);
	talkers_observe(engine.readers.talkers, true);
	ask_by(SESSD_GET, &one, 1, "value", 5, NULL, 0);
	ask_by(SESSD_GET, &one, 2, NULL, 0, NULL, 0);
	ask_by(SESSD_GET, &tagged, 1, "value", 5, NULL, 0);
	ask_by(SESSD_GET, &v6, 1, "value", 5, NULL, 0);
	ask_by(SESSD_TAKE, &one, 1, "value", 5, NULL, 0);
	update_ring_pull(&lcore->updates, &sink, 100);
	ask_by(SESSD_TAKE, &v6, 1, NULL, 0, NULL, 0);
	let_in(&one, SESSD_NEW, 2);
	let_in(&tagged, SESSD_REMOVE, 3);
	let_in(&v6, SESSD_NEW, 4);

	source = watched_source("192.0.2.77");
	assert_int_equal(source->gets, 4);
	assert_int_equal(source->hits, 3);
	assert_int_equal(source->news, 2);
	assert_int_equal(source->removes, 3);
	assert_int_equal(source->drops, 0);
	source = watched_source("2001:db8::4d");
	assert_int_equal(source->gets, 2);
	assert_int_equal(source->hits, 1);
	assert_int_equal(source->news, 4);
	assert_int_equal(watched_count, 2);

	talkers_events(engine.readers.talkers, keep_event, NULL);
	assert_int_equal(watched_event_count, 6); /* the writer tells of the others */
	for (unsigned i = 0; i < 6; i++) {
		static const bool hits[] = {true, false, true, true, true, false};

		assert_int_equal(watched_events[i].outcome,
			hits[i] ? SESSD_OUTCOME_HIT : SESSD_OUTCOME_MISS);
		assert_int_equal(watched_events[i].type, i < 4 ? SESSD_GET : SESSD_TAKE);
		address_parse(i == 3 || i == 5 ? "2001:db8::4d" : "192.0.2.77", &address);
		assert_memory_equal(watched_events[i].source, &address, sizeof(address));
	}
	assert_memory_equal(watched_events[0].key, watched_events[2].key, SESSD_KEY_SIZE);
	assert_memory_not_equal(watched_events[0].key, watched_events[1].key, SESSD_KEY_SIZE);

	/* Drops by --rate-limit, on both paths. */
	lcore->reader.shared.limit = rate_limit_create(0, 5);
	changes = let_in(&one, SESSD_NEW, 10);
	changes += let_in(&tagged, SESSD_NEW, 10);
	ASSERT_LIMITED(changes, 5, start);
	rate_limit_destroy(lcore->reader.shared.limit);
	lcore->reader.shared.limit = NULL;
	source = watched_source("192.0.2.77");
	assert_int_equal(source->drops, 20 - changes);
	assert_int_equal(source->news, 2 + 20);

	/* Messages of a type that nobody may send, and wrong checksums. */
	let_in(&one, SESSD_OK, 3);
	packet_request((struct sessd_header *)payload, SESSD_GET, 0, 1);
	len = packet_build(frame, &one, payload, sizeof(payload));
	frame[len - 1] ^= 1;
	for (unsigned i = 0; i < 4; i++)
		offer(frame, len);
	run();
	source = watched_source("192.0.2.77");
	assert_int_equal(source->drops, 20 - changes + 3 + 4);
	assert_int_equal(source->gets, 4);
	assert_int_equal(watched_count, 2);

	/* One in four, each of which counts for four. */
	talkers_watch(engine.readers.talkers, 0);
	talkers_watch(engine.readers.talkers, 4);
	let_in(&one, SESSD_GET, 40);
	let_in(&tagged, SESSD_GET, 40);
	assert_int_equal(watched_source("192.0.2.77")->gets, 80);
	talkers_observe(engine.readers.talkers, false);
	talkers_watch(engine.readers.talkers, 0);
}

static void ring_full(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	size_t len;

	(void)state;
	talkers_watch(engine.readers.talkers, 1);
	for (unsigned i = 0; i < 100; i++)
		offer_request(&spec, SESSD_NEW, 300, (uint8_t)i, "abc", 3);
	run();
	watched_count = 0;
	talkers_list(engine.readers.talkers, keep_source, NULL);
	assert_int_equal(watched_count, 1);
	assert_int_equal(watched_sources[0].news, 100);
	assert_int_equal(watched_sources[0].drops, 100 - UPDATES);
	talkers_watch(engine.readers.talkers, 0);
	assert_null(taken(&len));
	assert_int_equal(update_ring_waiting(&lcore->updates), UPDATES);
	assert_int_equal(lcore->counters.new_queued, UPDATES);
	assert_int_equal(lcore->counters.drop_ring_full, 100 - UPDATES);
	assert_int_equal(update_ring_pull(&lcore->updates, &sink, 200), UPDATES);
	for (unsigned i = 0; i < 100; i++)
		ask(&spec, (uint8_t)i, i < UPDATES ? "abc" : NULL, 3, NULL, 0);
	/* There is room again for the dropped ones. */
	for (unsigned i = UPDATES; i < 100; i++)
		offer_request(&spec, SESSD_NEW, 300, (uint8_t)i, "def", 3);
	run();
	assert_int_equal(update_ring_pull(&lcore->updates, &sink, 200), 100 - UPDATES);
	assert_int_equal(update_ring_waiting(&lcore->updates), 0);
	for (unsigned i = UPDATES; i < 100; i++)
		ask(&spec, (uint8_t)i, "def", 3, NULL, 0);
}

/* All kinds of frames in one burst, and more than a burst of them. */
static void mixed(void **state)
{
	uint8_t value[144], echo[40] = {8}, frame[PACKET_ROOM];
	unsigned hits = 0, misses = 0, echoes = 0;
	const uint8_t *got;
	size_t len, reply_len;

	(void)state;
	fill(value, sizeof(value), 9);
	store(1, value, sizeof(value), 300);
	for (unsigned i = 0; i < 200; i++) {
		struct packet_spec spec = {.proto = IPPROTO_UDP};

		switch (i % 5) {
		case 0:
			offer_request(&spec, SESSD_GET, 0, 1, NULL, 0);
			break;
		case 1:
			offer_request(&spec, SESSD_GET, 0, 2, NULL, 0);
			break;
		case 2:
			offer_request(&spec, SESSD_REMOVE, 0, 7, NULL, 0);
			break;
		case 3:
			spec.proto = IPPROTO_ICMP;
			offer(frame, packet_build(frame, &spec, echo, sizeof(echo)));
			break;
		case 4:
			spec.dest_port = 9;
			offer_request(&spec, SESSD_GET, 0, 1, NULL, 0);
			break;
		}
	}
	run();
	while ((got = taken(&len))) {
		struct packet_spec spec = {.proto = got[23]};
		const uint8_t *reply = packet_check_reply(got, len, &spec, &reply_len);

		if (spec.proto == IPPROTO_ICMP) {
			echoes++;
		} else if (reply[1] == SESSD_OK) {
			hits++;
			assert_int_equal(reply_len, SESSD_HEADER_SIZE + sizeof(value));
		} else {
			misses++;
			assert_int_equal(reply_len, SESSD_HEADER_SIZE);
		}
	}
	assert_int_equal(hits, 40);
	assert_int_equal(misses, 40);
	assert_int_equal(echoes, 40);
	assert_int_equal(lcore->counters.drop_other_port, 40);
	assert_int_equal(lcore->counters.rx_packets, 200);
	assert_int_equal(lcore->counters.tx_packets, 120);
	update_ring_pull(&lcore->updates, &sink, 200);
}

static size_t locked_bytes(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[128];
	size_t kilobytes = 0;

	assert_non_null(status);
	while (fgets(line, sizeof(line), status))
		sscanf(line, "VmLck: %zu kB", &kilobytes);
	fclose(status);
	return kilobytes * 1024;
}

/* Without hugepages: the heap, where packets and updates are, and the table. */
static void memory_is_locked(void **state)
{
	static const size_t heap = (size_t)64 << 20, bytes = (size_t)8 << 20;
	static const char *const parts[] = {"table_slots", "table_blocks"};
	size_t before = locked_bytes();
	struct table_memory memory;

	(void)state;
	if (memory_lock_failed()) {
		print_message("skipped: memory cannot be locked here (ulimit -l)\n");
		skip();
	}
	assert_true(before >= heap);
	table_memory_init(&memory);
	for (unsigned i = 0; i < 2; i++) {
		void *part = memory.alloc(bytes, parts[i], memory.ctx);

		assert_non_null(part);
		assert_true(locked_bytes() >= before + bytes);
		memory.free(part, bytes, memory.ctx);
		assert_int_equal(locked_bytes(), before);
	}
}

/* Of two VLANs that are not configured, one is numbered as the inner tag of two that are. */
static void other_vlans(void **state)
{
	uint8_t payload[SESSD_HEADER_SIZE] = {0}, echo[40] = {8}, frame[PACKET_ROOM];
	static const unsigned answered[] = {100, 0}, refused[] = {101, 99, 4094};
	struct packet_spec tagged = {.proto = IPPROTO_UDP, .tags = 1};
	struct packet_spec twice = {.proto = IPPROTO_UDP, .tags = 2};
	uint64_t dropped = 0, asked = 0;
	size_t len, reply_len;

	(void)state;
	packet_request((struct sessd_header *)payload, SESSD_GET, 0, 1);
	for (unsigned i = 0; i < 2; i++) {
		len = packet_build(frame, &tagged, payload, sizeof(payload));
		put16(frame + 14, 0xe000 | answered[i]); /* with a priority */
		offer(frame, len);
		run();
		assert_non_null(taken(&reply_len));
		assert_int_equal(lcore->reader.counters.get_misses, ++asked);
	}
	for (unsigned i = 0; i < 3; i++) {
		len = packet_build(frame, &tagged, payload, sizeof(payload));
		put16(frame + 14, refused[i]);
		offer(frame, len);
		assert_dropped("GET", &lcore->counters.drop_other_vlan, ++dropped);
		len = packet_build(frame, &twice, payload, sizeof(payload));
		put16(frame + 14, refused[i]);
		offer(frame, len);
		assert_dropped("GET, two tags", &lcore->counters.drop_other_vlan, ++dropped);
		tagged.proto = IPPROTO_ICMP;
		len = packet_build(frame, &tagged, echo, sizeof(echo));
		tagged.proto = IPPROTO_UDP;
		put16(frame + 14, refused[i]);
		offer(frame, len);
		assert_dropped("ping", &lcore->counters.drop_other_vlan, ++dropped);
	}
	/* A NEW is not stored. */
	packet_request((struct sessd_header *)payload, SESSD_NEW, 300, 1);
	len = packet_build(frame, &tagged, payload, sizeof(payload));
	put16(frame + 14, 101);
	offer(frame, len);
	assert_dropped("NEW", &lcore->counters.drop_other_vlan, ++dropped);
	assert_int_equal(update_ring_waiting(&lcore->updates), 0);
	engine.args.any_vlan = true;
	packet_request((struct sessd_header *)payload, SESSD_GET, 0, 1);
	len = packet_build(frame, &tagged, payload, sizeof(payload));
	put16(frame + 14, 101);
	offer(frame, len);
	run();
	engine.args.any_vlan = false;
	assert_non_null(taken(&reply_len));
}

/* Pings are for those who may ask. Neighbours are not: a router is on no list. */
static void pings_not_allowed(void **state)
{
	static const char *const net[] = {"192.0.2.0/28", "2001:db8::/124"};
	uint8_t echo[40] = {8}, echo6[40] = {128}, frame[PACKET_ROOM];
	uint64_t *counter = &lcore->counters.drop_echo_refused;
	struct packet_spec spec = {.proto = IPPROTO_ICMP};
	struct packet_spec spec6 = {.v6 = true, .proto = IPPROTO_ICMPV6};
	size_t len;

	(void)state;
	allow(net, 2);
	offer(frame, packet_build(frame, &spec, echo, sizeof(echo)));
	assert_dropped("ping", counter, 1);
	offer(frame, packet_build(frame, &spec6, echo6, sizeof(echo6)));
	assert_dropped("ping of IPv6", counter, 2);
	spec.source = "192.0.2.9";
	offer(frame, packet_build(frame, &spec, echo, sizeof(echo)));
	spec6.source = "2001:db8::9";
	offer(frame, packet_build(frame, &spec6, echo6, sizeof(echo6)));
	run();
	assert_int_equal(lcore->counters.echo_replies, 2);
	assert_non_null(taken(&len));
	assert_non_null(taken(&len));
	assert_true(arp_answered("192.0.2.99"));
}

/* No more answers than a kernel gives, and no ping costs a neighbour its own. */
static void pings_are_limited(void **state)
{
	uint8_t echo[40] = {8}, frame[PACKET_ROOM];
	struct packet_spec spec = {.proto = IPPROTO_ICMP};
	uint64_t began = clock_tick(), seconds;
	size_t len;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		offer(frame, packet_build(frame, &spec, echo, sizeof(echo)));
		run();
		while (taken(&len))
			;
	}
	seconds = (clock_tick() - began) / clock_ticks(1);
	assert_in_range(lcore->counters.echo_replies, 1000, 1000 * (seconds + 2));
	assert_int_equal(lcore->counters.echo_replies + lcore->counters.drop_neighbour_limit, 3000);
	assert_true(arp_answered("192.0.2.99"));
	began = clock_tick();
	for (unsigned i = 0; i < 3000; i++)
		arp_answered("192.0.2.99");
	seconds = (clock_tick() - began) / clock_ticks(1);
	assert_in_range(lcore->counters.arp_replies, 1000, 1000 * (seconds + 2));
}

/* A ring brings buffers of whoever filled it: they go back where they came from. */
static void foreign_buffers(void **state)
{
	struct rte_mempool *own = engine.ports[0].pool;
	struct rte_mempool *other = rte_pktmbuf_pool_create(
		"other", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	unsigned free;

	(void)state;
	assert_non_null(other);
	free = rte_mempool_avail_count(own);
	engine.ports[0].pool = other; /* of which offer takes them */
	offer_request(&spec, SESSD_NEW, 300, 1, "abc", 3);
	offer_request(&spec, SESSD_REMOVE, 0, 2, NULL, 0);
	offer_request(&spec, SESSD_GET, 0, 3, NULL, 0);
	engine.ports[0].pool = own;
	run();
	assert_int_equal(update_ring_pull(&lcore->updates, &sink, 9), 2);
	rte_pktmbuf_free(reply_buffer());
	assert_int_equal(rte_mempool_avail_count(own), free);
	assert_int_equal(rte_mempool_avail_count(other), 255);
	rte_mempool_free(other);
	ask(&spec, 1, "abc", 3, NULL, 0);
}

static void transmit_full(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	size_t len;

	(void)state;
	/* The ring holds 255: the first hundred are left there. */
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned k = 0; k < 100; k++)
			offer_request(&spec, SESSD_GET, 0, 1, NULL, 0);
		run();
	}
	assert_int_equal(lcore->counters.tx_packets, 255);
	assert_int_equal(lcore->counters.drop_tx_full, 45);
	while (taken(&len))
		;
}

/* One GET and one NEW, on the fast path: no offload is requested of the port. */
static void ask_plainly(const uint8_t *value, size_t value_len)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	uint64_t gets = lcore->counters.plain_gets, updates = lcore->counters.plain_updates;
	struct rte_mbuf *mbuf = NULL;
	uint8_t payload[SESSD_HEADER_SIZE], frame[PACKET_ROOM];
	const uint8_t *reply;
	size_t len;

	packet_request((struct sessd_header *)payload, SESSD_GET, 0, 1);
	mbuf = offer(frame, packet_build(frame, &spec, payload, sizeof(payload)));
	mbuf->ol_flags =
		RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_RSS_HASH;
	run();
	assert_int_equal(rte_ring_dequeue(out, (void **)&mbuf), 0);
	assert_false(mbuf->ol_flags & ~(RTE_MBUF_F_FIRST_FREE - 1));
	reply = packet_check_reply(
		rte_pktmbuf_mtod(mbuf, const uint8_t *), mbuf->data_len, &spec, &len);
	assert_int_equal(len, SESSD_HEADER_SIZE + value_len);
	assert_int_equal(reply[1], SESSD_OK);
	assert_memory_equal(reply + SESSD_HEADER_SIZE, value, value_len);
	rte_pktmbuf_free(mbuf);
	assert_int_equal(lcore->counters.plain_gets, gets + 1);

	offer_request(&spec, SESSD_NEW, 300, 2, value, value_len);
	run();
	assert_int_equal(lcore->counters.plain_updates, updates + 1);
	assert_int_equal(update_ring_pull(&lcore->updates, &ignore, 1), 1);
}

/* The fast path is used whether or not the port offers checksum offload, and for one served
 * address, which is part of the template, or several. */
static void fast_way(void **state)
{
	struct local_endpoints one = {.ip4_count = 1, .ip4 = {engine.local.ip4[0]}};
	struct port *port = &engine.ports[0];
	struct packet_spec general = {.proto = IPPROTO_UDP, .tags = 1};
	uint8_t value[144];

	(void)state;
	fill(value, sizeof(value), 9);
	store(1, value, sizeof(value), 300);
	for (unsigned i = 0; i < 4; i++) {
		port->offload.ip4 = port->offload.udp = i & 1;
		fast_prepare(port, i & 2 ? &one : &engine.local, true);
		assert_int_equal(port->fast_get.whole, i / 2);
		assert_int_equal(port->fast_update.whole, i / 2);
		ask_plainly(value, sizeof(value));
	}
	fast_prepare(port, &engine.local, true);
	memset(&port->offload, 0, sizeof(port->offload));
	ask(&general, 1, value, sizeof(value), NULL, 0);
	general.tags = 0;
	ask(&general, 1, value, sizeof(value), "x", 1);
	assert_int_equal(lcore->counters.plain_gets, 4);
	assert_int_equal(lcore->reader.counters.get_hits, 6);
}

/* A NEW as it came, and one with its last byte changed: stored on the fast path, or not at all. */
static void fast_new(const uint8_t *value, size_t value_len)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	uint64_t plain = lcore->counters.plain_updates, bad = lcore->counters.drop_bad_checksum;
	uint8_t payload[PACKET_ROOM], frame[PACKET_ROOM];
	size_t len;

	packet_request((struct sessd_header *)payload, SESSD_NEW, 300, 1);
	memcpy(payload + SESSD_HEADER_SIZE, value, value_len);
	len = packet_build(frame, &spec, payload, SESSD_HEADER_SIZE + value_len);
	offer(frame, len);
	frame[len - 1] ^= 1;
	offer(frame, len);
	run();
	assert_int_equal(lcore->counters.plain_updates, plain + 1);
	assert_int_equal(lcore->counters.drop_bad_checksum, bad + 1);
	assert_int_equal(update_ring_pull(&lcore->updates, &ignore, 2), 1);
}

/* Of any length, with any bytes after it; a buffer that ends with it, or a shared one, takes the
 * general path. */
static void fast_news(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	uint8_t payload[SESSD_HEADER_SIZE + 144], frame[PACKET_ROOM], value[600];
	uint64_t plain;
	struct rte_mbuf *mbuf;
	size_t len;

	(void)state;
	fill(value, sizeof(value), 5);
	for (len = 1; len <= sizeof(value); len++)
		fast_new(value, len);
	memset(value, 0xff, sizeof(value));
	fast_new(value, sizeof(value));

	plain = lcore->counters.plain_updates;
	packet_request((struct sessd_header *)payload, SESSD_NEW, 300, 1);
	memcpy(payload + SESSD_HEADER_SIZE, value, 144);
	len = packet_build(frame, &spec, payload, sizeof(payload));
	mbuf = offer(frame, len);
	mbuf->data_off = (uint16_t)(mbuf->buf_len - len);
	memcpy(rte_pktmbuf_mtod(mbuf, void *), frame, len);
	mbuf = offer(frame, len);
	rte_mbuf_refcnt_update(mbuf, 1);
	run();
	assert_int_equal(lcore->counters.plain_updates, plain);
	assert_int_equal(update_ring_pull(&lcore->updates, &ignore, 3), 2);
	assert_int_equal(rte_mbuf_refcnt_read(mbuf), 1);
	rte_pktmbuf_free(mbuf);
}

/* What a port with checksum offload expects of the general path. */
static void offload(void **state)
{
	struct rte_mbuf *mbuf = NULL;
	uint8_t value[144];

	(void)state;
	fill(value, sizeof(value), 9);
	store(1, value, sizeof(value), 300);
	engine.ports[0].offload = (struct reply_offload){.ip4 = true, .udp = true};
	/* Without a tag, IPv4 takes the fast path. */
	for (unsigned i = 1; i < 6; i++) {
		struct packet_spec spec = {.proto = IPPROTO_UDP, .v6 = i & 1, .tags = i / 2};
		size_t ip = 14 + 4U * spec.tags, udp = ip + (spec.v6 ? 40 : 20), addrs;
		uint8_t tail[4] = {0, IPPROTO_UDP, 0, 8 + 36 + 144};
		const uint8_t *at;
		uint16_t check;

		offer_request(&spec, SESSD_GET, 0, 1, NULL, 0);
		run();
		assert_int_equal(rte_ring_dequeue(out, (void **)&mbuf), 0);
		assert_int_equal(mbuf->l2_len, ip);
		assert_int_equal(mbuf->l3_len, udp - ip);
		assert_int_equal(mbuf->ol_flags,
			RTE_MBUF_F_TX_UDP_CKSUM |
				(spec.v6 ? RTE_MBUF_F_TX_IPV6
					 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM));
		at = rte_pktmbuf_mtod(mbuf, uint8_t *);
		addrs = ip + (spec.v6 ? 8 : 12);
		memcpy(&check, at + udp + 6, 2);
		assert_int_equal(
			ntohs(check), wire_sum(wire_sum(0, at + addrs, spec.v6 ? 32 : 8), tail, 4));
		if (!spec.v6)
			assert_memory_equal(at + ip + 10, "\0\0", 2);
		rte_pktmbuf_free(mbuf);
	}
}

/* A driver that refuses replies of more than 140 bytes, like drivers that cannot compute a
 * checksum. */
static uint16_t refuse_long(void *queue, struct rte_mbuf **mbufs, uint16_t n)
{
	uint16_t i = 0;

	(void)queue;
	while (i < n && mbufs[i]->pkt_len <= 140)
		i++;
	return i;
}

/* A refused packet is dropped, and the packets after it are sent. */
static void transmit_refused(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP, .v6 = true};
	unsigned sent = 0;
	uint8_t value[100];
	size_t len;

	(void)state;
	fill(value, sizeof(value), 9);
	store(1, value, sizeof(value), 300);
	engine.ports[0].offload = (struct reply_offload){.ip4 = true, .udp = true};
	rte_eth_fp_ops[0].tx_pkt_prepare = refuse_long;
	for (unsigned i = 0; i < 20; i++)
		offer_request(&spec, SESSD_GET, 0, i % 5 == 0 || i == 19 ? 1 : 2, NULL, 0);
	run();
	rte_eth_fp_ops[0].tx_pkt_prepare = NULL;
	while (taken(&len)) {
		assert_true(len <= 140);
		sent++;
	}
	assert_int_equal(sent, 15);
	assert_int_equal(lcore->counters.drop_tx_refused, 5);
	assert_int_equal(lcore->counters.tx_packets, 15);
	assert_int_equal(lcore->counters.drop_tx_full, 0);
}

static void received_checksums(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	uint8_t payload[SESSD_HEADER_SIZE], frame[PACKET_ROOM];
	size_t len, got;

	(void)state;
	packet_request((struct sessd_header *)payload, SESSD_GET, 0, 1);
	len = packet_build(frame, &spec, payload, sizeof(payload));
	/* The port says bad, but may be wrong about it. */
	offer(frame, len)->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_BAD | RTE_MBUF_F_RX_IP_CKSUM_BAD;
	run();
	assert_non_null(taken(&got));
	/* The port vouches for a checksum that is wrong. */
	frame[40] ^= 1;
	offer(frame, len)->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_NONE;
	run();
	assert_non_null(taken(&got));
	offer(frame, len);
	assert_dropped("checksum", &lcore->counters.drop_bad_checksum, 1);
	/* But not for a missing one over IPv6. */
	spec.v6 = spec.no_checksum = true;
	len = packet_build(frame, &spec, payload, sizeof(payload));
	offer(frame, len)->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_NONE;
	assert_dropped("none", &lcore->counters.drop_bad_checksum, 2);
	offer(frame, len)->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	assert_dropped("good", &lcore->counters.drop_bad_checksum, 3);
}

/* A reply with a checksum of 0 is sent with 0xffff, because 0 is not valid over IPv6: for one of
 * the source ports it is 0. */
static void sum_of_zero(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP, .v6 = true, .source_port = 1};
	const uint8_t *frame;
	unsigned check, port;
	size_t len;

	(void)state;
	store(1, "abc", 3, 300);
	offer_request(&spec, SESSD_GET, 0x1234, 1, NULL, 0);
	run();
	frame = taken(&len);
	assert_non_null(frame);
	check = (unsigned)frame[60] << 8 | frame[61];
	/* A port larger by n makes the checksum smaller by n, in ones' complement. */
	port = (1 + check) % 0xffff;
	assert_int_not_equal(port, 0);
	spec.source_port = (uint16_t)port;
	offer_request(&spec, SESSD_GET, 0x1234, 1, NULL, 0);
	run();
	frame = taken(&len);
	assert_non_null(frame);
	assert_memory_equal(frame + 60, "\xff\xff", 2);
	packet_check_reply(frame, len, &spec, &len);
	ask(&spec, 1, "abc", 3, NULL, 0);
}

/* A tag that the port stripped without being asked is put back. */
static void stripped_tag(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP},
			   tagged = {.proto = IPPROTO_UDP, .tags = 1};
	uint8_t payload[SESSD_HEADER_SIZE], frame[PACKET_ROOM];
	struct rte_mbuf *mbuf = NULL;
	const uint8_t *reply;
	size_t len;

	(void)state;
	packet_request((struct sessd_header *)payload, SESSD_GET, 0, 1);
	mbuf = offer(frame, packet_build(frame, &spec, payload, sizeof(payload)));
	mbuf->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	mbuf->vlan_tci = 100;
	run();
	reply = taken(&len);
	assert_non_null(reply);
	packet_check_reply(reply, len, &tagged, &len);
}

static void segmented(void **state)
{
	uint8_t frame[100] = {0};
	struct rte_mbuf *mbuf = offer(frame, sizeof(frame)), *more;

	(void)state;
	more = rte_pktmbuf_alloc(engine.ports[0].pool);
	rte_pktmbuf_append(more, 100);
	assert_int_equal(rte_pktmbuf_chain(mbuf, more), 0);
	assert_dropped("segmented", &lcore->counters.drop_segmented, 1);
}

static void no_room(void **state)
{
	struct packet_spec spec = {.proto = IPPROTO_UDP};
	uint8_t payload[SESSD_HEADER_SIZE], frame[PACKET_ROOM];
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(engine.ports[0].pool);
	size_t len;

	(void)state;
	packet_request((struct sessd_header *)payload, SESSD_GET, 0, 1);
	len = packet_build(frame, &spec, payload, sizeof(payload));
	rte_pktmbuf_append(mbuf, 1500);
	assert_non_null(rte_pktmbuf_adj(mbuf, 1500));
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)len), frame, len);
	rte_ring_enqueue(in, mbuf);
	assert_dropped("no room", &lcore->counters.drop_no_room, 1);
}

static void announced(void **state)
{
	struct port_queue queue = {.port = &engine.ports[0]};
	unsigned frames = 0;
	size_t len;

	(void)state;
	engine.ports[0].announce = 1;
	announce(lcore, &queue);
	assert_int_equal(engine.ports[0].announce, 0);
	while (taken(&len))
		frames++;
	assert_int_equal(frames, 3);
	assert_int_equal(lcore->counters.announcements, 3);
}

static void count_figure(void *ctx, const char *name, uint64_t value)
{
	unsigned *count = ctx;

	(void)name;
	(void)value;
	++*count;
}

/* Each dictionary fits into one reply of DPDK's telemetry, however many lcores there are; all
 * figures together would not. */
static void telemetry_room(void **state)
{
	static struct lcore lcores[RTE_MAX_LCORE];
	struct engine many = {.lcore_count = RTE_MAX_LCORE, .lcores = lcores};
	unsigned all = 0, totals = 0, one = 0, port = 0;

	(void)state;
	stats_collect(&many, count_figure, &all);
	stats_totals(&many, count_figure, &totals);
	stats_lcore(&lcores[0], count_figure, &one);
	stats_port(&engine.ports[0], count_figure, &port);
	assert_true(all > RTE_TEL_MAX_DICT_ENTRIES);
	assert_int_equal(all, totals + RTE_MAX_LCORE * one);
	assert_in_range(totals, 10, RTE_TEL_MAX_DICT_ENTRIES);
	assert_in_range(port, 5, RTE_TEL_MAX_DICT_ENTRIES);
}

/* Replaces DPDK's, which without hugepages ignores the node. */
void *rte_zmalloc_socket(const char *what, size_t bytes, unsigned align, int socket)
{
	void *(*real)(const char *what, size_t bytes, unsigned align, int socket);

	*(void **)(void *)&real = dlsym(RTLD_NEXT, "rte_zmalloc_socket");
	return socket == NODE_WITHOUT_MEMORY ? NULL : real(what, bytes, align, socket);
}

/* A NUMA node without memory: memory is taken from another node. */
static void other_node(void **state)
{
	struct update_ring ring;
	struct table_memory near;
	uint8_t *memory = hugepages_near("test", 100, NODE_WITHOUT_MEMORY);

	(void)state;
	assert_null(rte_zmalloc_socket("test", 100, 0, NODE_WITHOUT_MEMORY));
	assert_non_null(memory);
	assert_int_equal(memory[99], 0);
	rte_free(memory);
	near_memory_init(&near, NODE_WITHOUT_MEMORY);
	assert_int_equal(update_ring_open(&ring, 64, 100, &near), 0);
	update_ring_close(&ring);
	assert_null(hugepages_near("test", (size_t)1 << 40, NODE_WITHOUT_MEMORY));
}

/* A port that was reset or removed ends the writer's poll, and so the daemon. */
static void lost(void **state)
{
	static const struct {
		enum rte_eth_event_type type;
		const char *message;
	} cases[] = {
		{RTE_ETH_EVENT_INTR_RESET, "port 0 (net_ring_test) was reset"},
		{RTE_ETH_EVENT_INTR_RMV, "port 0 (net_ring_test) was removed"},
	};
	/* Functions for drivers, whose header is not installed. */
	int (*process)(void *port, enum rte_eth_event_type type, void *unused);
	void *ports = dlsym(RTLD_DEFAULT, "rte_eth_devices");

	(void)state;
	*(void **)(void *)&process = dlsym(RTLD_DEFAULT, "rte_eth_dev_callback_process");
	assert_int_equal(writer_poll(&engine, 1), 0);
	for (size_t i = 0; process && ports && i < 2; i++) {
		process(ports, RTE_ETH_EVENT_INTR_LSC, NULL);
		assert_int_equal(writer_poll(&engine, 0), 0);
		process(ports, cases[i].type, NULL);
		assert_int_equal(writer_poll(&engine, 0), -ENODEV);
		print_message("%s\n", error_message());
		assert_non_null(strstr(error_message(), cases[i].message));
		engine.lost = 0;
	}
	rte_dev_event_callback_process("0000:99:00.0", RTE_DEV_EVENT_REMOVE);
	rte_dev_event_callback_process("net_ring_test", RTE_DEV_EVENT_ADD);
	assert_int_equal(writer_poll(&engine, 0), 0);
	rte_dev_event_callback_process("net_ring_test", RTE_DEV_EVENT_REMOVE);
	assert_int_equal(writer_poll(&engine, 0), -ENODEV);
	assert_non_null(strstr(error_message(), cases[1].message));
	engine.lost = 0;
	assert_int_equal(writer_poll(&engine, 0), 0);
}

/* With the instructions of every CPU of this architecture, and with this CPU's. */
int main(void)
{
#define T(name) \
	cmocka_unit_test_setup_teardown(name, setup_base, teardown), \
	{ \
#name " chosen", name, setup_chosen, teardown, NULL \
	}
	const struct CMUnitTest tests[] = {
		T(gets),
		T(takes),
		T(takes_without_room),
		T(takes_that_a_farm_decides),
		T(fast_takes),
		T(takes_together),
		T(takes_not_answered),
		T(expired),
		T(odd_packets),
		T(udp_shorter_than_ip),
		T(drops),
		T(truncated),
		T(flipped_bits),
		T(protocol_drops),
		T(not_allowed),
		T(limited),
		T(updates),
		T(update_sources),
		T(watched),
		T(ring_full),
		T(mixed),
		T(memory_is_locked),
		T(other_vlans),
		T(pings_not_allowed),
		T(pings_are_limited),
		T(foreign_buffers),
		T(transmit_full),
		T(fast_way),
		T(fast_news),
		T(offload),
		T(transmit_refused),
		T(received_checksums),
		T(sum_of_zero),
		T(stripped_tag),
		T(segmented),
		T(no_room),
		T(announced),
		T(telemetry_room),
		T(other_node),
		T(lost),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
