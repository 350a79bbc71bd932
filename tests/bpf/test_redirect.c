/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which packets the program hands to the daemon, by an AF_XDP socket or in a ring, and all pass up
 * the stack without a socket.
 * With BPF_PROG_TEST_RUN packets arrive on queue 0 of the loopback interface, which the fixture
 * makes the program's first interface.
 */
#include "tests/bpf/fixture.h"

#include <sessiond/frame_ring.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_xdp.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fixture fixture;
static struct sessd_frame_ring *ring; /* of the CPU that the test runs on */
static const uint8_t key[SESSD_KEY_SIZE] = "key";
static const uint8_t group_mac[6] = {0x01, 0x00, 0x5e, 0x01, 0x02, 0x03};

#define NEW    .key = key, .type = -1
#define REMOVE .key = key, .type = SESSD_REMOVE

static const struct {
	const char *name;
	uint32_t verdict; /* if there is a socket */
	size_t counter;
	struct frame_spec spec;
} cases[] = {
	{"NEW", XDP_REDIRECT, FIXTURE_COUNTER(pass_new), {NEW, .trailing = 144}},
	{"NEW, IPv6", XDP_REDIRECT, FIXTURE_COUNTER(pass_new), {NEW, .v6 = true, .trailing = 144}},
	{"NEW without a value", XDP_REDIRECT, FIXTURE_COUNTER(pass_new), {NEW}},
	{"NEW, two tags, IPv6, longest value", XDP_REDIRECT, FIXTURE_COUNTER(pass_new),
		{NEW, .v6 = true, .vlans = 2, .trailing = SESSD_VALUE_LIMIT}},
	{"NEW, one tag, padded", XDP_REDIRECT, FIXTURE_COUNTER(pass_new),
		{NEW, .vlans = 1, .trailing = 10, .padding = 30}},
	{"NEW, wrong UDP checksum: the daemon's to see", XDP_REDIRECT, FIXTURE_COUNTER(pass_new),
		{NEW, .trailing = 144, .check = CHECK_WRONG}},
	{"REMOVE", XDP_REDIRECT, FIXTURE_COUNTER(pass_remove), {REMOVE}},
	{"REMOVE, IPv6, one tag", XDP_REDIRECT, FIXTURE_COUNTER(pass_remove),
		{REMOVE, .v6 = true, .vlans = 1}},
	/* never redirected */
	{"NEW, too long a value", XDP_PASS, FIXTURE_COUNTER(pass_new),
		{NEW, .trailing = SESSD_VALUE_LIMIT + 1}},
	{"NEW, too long a frame", XDP_PASS, FIXTURE_COUNTER(pass_new),
		{NEW, .trailing = 144, .padding = 1500}},
	{"NEW, cut", XDP_PASS, FIXTURE_COUNTER(pass_truncated), {NEW, .trailing = 144, .cut = 1}},
	{"NEW, fragment", XDP_PASS, FIXTURE_COUNTER(pass_fragment),
		{NEW, .trailing = 144, .fragment = 0x2000}},
	{"NEW, options", XDP_PASS, FIXTURE_COUNTER(pass_ip_options), {NEW, .options = 4}},
	{"NEW, lengths disagree", XDP_PASS, FIXTURE_COUNTER(pass_bad_length),
		{NEW, .trailing = 144, .udp_length_add = -1}},
	{"NEW, wrong IP checksum", XDP_PASS, FIXTURE_COUNTER(pass_bad_checksum),
		{NEW, .ip_check_wrong = true}},
	{"NEW to a group", XDP_PASS, FIXTURE_COUNTER(pass_not_local), {NEW, .dest_mac = group_mac}},
	{"NEW for another host", XDP_PASS, FIXTURE_COUNTER(pass_not_local),
		{NEW, .dest = "192.0.2.9"}},
	{"NEW for another port", XDP_PASS, FIXTURE_COUNTER(pass_other_port),
		{NEW, .dest_port = FRAME_PORT + 1}},
	{"NEW from loopback", XDP_PASS, FIXTURE_COUNTER(pass_bad_source),
		{NEW, .source = "127.0.0.1"}},
	{"NEW from a stranger", XDP_DROP, FIXTURE_COUNTER(drop_not_allowed),
		{NEW, .source = "11.0.0.1"}},
	{"NEW of another version", XDP_DROP, FIXTURE_COUNTER(drop_version),
		{NEW, .message_version = 2}},
	{"a short message", XDP_DROP, FIXTURE_COUNTER(drop_short), {NEW, .message_length = 36}},
	{"a reply", XDP_DROP, FIXTURE_COUNTER(drop_type), {.key = key, .type = SESSD_OK}},
	{"GET", XDP_TX, FIXTURE_COUNTER(get_misses), {.key = key}},
};

/* What the ring got since the last call, at most one frame: its length, or 0. */
static size_t taken(uint8_t *frame)
{
	const struct sessd_frame_record *record =
		(void *)(ring->bytes + ring->tail % fixture.bpf->rodata->frame_ring_size);

	if (ring->tail == ring->head)
		return 0;
	assert_in_range(record->length, 1, SESSD_FRAME_MAX);
	assert_int_equal(ring->head - ring->tail, SESSD_FRAME_RECORD(record->length));
	memcpy(frame, (const uint8_t *)record + SESSD_FRAME_HEAD, record->length);
	ring->tail = ring->head;
	return record->length;
}

/* `handed`: the verdict for what the daemon gets. */
static void run_all(uint32_t handed)
{
	static struct outcome outcome;
	uint8_t frame[FRAME_MAX], got[SESSD_FRAME_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size = frame_build(&cases[i].spec, frame);
		bool update = cases[i].verdict == XDP_REDIRECT;
		uint32_t verdict = update ? handed : cases[i].verdict;

		fixture_run(&fixture, frame, size, &outcome);
		if (outcome.verdict != verdict)
			print_error("%s\n", cases[i].name);
		assert_int_equal(outcome.verdict, verdict);
		fixture_assert_counted(&outcome, cases[i].counter, 0);
		if (verdict == XDP_PASS || verdict == XDP_REDIRECT) {
			assert_int_equal(outcome.size, size);
			assert_memory_equal(outcome.frame, frame, size);
		}
		assert_int_equal(taken(got), update && handed == XDP_DROP ? size : 0);
		if (update && handed == XDP_DROP)
			assert_memory_equal(got, frame, size);
	}
}

/* An unbound socket is enough for the verdict; nothing is ever sent to it. Linux 7.2 wants it to
 * have a ring. */
static int put_socket(uint32_t at)
{
	int fd = socket(AF_XDP, SOCK_RAW, 0), size = 64;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_XDP, XDP_RX_RING, &size, sizeof(size)), 0);
	assert_int_equal(bpf_map__update_elem(
				 fixture.bpf->maps.xsks, &at, sizeof(at), &fd, sizeof(fd), BPF_ANY),
		0);
	return fd;
}

static void without_socket(void **state)
{
	(void)state;
	run_all(XDP_PASS);
}

static void with_socket(void **state)
{
	int fd = put_socket(0);

	(void)state;
	run_all(XDP_REDIRECT);
	close(fd); /* as if the daemon had been killed */
	run_all(XDP_PASS);
}

static void sockets_elsewhere(void **state)
{
	uint32_t queues = bpf_map__max_entries(fixture.bpf->maps.xsks) / 16;
	int other_queue = put_socket(1), other_interface = put_socket(queues);

	(void)state;
	run_all(XDP_PASS);
	close(other_queue);
	close(other_interface);
}

static void in_rings(void **state)
{
	int fd;

	(void)state;
	fixture.bpf->bss->frames_in_rings = true;
	run_all(XDP_PASS);
	fd = put_socket(0);
	run_all(XDP_DROP);
	fixture.bpf->bss->frames_in_rings = false;
	run_all(XDP_REDIRECT);
	fixture.bpf->bss->frames_in_rings = true;
	close(fd); /* as if the daemon had been killed */
	run_all(XDP_PASS);
	fixture.bpf->bss->frames_in_rings = false;
}

/* All around the ring, with frames of many lengths: each arrives, whole. */
static void around_the_ring(void **state)
{
	uint64_t begin = ring->head;
	uint8_t frame[FRAME_MAX], got[SESSD_FRAME_MAX];
	static struct outcome outcome;
	int fd = put_socket(0);

	(void)state;
	fixture.bpf->bss->frames_in_rings = true;
	for (unsigned i = 0; ring->head < begin + 3 * fixture.bpf->rodata->frame_ring_size; i++) {
		size_t size = frame_build(&(struct frame_spec){NEW, .v6 = i % 2,
						  .trailing = i * 37 % SESSD_VALUE_LIMIT},
			frame);

		fixture_run(&fixture, frame, size, &outcome);
		assert_int_equal(outcome.verdict, XDP_DROP);
		assert_int_equal(taken(got), size);
		assert_memory_equal(got, frame, size);
	}
	fixture.bpf->bss->frames_in_rings = false;
	close(fd);
}

/* What does not fit is dropped and counted, and overwrites nothing. */
static void full_ring(void **state)
{
	struct frame_spec spec = {NEW, .trailing = 1000};
	uint8_t frame[FRAME_MAX], first[FRAME_MAX];
	uint64_t full = ring->full, head = 0;
	static struct outcome outcome;
	int fd = put_socket(0);
	const uint8_t *oldest;
	size_t size = 0;

	(void)state;
	fixture.bpf->bss->frames_in_rings = true;
	oldest = ring->bytes + ring->tail % fixture.bpf->rodata->frame_ring_size + SESSD_FRAME_HEAD;
	for (unsigned i = 0; ring->full < full + 3; i++) {
		spec.timeout = (uint16_t)i;
		size = frame_build(&spec, frame);
		if (i == 0)
			memcpy(first, frame, size);
		assert_true(i < 1000);
		head = ring->head;
		fixture_run(&fixture, frame, size, &outcome);
		assert_int_equal(outcome.verdict, XDP_DROP);
		fixture_assert_counted(&outcome, FIXTURE_COUNTER(pass_new), 0);
		assert_memory_equal(oldest, first, size);
	}
	assert_int_equal(ring->head, head);
	assert_true(ring->head - ring->tail <= fixture.bpf->rodata->frame_ring_size);
	ring->tail = ring->head;
	fixture_run(&fixture, frame, size, &outcome);
	assert_int_equal(ring->full, full + 3);
	assert_int_equal(ring->head, ring->tail + SESSD_FRAME_RECORD(size));
	ring->tail = ring->head;
	fixture.bpf->bss->frames_in_rings = false;
	close(fd);
}

/* Whether the daemon would be woken. */
static bool woken(struct ring_buffer *wakes)
{
	struct pollfd poll_fd = {.fd = bpf_map__fd(fixture.bpf->maps.wakes), .events = POLLIN};
	int n = poll(&poll_fd, 1, 0);

	assert_true(n >= 0);
	ring_buffer__consume(wakes);
	return n > 0;
}

static int ignore(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

/* Once, and only if the daemon has said that it sleeps. */
static void wakes(void **state)
{
	struct ring_buffer *buffer =
		ring_buffer__new(bpf_map__fd(fixture.bpf->maps.wakes), ignore, NULL, NULL);
	const struct frame_spec spec = {NEW, .trailing = 144};
	uint8_t frame[FRAME_MAX], got[SESSD_FRAME_MAX];
	size_t size = frame_build(&spec, frame);
	static struct outcome outcome;
	int fd = put_socket(0);

	(void)state;
	assert_non_null(buffer);
	fixture.bpf->bss->frames_in_rings = true;
	for (int i = 0; i < 3; i++) {
		fixture_run(&fixture, frame, size, &outcome);
		assert_false(woken(buffer));
		taken(got);
		ring->asleep = 1;
		fixture_run(&fixture, frame, size, &outcome);
		assert_true(woken(buffer));
		assert_int_equal(ring->asleep, 0);
		assert_int_equal(taken(got), size);
	}
	fixture.bpf->bss->frames_in_rings = false;
	ring_buffer__free(buffer);
	close(fd);
}

/* A program without interfaces, and one with this as its second interface. */
static void interfaces(void **state)
{
	for (int at = -1; at <= 15; at += 2) {
		static struct outcome outcome;
		struct frame_spec spec = {NEW, .trailing = 144};
		uint8_t frame[FRAME_MAX];
		size_t size = frame_build(&spec, frame);
		uint32_t queues;
		int fd;

		fixture_stop(&fixture);
		fixture_start_as(&fixture, SESSD_VALUE_DEFAULT_MAX, at);
		queues = bpf_map__max_entries(fixture.bpf->maps.xsks) / 16;
		fd = put_socket(at < 0 ? 0 : (uint32_t)at * queues);
		fixture_run(&fixture, frame, size, &outcome);
		assert_int_equal(outcome.verdict, at < 0 ? XDP_PASS : XDP_REDIRECT);
		close(fd);
	}
	(void)state;
}

/* Stays on one CPU, and maps its ring. */
static void map_ring(void)
{
	const struct bpf_map *map = fixture.bpf->maps.frames;
	size_t stride = bpf_map__value_size(map);
	int cpu = sched_getcpu();
	cpu_set_t cpus;
	void *memory;

	assert_true(cpu >= 0);
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	assert_int_equal(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
	memory = mmap(NULL, stride * bpf_map__max_entries(map), PROT_READ | PROT_WRITE, MAP_SHARED,
		bpf_map__fd(map), 0);
	assert_true(memory != MAP_FAILED);
	ring = (void *)((uint8_t *)memory + stride * (unsigned)cpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_socket),
		cmocka_unit_test(with_socket),
		cmocka_unit_test(sockets_elsewhere),
		cmocka_unit_test(in_rings),
		cmocka_unit_test(around_the_ring),
		cmocka_unit_test(full_ring),
		cmocka_unit_test(wakes),
		cmocka_unit_test(interfaces),
	};
	int probe, failed;

	fixture_require();
	probe = socket(AF_XDP, SOCK_RAW, 0);
	if (probe < 0) {
		printf("skipped: no AF_XDP socket can be made here: %s\n", strerror(errno));
		return 77;
	}
	close(probe);
	fixture_start(&fixture, SESSD_VALUE_LIMIT);
	map_ring();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_stop(&fixture);
	return failed;
}
