/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The daemon's side of the rings, on real maps; the test writes what the program would.
 */
#include "tests/bpf/fixture.h"
#include "tests/bpf/frame.h"

#include "dataplane/xdp/xsk/frame_rings.h"

#include <sessiond/frame_ring.h>

#include <bpf/bpf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CPUS 3
#define SIZE 65536

static int frames_fd, wakes_fd;
static struct frame_rings *rings;
static uint8_t *memory; /* the program's side */
static unsigned news;
static uint16_t timeouts[1000]; /* of the NEWs, in order */

static void on_new(void *ctx, const uint8_t *key, uint16_t timeout, const void *value, size_t len,
	const struct address *source)
{
	(void)ctx, (void)key, (void)value, (void)len, (void)source;
	timeouts[news++ % 1000] = timeout;
}

static void on_remove(void *ctx, const uint8_t *key)
{
	(void)ctx, (void)key;
	fail();
}

static const struct update_sink sink = {.on_new = on_new, .on_remove = on_remove};

static struct sessd_frame_ring *ring_of(unsigned cpu)
{
	return (void *)(memory + cpu * SESSD_FRAME_RING_VALUE(SIZE));
}

static int start(void **state)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	(void)state;
	frames_fd = bpf_map_create(
		BPF_MAP_TYPE_ARRAY, "frames", 4, SESSD_FRAME_RING_VALUE(SIZE), CPUS, &opts);
	wakes_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "wakes", 0, 0, 65536, NULL);
	assert_true(frames_fd >= 0 && wakes_fd >= 0);
	memory = mmap(NULL, CPUS * SESSD_FRAME_RING_VALUE(SIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
		frames_fd, 0);
	assert_true(memory != MAP_FAILED);
	rings = frame_rings_open(frames_fd, wakes_fd, CPUS, SIZE);
	assert_non_null(rings);
	news = 0;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	frame_rings_close(rings);
	munmap(memory, CPUS * SESSD_FRAME_RING_VALUE(SIZE));
	close(frames_fd);
	close(wakes_fd);
	return 0;
}

/* As the program does. */
static void push(unsigned cpu, const void *frame, size_t size)
{
	struct sessd_frame_ring *ring = ring_of(cpu);
	uint8_t *record = ring->bytes + ring->head % SIZE;

	((struct sessd_frame_record *)record)->length = (uint32_t)size;
	memcpy(record + SESSD_FRAME_HEAD, frame, size);
	__atomic_store_n(&ring->head, ring->head + SESSD_FRAME_RECORD(size), __ATOMIC_RELEASE);
}

static size_t push_new(unsigned cpu, uint16_t timeout, int length)
{
	uint8_t frame[FRAME_MAX];
	static const uint8_t key[SESSD_KEY_SIZE] = "key";
	size_t size = frame_build(
		&(struct frame_spec){
			.key = key, .type = -1, .timeout = timeout, .trailing = length},
		frame);

	push(cpu, frame, size);
	return size;
}

static unsigned serve(unsigned budget, bool *more)
{
	*more = false;
	return frame_rings_serve(rings, &(struct frame_intake){0}, budget, &sink, more);
}

static struct frame_counters counted(uint64_t *full)
{
	struct frame_counters counters = {0};

	*full = 0;
	frame_rings_count(rings, &counters, full);
	return counters;
}

static void in_order(void **state)
{
	uint64_t full;
	bool more;

	(void)state;
	assert_int_equal(serve(256, &more), 0);
	assert_false(more);
	for (unsigned i = 0; i < 100; i++)
		push_new(1, (uint16_t)(100 + i), 144);
	assert_int_equal(serve(256, &more), 100);
	assert_false(more);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(timeouts[i], 100 + i);
	assert_int_equal(ring_of(1)->tail, ring_of(1)->head);
	assert_int_equal(counted(&full).received, 100);
	ring_of(0)->full = 2;
	ring_of(2)->full = 3;
	counted(&full);
	assert_int_equal(full, 5);
}

/* At the end of the ring, where a record continues behind it. */
static void around(void **state)
{
	uint64_t full;
	bool more;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		push_new(2, (uint16_t)i, (int)(i * 37 % SESSD_VALUE_LIMIT));
		assert_int_equal(serve(256, &more), 1);
		assert_int_equal(timeouts[i], i);
	}
	assert_true(ring_of(2)->head > 3 * SIZE);
	assert_int_equal(counted(&full).malformed, 0);
}

/* No ring waits for ever while another one is never empty. */
static void fair(void **state)
{
	bool more;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned cpu = 0; cpu < CPUS; cpu++)
			while (ring_of(cpu)->head - ring_of(cpu)->tail < 40 * 256)
				push_new(cpu, (uint16_t)cpu, 144);
		news = 0;
		assert_int_equal(serve(40, &more), 40);
		assert_true(more);
		assert_int_equal(timeouts[0], round % CPUS);
		assert_int_equal(timeouts[39], round % CPUS);
	}
}

/* Whatever is in the ring, nothing is read outside it, and what comes afterwards arrives. */
static void nonsense(void **state)
{
	static const uint32_t lengths[] = {0, SESSD_FRAME_MAX + 1, 1000, UINT32_MAX};
	uint64_t full;
	size_t i;
	bool more;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct sessd_frame_ring *ring = ring_of(0);

		push_new(0, 7, 10);
		((struct sessd_frame_record *)(ring->bytes + ring->head % SIZE))->length =
			lengths[i];
		ring->head += SESSD_FRAME_RECORD(100);
		assert_int_equal(serve(256, &more), 1);
		assert_int_equal(counted(&full).malformed, i + 1);
		push_new(0, 8, 10);
		assert_int_equal(serve(256, &more), 1);
		assert_int_equal(news, 2 * (i + 1));
	}
	/* A head that went back. */
	ring_of(0)->head -= 2 * SESSD_FRAME_RECORD(100);
	assert_int_equal(serve(256, &more), 0);
	assert_int_equal(ring_of(0)->tail, ring_of(0)->head);
	assert_int_equal(counted(&full).malformed, i + 1);
	push_new(0, 9, 10);
	assert_int_equal(serve(256, &more), 1);
	assert_int_equal(news, 2 * i + 1);
	/* A frame that is none. */
	push(0, "no frame", 8);
	assert_int_equal(serve(256, &more), 1);
	assert_int_equal(counted(&full).malformed, i + 2);
}

static void sleeps(void **state)
{
	bool more;

	(void)state;
	assert_true(frame_rings_sleep(rings));
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		assert_int_equal(ring_of(cpu)->asleep, 1);
	frame_rings_awake(rings);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		assert_int_equal(ring_of(cpu)->asleep, 0);
	push_new(2, 1, 10);
	assert_false(frame_rings_sleep(rings));
	frame_rings_awake(rings);
	assert_int_equal(serve(256, &more), 1);
	assert_true(frame_rings_sleep(rings));
}

/* The values are gone from the map. */
static void wiped(void **state)
{
	const struct sessd_frame_ring *ring = ring_of(1);
	bool more;

	(void)state;
	push_new(1, 1, 144);
	assert_int_equal(serve(256, &more), 1);
	frame_rings_close(rings);
	rings = NULL;
	for (size_t i = 0; i < SIZE + SESSD_FRAME_RECORD_MAX; i++)
		assert_int_equal(ring->bytes[i], 0);
}

static void sizes(void **state)
{
	(void)state;
	assert_int_equal(frame_rings_size(1), 1 << 20);
	assert_int_equal(frame_rings_size(64), 1 << 20);
	assert_int_equal(frame_rings_size(65), 1 << 19);
	assert_int_equal(frame_rings_size(8192), 1 << 17);
	assert_in_range(frame_rings_bytes(64), 64 << 20, (64 << 20) + 64 * 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order, start, stop),
		cmocka_unit_test_setup_teardown(around, start, stop),
		cmocka_unit_test_setup_teardown(fair, start, stop),
		cmocka_unit_test_setup_teardown(nonsense, start, stop),
		cmocka_unit_test_setup_teardown(sleeps, start, stop),
		cmocka_unit_test_setup_teardown(wiped, start, stop),
		cmocka_unit_test(sizes),
	};

	fixture_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
