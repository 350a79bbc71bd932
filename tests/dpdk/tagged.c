/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * tagged: sends VLAN-tagged frames from a host whose kernel may not support VLANs. Reads from the
 * environment the interface (IFACE), and the cache's MAC and IPv4 address (MAC, IP4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/dpdk/packet.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int fd;
static const char *ip4;

static int setup(void **state)
{
	struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct ifreq request = {0};
	const char *mac = getenv("MAC"), *iface = getenv("IFACE");
	int one = 1;

	(void)state;
	ip4 = getenv("IP4");
	if (!mac || !iface || !ip4)
		return -1;
	assert_int_equal(
		sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &packet_server_mac[0],
			&packet_server_mac[1], &packet_server_mac[2], &packet_server_mac[3],
			&packet_server_mac[4], &packet_server_mac[5]),
		6);
	fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	assert_true(fd >= 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", iface);
	assert_int_equal(ioctl(fd, SIOCGIFHWADDR, &request), 0);
	memcpy(packet_client_mac, request.ifr_hwaddr.sa_data, 6);
	addr.sll_ifindex = (int)if_nametoindex(iface);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)), 0);
	return 0;
}

/* The next frame from the cache, with the outer tag that the kernel removed; 0 after 5 seconds. */
static size_t receive(uint8_t *frame)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	while (poll(&pfd, 1, 5000) > 0) {
		char control[256];
		struct iovec iov = {.iov_base = frame, .iov_len = PACKET_ROOM - 4};
		struct msghdr msg = {.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(fd, &msg, 0);

		if (n < 14 || memcmp(frame + 6, packet_server_mac, 6) != 0 ||
			memcmp(frame, packet_client_mac, 6) != 0)
			continue;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
			const struct tpacket_auxdata *aux = (const void *)CMSG_DATA(c);
			uint16_t tag[2];

			if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA ||
				!(aux->tp_status & TP_STATUS_VLAN_VALID))
				continue;
			tag[0] =
				htons(aux->tp_status & TP_STATUS_VLAN_TPID_VALID ? aux->tp_vlan_tpid
										 : 0x8100);
			tag[1] = htons(aux->tp_vlan_tci);
			memmove(frame + 16, frame + 12, (size_t)n - 12);
			memcpy(frame + 12, tag, 4);
			n += 4;
		}
		return (size_t)n;
	}
	return 0;
}

static size_t exchange(uint8_t *frame, size_t len)
{
	assert_int_equal(send(fd, frame, len, 0), len);
	len = receive(frame);
	assert_true(len > 0);
	return len;
}

static void arp(void **state)
{
	uint8_t frame[PACKET_ROOM] = {0}, target[4];

	(void)state;
	assert_int_equal(inet_pton(AF_INET, ip4, target), 1);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, packet_client_mac, 6);
	memcpy(frame + 12, "\x81\x00\x00\x64\x08\x06\0\1\x08\0\6\4\0\1", 14);
	memcpy(frame + 26, packet_client_mac, 6);
	memcpy(frame + 42, target, 4);
	exchange(frame, 60);
	assert_memory_equal(frame + 12, "\x81\x00\x00\x64\x08\x06\0\1\x08\0\6\4\0\2", 14);
	assert_memory_equal(frame + 26, packet_server_mac, 6);
	assert_memory_equal(frame + 32, target, 4);
}

static void echo(void **state)
{
	/* net_af_packet takes every outer tag for an 802.1Q tag. */
	struct packet_spec spec = {
		.proto = IPPROTO_ICMP, .source = "10.88.0.99", .dest = ip4, .outer = 0x8100};
	uint8_t data[64] = {8}, frame[PACKET_ROOM];
	const uint8_t *reply;
	size_t len;

	(void)state;
	for (spec.tags = 1; spec.tags <= 2; spec.tags++) {
		len = exchange(frame, packet_build(frame, &spec, data, sizeof(data)));
		reply = packet_check_reply(frame, len, &spec, &len);
		assert_int_equal(reply[0], 0);
		assert_int_equal(len, sizeof(data));
	}
}

static void session(void **state)
{
	struct packet_spec spec = {
		.proto = IPPROTO_UDP, .source = "10.88.0.99", .dest = ip4, .outer = 0x8100};
	uint8_t request[SESSD_HEADER_SIZE + 99], frame[PACKET_ROOM];
	const uint8_t *reply = NULL;
	size_t len;

	(void)state;
	memset(request, 0x3c, sizeof(request));
	for (spec.tags = 1; spec.tags <= 2; spec.tags++) {
		packet_request((struct sessd_header *)request, SESSD_NEW, 300, (uint8_t)spec.tags);
		len = packet_build(frame, &spec, request, sizeof(request));
		assert_int_equal(send(fd, frame, len, 0), len);
		packet_request((struct sessd_header *)request, SESSD_GET, 5, (uint8_t)spec.tags);
		for (unsigned i = 0; i < 100; i++) {
			len = exchange(
				frame, packet_build(frame, &spec, request, SESSD_HEADER_SIZE));
			reply = packet_check_reply(frame, len, &spec, &len);
			if (reply[1] == SESSD_OK)
				break;
			usleep(1000); /* give the writer time */
		}
		assert_int_equal(reply[1], SESSD_OK);
		assert_int_equal(len, sizeof(request));
		assert_memory_equal(reply + SESSD_HEADER_SIZE, request + SESSD_HEADER_SIZE, 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp),
		cmocka_unit_test(echo),
		cmocka_unit_test(session),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
