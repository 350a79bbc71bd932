/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A frame with little room after it grows at its head, and one that cannot grow to its reply passes
 * up the stack unchanged. BPF_PROG_TEST_RUN has room for every reply, so this uses interfaces of a
 * new network namespace: the loopback with generic XDP, where a reply comes in again, and a veth
 * pair with native XDP.
 */
#include "tests/bpf/fixture.h"
#include "tests/bpf/verify.h"

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

/* Sockets for frames to the program, for its replies, and for passed frames. */
struct wire {
	int out, reply, passed;
};

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

/* Waits at most 2 s for an incoming frame; ignores outgoing ones. */
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

/* `protocol` 0: only for sending. */
static int tap(unsigned ifindex, int protocol)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = ifindex};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(protocol));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* Discards frames of earlier requests: on the loopback both taps see everything. */
static void drain(int fd)
{
	uint8_t byte;

	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) > 0)
		;
}

/* Requests a value of `length` bytes. True if there was no room for it. */
static bool ask(const struct fixture *fixture, const struct wire *wire,
	const struct frame_spec *spec, size_t length)
{
	static uint8_t value[SESSD_VALUE_LIMIT], frame[FRAME_MAX], seen[FRAME_MAX];
	struct sessd_xdp_counters before, after;
	size_t size = frame_build(spec, frame), got;
	const char *wrong;

	for (size_t i = 0; i < length; i++)
		value[i] = length + i * 3;
	fixture_put(fixture, key, 0, FIXTURE_LIFE, value, length);
	fixture_clear_marks(fixture);
	drain(wire->reply);
	drain(wire->passed);
	fixture_counters(fixture, &before);
	assert_int_equal(send(wire->out, frame, size, 0), size);
	for (int i = 0; i < 4000; i++) {
		fixture_counters(fixture, &after);
		if (after.get_hits + after.pass_no_room != before.get_hits + before.pass_no_room)
			break;
		usleep(500);
	}
	if (after.get_hits == before.get_hits + 1) {
		got = receive(wire->reply, seen, sizeof(seen));
		wrong = verify_reply(frame, size, seen, got, SESSD_OK, value, length);
		if (wrong)
			fail_msg("%zu bytes over IPv%d: %s", length, spec->v6 ? 6 : 4, wrong);
		assert_int_equal(fixture_mark(fixture, 0), 1);
		return false;
	}
	assert_int_equal(after.pass_no_room, before.pass_no_room + 1);
	assert_int_equal(receive(wire->passed, seen, sizeof(seen)), size);
	assert_memory_equal(seen, frame, size);
	assert_int_equal(fixture_mark(fixture, 0), 0);
	return true;
}

/* Lengths of every size, until frames no longer pass. */
static void ask_all(const struct fixture *fixture, unsigned out, unsigned in)
{
	const struct wire wire = {
		.out = tap(out, 0), .reply = tap(out, ETH_P_ALL), .passed = tap(in, ETH_P_ALL)};
	unsigned answered = 0, passed = 0;

	for (size_t length = 1; length <= SESSD_VALUE_LIMIT; length += 1 + length / 16) {
		for (int v6 = 0; v6 < 2; v6++) {
			struct frame_spec spec = {.key = key, .v6 = v6, .trailing = length % 5};

			if (ask(fixture, &wire, &spec, length))
				passed++;
			else
				answered++;
		}
	}
	close(wire.out);
	close(wire.reply);
	close(wire.passed);
	print_message("%u answered, %u passed\n", answered, passed);
	assert_true(answered > 0);
	if (!passed) {
		print_message("skipped: there was room for every reply\n");
		skip();
	}
}

static void generic_loopback(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_start(&fixture, SESSD_VALUE_LIMIT);
	assert_int_equal(
		bpf_xdp_attach(LOOPBACK_IFINDEX, bpf_program__fd(fixture.bpf->progs.sessiond_xdp),
			XDP_FLAGS_SKB_MODE, NULL),
		0);
	ask_all(&fixture, LOOPBACK_IFINDEX, LOOPBACK_IFINDEX);
	fixture_stop(&fixture);
}

static void native_veth(void **state)
{
	static const char *const names[] = {"client", "server"};
	struct fixture fixture;

	(void)state;
	/* the kernel's own packets would interfere */
	if (system("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6; "
		   "ip link add client type veth peer name server && ip link set client up && "
		   "ip link set server up")) {
		print_message("skipped: no veth pair can be made here\n");
		skip();
	}
	fixture_start(&fixture, SESSD_VALUE_LIMIT);
	/* at the client's end too, or veth drops the program's replies */
	for (int i = 0; i < 2; i++)
		assert_int_equal(bpf_xdp_attach(if_nametoindex(names[i]),
					 bpf_program__fd(fixture.bpf->progs.sessiond_xdp),
					 XDP_FLAGS_DRV_MODE, NULL),
			0);
	ask_all(&fixture, if_nametoindex("client"), if_nametoindex("server"));
	fixture_stop(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generic_loopback),
		cmocka_unit_test(native_veth),
	};

	fixture_require();
	require_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
