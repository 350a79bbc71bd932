/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A frame that cannot grow to its reply goes up the stack as it came. BPF_PROG_TEST_RUN has room
 * for every reply, generic XDP has little, so this runs on the loopback of a network namespace of
 * its own.
 */
#include "fixture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK_IFINDEX 1

static const uint8_t key[SESSD_KEY_SIZE] = "key";

static void require_namespace(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	if (unshare(CLONE_NEWNET) || (fd = socket(AF_INET, SOCK_DGRAM, 0)) < 0 ||
		ioctl(fd, SIOCSIFFLAGS, &request)) {
		printf("skipped: no network namespace can be made here: %s\n", strerror(errno));
		exit(77);
	}
	close(fd);
}

/* Waits at most 2 s for a frame that comes in, and not for one that goes out. */
static size_t receive(int fd, uint8_t *frame, size_t size)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	struct sockaddr_ll from;

	while (poll(&ready, 1, 2000) > 0) {
		socklen_t from_size = sizeof(from);
		ssize_t got = recvfrom(fd, frame, size, 0, (struct sockaddr *)&from, &from_size);

		assert_true(got > 0);
		if (from.sll_pkttype != PACKET_OUTGOING)
			return got;
	}
	return 0;
}

/* Asks for a value of `length` bytes. True if there was no room for it. */
static bool ask(const struct fixture *fixture, int fd, const struct frame_spec *spec, size_t length)
{
	static const uint8_t value[SESSD_VALUE_LIMIT] = {1, 2, 3};
	static uint8_t frame[FRAME_MAX], seen[FRAME_MAX];
	struct sessd_xdp_counters before, after;
	size_t size = frame_build(spec, frame);

	fixture_put(fixture, key, 0, FIXTURE_LIFE, value, length);
	fixture_counters(fixture, &before);
	assert_int_equal(send(fd, frame, size, 0), size);
	for (int i = 0; i < 200; i++) {
		fixture_counters(fixture, &after);
		if (memcmp(&before, &after, sizeof(before)))
			break;
		usleep(10000);
	}
	if (after.pass_no_room == before.pass_no_room) {
		assert_int_equal(after.get_hits, before.get_hits + 1);
		return false;
	}
	assert_int_equal(after.pass_no_room, before.pass_no_room + 1);
	assert_int_equal(after.get_hits, before.get_hits);
	assert_int_equal(receive(fd, seen, sizeof(seen)), size);
	assert_memory_equal(seen, frame, size);
	assert_int_equal(fixture_mark(fixture, 0), 0);
	return true;
}

static void no_room(void **state)
{
	static const size_t lengths[] = {144, 512, 1400};
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = LOOPBACK_IFINDEX};
	unsigned passed = 0;
	struct fixture fixture;
	int fd;

	(void)state;
	fixture_start(&fixture, SESSD_VALUE_LIMIT);
	assert_int_equal(
		bpf_xdp_attach(LOOPBACK_IFINDEX, bpf_program__fd(fixture.bpf->progs.sessiond_xdp),
			XDP_FLAGS_SKB_MODE, NULL),
		0);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (int v6 = 0; v6 < 2; v6++) {
			struct frame_spec spec = {.key = key, .v6 = v6, .trailing = 3 * i};
			bool room;

			fixture_clear_marks(&fixture);
			fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
			assert_true(fd >= 0);
			assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
			room = !ask(&fixture, fd, &spec, lengths[i]);
			print_message("%zu bytes over IPv%d: %s\n", lengths[i], v6 ? 6 : 4,
				room ? "room" : "no room");
			passed += !room;
			close(fd);
		}
	}
	fixture_stop(&fixture);
	if (!passed) {
		print_message("skipped: generic XDP had room for every reply\n");
		exit(77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_room),
	};

	fixture_require();
	require_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
