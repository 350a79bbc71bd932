/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/rate_limit.h"

#include <sessiond/map_abi.h>
#include <sessiond/rate_limit.h>

#include "common/locked_memory.h"

#include <string.h>
#include <sys/random.h>

#define WAYS 8
#define SETS (SESSD_LIMIT_SOURCES / WAYS)

/* `tag`: 64-bit keyed hash of the source; 0 if the place is free. */
struct place {
	uint64_t tag;
	struct sessd_limit limit;
};

struct rate_limit {
	uint64_t get_interval, new_interval;
	uint64_t key[2];
	struct place places[SETS][WAYS];
};

struct rate_limit *rate_limit_create(uint32_t gets, uint32_t news)
{
	struct rate_limit *limit = memory_reserve(sizeof(*limit), false);

	if (!limit)
		return NULL;
	/* Populate now, so that a flood from many sources takes no further memory. */
	if (memory_populate(limit, sizeof(*limit)) < 0 ||
		getrandom(limit->key, sizeof(limit->key), 0) != sizeof(limit->key)) {
		memory_release(limit, sizeof(*limit));
		return NULL;
	}
	rate_limit_set(limit, gets, news);
	return limit;
}

void rate_limit_set(struct rate_limit *limit, uint32_t gets, uint32_t news)
{
	__atomic_store_n(&limit->get_interval, sessd_limit_interval(gets), __ATOMIC_RELAXED);
	__atomic_store_n(&limit->new_interval, sessd_limit_interval(news), __ATOMIC_RELAXED);
}

void rate_limit_destroy(struct rate_limit *limit)
{
	memory_release(limit, sizeof(*limit));
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
	x = (x ^ x >> 27) * 0x94d049bb133111ebU;
	return x ^ x >> 31;
}

static uint64_t tag_of(const struct rate_limit *limit, const struct address *source)
{
	__u64 words[2];
	uint64_t tag;

	memcpy(words, source->bytes, sizeof(words));
	sessd_limit_source(words);
	tag = mix(mix(words[0] ^ limit->key[0]) + words[1] + limit->key[1]);
	return tag ? tag : 1;
}

/* Replaces the place unused for longest: its buckets are the fullest, so forgetting it changes
 * least. */
static struct place *place_of(struct rate_limit *limit, uint64_t tag)
{
	struct place *set = limit->places[tag % SETS], *oldest = NULL;
	uint64_t oldest_time = UINT64_MAX;

	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t gets, news;

		if (__atomic_load_n(&set[i].tag, __ATOMIC_RELAXED) == tag)
			return &set[i];
		gets = __atomic_load_n(&set[i].limit.gets, __ATOMIC_RELAXED);
		news = __atomic_load_n(&set[i].limit.news, __ATOMIC_RELAXED);
		if ((gets > news ? gets : news) < oldest_time) {
			oldest = &set[i];
			oldest_time = gets > news ? gets : news;
		}
	}
	__atomic_store_n(&oldest->tag, tag, __ATOMIC_RELAXED);
	__atomic_store_n(&oldest->limit.gets, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&oldest->limit.news, 0, __ATOMIC_RELAXED);
	return oldest;
}

bool rate_limit_take(
	struct rate_limit *limit, const struct address *source, bool get, uint64_t tick)
{
	uint64_t interval = __atomic_load_n(
		get ? &limit->get_interval : &limit->new_interval, __ATOMIC_RELAXED);
	struct place *place;

	if (!interval)
		return true;
	place = place_of(limit, tag_of(limit, source));
	return sessd_limit_take((__u64 *)(get ? &place->limit.gets : &place->limit.news),
		tick << SESSD_TICK_SHIFT, interval);
}
