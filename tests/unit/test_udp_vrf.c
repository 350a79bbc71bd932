/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The interface that a reply names: the VRF of its request. The test declares the loopback
 * interface a port of a VRF; tests/nics/vrf.sh has real ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/udp.h"

#include "common/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VRF 77

static int way; /* the interface that the last reply named; -1: no control message */

int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(&messages[0].msg_hdr);
	struct in_pktinfo ip4;
	struct in6_pktinfo ip6;

	(void)fd;
	(void)flags;
	way = -1;
	if (cmsg && cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO) {
		memcpy(&ip4, CMSG_DATA(cmsg), sizeof(ip4));
		way = ip4.ipi_ifindex;
	} else if (cmsg && cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO) {
		memcpy(&ip6, CMSG_DATA(cmsg), sizeof(ip6));
		way = (int)ip6.ipi6_ifindex;
	}
	return (int)count;
}

struct world {
	struct vrf_ports *ports;
	struct udp_batch *batch;
	int fd;
};

static void open_world(struct world *world, const char *listen)
{
	struct endpoint endpoint;

	assert_int_equal(endpoint_parse(listen, 47310, &endpoint), 0);
	assert_int_equal(udp_open_all(&endpoint, 1, false, &world->fd, 1), 1);
	world->ports = vrf_ports_new();
	world->batch = udp_batch_create();
	assert_true(world->ports && world->batch);
	udp_batch_use_vrfs(world->batch, world->ports);
}

static void close_world(struct world *world)
{
	udp_batch_destroy(world->batch);
	free(world->ports);
	close(world->fd);
}

/* Sends a request over the loopback; returns `way` of its reply. */
static int ask(struct world *world, int family)
{
	struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(47310)};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(47310)};
	struct pollfd fd = {.fd = world->fd, .events = POLLIN};
	int asker = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	to4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to6.sin6_addr = in6addr_loopback;
	assert_int_equal(
		sendto(asker, "ask", 3, 0,
			family == AF_INET ? (struct sockaddr *)&to4 : (struct sockaddr *)&to6,
			family == AF_INET ? sizeof(to4) : sizeof(to6)),
		3);
	assert_int_equal(poll(&fd, 1, 5000), 1);
	assert_int_equal(udp_receive(world->batch, world->fd), 1);
	udp_reply(world->batch, 0, 3);
	way = -2;
	assert_int_equal(udp_send(world->batch, world->fd), 0);
	close(asker);
	return way;
}

static void replies(int family, const char *listen, bool bound)
{
	unsigned lo = if_nametoindex("lo");
	struct world world;

	open_world(&world, listen);
	assert_int_equal(ask(&world, family), bound ? -1 : 0);
	assert_int_equal(vrf_ports_set(world.ports, lo + 1, VRF), 0); /* another one */
	if (bound)
		assert_int_equal(udp_tell_interfaces(&world.fd, 1), 0);
	assert_int_equal(ask(&world, family), 0);
	assert_int_equal(vrf_ports_set(world.ports, lo, VRF), 0);
	assert_int_equal(ask(&world, family), VRF);
	assert_int_equal(vrf_ports_set(world.ports, lo, 0), 0);
	assert_int_equal(ask(&world, family), 0);
	close_world(&world);
}

static void ipv4(void **state)
{
	(void)state;
	replies(AF_INET, "0.0.0.0", false);
	replies(AF_INET, "127.0.0.1", true);
}

static void ipv6(void **state)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 own = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	bool have = fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0;

	(void)state;
	if (fd >= 0)
		close(fd);
	if (!have)
		skip();
	replies(AF_INET6, "[::]", false);
	replies(AF_INET6, "[::1]", true);
}

static void no_socket(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(udp_tell_interfaces(fds, 1), -ENOTSOCK);
	assert_string_equal(error_message(),
		"cannot ask by which interface requests come: Socket operation on non-socket");
	close(fds[0]);
	close(fds[1]);
}

/* As many as fit, and one more. */
static void many(void **state)
{
	struct vrf_ports *ports = vrf_ports_new();
	const uint32_t room = VRF_PORTS_SETS * VRF_PORTS_WAYS;

	(void)state;
	assert_non_null(ports);
	assert_int_equal(vrf_ports_find(NULL, 5), 0);
	assert_int_equal(vrf_ports_find(ports, 5), 0);
	for (uint32_t port = 1; port <= room; port++)
		assert_int_equal(vrf_ports_set(ports, port, port + 1), 0);
	for (uint32_t port = 1; port <= room; port++)
		assert_int_equal(vrf_ports_find(ports, port), port + 1);
	assert_int_equal(vrf_ports_set(ports, room + 7, VRF), -ENOSPC);
	assert_int_equal(vrf_ports_find(ports, room + 7), 0);
	assert_int_equal(vrf_ports_set(ports, 7, VRF), 0); /* it has moved */
	assert_int_equal(vrf_ports_find(ports, 7), VRF);
	assert_int_equal(vrf_ports_set(ports, 7, 0), 0);
	assert_int_equal(vrf_ports_set(ports, 7, 0), 0);
	assert_int_equal(vrf_ports_set(ports, room + 7, VRF), 0);
	assert_int_equal(vrf_ports_find(ports, room + 7), VRF);
	assert_int_equal(vrf_ports_find(ports, 7), 0);
	free(ports);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4),
		cmocka_unit_test(ipv6),
		cmocka_unit_test(no_socket),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
