/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/dpdk/dpdk.h"

#include <rte_lcore.h>
#include <stdio.h>

static void emit_named(stats_emit emit, void *ctx, const char *group, unsigned number,
	const char *name, uint64_t value)
{
	char text[64];

	snprintf(text, sizeof(text), "dpdk_%s%u_%s", group, number, name);
	emit(ctx, text, value);
}

void stats_port(const struct port *port, stats_emit emit, void *ctx)
{
	struct rte_eth_stats stats = {0};

	rte_eth_stats_get(port->id, &stats);
	emit_named(emit, ctx, "port", port->id, "link", port->link);
	emit_named(emit, ctx, "port", port->id, "queues", port->queues);
	emit_named(emit, ctx, "port", port->id, "rx_packets", stats.ipackets);
	emit_named(emit, ctx, "port", port->id, "tx_packets", stats.opackets);
	emit_named(emit, ctx, "port", port->id, "imissed", stats.imissed);
	emit_named(emit, ctx, "port", port->id, "ierrors", stats.ierrors);
	emit_named(emit, ctx, "port", port->id, "oerrors", stats.oerrors);
	emit_named(emit, ctx, "port", port->id, "rx_nombuf", stats.rx_nombuf);
	emit_named(emit, ctx, "port", port->id, "mbufs_free", rte_mempool_avail_count(port->pool));
}

void stats_lcore(const struct lcore *lcore, stats_emit emit, void *ctx)
{
	emit_named(emit, ctx, "lcore", lcore->id, "rx_packets",
		__atomic_load_n(&lcore->counters.rx_packets, __ATOMIC_RELAXED));
	emit_named(emit, ctx, "lcore", lcore->id, "polls",
		__atomic_load_n(&lcore->polls, __ATOMIC_RELAXED));
	emit_named(emit, ctx, "lcore", lcore->id, "empty_polls",
		__atomic_load_n(&lcore->empty_polls, __ATOMIC_RELAXED));
	emit_named(emit, ctx, "lcore", lcore->id, "updates_waiting",
		update_ring_waiting(&lcore->updates));
}

void stats_totals(struct engine *engine, stats_emit emit, void *ctx)
{
	struct request_counters requests = {0};
	struct dpdk_counters counters = {0};

	for (unsigned i = 0; i < engine->lcore_count; i++) {
		const struct lcore *lcore = &engine->lcores[i];

		request_counters_sum(&requests, &lcore->reader.counters);
#define X(name, ...) counters.name += __atomic_load_n(&lcore->counters.name, __ATOMIC_RELAXED);
		DPDK_COUNTERS(X)
#undef X
	}
	reader_emit(&requests, "", emit, ctx);
#define X(name, ...) emit(ctx, "dpdk_" #name, counters.name);
	DPDK_COUNTERS(X)
#undef X
	emit(ctx, "dpdk_ports", engine->port_count);
	emit(ctx, "dpdk_lcores", engine->lcore_count);
}

void stats_collect(struct engine *engine, stats_emit emit, void *ctx)
{
	stats_totals(engine, emit, ctx);
	for (unsigned i = 0; i < engine->port_count; i++)
		stats_port(&engine->ports[i], emit, ctx);
	for (unsigned i = 0; i < engine->lcore_count; i++)
		stats_lcore(&engine->lcores[i], emit, ctx);
}
