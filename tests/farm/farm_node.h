/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A node of a farm without a daemon: what clients make is a numbered session, and what comes from
 * peers is counted by number.
 */
#ifndef TESTS_FARM_FARM_NODE_H
#define TESTS_FARM_FARM_NODE_H

#include <pthread.h>
#include <stdatomic.h>

#include "control/farm/farm.h"

#define NODE_SESSIONS 200000 /* numbers, of all nodes together */
#define NODE_QUEUE    4096 /* records that wait for the farm; more are dropped, as in the daemon */

struct node {
	struct farm *farm;
	pthread_mutex_t lock;
	/* Out. */
	struct node_record {
		uint8_t type;
		unsigned number;
	} queue[NODE_QUEUE];
	unsigned first, count;
	uint64_t dropped;
	bool own[NODE_SESSIONS]; /* made here, for resend */
	unsigned resend_at;	 /* NODE_SESSIONS: none is under way */
	unsigned resends;
	/* In. */
	uint8_t got[NODE_SESSIONS];   /* times that it arrived */
	uint16_t left[NODE_SESSIONS]; /* seconds, as it arrived last */
	bool removed[NODE_SESSIONS];  /* the last that came was a removal */
	unsigned distinct, twice, wrong, flushes, history;
	bool paused;	      /* no room */
	unsigned pause_every; /* no room at each so-manieth record; 0: never */
	unsigned calls;
	uint8_t kept[FARM_NOTES_MAX]; /* what the farm had it keep last */
	size_t kept_size;
};

struct node_config {
	const char *engines[FARM_ENGINES_MAX];
	unsigned engine_count;
	const char *key_file, *ca_file;
	uint32_t capacity; /* 0: NODE_SESSIONS */
	unsigned pause_every;
	const void *kept; /* by a former node */
	size_t kept_size;
	bool taken_over; /* it has sessions of a former node */
	struct take_queues *takes;
	uint32_t take_window; /* seconds */
	bool takes_local;
};

/* Starts it; fails the test if it cannot. */
struct node *node_open(const struct node_config *config, const char *name);
void node_close(struct node *node);

/* Sessions first to first + count - 1, as fast as the farm takes them. */
void node_new(struct node *node, unsigned first, unsigned count);
void node_record(struct node *node, enum farm_record_type type, unsigned number);
/* Without waiting for room. */
void node_offer(struct node *node, enum farm_record_type type, unsigned number);
void node_pause(struct node *node, bool paused);

/* How many of these numbers have arrived and are not removed. */
unsigned node_has(struct node *node, unsigned first, unsigned count);
/* Waits until all have arrived; fails the test after 30 s. */
void node_wait(struct node *node, unsigned first, unsigned count);
/* Fails if a session had another value, or arrived twice although no node was asked to resend. */
void node_once(struct node *node);
/* Times that a node was asked to resend. */
extern atomic_uint node_resends;

/* The session's key. */
void node_key(unsigned number, uint8_t key[SESSD_KEY_SIZE]);

/* Reads a member that the farm's thread may write. */
#define NODE_READ(node, member) \
	({ \
		pthread_mutex_lock(&(node)->lock); \
		__auto_type read_value = (node)->member; \
		pthread_mutex_unlock(&(node)->lock); \
		read_value; \
	})

/* Waits until a condition over `status` of the node holds; fails the test after 30 s. */
#define node_until(node, condition) \
	do { \
		struct farm_status status; \
		unsigned tries = 0; \
		for (;;) { \
			farm_status((node)->farm, &status); \
			if (condition) \
				break; \
			if (++tries > 3000) { \
				node_print(node); \
				fail_msg("never: %s", #condition); \
			} \
			usleep(10000); \
		} \
	} while (0)
void node_print(struct node *node);

#endif
