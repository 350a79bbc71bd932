/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Sessions that outlive the daemon: which are adopted, and nothing else stays in the maps.
 */
#include "tests/bpf/engine_world.h"

#include "common/clock.h"
#include "dataplane/xdp/mirror/rest_reader.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct world world;

/* Slot i: 1 to 512 bytes, and the later slots end first. */
static unsigned len_of(uint32_t slot)
{
	return slot % 3 ? 1 + slot % 156 : 157 + slot;
}

static void fill(unsigned count)
{
	world_reset(&world);
	world_run(&world);
	for (uint32_t slot = 0; slot < count; slot++)
		world_put(&world, slot, 100000 - 10 * slot, len_of(slot));
	world_commit(&world);
	world_close(&world, true);
}

static void check_found(unsigned count)
{
	assert_int_equal(world.found_count, count);
	for (unsigned i = 0; i < count; i++) {
		const struct session *session = &world.found[i];
		uint8_t key[SESSD_KEY_SIZE], value[SESSD_VALUE_LIMIT];
		uint32_t slot;

		world_key(session->slot, key);
		assert_memory_equal(session->key, key, SESSD_KEY_SIZE);
		assert_int_equal(session->len, len_of(session->slot));
		assert_int_equal(session->sum, len_of(session->slot));
		assert_int_equal(mirror_get(world.engine->mirror, key, clock_tick(), value, &slot),
			session->len);
		assert_int_equal(slot, session->slot);
		for (unsigned k = 0; k < session->len; k++)
			assert_int_equal(value[k], world_value(slot, k));
	}
}

static void all(void **state)
{
	(void)state;
	fill(200);
	world_run(&world);
	assert_true(world.engine->adopted);
	check_found(200);
	/* Again, with changes in between. */
	for (unsigned i = 0; i < 200; i += 2)
		engine_xdp.del(world.engine, &world.found[i]);
	world_commit(&world);
	world_close(&world, true);
	world_run(&world);
	check_found(100);
	world_close(&world, false);
}

/* From OpenSSL: TLS 1.3, TLS 1.2. */
static const uint8_t tls13_begin[] = {0x30, 0x81, 0, 0x02, 1, 1, 0x02, 2, 3, 4};
static const uint8_t tls12_begin[] = {0x30, 0x81, 0, 0x02, 1, 1, 0x02, 2, 3, 3};

static void put_tls(uint32_t slot, const uint8_t *begin, unsigned len)
{
	struct session session = {.expires = clock_tick() + 100000, .slot = slot};
	uint8_t value[512] = {0};

	world_key(slot, session.key);
	session.len = (uint16_t)len;
	memcpy(value, begin, sizeof(tls13_begin));
	value[2] = (uint8_t)(len - 3);
	engine_xdp.put(world.engine, &session, value);
}

/* For eviction: a TLS 1.3 session is single-use. Short values and split ones. */
static void versions(void **state)
{
	(void)state;
	world_reset(&world);
	world_run(&world);
	for (uint32_t slot = 0; slot < 40; slot++)
		put_tls(slot, slot % 2 ? tls13_begin : tls12_begin, 135 + 3 * slot);
	world_commit(&world);
	world_close(&world, true);
	world_run(&world);
	assert_int_equal(world.found_count, 40);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(world.found[i].tls13, world.found[i].slot % 2);
	world_close(&world, false);
}

static void none(void **state)
{
	(void)state;
	fill(0);
	world_run(&world);
	assert_true(world.engine->adopted);
	check_found(0);
	world_close(&world, false);
}

static void change_entry(uint32_t slot, void (*change)(struct sessd_entry *entry))
{
	int fd = world_pin(&world, SESSD_PIN_SESSIONS);
	uint8_t key[SESSD_KEY_SIZE];
	struct sessd_entry entry;

	world_key(slot, key);
	assert_int_equal(bpf_map_lookup_elem(fd, key, &entry), 0);
	change(&entry);
	assert_int_equal(bpf_map_update_elem(fd, key, &entry, BPF_ANY), 0);
	close(fd);
}

static void flip_value(struct sessd_entry *entry)
{
	entry->data[0] ^= 1;
}

static void lengthen(struct sessd_entry *entry)
{
	entry->len = 65535;
}

static void empty(struct sessd_entry *entry)
{
	entry->len = 0;
}

static void out_of_range(struct sessd_entry *entry)
{
	entry->life = sessd_life(sessd_life_expires(entry->life), SESSD_SLOT_LIMIT - 1);
}

static void take(struct sessd_entry *entry)
{
	entry->guard = 0;
}

static void prolong(struct sessd_entry *entry)
{
	entry->life += sessd_life(1000, 0);
}

static uint32_t number_of(uint32_t slot)
{
	int fd = world_pin(&world, SESSD_PIN_SESSIONS);
	uint8_t key[SESSD_KEY_SIZE];
	struct sessd_entry entry;

	world_key(slot, key);
	assert_int_equal(bpf_map_lookup_elem(fd, key, &entry), 0);
	close(fd);
	return rest_number(&entry);
}

/* A byte of the slot's rest. */
static void flip_rest(int fd, uint32_t slot)
{
	uint32_t number = number_of(slot), block = number >> SESSD_REST_BITS;
	uint8_t rests[SESSD_BLOCK_SIZE(512)];

	assert_int_equal(bpf_map_lookup_elem(fd, &block, rests), 0);
	rests[number % SESSD_RESTS_MAX * SESSD_REST_SIZE(512) + 20] ^= 1;
	assert_int_equal(bpf_map_update_elem(fd, &block, rests, BPF_ANY), 0);
}

/* The rests that are free in the blocks are used before another block is made. */
static void check_free_rests(unsigned held)
{
	int fd = world_pin(&world, SESSD_PIN_OVERFLOW);
	unsigned blocks = world_elements(fd), room = blocks * SESSD_RESTS(512) - held;

	assert_int_equal(blocks, (held + SESSD_RESTS(512) - 1) / SESSD_RESTS(512));
	for (uint32_t i = 0; i < room; i++)
		world_put(&world, 100 + i, 100000, 400);
	world_commit(&world);
	assert_int_equal(world_elements(fd), blocks);
	world_put(&world, 100 + room, 100000, 400);
	world_commit(&world);
	assert_int_equal(world_elements(fd), blocks + 1);
	close(fd);
}

/* Every entry that fails a check is deleted from the maps too: nothing else would ever delete
 * it. */
static void damaged(void **state)
{
	uint32_t orphan = 9;
	uint8_t rests[SESSD_BLOCK_SIZE(512)] = {1}, key[SESSD_KEY_SIZE];
	struct sessd_entry entry;
	int fd;

	(void)state;
	fill(100);
	change_entry(1, flip_value);
	change_entry(2, lengthen);
	change_entry(4, empty);
	change_entry(5, out_of_range);
	change_entry(7, prolong);
	change_entry(9, flip_value); /* a long one: its rest is free then */
	fd = world_pin(&world, SESSD_PIN_OVERFLOW);
	flip_rest(fd, 6);
	assert_int_equal(bpf_map_update_elem(fd, &orphan, rests, BPF_ANY), 0);
	orphan = 1000000;
	assert_int_equal(bpf_map_update_elem(fd, &orphan, rests, BPF_ANY), 0);
	assert_int_equal(world_elements(fd), 4 + 2);
	world.skip_slot = 12; /* the writer does not want this one, with its rest */
	world_run(&world);
	assert_true(world.engine->adopted);
	check_found(100 - 8);
	close(fd);
	fd = world_pin(&world, SESSD_PIN_SESSIONS);
	assert_int_equal(world_elements(fd), 100 - 8);
	world_key(12, key);
	assert_int_equal(bpf_map_lookup_elem(fd, key, &entry), -ENOENT);
	close(fd);
	/* Long ones are 0, 3, ... 99: without 6, 9 and 12. */
	check_free_rests(34 - 3);
	world_close(&world, false);
}

/* Sessions that were taken while nobody freed them: gone, and not damaged. */
static void taken(void **state)
{
	int fd;

	(void)state;
	fill(100);
	change_entry(1, take);
	change_entry(9, take); /* a long one: its rest is free then */
	world_run(&world);
	check_found(100 - 2);
	fd = world_pin(&world, SESSD_PIN_SESSIONS);
	assert_int_equal(world_elements(fd), 100 - 2);
	close(fd);
	check_free_rests(34 - 1);
	world_close(&world, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(all),
		world_test(versions),
		world_test(none),
		world_test(damaged),
		world_test(taken),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
