/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which packets the program redirects to an AF_XDP socket, and all pass up the stack without one.
 * With BPF_PROG_TEST_RUN packets arrive on queue 0 of the loopback interface, which the fixture
 * makes the program's first interface.
 */
#include "tests/bpf/fixture.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_xdp.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fixture fixture;
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

static void run_all(bool with_socket)
{
	static struct outcome outcome;
	uint8_t frame[FRAME_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size = frame_build(&cases[i].spec, frame);
		uint32_t verdict = cases[i].verdict;

		if (verdict == XDP_REDIRECT && !with_socket)
			verdict = XDP_PASS;
		fixture_run(&fixture, frame, size, &outcome);
		if (outcome.verdict != verdict)
			print_error("%s\n", cases[i].name);
		assert_int_equal(outcome.verdict, verdict);
		fixture_assert_counted(&outcome, cases[i].counter, 0);
		if (verdict == XDP_PASS || verdict == XDP_REDIRECT) {
			assert_int_equal(outcome.size, size);
			assert_memory_equal(outcome.frame, frame, size);
		}
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
	run_all(false);
}

static void with_socket(void **state)
{
	int fd = put_socket(0);

	(void)state;
	run_all(true);
	close(fd); /* as if the daemon had been killed */
	run_all(false);
}

static void sockets_elsewhere(void **state)
{
	uint32_t queues = bpf_map__max_entries(fixture.bpf->maps.xsks) / 16;
	int other_queue = put_socket(1), other_interface = put_socket(queues);

	(void)state;
	run_all(false);
	close(other_queue);
	close(other_interface);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_socket),
		cmocka_unit_test(with_socket),
		cmocka_unit_test(sockets_elsewhere),
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
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_stop(&fixture);
	return failed;
}
