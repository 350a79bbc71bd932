/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The engine's parts. DPDK's types stay in this folder.
 *
 * Threads: EAL lives on a thread of ours, which is its main lcore; all lcores, that one too, run
 * lcore_run. The daemon's main and writer threads are none of EAL's.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_DPDK_H
#define SESSIOND_DATAPLANE_DPDK_DPDK_H

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "dataplane/dpdk/args.h"
#include "dataplane/dpdk/counters.h"
#include "dataplane/engine.h"
#include "dataplane/packet/allow_ranges.h"
#include "dataplane/packet/local_endpoints.h"
#include "dataplane/packet/neighbour.h"
#include "dataplane/packet/reply.h"
#include "dataplane/reader.h"
#include "dataplane/update_ring.h"

#define BURST 32

/* What is where in a plain GET (fast_path.h). */
#define FAST_IP		ETHER_HDR_LEN
#define FAST_SOURCE	(FAST_IP + 12)
#define FAST_UDP	(FAST_IP + 20)
#define FAST_REQUEST	(FAST_UDP + 8)
#define FAST_END	(FAST_REQUEST + SESSD_HEADER_SIZE)
#define FAST_UDP_LENGTH (8 + SESSD_HEADER_SIZE)

/* The start of each plain request of a port, up to the key, and 16 bytes of its mbuf (from
 * rearm_data on), with a mask of what must be so. */
#define FAST_HEADERS  48
#define FAST_TEMPLATE (FAST_HEADERS + 16)
struct fast_template {
	uint8_t value[FAST_TEMPLATE];
	uint8_t mask[FAST_TEMPLATE];
	bool whole; /* with the only address and port that are served */
} __attribute__((aligned(64)));

/* What replies to plain GETs have in common, by the value's length. Sums are of 16 bits. */
struct fast_reply {
	uint64_t ip; /* the start of the IPv4 header */
	uint32_t ip_sum;
	uint16_t udp_length; /* network order */
	uint16_t
		udp_change; /* to be added to a request's checksum, beside the value's complement */
};

/* A range of sources that may ask, and can be answered. */
struct source_range {
	uint32_t first, size;
};

struct port {
	uint16_t id;
	uint16_t queues;
	char name[RTE_ETH_NAME_MAX_LEN];
	uint8_t mac[FRAME_MAC];
	struct reply_offload offload;
	struct fast_template fast_get;	  /* of GETs */
	struct fast_template fast_update; /* of NEWs and REMOVEs, whose lengths differ */
	struct rte_mempool *pool;
	bool started;
	bool link;	  /* as last seen by the main thread */
	unsigned tells;	  /* announcements that the main thread has still to ask for */
	uint8_t announce; /* atomic: set by the main thread, cleared by the lcore of queue 0 */
};

/* A receive and a transmit queue of a port, both an lcore's own. */
struct port_queue {
	struct port *port;
	uint16_t queue;
};

struct fast_path;

struct lcore {
	/* What the lcore reads. */
	struct engine *engine;
	const struct fast_path *fast;
	struct table *table;
	const struct allow_ranges *allow; /* atomic: says, to the main thread, what is in use */
	uint16_t value_max;
	uint16_t queue_count;
	struct port_queue *queues;
	unsigned id;

	/* What it writes. */
	struct source_range recent; /* where the last plain GET came from */
	struct reader reader;
	struct dpdk_counters counters;
	uint64_t polls; /* times round, of all queues */
	uint64_t empty_polls;

	/* What the writer reads all the time: away from what the lcore writes. */
	struct update_ring updates __attribute__((aligned(64)));
} __attribute__((aligned(64)));

_Static_assert(LOCAL_ENDPOINTS_MAX == ENGINE_LISTEN_MAX, "room for every --listen");

struct engine {
	struct engine_config config;
	struct dpdk_args args;
	struct local_endpoints local;
	struct update_sink sink;
	struct table_memory table_memory;
	struct reader_shared readers;

	struct allow_ranges *allow; /* atomic: lcores take it up at the top of their loops */
	bool stop;		    /* atomic */
	bool running;		    /* lcores were started */
	unsigned lcore_count;
	struct lcore *lcores;
	unsigned port_count;
	struct port *ports;
	struct neighbour_ports neighbour_ports; /* constant once the ports are open */

	/* What the writer writes in each poll: away from what the lcores read in each round. */
	uint64_t busy_ns __attribute__((aligned(64))); /* when it last had something to do */
	unsigned next; /* the lcore whose ring comes first in the next poll */
	bool few;      /* the last poll found less than it would have taken */
	bool wake;     /* atomic: ends the writer's poll */
	uint32_t lost; /* atomic: which port was taken away (its id), and how, << 16; 0: none */
} __attribute__((aligned(64)));

/* port.c: finds, configures and starts every port that EAL knows; -errno with error_message(). */
int ports_open(struct engine *engine);
int ports_start(struct engine *engine);
void ports_close(struct engine *engine);
/* Once a second: notices links that came up, and has addresses announced there. */
void ports_watch(struct engine *engine);

/* port_events.c: ports that are taken away. Once one was, port_events_error() is -ENODEV, with
 * error_message() set; else 0. [any] */
enum port_lost {
	PORT_RESET = 1,
	PORT_REMOVED,
};
void port_events_watch(struct engine *engine);
void port_events_unwatch(struct engine *engine);
int port_events_error(struct engine *engine);

/* lcore.c: an lcore's life; takes a struct engine, returns when engine->stop is set. */
int lcore_run(void *engine);
/* Receives a burst from a queue, answers it, hands on and drops the rest. Returns its size. */
unsigned lcore_burst(struct lcore *lcore, const struct port_queue *queue);

/* fast_template.c: after the port's MAC address is known. */
void fast_prepare(struct port *port, const struct local_endpoints *local);
/* fast_template.c: what is best on this CPU, as far as EAL's --force-max-simd-bitwidth allows. */
const struct fast_path *fast_choose(void);

/* All that an lcore of this EAL id has but for its table, its allow list and its queues. 0, or a
 * negative errno with error_message() set. */
int lcore_open(struct lcore *lcore, struct engine *engine, unsigned id);

/* announce.c: tells the neighbours of this node's addresses. */
void announce(struct lcore *lcore, const struct port_queue *queue);

/* hugepages.c: the table's memory, in hugepages where EAL has any. */
void table_memory_init(struct table_memory *memory);
/* hugepages.c: by hugepages_near, on NUMA node `socket`. */
void near_memory_init(struct table_memory *memory, int socket);
/* hugepages.c: zeroed memory of DPDK's heap, on NUMA node `socket` or else, with a warning, on any
 * other; NULL if there is none. Released by rte_free. */
void *hugepages_near(const char *what, size_t bytes, int socket);
#define MEMORY_FAR \
	"%s: NUMA node %d has no memory left for it: it is on another, which is slower; reserve " \
	"hugepages on both"
/* hugepages.c: what to do if there is none. */
const char *hugepages_hint(void);

/* poll.c */
int writer_poll(struct engine *engine, int timeout_ms);

/* stats_dpdk.c: the sums, of one port, of one lcore; and all of it. */
void stats_totals(struct engine *engine, stats_emit emit, void *ctx);
void stats_port(const struct port *port, stats_emit emit, void *ctx);
void stats_lcore(const struct lcore *lcore, stats_emit emit, void *ctx);
void stats_collect(struct engine *engine, stats_emit emit, void *ctx);

/* telemetry.c: /sessiond/stats, /sessiond/ports and /sessiond/lcores of DPDK's telemetry. */
void telemetry_open(struct engine *engine);
void telemetry_close(void);

#endif
