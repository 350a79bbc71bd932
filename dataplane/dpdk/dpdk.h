/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the files of dpdk mode share; private to this folder, like DPDK's types.
 *
 * Threads: EAL runs on a thread of its own, which is the main lcore; all lcores, including that
 * one, run lcore_run. The daemon's main and writer threads are not EAL threads. Functions are for
 * the main thread unless stated otherwise; those marked [any] for any thread.
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
#include "dataplane/take_queue.h"
#include "dataplane/update_ring.h"

#define BURST 32
/* TAKEs of an lcore that may wait for the farm's arbiter: each keeps a packet buffer. */
#define LCORE_TAKES 512

/* Offsets in a plain GET (fast_path.h). */
#define FAST_IP		ETHER_HDR_LEN
#define FAST_SOURCE	(FAST_IP + 12)
#define FAST_UDP	(FAST_IP + 20)
#define FAST_REQUEST	(FAST_UDP + 8)
#define FAST_END	(FAST_REQUEST + SESSD_HEADER_SIZE)
#define FAST_UDP_LENGTH (8 + SESSD_HEADER_SIZE)

/* Template of a port's plain requests: the frame's first bytes, up to the key, and 16 bytes of its
 * mbuf (from rearm_data on), each with a mask of the bits that must match. */
#define FAST_HEADERS  48
#define FAST_TEMPLATE (FAST_HEADERS + 16)
struct fast_template {
	uint8_t value[FAST_TEMPLATE];
	uint8_t mask[FAST_TEMPLATE];
	bool whole; /* includes the address and port: only one pair is served */
} __attribute__((aligned(64)));

/* What replies to plain GETs with a value of one length have in common: one cache line. Sums are
 * one's complement sums. */
struct fast_reply {
	uint64_t ip_sum;
	uint32_t udp_change; /* added to the request's checksum, less the value's sum */
	/* Where they are in the frame; zero for the checksums, and for addresses and ports, which
	 * the request has. */
	uint8_t headers[28]; /* from the EtherType to UDP's length */
	uint8_t tail[4];     /* from UDP's checksum to the reply's type */
	uint8_t unused[4];
	uint8_t mbuf[16]; /* from packet_type on: the lengths */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct fast_reply) == 64, "a cache line");
_Static_assert(offsetof(struct fast_reply, headers) == ETHER_HDR_LEN - 2, "as in the frame");

/* A range of sources that may ask and can be answered. */
struct source_range {
	uint32_t first, size;
};

struct port {
	uint16_t id;
	uint16_t queues;
	char name[RTE_ETH_NAME_MAX_LEN];
	uint8_t mac[FRAME_MAC];
	struct reply_offload offload;
	struct fast_template fast_get;	  /* of GETs and TAKEs */
	struct fast_template fast_update; /* of NEWs and REMOVEs, whose length varies */
	struct rte_mempool *pool;
	bool started;
	bool link;	  /* link state, as last seen by the main thread */
	unsigned tells;	  /* announcements that the main thread still has to request */
	uint8_t announce; /* atomic: set by the main thread, cleared by the lcore of queue 0 */
};

/* A receive and a transmit queue of a port; both belong to one lcore. */
struct port_queue {
	struct port *port;
	uint16_t queue;
};

struct fast_path;

/* Number of replies of an lcore in the second that began at tick `began`. */
struct answer_limit {
	uint64_t began;
	unsigned used;
};

/* A TAKE that waits for the arbiter. */
struct lcore_take {
	struct rte_mbuf *mbuf;
	const struct port_queue *queue;
	struct frame frame;
	uint64_t sum; /* see struct pending_get */
};

struct lcore {
	/* Read by the lcore. */
	struct engine *engine;
	const struct fast_path *fast;
	struct table *table;
	/* Atomic: the list in use; tells the main thread when an old one is free. */
	const struct allow_ranges *allow;
	uint16_t value_max;
	uint16_t queue_count;
	struct port_queue *queues;
	unsigned id;

	/* Written by the lcore. */
	struct source_range recent; /* range of the last plain GET's source */
	struct reader reader;
	struct dpdk_counters counters;
	uint64_t polls; /* rounds over all queues */
	uint64_t empty_polls;
	struct answer_limit echoes, neighbours; /* ICMP; ARP and neighbour discovery */
	struct take_queue *takes;		/* NULL without --take farm */
	struct lcore_take *waiting;		/* by place */
	unsigned waiting_count;

	/* Polled by the writer: in another cache line than what the lcore writes. */
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
	struct take_queues *takes; /* NULL without --take farm */

	struct allow_ranges *allow; /* atomic: lcores load it at the top of their loops */
	bool stop;		    /* atomic */
	bool running;		    /* the lcores were started */
	unsigned lcore_count;
	struct lcore *lcores;
	unsigned port_count;
	struct port *ports;
	struct neighbour_ports neighbour_ports; /* constant once the ports are open */

	/* Written by the writer in each poll: in another cache line than what the lcores read in
	 * each round. busy_ns: latency_now() when it last had work. */
	uint64_t busy_ns __attribute__((aligned(64)));
	unsigned next; /* index of the lcore whose ring comes first in the next poll */
	bool few;      /* the last poll found less than its limit */
	bool wake;     /* atomic: ends the writer's poll */
	uint32_t lost; /* atomic: a lost port's id | enum port_lost << 16; 0: none */
} __attribute__((aligned(64)));

/* port.c: configures and starts every port that EAL knows. 0, or a negative errno with
 * error_message() set. */
int ports_open(struct engine *engine);
int ports_start(struct engine *engine);
void ports_close(struct engine *engine);
/* Call once a second: detects links that came up, and requests announcements there. */
void ports_watch(struct engine *engine);

/* port_events.c: detects ports that are taken away. port_events_error() then is -ENODEV with
 * error_message() set; else 0. [any] */
enum port_lost {
	PORT_RESET = 1,
	PORT_REMOVED,
};
void port_events_watch(struct engine *engine);
void port_events_unwatch(struct engine *engine);
int port_events_error(struct engine *engine);

/* lcore.c: an lcore's loop; `engine` is a struct engine. Returns when engine->stop is set. */
int lcore_run(void *engine);
/* Receives a burst from a queue and handles it. Returns its size. Lcore thread. */
unsigned lcore_burst(struct lcore *lcore, const struct port_queue *queue);
/* Answers TAKEs that the farm decided, at most BURST. Returns how many. Lcore thread. */
unsigned lcore_decided(struct lcore *lcore);

/* fast_template.c: prepares the port's templates. Call once its MAC address is known. */
void fast_prepare(struct port *port, const struct local_endpoints *local, bool take);
/* fast_template.c: the best variant for this CPU, within EAL's --force-max-simd-bitwidth. */
const struct fast_path *fast_choose(void);

/* Initialises an lcore of this EAL id, except its table, allow list and queues. 0, or a negative
 * errno with error_message() set. */
int lcore_open(struct lcore *lcore, struct engine *engine, unsigned id);

/* announce.c: sends gratuitous ARPs and neighbour advertisements for this node's addresses. Lcore
 * thread. */
void announce(struct lcore *lcore, const struct port_queue *queue);

/* hugepages.c: an allocator for the table that uses hugepages if EAL has any. */
void table_memory_init(struct table_memory *memory);
/* hugepages.c: an allocator that uses hugepages_near on NUMA node `socket`. */
void near_memory_init(struct table_memory *memory, int socket);
/* hugepages.c: zeroed memory from DPDK's heap, on NUMA node `socket` or, with a warning, on
 * another; NULL if there is none. Released by rte_free. */
void *hugepages_near(const char *what, size_t bytes, int socket);
#define MEMORY_FAR \
	"%s: NUMA node %d has no memory left: using another node, which is slower; reserve " \
	"hugepages on both"
/* hugepages.c: advice for the error message if there is none. */
const char *hugepages_hint(void);

/* poll.c */
int writer_poll(struct engine *engine, int timeout_ms);

/* stats_dpdk.c: sums, figures of one port, of one lcore, and all of them. [any] */
void stats_totals(struct engine *engine, stats_emit emit, void *ctx);
void stats_port(const struct port *port, stats_emit emit, void *ctx);
void stats_lcore(const struct lcore *lcore, stats_emit emit, void *ctx);
void stats_collect(struct engine *engine, stats_emit emit, void *ctx);

/* telemetry.c: provides /sessiond/stats, /sessiond/ports and /sessiond/lcores in DPDK's
 * telemetry. */
void telemetry_open(struct engine *engine);
void telemetry_close(void);

#endif
