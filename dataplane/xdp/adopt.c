/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Reads the sessions that the last daemon left in the pinned maps. The fast path answers from them
 * meanwhile; nothing changes them.
 */
#include "dataplane/xdp/xdp.h"

#include "common/clock.h"
#include "common/locked_memory.h"
#include "common/log.h"
#include "dataplane/session_der.h"
#include "dataplane/tls_version.h"
#include "dataplane/xdp/map_reader.h"
#include "dataplane/xdp/mirror/entry.h"
#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How many entries ahead of the one that is read the next ones are announced. */
#define AHEAD 16

struct reading {
	struct engine *engine;
	const struct adoption *adoption;
	size_t adopted, expired, taken, refused;
	struct session_facts facts;
	uint8_t *value;
	struct rest_reader rests;
};

/* The fast path's check: a torn or foreign entry is not adopted. Also reads the value, because only
 * here it is at hand. */
static bool intact(struct reading *reading, const uint8_t *key, const struct sessd_entry *entry,
	struct session *session)
{
	struct engine *engine = reading->engine;
	const struct entry_format format = {
		.secret = engine->settings.secret, .value_max = engine->config.value_max};
	int len;

	if (sessd_life_slot(entry->life) >= engine->config.capacity)
		return false;
	len = entry_unpack(&format, entry, key, &reading->rests, reading->value);
	if (len < 0 || !mirror_adopt(engine->mirror, entry))
		return false;
	session->tls13 = session_is_tls13(reading->value, (size_t)len);
	session_read(reading->value, (size_t)len, &reading->facts);
	session->facts = &reading->facts;
	return true;
}

static void forget(struct engine *engine, const uint8_t *key)
{
	bpf_map_delete_elem(bpf_map__fd(engine->skel->maps.sessions), key);
}

static void read_entry(void *ctx, const uint8_t *key, const struct sessd_entry *entry)
{
	struct reading *reading = ctx;
	struct session session = {
		.expires = sessd_life_expires(entry->life),
		.slot = sessd_life_slot(entry->life),
		.len = entry->len,
		.sum = entry->sum,
	};

	/* Delete what is not adopted: nothing else ever would. */
	if (entry->guard == 0) {
		forget(reading->engine, key);
		reading->taken++;
		return;
	}
	if (!intact(reading, key, entry, &session)) {
		forget(reading->engine, key);
		reading->refused++;
		return;
	}
	memcpy(session.key, key, SESSD_KEY_SIZE);
	if (!reading->adoption->found(reading->adoption->ctx, &session)) {
		mirror_del(reading->engine->mirror, &session);
		reading->expired++;
		return;
	}
	reading->adopted++;
}

int adopt_each(int fd, const struct entry_visitor *visitor)
{
	static const uint8_t status_key[SESSD_KEY_SIZE] = SESSD_STATUS_KEY;
	struct map_reader *reader = map_reader_start(fd);
	const struct map_page *page;
	int err;

	if (!reader)
		return error_set(ENOMEM, "out of memory while adopting sessions");
	while ((err = map_reader_next(reader, &page)) > 0) {
		for (uint32_t i = 0; i < page->count; i++) {
			uint32_t ahead = i + AHEAD;

			if (visitor->soon && ahead < page->count)
				visitor->soon(visitor->ctx, page->keys[ahead],
					sessd_life_slot(page->entries[ahead].life));
			if (memcmp(page->keys[i], status_key, SESSD_KEY_SIZE) != 0)
				visitor->each(visitor->ctx, page->keys[i], &page->entries[i]);
		}
	}
	map_reader_end(reader);
	if (err)
		return error_set(-err, "cannot read the pinned sessions: %s", strerror(-err));
	return 0;
}

uint64_t adopt_bytes(void)
{
	return MAP_READER_BYTES + ENTRY_VALUE_SIZE(SESSD_VALUE_LIMIT) + SESSD_BLOCK_ROOM;
}

static void announce(void *ctx, const uint8_t *key, uint32_t slot)
{
	const struct reading *reading = ctx;

	if (slot < reading->engine->config.capacity)
		reading->adoption->soon(reading->adoption->ctx, key, slot);
}

int adopt_sessions(struct engine *engine, const struct adoption *adoption)
{
	size_t value_size = ENTRY_VALUE_SIZE(engine->config.value_max);
	struct reading reading = {
		.engine = engine,
		.adoption = adoption,
	};
	const struct entry_visitor visitor = {
		.each = read_entry, .soon = adoption->soon ? announce : NULL, .ctx = &reading};
	int err = 0;

	if (engine->old)
		return resize_adopt(engine, adoption);
	if (!engine->adopted)
		return 0;
	reading.value = calloc(1, value_size);
	err = rest_reader_open(
		&reading.rests, bpf_map__fd(engine->skel->maps.overflow), engine->config.value_max);
	if (!reading.value || err) {
		err = error_set(ENOMEM, "out of memory while adopting sessions");
		goto out;
	}
	memory_lock(reading.value, value_size);
	err = adopt_each(bpf_map__fd(engine->skel->maps.sessions), &visitor);
	if (err)
		goto out;
	mirror_adopted(engine->mirror);
	log_notice("adopted %zu sessions from %s (%zu expired, %zu taken, %zu damaged)",
		reading.adopted, engine->config.pin_dir, reading.expired, reading.taken,
		reading.refused);
out:
	if (reading.value)
		explicit_bzero(reading.value, value_size);
	free(reading.value);
	rest_reader_close(&reading.rests);
	return err;
}
