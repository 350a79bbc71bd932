/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The UDP sockets, over the loopback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/udp.h"
#include "tests/unit/udp_client.h"

#include <sessiond/protocol.h>

#include "common/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint16_t port_of(int fd)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	return ntohs(name.ss_family == AF_INET ? ((struct sockaddr_in *)&name)->sin_port
					       : ((struct sockaddr_in6 *)&name)->sin6_port);
}

/* A port that is most likely free for both families. */
static uint16_t free_port(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint16_t port;

	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	port = port_of(fd);
	close(fd);
	return port;
}

static void wait_readable(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&poller, 1, 2000), 1);
}

/* Sends requests to `address` and lets the socket reply with the first half of each datagram. */
static void ask(struct udp_batch *batch, int fd, const char *address, uint16_t port)
{
	char out[64], in[64];
	struct udp_datagram datagram;
	struct address source;
	int asker = udp_client(address, port);

	assert_int_equal(address_parse(address, &source), 0);
	memset(out, 'q', sizeof(out));
	snprintf(out, sizeof(out), "to %s", address);
	assert_int_equal(send(asker, out, sizeof(out), 0), sizeof(out));
	wait_readable(fd);
	assert_int_equal(udp_receive(batch, fd), 1);
	udp_datagram(batch, 0, &datagram);
	assert_int_equal(datagram.length, sizeof(out));
	assert_memory_equal(datagram.data, out, sizeof(out));
	assert_int_equal(datagram.port, port_of(asker));
	datagram.data[0] = 'T';
	udp_reply(batch, 0, sizeof(out) / 2);
	assert_int_equal(udp_send(batch, fd), 0);
	wait_readable(asker);
	assert_int_equal(recv(asker, in, sizeof(in), 0), sizeof(out) / 2);
	out[0] = 'T';
	assert_memory_equal(in, out, sizeof(out) / 2);
	close(asker);
}

/* Wildcard sockets reply from the requested address, not from the one that routing would choose. */
static void answers_from_where_it_was_asked(void **state)
{
	struct endpoint any = {.any = true, .port = free_port()};
	struct udp_batch *batch = udp_batch_create();
	int fds[4], n;

	(void)state;
	n = udp_open_all(&any, 1, false, fds, 4);
	assert_in_range(n, 1, 2);
	ask(batch, fds[0], "127.0.0.1", any.port);
	ask(batch, fds[0], "127.0.0.2", any.port);
	ask(batch, fds[0], "127.1.2.3", any.port);
	ask(batch, fds[0], "127.255.255.254", any.port);
	if (n == 2)
		ask(batch, fds[1], "::1", any.port);
	else
		print_message("no IPv6 here: that part is skipped\n");
	while (n > 0)
		close(fds[--n]);
	udp_batch_destroy(batch);
	udp_batch_destroy(NULL);
}

/* So do sockets of 0.0.0.0 and of ::, all addresses of a family. */
static void answers_from_where_it_was_asked_by_family(void **state)
{
	struct endpoint any[2] = {{.port = free_port()}, {.port = any[0].port}};
	struct udp_batch *batch = udp_batch_create();
	socklen_t size = sizeof(int);
	int fds[4], told = 0;

	(void)state;
	assert_int_equal(address_parse("0.0.0.0", &any[0].addr), 0);
	assert_int_equal(address_parse("::", &any[1].addr), 0);
	assert_int_equal(udp_open_all(any, 1, false, fds, 4), 1);
	ask(batch, fds[0], "127.0.0.1", any[0].port);
	ask(batch, fds[0], "127.1.2.3", any[0].port);
	if (udp_open_all(any + 1, 1, false, fds + 1, 3) == 1) {
		ask(batch, fds[1], "::1", any[1].port);
		assert_int_equal(
			getsockopt(fds[1], IPPROTO_IPV6, IPV6_RECVPKTINFO, &told, &size), 0);
		assert_int_equal(told, 1);
		close(fds[1]);
	} else {
		print_message("no IPv6 here: that part is skipped\n");
	}
	close(fds[0]);
	udp_batch_destroy(batch);
}

/* Sends until the socket is readable: the kernel takes up to a second to use a new link. */
static void send_until_readable(int asker, const struct sockaddr_in6 *to, int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	for (int i = 0; i < 50; i++) {
		/* It may refuse at first. */
		(void)!sendto(asker, "hello", 5, 0, (const struct sockaddr *)to, sizeof(*to));
		if (poll(&poller, 1, 100) == 1)
			return;
	}
	fail_msg("nothing comes");
}

/* A request to a group is dropped, and one to a link-local address is answered. The last
 * test: it leaves the network namespace that the others are in. */
static void answers_on_a_link(void **state)
{
	struct endpoint any = {.port = 7777};
	struct sockaddr_in6 group = {.sin6_family = AF_INET6, .sin6_port = htons(any.port)}, from;
	struct udp_batch *batch = udp_batch_create();
	socklen_t size = sizeof(from);
	char in[8];
	int fd, asker;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0 ||
		system("ip link add g0 type veth peer name g1 &&"
		       "echo 1 > /proc/sys/net/ipv6/conf/g1/disable_ipv6 && ip link set g1 up &&"
		       "ip link set g0 addrgenmode none && ip link set g0 up &&"
		       "ip address add fe80::7/64 dev g0 nodad && ip link set lo up") != 0) {
		udp_batch_destroy(batch);
		skip();
	}
	assert_int_equal(address_parse("::", &any.addr), 0);
	assert_int_equal(udp_open_all(&any, 1, false, &fd, 1), 1);
	asker = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(inet_pton(AF_INET6, "ff02::1", &group.sin6_addr), 1);
	group.sin6_scope_id = if_nametoindex("g0");
	send_until_readable(asker, &group, fd);
	assert_int_equal(udp_receive(batch, fd), 0);
	assert_true(udp_group_drops(batch) >= 1);
	close(fd);
	/* And from a link-local address of --listen. */
	assert_int_equal(endpoint_parse("fe80::7%g0", any.port, &any), 0);
	assert_int_equal(udp_open_all(&any, 1, false, &fd, 1), 1);
	assert_int_equal(inet_pton(AF_INET6, "fe80::7", &group.sin6_addr), 1);
	send_until_readable(asker, &group, fd);
	assert_true(udp_receive(batch, fd) >= 1);
	udp_reply(batch, 0, 5);
	assert_int_equal(udp_send(batch, fd), 0);
	wait_readable(asker);
	assert_int_equal(recvfrom(asker, in, sizeof(in), 0, (struct sockaddr *)&from, &size), 5);
	assert_true(IN6_IS_ADDR_LINKLOCAL(&from.sin6_addr));
	close(asker);
	close(fd);
	udp_batch_destroy(batch);
}

static void one_address(void **state)
{
	struct endpoint endpoint = {.port = free_port()};
	struct udp_batch *batch = udp_batch_create();
	int fd, stranger;

	(void)state;
	assert_int_equal(address_parse("127.0.0.9", &endpoint.addr), 0);
	assert_int_equal(udp_open_all(&endpoint, 1, false, &fd, 1), 1);
	ask(batch, fd, "127.0.0.9", endpoint.port);
	stranger = udp_client("127.0.0.1", endpoint.port);
	assert_int_equal(send(stranger, "x", 1, 0), 1);
	usleep(10000);
	assert_int_equal(udp_receive(batch, fd), 0);
	close(stranger);
	close(fd);
	udp_batch_destroy(batch);
}

/* Longer than the buffer: truncated, but its true length is reported. Empty: reported too. */
static void lengths(void **state)
{
	static const size_t sizes[] = {
		0, 1, 36, 548, UDP_BUFFER - 1, UDP_BUFFER, UDP_BUFFER + 1, 9000, 65507};
	struct endpoint endpoint = {.port = free_port()};
	struct udp_batch *batch = udp_batch_create();
	static uint8_t bytes[65507];
	int fd, asker;

	(void)state;
	assert_int_equal(address_parse("127.0.0.1", &endpoint.addr), 0);
	assert_int_equal(udp_open_all(&endpoint, 1, false, &fd, 1), 1);
	asker = udp_client("127.0.0.1", endpoint.port);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct udp_datagram datagram;

		memset(bytes, (int)i + 1, sizes[i]);
		assert_int_equal(send(asker, bytes, sizes[i], 0), sizes[i]);
		wait_readable(fd);
		assert_int_equal(udp_receive(batch, fd), 1);
		udp_datagram(batch, 0, &datagram);
		assert_int_equal(datagram.length, sizes[i]);
		assert_memory_equal(datagram.data, bytes,
			sizes[i] < UDP_BUFFER ? sizes[i] : (size_t)UDP_BUFFER);
	}
	close(asker);
	close(fd);
	udp_batch_destroy(batch);
}

static bool all_zero(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i])
			return false;
	return true;
}

/* No value is left in the buffers, neither of a NEW of any length, nor of a reply that is longer
 * than its request. */
static void values_are_wiped(void **state)
{
	struct endpoint endpoint = {.port = free_port()};
	struct udp_batch *batch = udp_batch_create();
	struct udp_datagram datagrams[3];
	static uint8_t bytes[9000];
	int fd, asker;

	(void)state;
	assert_int_equal(address_parse("127.0.0.1", &endpoint.addr), 0);
	assert_int_equal(udp_open_all(&endpoint, 1, false, &fd, 1), 1);
	asker = udp_client("127.0.0.1", endpoint.port);
	memset(bytes, 'S', sizeof(bytes));
	assert_int_equal(send(asker, bytes, 200, 0), 200);
	assert_int_equal(send(asker, bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_int_equal(send(asker, bytes, SESSD_HEADER_SIZE, 0), SESSD_HEADER_SIZE);
	usleep(10000);
	assert_int_equal(udp_receive(batch, fd), 3);
	for (unsigned i = 0; i < 3; i++)
		udp_datagram(batch, i, &datagrams[i]);
	memset(datagrams[2].data, 'S', 300);
	udp_reply(batch, 2, 300);
	assert_int_equal(udp_send(batch, fd), 0);
	assert_int_equal(datagrams[0].data[SESSD_HEADER_SIZE], 'S');
	udp_wipe(batch);
	for (unsigned i = 0; i < 3; i++)
		assert_true(all_zero(
			datagrams[i].data + SESSD_HEADER_SIZE, UDP_BUFFER - SESSD_HEADER_SIZE));
	close(asker);
	close(fd);
	udp_batch_destroy(batch);
}

/* More than a batch; only some are answered, and each reply goes to its sender. */
static void batches(void **state)
{
	struct endpoint endpoint = {.port = free_port()};
	struct udp_batch *batch = udp_batch_create();
	unsigned got = 0, full = 0;
	int fd, askers[2];
	uint8_t in[8];

	(void)state;
	assert_int_equal(address_parse("127.0.0.1", &endpoint.addr), 0);
	assert_int_equal(udp_open_all(&endpoint, 1, false, &fd, 1), 1);
	for (int k = 0; k < 2; k++)
		askers[k] = udp_client("127.0.0.1", endpoint.port);
	for (unsigned i = 0; i < 3 * UDP_BATCH / 2; i++) {
		uint8_t bytes[2] = {(uint8_t)(i % 2), (uint8_t)i};

		assert_int_equal(send(askers[i % 2], bytes, 2, 0), 2);
	}
	while (got < 3 * UDP_BATCH / 2) {
		unsigned n;

		wait_readable(fd);
		n = udp_receive(batch, fd);
		assert_in_range(n, 1, UDP_BATCH);
		full += n == UDP_BATCH;
		for (unsigned i = 0; i < n; i++) {
			struct udp_datagram datagram;

			udp_datagram(batch, i, &datagram);
			assert_int_equal(datagram.data[1], got);
			got++;
			if (datagram.data[1] % 3 == 0)
				udp_reply(batch, i, 2);
		}
		assert_int_equal(udp_send(batch, fd), 0);
	}
	assert_int_equal(full, 1);
	assert_int_equal(udp_receive(batch, fd), 0);
	for (unsigned i = 0; i < got; i += 3) {
		wait_readable(askers[i % 2]);
		assert_int_equal(recv(askers[i % 2], in, sizeof(in), 0), 2);
		assert_int_equal(in[0], i % 2);
		assert_int_equal(in[1], i);
	}
	close(askers[0]);
	close(askers[1]);
	close(fd);
	udp_batch_destroy(batch);
}

/* The port belongs to one daemon: neither an exclusive nor a shared second socket can bind it,
 * until the owner shares it, and then only shared sockets can. */
static void second_bind_is_refused(void **state)
{
	struct endpoint any = {.any = true, .port = free_port()}, one = {.port = any.port};
	int first[2], second[2], third[2], n, m;

	(void)state;
	assert_int_equal(address_parse("127.0.0.1", &one.addr), 0);
	n = udp_open_all(&any, 1, false, first, 2);
	assert_in_range(n, 1, 2);
	assert_int_equal(udp_open_all(&any, 1, false, second, 2), -EADDRINUSE);
	assert_non_null(strstr(error_message(), "in use"));
	assert_int_equal(udp_open_all(&one, 1, false, second, 2), -EADDRINUSE);
	assert_int_equal(udp_open_all(&any, 1, true, second, 2), -EADDRINUSE);
	for (int i = 0; i < n; i++)
		assert_int_equal(udp_share(first[i]), 0);
	assert_int_equal(udp_open_all(&any, 1, false, second, 2), -EADDRINUSE);
	m = udp_open_all(&any, 1, true, third, 2);
	assert_int_equal(m, n);
	while (m > 0)
		close(third[--m]);
	while (n > 0)
		close(first[--n]);
	/* The refused attempt left nothing open: the port is free. */
	n = udp_open_all(&any, 1, false, first, 2);
	assert_true(n > 0);
	while (n > 0)
		close(first[--n]);
}

static void refusals(void **state)
{
	struct endpoint endpoint;
	int fds[2], before = dup(0), after;

	(void)state;
	endpoint = (struct endpoint){.any = true, .port = free_port()};
	assert_int_equal(udp_open_all(&endpoint, 1, false, fds, 0), -E2BIG);
	close(before);
	after = dup(0);
	assert_int_equal(after, before);
	close(after);
}

static void counts_drops(void **state)
{
	struct endpoint endpoint = {.port = free_port()};
	struct udp_batch *batch = udp_batch_create();
	static uint8_t bytes[60000];
	int small = 2048, fd, asker;

	(void)state;
	assert_int_equal(address_parse("127.0.0.1", &endpoint.addr), 0);
	assert_int_equal(udp_open_all(&endpoint, 1, false, &fd, 1), 1);
	assert_int_equal(udp_drops(fd), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	asker = udp_client("127.0.0.1", endpoint.port);
	for (int i = 0; i < 50; i++)
		assert_int_equal(send(asker, bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_in_range(udp_drops(fd), 40, 50);
	close(asker);
	close(fd);
	udp_batch_destroy(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_from_where_it_was_asked),
		cmocka_unit_test(answers_from_where_it_was_asked_by_family),
		cmocka_unit_test(one_address),
		cmocka_unit_test(lengths),
		cmocka_unit_test(values_are_wiped),
		cmocka_unit_test(batches),
		cmocka_unit_test(second_bind_is_refused),
		cmocka_unit_test(refusals),
		cmocka_unit_test(counts_drops),
		cmocka_unit_test(answers_on_a_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
