/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A start with another capacity or max-session: sessions move into new maps, and nothing is lost if
 * the start fails.
 */
#include "tests/bpf/engine_world.h"

#include "common/clock.h"
#include "common/log.h"
#include "ebpf/sessiond.skel.h"

#include <sessiond/visited.h>

#include <bpf/bpf.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SESSIONS 200

static struct world world;

/* 1 to 512 bytes; the later slots end first. */
static unsigned len_of(uint32_t number)
{
	return number % 3 ? 1 + number % 156 : 157 + number;
}

static void fill(void)
{
	world_reset(&world);
	world_run(&world);
	for (uint32_t slot = 0; slot < SESSIONS; slot++)
		world_put(&world, slot, 100000 - 10 * slot, len_of(slot));
	world_commit(&world);
	world_close(&world, true);
}

static uint32_t number_of(const struct session *session)
{
	uint32_t number;

	memcpy(&number, session->key, sizeof(number));
	return number;
}

/* Each is in the new maps as it was in the old ones. */
static void check_found(unsigned count)
{
	assert_int_equal(world.found_count, count);
	for (unsigned i = 0; i < count; i++) {
		const struct session *session = &world.found[i];
		uint32_t number = number_of(session), slot;
		uint8_t key[SESSD_KEY_SIZE], value[SESSD_VALUE_LIMIT];

		world_key(number, key);
		assert_memory_equal(session->key, key, SESSD_KEY_SIZE);
		assert_true(session->slot < world.config.capacity);
		assert_int_equal(session->len, len_of(number));
		assert_int_equal(mirror_get(world.engine->mirror, key, clock_tick(), value, &slot),
			session->len);
		assert_int_equal(slot, session->slot);
		for (unsigned k = 0; k < session->len; k++)
			assert_int_equal(value[k], world_value(number, k));
	}
}

static bool found(uint32_t number)
{
	for (unsigned i = 0; i < world.found_count; i++)
		if (number_of(&world.found[i]) == number)
			return true;
	return false;
}

/* The next start adopts what this one has made. */
static void check_next_start(unsigned count)
{
	world_close(&world, true);
	world_run(&world);
	assert_true(world.engine->adopted);
	check_found(count);
	world_close(&world, false);
	assert_int_equal(world_program("t0"), 0);
	assert_int_not_equal(access(world.root, F_OK), 0);
}

static void grows(void **state)
{
	(void)state;
	fill();
	world.config.capacity = 5000;
	world.config.value_max = 1400;
	assert_true(engine_xdp.would_adopt(&world.config));
	world_run(&world);
	assert_false(world.engine->adopted);
	check_found(SESSIONS);
	check_next_start(SESSIONS);
}

/* Replaces the pinned map of sessions by one with other max_entries, as a daemon of another version
 * may have made. */
static void pin_other_sessions(uint32_t entries)
{
	uint8_t key[SESSD_KEY_SIZE];
	char path[PATH_MAX];
	struct sessd_entry entry;
	int from = world_pin(&world, "sessions"), to;

	to = bpf_map_create(
		BPF_MAP_TYPE_HASH, "sessions", sizeof(key), sizeof(entry), entries, NULL);
	assert_true(to >= 0);
	for (int err = bpf_map_get_next_key(from, NULL, key); !err;
		err = bpf_map_get_next_key(from, key, key)) {
		assert_int_equal(bpf_map_lookup_elem(from, key, &entry), 0);
		assert_int_equal(bpf_map_update_elem(to, key, &entry, BPF_NOEXIST), 0);
	}
	snprintf(path, sizeof(path), "%s/sessions", world.pin_dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bpf_obj_pin(to, path), 0);
	close(from);
	close(to);
}

/* A version before made the map larger than ours: its sessions are adopted, and they move. */
static void larger_map_of_another_version(void **state)
{
	uint32_t entries;

	(void)state;
	fill();
	entries = 2 * maps_sessions(world.config.capacity) + 1;
	pin_other_sessions(entries);
	assert_true(engine_xdp.would_adopt(&world.config));
	world_run(&world);
	assert_true(world.engine->adopted);
	assert_int_equal(bpf_map__max_entries(world.engine->skel->maps.sessions), entries);
	check_found(SESSIONS);
	check_next_start(SESSIONS);
	fill();
	pin_other_sessions(entries);
	world.config.capacity = 5000;
	world_run(&world);
	assert_false(world.engine->adopted);
	assert_int_equal(
		bpf_map__max_entries(world.engine->skel->maps.sessions), maps_sessions(5000));
	check_found(SESSIONS);
	check_next_start(SESSIONS);
	/* One without room for all is not used. */
	fill();
	pin_other_sessions(maps_sessions(world.config.capacity) - 1);
	world_run(&world);
	assert_false(world.engine->adopted);
	assert_int_equal(world.found_count, 0);
	world_close(&world, false);
}

/* Those that GETs have asked for stay, then those that end last. */
static void shrinks(void **state)
{
	(void)state;
	fill();
	world_run(&world);
	for (uint32_t slot = 150; slot < 160; slot++)
		mark_set(world.engine->marks, slot);
	world_close(&world, true);
	world.config.capacity = 50;
	world_run(&world);
	check_found(50);
	for (uint32_t number = 0; number < SESSIONS; number++)
		assert_int_equal(found(number), number < 40 || (number >= 150 && number < 160));
	for (unsigned i = 0; i < world.found_count; i++)
		assert_int_equal(mark_test(world.engine->marks, world.found[i].slot),
			number_of(&world.found[i]) >= 150);
	check_next_start(50);
}

static void shorter_values(void **state)
{
	unsigned fit = 0;

	(void)state;
	fill();
	for (uint32_t number = 0; number < SESSIONS; number++)
		fit += len_of(number) <= 100;
	world.config.value_max = 100;
	world_run(&world);
	check_found(fit);
	check_next_start(fit);
}

/* Without CAP_SYS_ADMIN, as with the systemd unit, no program can be opened by its id. */
static bool unprivileged;

int __real_bpf_prog_get_fd_by_id(uint32_t id);
int __wrap_bpf_prog_get_fd_by_id(uint32_t id);
int __wrap_bpf_prog_get_fd_by_id(uint32_t id)
{
	return unprivileged ? -EPERM : __real_bpf_prog_get_fd_by_id(id);
}

/* The last daemon's program and its sessions stay, and answer. */
static void failed_start(void **state)
{
	uint32_t program;

	(void)state;
	fill();
	program = world_program("t0");
	assert_int_not_equal(program, 0);
	world.config.capacity = 5000;
	world.config.interface_count = 2;
	strcpy(world.config.interfaces[1], "nosuch0");
	assert_int_equal(world_open(&world), 0);
	assert_int_equal(world.found_count, SESSIONS);
	assert_int_equal(world_program("t0"), program);
	assert_int_equal(world_start(&world), -ENODEV);
	world_close(&world, ENGINE_CLOSE_FAILED);
	assert_int_equal(world_program("t0"), program);
	world_reset(&world);
	world_run(&world);
	assert_true(world.engine->adopted);
	check_found(SESSIONS);
	world_close(&world, false);
}

/* The interface that fails may be any. */
static void failed_start_at_the_first(void **state)
{
	uint32_t program;

	(void)state;
	for (int i = 0; i < 2; i++) {
		unprivileged = i;
		fill();
		program = world_program("t0");
		world.config.capacity = 5000;
		world.config.interface_count = 2;
		strcpy(world.config.interfaces[i], "nosuch0");
		strcpy(world.config.interfaces[!i], "t0");
		assert_int_equal(world_open(&world), 0);
		assert_int_equal(world_start(&world), -ENODEV);
		world_close(&world, ENGINE_CLOSE_FAILED);
		assert_int_equal(world_program("t0"), program);
		world_reset(&world);
		world_run(&world);
		assert_true(world.engine->adopted);
		check_found(SESSIONS);
		world_close(&world, false);
		unprivileged = false;
	}
}

static void take_from(int sessions, int taken, uint32_t number)
{
	uint64_t bits[SESSD_MARKS_PER_ELEM / 64];
	uint32_t element = number / SESSD_MARKS_PER_ELEM;
	uint8_t key[SESSD_KEY_SIZE];
	struct sessd_entry entry;

	world_key(number, key);
	assert_int_equal(bpf_map_lookup_elem(sessions, key, &entry), 0);
	entry.guard = 0;
	assert_int_equal(bpf_map_update_elem(sessions, key, &entry, BPF_EXIST), 0);
	assert_int_equal(bpf_map_lookup_elem(taken, &element, bits), 0);
	bits[number % SESSD_MARKS_PER_ELEM / 64] |= 1ULL << number % 64;
	assert_int_equal(bpf_map_update_elem(taken, &element, bits, BPF_ANY), 0);
}

static bool held(void *ctx, uint32_t slot, struct session *session)
{
	(void)ctx;
	for (unsigned i = 0; i < world.found_count; i++)
		if (world.found[i].slot == slot) {
			*session = world.found[i];
			return true;
		}
	return false;
}

static bool is_there(uint32_t number)
{
	uint8_t key[SESSD_KEY_SIZE], value[SESSD_VALUE_LIMIT];
	uint32_t slot;

	world_key(number, key);
	return mirror_get(world.engine->mirror, key, clock_tick(), value, &slot) > 0;
}

/* What a TAKE got from the old program stays taken, before and after its session was moved. */
static void taken(void **state)
{
	uint32_t slots[8], count = 0;
	int sessions, bits;
	bool more = true;

	(void)state;
	fill();
	sessions = world_pin(&world, SESSD_PIN_SESSIONS);
	bits = world_pin(&world, SESSD_PIN_TAKEN);
	take_from(sessions, bits, 7);
	world.config.capacity = 100;
	world_run(&world);
	assert_int_equal(world.found_count, 100);
	assert_false(found(7));
	assert_true(is_there(8) && is_there(90));
	take_from(sessions, bits, 8);
	take_from(sessions, bits, 90);
	while (more)
		count += engine_xdp.find_taken(world.engine, held, NULL, slots, 8, &more);
	assert_int_equal(count, 2);
	assert_false(is_there(8) || is_there(90));
	assert_true(is_there(9));
	close(sessions);
	close(bits);
	/* The old maps go after a while. */
	for (int i = 0; world.engine->old && i < 100; i++) {
		usleep(100000);
		do
			engine_xdp.find_taken(world.engine, held, NULL, slots, 8, &more);
		while (more);
	}
	assert_null(world.engine->old);
	world_close(&world, false);
}

/* What --check says. */
static void cost(void **state)
{
	char text[512];

	(void)state;
	world_reset(&world);
	assert_false(engine_xdp.start_cost(&world.config, text, sizeof(text)));
	fill();
	assert_true(engine_xdp.start_cost(&world.config, text, sizeof(text)));
	assert_non_null(strstr(text, "a start keeps the 200 sessions in "));
	world.config.capacity = 50;
	assert_true(engine_xdp.start_cost(&world.config, text, sizeof(text)));
	assert_non_null(strstr(text, "a start moves at most 50 of the 200 sessions in "));
	assert_non_null(strstr(text, "(capacity 200 to 50, max-session 512 to 512)"));
	world.config.capacity = 500;
	assert_true(engine_xdp.start_cost(&world.config, text, sizeof(text)));
	assert_non_null(strstr(text, "a start moves 200 of the 200 sessions in "));
	assert_non_null(strstr(text, " MiB"));
	world_reset(&world);
	world_run(&world);
	world_close(&world, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(grows),
		world_test(larger_map_of_another_version),
		world_test(shrinks),
		world_test(shorter_values),
		world_test(failed_start),
		world_test(failed_start_at_the_first),
		world_test(taken),
		world_test(cost),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
