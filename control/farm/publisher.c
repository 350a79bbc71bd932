/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/farm/publisher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/locked_memory.h"
#include "common/log.h"

#define SLOTS_SIZE (PUBLISHER_SLOTS * sizeof(struct publisher_slot))

int publisher_open(struct publisher *publisher, const struct farm_seal_tools *tools,
	const struct farm_ring *ring, const char *node, const uint8_t boot[ENTRY_BOOT],
	uint32_t capacity, uint16_t value_max)
{
	memset(publisher, 0, sizeof(*publisher));
	publisher->tools = tools;
	publisher->ring = ring;
	publisher->value_max = value_max;
	publisher->oldest = 1;
	publisher->block_size = capacity / PUBLISHER_BLOCKS + 1;
	memcpy(publisher->header.node, node, strlen(node));
	memcpy(publisher->header.boot, boot, ENTRY_BOOT);
	publisher->header.shard = ENTRY_SHARD_SESSIONS;
	publisher->batch = memory_reserve(sizeof(*publisher->batch), true);
	publisher->slots = memory_reserve(SLOTS_SIZE, false);
	if (!publisher->batch || !publisher->slots) {
		publisher_close(publisher);
		return error_set(ENOMEM, "no memory for the farm's batches");
	}
	(void)memory_lock(publisher->batch, sizeof(*publisher->batch));
	return 0;
}

void publisher_close(struct publisher *publisher)
{
	if (publisher->batch)
		batch_clear(publisher->batch);
	memory_release(publisher->batch, sizeof(*publisher->batch));
	memory_release(publisher->slots, SLOTS_SIZE);
	farm_subkey_close(&publisher->subkey);
	memset(publisher, 0, sizeof(*publisher));
}

uint64_t publisher_last(const struct publisher *publisher)
{
	return publisher->header.sequence;
}

bool publisher_has_room(const struct publisher *publisher)
{
	return publisher_last(publisher) + 1 - publisher->oldest + PUBLISHER_SPREAD <=
	       PUBLISHER_SLOTS;
}

static struct publisher_slot *slot_of(const struct publisher *publisher, uint64_t sequence)
{
	return &publisher->slots[sequence % PUBLISHER_SLOTS];
}

const struct publisher_slot *publisher_slot(const struct publisher *publisher, uint64_t sequence)
{
	return slot_of(publisher, sequence);
}

void publisher_release(struct publisher *publisher, uint64_t sequence)
{
	if (sequence >= publisher->oldest)
		publisher->oldest = sequence + 1;
}

static void count_history(struct publisher *publisher, unsigned sessions)
{
	publisher->blocks[publisher->block]++;
	publisher->block_sessions += sessions;
	/* A batch may fill several. */
	while (publisher->block_sessions >= publisher->block_size) {
		publisher->block_sessions -= publisher->block_size;
		publisher->block = (publisher->block + 1) % PUBLISHER_BLOCKS;
		publisher->blocks[publisher->block] = 0;
		if (publisher->blocks_filled < PUBLISHER_BLOCKS)
			publisher->blocks_filled++;
	}
}

uint64_t publisher_keep(const struct publisher *publisher, uint64_t before)
{
	uint64_t keep = 1;

	for (unsigned i = 0; i < PUBLISHER_BLOCKS; i++)
		keep += publisher->blocks[i];
	return keep + before * (PUBLISHER_BLOCKS - publisher->blocks_filled) / PUBLISHER_BLOCKS;
}

void publisher_seal(struct publisher *publisher, uint64_t now)
{
	struct batch *batch = publisher->batch;
	struct publisher_slot *slot;

	if (batch->records == 0)
		return;
	publisher->sealed = now;
	publisher->header.sequence++;
	publisher->header.sealed = now / 1000U;
	slot = slot_of(publisher, publisher->header.sequence);
	/* If OpenSSL fails, the number stays unused: peers see a gap, and ask again. */
	slot->size = (uint32_t)farm_seal(publisher->tools, publisher->ring, &publisher->subkey,
		&publisher->header, batch, slot->entry);
	slot->records = batch->records;
	slot->sessions = batch->sessions;
	slot->seconds_max = batch->seconds_max;
	if (batch->seconds_max > publisher->seconds_max)
		publisher->seconds_max = batch->seconds_max;
	publisher->batches++;
	publisher->records += batch->records;
	publisher->sessions += batch->sessions;
	count_history(publisher, batch->sessions);
	batch_clear(batch);
}

bool publisher_add(struct publisher *publisher, const struct farm_record *record, uint64_t now)
{
	enum batch_added added;

	if (record->type == FARM_NEW && record->value_len > publisher->value_max) {
		publisher->too_long++;
		return false;
	}
	added = batch_add(publisher->batch, record);
	if (added == BATCH_FULL) {
		publisher_seal(publisher, now);
		added = batch_add(publisher->batch, record);
	}
	if (added != BATCH_ADDED) {
		publisher->too_long++;
		return false;
	}
	if (publisher->batch->records == 1)
		publisher->opened = now;
	if (publisher->batch->records == ENTRY_RECORDS_MAX)
		publisher_seal(publisher, now);
	return true;
}
