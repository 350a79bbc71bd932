/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/log.h"
#include "tests/farm/farm_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECONDS 300

atomic_uint node_resends;

void node_key(unsigned number, uint8_t key[SESSD_KEY_SIZE])
{
	memset(key, 0x5a, SESSD_KEY_SIZE);
	memcpy(key, &number, sizeof(number));
}

/* 100 to 227 bytes. */
static uint16_t make_value(unsigned number, uint8_t value[256])
{
	for (unsigned i = 0; i < 256; i++)
		value[i] = (uint8_t)(number * 31 + i);
	return (uint16_t)(100 + number % 128);
}

static void hand_over(
	struct node_record from, void (*take)(void *to, const struct farm_record *record), void *to)
{
	struct farm_record record = {.type = from.type};
	uint8_t value[256];

	node_key(from.number, record.key);
	if (from.type == FARM_NEW) {
		record.value = value;
		record.value_len = make_value(from.number, value);
		record.seconds_left = SECONDS;
	}
	take(to, &record);
}

static unsigned outgoing(
	void *ctx, unsigned max, void (*take)(void *to, const struct farm_record *record), void *to)
{
	struct node *node = ctx;
	unsigned done = 0;

	pthread_mutex_lock(&node->lock);
	while (done < max && node->count > 0) {
		hand_over(node->queue[node->first], take, to);
		node->first = (node->first + 1) % NODE_QUEUE;
		node->count--;
		done++;
	}
	while (done < max && node->resend_at < NODE_SESSIONS) {
		if (node->own[node->resend_at]) {
			hand_over((struct node_record){FARM_NEW, node->resend_at}, take, to);
			done++;
		}
		node->resend_at++;
	}
	pthread_mutex_unlock(&node->lock);
	return done;
}

static void resend(void *ctx)
{
	struct node *node = ctx;

	pthread_mutex_lock(&node->lock);
	node->resend_at = 0;
	node->resends++;
	node_resends++;
	pthread_mutex_unlock(&node->lock);
}

static void note_session(struct node *node, unsigned number, const struct farm_record *record)
{
	uint8_t value[256];

	if (record->value_len != make_value(number, value) ||
		memcmp(record->value, value, record->value_len) != 0 ||
		record->seconds_left > SECONDS || record->seconds_left < SECONDS - 60)
		node->wrong++;
	if (node->got[number] == 0)
		node->distinct++;
	else
		node->twice++;
	node->left[number] = (uint16_t)record->seconds_left;
	node->got[number]++;
	node->removed[number] = false;
}

static bool incoming(void *ctx, const struct farm_record *record, enum farm_age age)
{
	struct node *node = ctx;
	unsigned number;

	memcpy(&number, record->key, sizeof(number));
	pthread_mutex_lock(&node->lock);
	if (node->paused || (node->pause_every > 0 && ++node->calls % node->pause_every == 0)) {
		pthread_mutex_unlock(&node->lock);
		return false;
	}
	node->history += age == FARM_HISTORY;
	if (record->type == FARM_FLUSH) {
		node->flushes++;
	} else if (number >= NODE_SESSIONS) {
		node->wrong++;
	} else if (record->type == FARM_NEW) {
		note_session(node, number, record);
	} else {
		node->removed[number] = true;
	}
	pthread_mutex_unlock(&node->lock);
	return true;
}

static bool keep(void *ctx, const void *bytes, size_t size)
{
	struct node *node = ctx;

	pthread_mutex_lock(&node->lock);
	assert_true(size <= sizeof(node->kept));
	memcpy(node->kept, bytes, size);
	node->kept_size = size;
	pthread_mutex_unlock(&node->lock);
	return true;
}

struct node *node_open(const struct node_config *config, const char *name)
{
	struct node *node = calloc(1, sizeof(*node));
	struct farm_config farm = {
		.engine_count = config->engine_count,
		.key_file = config->key_file,
		.ca_file = config->ca_file,
		.name = "test",
		.node = name,
		.capacity = config->capacity ? config->capacity : NODE_SESSIONS,
		.value_max = 512,
		.takes = config->takes,
		.take_window = config->take_window,
		.takes_local = config->takes_local,
	};
	const struct farm_side side = {.ctx = node,
		.outgoing = outgoing,
		.incoming = incoming,
		.resend = resend,
		.keep = keep,
		.kept = config->kept,
		.kept_size = config->kept_size,
		.taken_over = config->taken_over};

	assert_non_null(node);
	pthread_mutex_init(&node->lock, NULL);
	node->resend_at = NODE_SESSIONS;
	node->pause_every = config->pause_every;
	memcpy(farm.engines, config->engines, sizeof(farm.engines));
	node->farm = farm_create(&farm, &side);
	if (!node->farm || farm_start(node->farm) < 0)
		fail_msg("%s", error_message());
	return node;
}

/* A line for each node of a test. */
static void print_figures(struct node *node)
{
	static struct farm_status s;
	uint64_t gaps = 0, refused = 0, engines = 0, restarts = 0;

	farm_status(node->farm, &s);
	for (unsigned i = 0; i < s.node_count; i++)
		gaps += s.nodes[i].gaps;
	for (unsigned i = 0; i < FARM_REFUSED_COUNT; i++)
		refused += s.refused[i];
	for (unsigned i = 0; i < s.engine_count; i++) {
		engines += s.engines[i].connects;
		restarts += s.engines[i].restarts;
	}
	print_message("  published %" PRIu64
		      ", received %u (%u of history, %u twice), copies %" PRIu64 ", gaps %" PRIu64
		      ", resent %u times, refused %" PRIu64 ", unknown %" PRIu64
		      ", overflowed %" PRIu64 ", engines connected %" PRIu64
		      " times and restarted %" PRIu64 "\n",
		s.records, node->distinct, node->history, node->twice, s.copies, gaps,
		node->resends, refused, s.unknown, node->dropped, engines, restarts);
}

void node_close(struct node *node)
{
	if (!node)
		return;
	farm_stop(node->farm);
	print_figures(node);
	farm_destroy(node->farm);
	pthread_mutex_destroy(&node->lock);
	free(node);
}

static bool try_offer(struct node *node, enum farm_record_type type, unsigned number)
{
	bool ok;

	pthread_mutex_lock(&node->lock);
	ok = node->count < NODE_QUEUE;
	if (ok)
		node->queue[(node->first + node->count++) % NODE_QUEUE] =
			(struct node_record){(uint8_t)type, number};
	if (type == FARM_NEW)
		node->own[number] = true;
	pthread_mutex_unlock(&node->lock);
	farm_wake(node->farm);
	return ok;
}

void node_offer(struct node *node, enum farm_record_type type, unsigned number)
{
	if (try_offer(node, type, number))
		return;
	node->dropped++;
	farm_lost(node->farm);
}

void node_record(struct node *node, enum farm_record_type type, unsigned number)
{
	unsigned tries = 0;

	while (!try_offer(node, type, number)) {
		if (++tries > 30000) {
			node_print(node);
			fail_msg("the farm takes nothing");
		}
		usleep(1000);
	}
}

void node_new(struct node *node, unsigned first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		node_record(node, FARM_NEW, first + i);
}

void node_pause(struct node *node, bool paused)
{
	pthread_mutex_lock(&node->lock);
	node->paused = paused;
	pthread_mutex_unlock(&node->lock);
}

unsigned node_has(struct node *node, unsigned first, unsigned count)
{
	unsigned has = 0;

	pthread_mutex_lock(&node->lock);
	for (unsigned i = 0; i < count; i++)
		has += node->got[first + i] > 0 && !node->removed[first + i];
	pthread_mutex_unlock(&node->lock);
	return has;
}

void node_wait(struct node *node, unsigned first, unsigned count)
{
	unsigned tries = 0;

	while (node_has(node, first, count) < count) {
		if (++tries > 3000) {
			node_print(node);
			fail_msg(
				"%u of %u sessions are there", node_has(node, first, count), count);
		}
		usleep(10000);
	}
}

void node_once(struct node *node)
{
	pthread_mutex_lock(&node->lock);
	/* Where a machine is held up, a node may miss a batch for long, and asks for all again. */
	if (node_resends > 0)
		print_message("%u resends, %u sessions came twice\n", atomic_load(&node_resends),
			node->twice);
	if ((node->twice > 0 && node_resends == 0) || node->wrong > 0)
		fail_msg("%u sessions came twice, %u were wrong", node->twice, node->wrong);
	pthread_mutex_unlock(&node->lock);
}

void node_print(struct node *node)
{
	struct farm_status s;

	farm_status(node->farm, &s);
	for (unsigned i = 0; i < s.engine_count; i++)
		print_message("  %s %s '%s' queued %u out %" PRIu64 " in %" PRIu64
			      " connects %" PRIu64 " restarts %" PRIu64 "\n",
			s.engines[i].url, s.engines[i].up ? "up" : "down", s.engines[i].error,
			s.engines[i].queued, s.engines[i].batches_out, s.engines[i].batches_in,
			s.engines[i].connects, s.engines[i].restarts);
	for (unsigned i = 0; i < s.node_count; i++)
		print_message("  node %s %s lag %u ms sequence %" PRIu64 " gaps %" PRIu64
			      " resends %" PRIu64 " sessions %" PRIu64 " live %" PRIu64 "\n",
			s.nodes[i].name, s.nodes[i].alive ? "alive" : "gone", s.nodes[i].lag_ms,
			s.nodes[i].sequence, s.nodes[i].gaps, s.nodes[i].resends,
			s.nodes[i].sessions, s.nodes[i].sessions_live);
	print_message("  sequence %" PRIu64 " sessions %" PRIu64 " resends %" PRIu64
		      " warm-up %d: %" PRIu64 ", %u %% in %u ms; copies %" PRIu64
		      " tombstoned %" PRIu64 " held up %" PRIu64 " refused",
		s.sequence, s.sessions, s.resends, s.warm_up, s.warm_up_sessions, s.warm_up_percent,
		s.warm_up_ms, s.copies, s.tombstoned, s.held_up);
	for (unsigned i = 0; i < FARM_REFUSED_COUNT; i++)
		print_message(" %s %" PRIu64, farm_refused_names[i], s.refused[i]);
	print_message("\n");
}
