/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/talkers.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

struct talkers {
	struct talkers_rate rate; /* first: talkers_count accesses only this */
	pthread_mutex_t lock;
	unsigned count;
	struct talker list[TALKERS_MAX];
	bool observed;
	unsigned event_count;
	struct sessd_request_event events[TALKERS_EVENTS];
};

struct talkers *talkers_create(void)
{
	struct talkers *talkers = calloc(1, sizeof(*talkers));

	if (talkers)
		pthread_mutex_init(&talkers->lock, NULL);
	return talkers;
}

void talkers_destroy(struct talkers *talkers)
{
	if (!talkers)
		return;
	pthread_mutex_destroy(&talkers->lock);
	free(talkers);
}

/* The main thread's: it does not sleep on the lock, so that no reader enters the kernel to wake
 * it. */
static void lock(struct talkers *talkers)
{
	while (pthread_mutex_trylock(&talkers->lock) != 0)
		sched_yield();
}

void talkers_watch(struct talkers *talkers, unsigned one_in)
{
	__atomic_store_n(&talkers->rate.one_in, one_in, __ATOMIC_RELAXED);
	if (one_in > 0)
		return;
	lock(talkers);
	talkers->count = 0;
	pthread_mutex_unlock(&talkers->lock);
}

void talkers_list(
	struct talkers *talkers, void (*found)(void *ctx, const struct talker *talker), void *ctx)
{
	/* Readers do not wait for the lock; they drop their samples. */
	lock(talkers);
	for (unsigned i = 0; i < talkers->count; i++)
		found(ctx, &talkers->list[i]);
	pthread_mutex_unlock(&talkers->lock);
}

static uint64_t weight_of(const struct talker *talker)
{
	return talker->gets + talker->news + talker->removes + talker->drops;
}

static struct talker *place_of(struct talkers *talkers, const struct address *source)
{
	struct talker *least = &talkers->list[0];

	for (unsigned i = 0; i < talkers->count; i++) {
		struct talker *talker = &talkers->list[i];

		if (memcmp(&talker->source, source, sizeof(*source)) == 0)
			return talker;
		if (weight_of(talker) < weight_of(least))
			least = talker;
	}
	if (talkers->count < TALKERS_MAX) {
		least = &talkers->list[talkers->count++];
		memset(least, 0, sizeof(*least));
	}
	least->source = *source;
	return least;
}

void talkers_observe(struct talkers *talkers, bool on)
{
	lock(talkers);
	talkers->observed = on;
	talkers->event_count = 0;
	pthread_mutex_unlock(&talkers->lock);
}

void talkers_events(struct talkers *talkers,
	void (*found)(void *ctx, const struct sessd_request_event *event), void *ctx)
{
	lock(talkers);
	for (unsigned i = 0; i < talkers->event_count; i++)
		found(ctx, &talkers->events[i]);
	talkers->event_count = 0;
	pthread_mutex_unlock(&talkers->lock);
}

static uint8_t type_of(enum request_kind kind)
{
	switch (kind) {
	case REQUEST_NEW:
		return SESSD_NEW;
	case REQUEST_REMOVE:
		return SESSD_REMOVE;
	case REQUEST_TAKE:
		return SESSD_TAKE;
	default:
		return SESSD_GET;
	}
}

/* `key` may be NULL. */
static void add_event(struct talkers *talkers, const struct address *source, uint8_t type,
	const uint8_t *key, enum sessd_outcome outcome)
{
	struct sessd_request_event *event;

	if (!talkers->observed || talkers->event_count == TALKERS_EVENTS)
		return;
	event = &talkers->events[talkers->event_count++];
	*event = (struct sessd_request_event){.type = type, .outcome = (uint8_t)outcome};
	memcpy(event->source, source->bytes, sizeof(event->source));
	if (key)
		memcpy(event->key, key, sizeof(event->key));
}

void talkers_sample(struct talkers *talkers, const struct address *source, enum request_kind kind,
	const uint8_t *key, enum sessd_outcome outcome, unsigned weight)
{
	struct talker *talker;

	if (pthread_mutex_trylock(&talkers->lock) != 0)
		return;
	talker = place_of(talkers, source);
	switch (kind) {
	case REQUEST_GET:
	case REQUEST_TAKE:
		talker->gets += weight;
		break;
	case REQUEST_NEW:
		talker->news += weight;
		break;
	case REQUEST_REMOVE:
		talker->removes += weight;
		break;
	case REQUEST_SHORT:
	case REQUEST_VERSION:
	case REQUEST_TYPE:
	case REQUEST_REFUSED:
		break;
	}
	if (outcome == SESSD_OUTCOME_HIT)
		talker->hits += weight;
	if (outcome == SESSD_OUTCOME_DROPPED)
		talker->drops += weight;
	/* What becomes of other NEWs and REMOVEs, the writer knows. */
	if (outcome != SESSD_OUTCOMES)
		add_event(talkers, source, type_of(kind), key, outcome);
	pthread_mutex_unlock(&talkers->lock);
}

void talkers_drop(struct talkers *talkers, const struct address *source, unsigned weight, bool told)
{
	if (pthread_mutex_trylock(&talkers->lock) != 0)
		return;
	place_of(talkers, source)->drops += weight;
	if (!told)
		add_event(talkers, source, SESSD_EVENT_UNKNOWN, NULL, SESSD_OUTCOME_DROPPED);
	pthread_mutex_unlock(&talkers->lock);
}
