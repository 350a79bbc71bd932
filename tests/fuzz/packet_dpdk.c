/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/fuzz/packet_dpdk.h"
#include "tests/fuzz/fuzz.h"

#include "dataplane/dpdk/dpdk.h"
#include "dataplane/dpdk/eal.h"

#include "common/log.h"

#include <rte_eth_ring.h>
#include <rte_ring.h>

static struct engine engine;
static struct lcore *lcore;
static struct rte_ring *in, *out;

struct packet_update packet_dpdk_update;
bool packet_dpdk_taken;
const uint8_t packet_dpdk_mac[6] = {2, 0, 0, 0, 0, 1};

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			FUZZ_FAIL("dpdk: " #condition ": %s", error_message()); \
	} while (0)

void packet_dpdk_open(
	struct table *table, uint16_t value_max, const char *const *local, size_t count)
{
	static struct allow_list everyone = {.count = 2};
	struct endpoint listen[8];

	for (size_t i = 0; i < count; i++)
		REQUIRE(endpoint_parse(local[i], SESSD_PORT, &listen[i]) == 0);
	REQUIRE(prefix_parse("0.0.0.0/0", &everyone.prefixes[0]) == 0);
	REQUIRE(prefix_parse("::/0", &everyone.prefixes[1]) == 0);
	REQUIRE(local_endpoints_init(&engine.local, listen, count) == 0);
	REQUIRE(dpdk_args_parse(&engine.args,
			"-l 0 --no-huge --no-pci --no-telemetry --base-virtaddr=0x600000000000 -- "
			"--rxd 64 --txd 64 --mbufs 2048") == 0);
	REQUIRE(eal_open(&engine.args) == 0);
	in = rte_ring_create("in", 64, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	out = rte_ring_create("out", 64, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	REQUIRE(rte_eth_from_rings("test", &in, 1, &out, 1, 0) >= 0);
	engine.config.value_max = value_max;
	engine.lcore_count = 1;
	lcore = engine.lcores = aligned_alloc(64, sizeof(*lcore));
	engine.args.updates = 64;
	REQUIRE(reader_shared_open(&engine.readers, 0, 0, READER_TALKERS_ALL, true) == 0);
	REQUIRE(lcore_open(lcore, &engine, 0) == 0);
	lcore->table = table;
	REQUIRE(ports_open(&engine) == 0);
	REQUIRE(ports_start(&engine) == 0);
	memcpy(engine.ports[0].mac, packet_dpdk_mac, 6);
	fast_prepare(&engine.ports[0], &engine.local, true);
	engine.allow = allow_ranges_make(&everyone);
	lcore->allow = engine.allow;
}

static bool is_datagram(const uint8_t *frame, size_t len)
{
	size_t at = 12;

	while (at + 4 < len && (frame[at] == 0x81 || frame[at] == 0x88))
		at += 4;
	if (at + 24 > len)
		return false;
	return (frame[at] == 0x08 && frame[at + 1] == 0 && frame[at + 2 + 9] == 17) ||
	       (frame[at] == 0x86 && frame[at + 1] == 0xdd && frame[at + 2 + 6] == 17);
}

static void on_new(void *ctx, const uint8_t *key, uint16_t timeout, const void *value, size_t len,
	const struct address *source)
{
	struct packet_update *update = ctx;

	if (!source)
		FUZZ_FAIL("a NEW without its source");
	update->count++;
	update->is_new = true;
	memcpy(update->key, key, SESSD_KEY_SIZE);
	update->timeout = timeout;
	update->len = len;
	if (len <= engine.config.value_max)
		memcpy(update->value, value, len);
}

static void on_remove(void *ctx, const uint8_t *key)
{
	struct packet_update *update = ctx;

	update->count++;
	memcpy(update->key, key, SESSD_KEY_SIZE);
}

/* Answered already: the writer hears of it, and nothing is stored. */
static void on_taken(void *ctx, const uint8_t *key)
{
	(void)ctx;
	(void)key;
	packet_dpdk_taken = true;
}

size_t packet_dpdk_run(const uint8_t *frame, size_t len, uint8_t *reply, size_t room)
{
	const struct update_sink sink = {on_new, on_remove, on_taken, &packet_dpdk_update};
	struct port_queue queue = {.port = &engine.ports[0]};
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(engine.ports[0].pool);
	size_t got = 0;

	REQUIRE(mbuf);
	memset(mbuf->buf_addr, 0xaa, mbuf->buf_len);
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)len), frame, len);
	REQUIRE(rte_ring_enqueue(in, mbuf) == 0);
	while (lcore_burst(lcore, &queue))
		;
	while (rte_ring_dequeue(out, (void **)&mbuf) == 0) {
		const uint8_t *sent = rte_pktmbuf_mtod(mbuf, const uint8_t *);

		if (is_datagram(sent, mbuf->data_len)) {
			if (got || mbuf->nb_segs != 1 || mbuf->pkt_len != mbuf->data_len ||
				mbuf->data_len > room)
				FUZZ_FAIL("dpdk: more than one reply, or a broken one");
			got = mbuf->data_len;
			memcpy(reply, sent, got);
		}
		rte_pktmbuf_free(mbuf);
	}
	memset(&packet_dpdk_update, 0, sizeof(packet_dpdk_update));
	packet_dpdk_taken = false;
	update_ring_pull(&lcore->updates, &sink, UINT32_MAX);
	if (rte_mempool_in_use_count(engine.ports[0].pool) != 0)
		FUZZ_FAIL("dpdk: a packet's buffer was lost");
	return got;
}
