/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * How many elements the maps have, and how much kernel memory they take.
 */
#include "dataplane/xdp/xdp.h"

#include <bpf/libbpf.h>

#include <sessiond/map_abi.h>
#include <sessiond/rate_limit.h>

#include <string.h>

/* Room for deletes that are queued behind puts (mirror.h), and for the kernel's approximate count
 * of elements. */
#define MAP_SLACK 1024

/* Sources with buckets of their own where a limit is set by a later reload: the map is made at
 * start, and most caches have no limit. */
#define LATER_SOURCES 4096

#define BUCKETS_MAX (1U << 27) /* the kernel's limit */

/* The kernel's own bytes per element of a hash map (kernel/bpf/hashtab.c). */
#define BUCKET_BYTES	     16
#define ELEMENT_HEAD_BYTES   48
#define ALLOCATED_HEAD_BYTES 8 /* per element that is allocated when stored */

/* The kernel makes as many buckets as elements, rounded up to a power of two. If the elements would
 * nearly fill that power, one element more doubles it: a lookup then meets half as many other
 * sessions in its bucket, each a cache miss. A bucket takes 16 bytes, a session 256. */
static uint32_t buckets_of(uint32_t elements)
{
	uint32_t buckets = 1;

	while (buckets < elements)
		buckets *= 2;
	return buckets;
}

uint32_t maps_sessions(uint32_t capacity)
{
	uint32_t sessions = capacity + MAP_SLACK, buckets = buckets_of(sessions);

	if (sessions > buckets - buckets / 8 && buckets < BUCKETS_MAX)
		sessions = buckets + 1;
	return sessions;
}

uint32_t maps_overflows(uint32_t capacity, uint16_t value_max)
{
	uint32_t rests = SESSD_RESTS(value_max);

	return value_max > SESSD_INLINE_MAX ? (capacity + MAP_SLACK + rests - 1) / rests : 1;
}

uint32_t maps_limits(const struct engine_config *config)
{
	return config->limit_gets || config->limit_news ? SESSD_LIMIT_SOURCES : LATER_SOURCES;
}

bool maps_has_room(const char *name, uint32_t entries, uint32_t expected)
{
	return entries == expected || (strcmp(name, SESSD_PIN_SESSIONS) == 0 && entries > expected);
}

/* kmalloc's size classes. */
static uint64_t allocated(uint64_t bytes)
{
	uint64_t size = 64;

	if (bytes > 64 && bytes <= 96)
		return 96;
	if (bytes > 128 && bytes <= 192)
		return 192;
	while (size < bytes)
		size *= 2;
	return size;
}

/* Kernel memory of the maps, at most. */
static uint64_t kernel_bytes(const struct engine_config *config)
{
	uint32_t capacity = config->capacity;
	uint16_t value_max = config->value_max;
	uint32_t sessions = maps_sessions(capacity),
		 overflows = maps_overflows(capacity, value_max);
	uint64_t bytes, element;

	element = ELEMENT_HEAD_BYTES + SESSD_KEY_SIZE + sizeof(struct sessd_entry);
	bytes = sessions * element + (uint64_t)buckets_of(sessions) * BUCKET_BYTES;
	element = allocated(ALLOCATED_HEAD_BYTES + ELEMENT_HEAD_BYTES + sizeof(uint64_t) +
			    SESSD_BLOCK_SIZE(value_max));
	bytes += (uint64_t)buckets_of(overflows) * BUCKET_BYTES;
	if (overflows > 1)
		bytes += overflows * element;
	element = ELEMENT_HEAD_BYTES + sizeof(struct address) + sizeof(struct sessd_limit);
	bytes += maps_limits(config) * (element + BUCKET_BYTES);
	return bytes + 2 * (capacity / 8); /* marks and taken */
}

/* Bytes of the kernel's and the daemon's lists of served addresses, also on adoption: an adopted
 * map may be replaced by a larger one. */
static uint64_t address_bytes(const struct engine_config *config)
{
	uint64_t element = allocated(ALLOCATED_HEAD_BYTES + ELEMENT_HEAD_BYTES +
				     (sizeof(struct sessd_local) + 7) / 8 * 8 + sizeof(uint64_t));

	return (uint64_t)buckets_of(local_map_entries(config)) * BUCKET_BYTES +
	       local_map_pairs(config) * element + local_map_own_bytes(config);
}

unsigned maps_cpus(void)
{
	int cpus = libbpf_num_possible_cpus();

	return cpus > 0 ? (unsigned)cpus : 1;
}

/* The rings, and AF_XDP frames of all interfaces and ports of bonds. */
static uint64_t frame_bytes(const struct engine_config *config)
{
	struct redirect_slot slots[ENGINE_INTERFACES_MAX];
	char names[ENGINE_INTERFACES_MAX][IF_NAMESIZE];
	size_t count = redirect_slots(config, slots);

	for (size_t i = 0; i < count; i++)
		memcpy(names[i], slots[i].name, IF_NAMESIZE);
	return xsk_bytes((const char(*)[IF_NAMESIZE])names, count, config->busy_poll) +
	       frame_rings_bytes(maps_cpus());
}

/* The daemon's list of what is in the overflow map. */
static uint64_t list_bytes(const struct engine_config *config)
{
	return mirror_bytes(maps_overflows(config->capacity, config->value_max),
		&(struct mirror_shape){config->capacity, config->value_max});
}

uint64_t maps_memory_needed(const struct engine_config *config)
{
	const struct table_config index = {.capacity = config->capacity};
	uint64_t bytes = table_reserved_bytes(&index) + frame_bytes(config) +
			 address_bytes(config) + list_bytes(config);
	struct stale_shape shape;
	enum stale_pins pins = stale_pins_look(config, &shape, NULL);

	if (pins == STALE_PINS_FIT)
		return bytes + adopt_bytes();
	/* The old maps are not counted as available. */
	if (pins == STALE_PINS_RESIZED)
		bytes += resize_bytes(shape.capacity);
	return bytes + kernel_bytes(config);
}
