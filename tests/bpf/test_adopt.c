/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Sessions that outlive the daemon: which are adopted, and nothing else stays in the maps.
 */
#include "tests/bpf/engine_world.h"

#include "common/clock.h"

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

/* Every entry that fails a check is deleted from the maps too: nothing else would ever delete
 * it. */
static void damaged(void **state)
{
	uint32_t lost = 6, orphan = 199;
	uint8_t rest[SESSD_OVERFLOW_SIZE(512)] = {1}, key[SESSD_KEY_SIZE];
	struct sessd_entry entry;
	int fd;

	(void)state;
	fill(100);
	change_entry(1, flip_value);
	change_entry(2, lengthen);
	change_entry(4, empty);
	change_entry(5, out_of_range);
	change_entry(7, prolong);
	change_entry(9, flip_value); /* a long one: its rest is deleted too */
	fd = world_pin(&world, SESSD_PIN_OVERFLOW);
	assert_int_equal(bpf_map_delete_elem(fd, &lost), 0);
	assert_int_equal(bpf_map_update_elem(fd, &orphan, rest, BPF_ANY), 0);
	orphan = 1000000;
	assert_int_equal(bpf_map_update_elem(fd, &orphan, rest, BPF_ANY), 0);
	assert_int_equal(world_elements(fd), 34 + 1);
	world.skip_slot = 12; /* the writer does not want this one, with its rest */
	world_run(&world);
	assert_true(world.engine->adopted);
	check_found(100 - 8);
	/* Long ones are 0, 3, ... 99: without 6, 9 and 12. */
	assert_int_equal(world_elements(fd), 34 - 3);
	close(fd);
	fd = world_pin(&world, SESSD_PIN_SESSIONS);
	assert_int_equal(world_elements(fd), 100 - 8);
	world_key(12, key);
	assert_int_equal(bpf_map_lookup_elem(fd, key, &entry), -ENOENT);
	close(fd);
	world_close(&world, false);
}

/* Sessions that were taken while nobody freed them: gone, and not damaged. */
static void taken(void **state)
{
	int fd;

	(void)state;
	fill(100);
	change_entry(1, take);
	change_entry(9, take); /* a long one: its rest goes too */
	world_run(&world);
	check_found(100 - 2);
	fd = world_pin(&world, SESSD_PIN_SESSIONS);
	assert_int_equal(world_elements(fd), 100 - 2);
	close(fd);
	fd = world_pin(&world, SESSD_PIN_OVERFLOW);
	assert_int_equal(world_elements(fd), 34 - 1);
	close(fd);
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
