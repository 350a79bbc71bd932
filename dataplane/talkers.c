/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/talkers.h"

#include <pthread.h>
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

void talkers_watch(struct talkers *talkers, unsigned one_in)
{
	__atomic_store_n(&talkers->rate.one_in, one_in, __ATOMIC_RELAXED);
	if (one_in > 0)
		return;
	pthread_mutex_lock(&talkers->lock);
	talkers->count = 0;
	pthread_mutex_unlock(&talkers->lock);
}

void talkers_list(
	struct talkers *talkers, void (*found)(void *ctx, const struct talker *talker), void *ctx)
{
	/* Readers do not wait for the lock; they drop their samples. */
	pthread_mutex_lock(&talkers->lock);
	for (unsigned i = 0; i < talkers->count; i++)
		found(ctx, &talkers->list[i]);
	pthread_mutex_unlock(&talkers->lock);
}

static uint64_t weight_of(const struct talker *talker)
{
	return talker->gets + talker->news + talker->removes;
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
	pthread_mutex_lock(&talkers->lock);
	talkers->observed = on;
	talkers->event_count = 0;
	pthread_mutex_unlock(&talkers->lock);
}

void talkers_events(struct talkers *talkers,
	void (*found)(void *ctx, const struct sessd_request_event *event), void *ctx)
{
	pthread_mutex_lock(&talkers->lock);
	for (unsigned i = 0; i < talkers->event_count; i++)
		found(ctx, &talkers->events[i]);
	talkers->event_count = 0;
	pthread_mutex_unlock(&talkers->lock);
}

static void add_event(struct talkers *talkers, const struct address *source, enum request_kind kind,
	const uint8_t *key, enum sessd_outcome outcome)
{
	struct sessd_request_event *event;

	if (outcome == SESSD_OUTCOMES || talkers->event_count == TALKERS_EVENTS)
		return;
	event = &talkers->events[talkers->event_count++];
	*event = (struct sessd_request_event){
		.type = kind == REQUEST_TAKE ? SESSD_TAKE : SESSD_GET, .outcome = (__u8)outcome};
	memcpy(event->source, source->bytes, sizeof(event->source));
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
		if (outcome == SESSD_OUTCOME_HIT)
			talker->hits += weight;
		if (talkers->observed)
			add_event(talkers, source, kind, key, outcome);
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
	pthread_mutex_unlock(&talkers->lock);
}
