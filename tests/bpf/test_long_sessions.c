/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A cache full of long sessions: the program answers each with its own value, however the rests are
 * spread over the blocks of the overflow map, and no rest is lost.
 */
#include "tests/bpf/engine_world.h"
#include "tests/bpf/frame.h"

#include "common/clock.h"
#include "dataplane/xdp/mirror/entry.h"
#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

/* Ethernet, IPv4, UDP, message. */
#define VALUE_AT (14 + 20 + 8 + SESSD_HEADER_SIZE)

static struct world world;

/* Frames of frame_build come to an address that the program serves. */
static void serve(void)
{
	struct sessd_local key = {.port = htons(world.config.listen[0].port)};
	int fd = bpf_map__fd(world.engine->skel->maps.local);
	uint8_t one = 1;

	key.addr[10] = key.addr[11] = 0xff;
	assert_int_equal(inet_pton(AF_INET, FRAME_SERVER4, key.addr + 12), 1);
	assert_int_equal(bpf_map_update_elem(fd, &key, &one, BPF_ANY), 0);
}

/* The program's answer to a GET: the session of `len` bytes, or a miss if 0. */
static void ask(uint32_t slot, unsigned len)
{
	static uint8_t frame[FRAME_MAX], reply[FRAME_MAX];
	uint8_t key[SESSD_KEY_SIZE];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_out = reply,
		.data_size_out = sizeof(reply), .repeat = 1);

	world_key(slot, key);
	run.data_size_in = (uint32_t)frame_build(
		&(struct frame_spec){.key = key, .dest_port = world.config.listen[0].port}, frame);
	assert_int_equal(bpf_prog_test_run_opts(
				 bpf_program__fd(world.engine->skel->progs.sessiond_xdp), &run),
		0);
	assert_int_equal(run.retval, XDP_TX);
	assert_int_equal(run.data_size_out, VALUE_AT + len);
	for (unsigned i = 0; i < len; i++)
		assert_int_equal(reply[VALUE_AT + i], world_value(slot, i));
}

static unsigned blocks(void)
{
	int fd = world_pin(&world, SESSD_PIN_OVERFLOW);
	unsigned count = world_elements(fd);

	close(fd);
	return count;
}

static unsigned blocks_for(unsigned sessions)
{
	unsigned rests = SESSD_RESTS(world.config.value_max);

	return (sessions + rests - 1) / rests;
}

static unsigned longest; /* bytes */

static unsigned len_of(uint32_t slot)
{
	return 157 + slot % (longest - 156);
}

/* As the writer does, whose table does not know lengths. */
static void del(uint32_t slot)
{
	struct session session = {.slot = slot};

	world_key(slot, session.key);
	engine_xdp.del(world.engine, &session);
}

static void fill(unsigned count, uint16_t value_max)
{
	world_reset(&world);
	world.config.value_max = value_max;
	longest = value_max;
	world_run(&world);
	serve();
	for (uint32_t slot = 0; slot < count; slot++)
		world_put(&world, slot, 100000, len_of(slot));
	world_commit(&world);
}

static void ask_all(unsigned count)
{
	for (uint32_t slot = 0; slot < count; slot++)
		ask(slot, len_of(slot));
}

static void restart(void)
{
	world_close(&world, true);
	world_run(&world);
	serve();
}

static void every_session(uint16_t value_max)
{
	unsigned count = 200;

	fill(count, value_max);
	assert_int_equal(count, world.config.capacity);
	assert_int_equal(blocks(), blocks_for(count));
	ask_all(count);
	restart();
	assert_true(world.engine->adopted);
	assert_int_equal(world.found_count, count);
	assert_int_equal(blocks(), blocks_for(count));
	ask_all(count);
	for (uint32_t slot = 0; slot < count; slot++)
		del(slot);
	world_commit(&world);
	assert_int_equal(blocks(), 0);
	ask(0, 0);
	world_close(&world, false);
}

/* As many rests in a block as there can be, some, and few. */
static void every_shape(void **state)
{
	(void)state;
	assert_int_equal(SESSD_RESTS(160), SESSD_RESTS_MAX);
	every_session(160);
	every_session(161);
	every_session(357);
	every_session(512);
}

/* Sessions go and others come, over restarts. */
static void deleted_and_filled(void **state)
{
	unsigned count = 200;

	(void)state;
	fill(count, 357);
	for (unsigned round = 2; round < 7; round++) {
		for (uint32_t slot = 0; slot < count; slot += round)
			del(slot);
		world_commit(&world);
		for (uint32_t slot = 0; slot < count; slot++)
			ask(slot, slot % round ? len_of(slot) : 0);
		restart();
		assert_int_equal(world.found_count, count - (count + round - 1) / round);
		for (uint32_t slot = 0; slot < count; slot += round)
			world_put(&world, slot, 100000, len_of(slot));
		world_commit(&world);
		assert_int_equal(world.failed, 0);
		assert_int_equal(blocks(), blocks_for(count));
		ask_all(count);
	}
	world_close(&world, false);
}

/* Into blocks of another shape, also with another capacity. */
static void moved(void **state)
{
	static const uint16_t value_max[] = {400, 1400, 357};
	unsigned count = 200;

	(void)state;
	fill(count, 357);
	for (unsigned i = 0; i < sizeof(value_max) / sizeof(value_max[0]); i++) {
		world.config.value_max = value_max[i];
		world.config.capacity = 200 + 10 * (i % 2);
		restart();
		assert_false(world.engine->adopted);
		assert_int_equal(world.found_count, count);
		assert_int_equal(blocks(), blocks_for(count));
		ask_all(count);
		restart();
		assert_true(world.engine->adopted);
		ask_all(count);
	}
	world_close(&world, false);
}

/* So many are not adopted that their deletes fill batches while others, whose rests are in the same
 * blocks, were not met yet. */
static void most_are_refused(void **state)
{
	unsigned count = 5 * MIRROR_BATCH, each = SESSD_RESTS(512);

	(void)state;
	world_reset(&world);
	world.config.capacity = count;
	longest = world.config.value_max = 512;
	world_run(&world);
	for (uint32_t slot = 0; slot < count; slot++)
		world_put(&world, slot, 100000, len_of(slot));
	world_commit(&world);
	assert_int_equal(blocks(), blocks_for(count));
	world_close(&world, true);
	world.keep_each = each;
	world_run(&world);
	serve();
	assert_int_equal(world.found_count, blocks_for(count));
	assert_int_equal(blocks(), blocks_for(count));
	for (uint32_t slot = 0; slot < count; slot++)
		ask(slot, slot % each ? 0 : len_of(slot));
	world_close(&world, false);
}

/* An entry of another key that says it has the slot, too. */
static void add_twin(uint32_t slot)
{
	const struct entry_format format = {
		.secret = world.engine->settings.secret, .value_max = world.config.value_max};
	struct session session = {
		.expires = clock_tick() + 100000, .slot = slot, .len = 100, .sum = 1};
	uint8_t value[100] = {0};
	struct sessd_entry entry;
	int fd = world_pin(&world, SESSD_PIN_SESSIONS);

	world_key(slot + 1000, session.key);
	entry_pack(&format, &entry, NULL, &session, value);
	assert_int_equal(bpf_map_update_elem(fd, session.key, &entry, BPF_ANY), 0);
	close(fd);
}

/* One of both is adopted. If it is the long one, the other does not take its rest. */
static void twins(void **state)
{
	unsigned count = 100, longs = 0;

	(void)state;
	fill(count, 512);
	for (uint32_t slot = 0; slot < count; slot++)
		add_twin(slot);
	restart();
	assert_int_equal(world.found_count, count);
	for (unsigned i = 0; i < count; i++) {
		const struct session *session = &world.found[i];

		if (session->len == 100)
			continue;
		longs++;
		ask(session->slot, len_of(session->slot));
	}
	assert_true(longs > 0 && longs < count);
	world_close(&world, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(every_shape),
		world_test(deleted_and_filled),
		world_test(moved),
		world_test(most_are_refused),
		world_test(twins),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
