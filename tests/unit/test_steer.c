/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Steering by key, over the loopback: each reader is a socket of one port.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/socket/steer.h"
#include "dataplane/udp.h"

#include "common/log.h"
#include <sessiond/protocol.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READERS_MAX 8
#define KEYS	    1024
#define SENDERS	    16

struct group {
	int fds[READERS_MAX];
	int senders[SENDERS];
	unsigned readers;
};

static void group_open(struct group *group, const char *address, unsigned readers)
{
	struct endpoint endpoint;
	struct sockaddr_storage name;
	struct sockaddr_in6 bound;
	socklen_t size = sizeof(bound);

	assert_int_equal(endpoint_parse(address, 0, &endpoint), 0);
	endpoint.port = 0;
	group->readers = readers;
	if (udp_open_all(&endpoint, 1, false, &group->fds[0], 1) != 1) {
		print_message("no %s on this host: %s\n", address, error_message());
		skip();
	}
	assert_int_equal(getsockname(group->fds[0], (struct sockaddr *)&bound, &size), 0);
	endpoint.port = ntohs(bound.sin6_port); /* at the same place in both families */
	assert_int_equal(udp_share(group->fds[0]), 0);
	for (unsigned i = 1; i < readers; i++)
		assert_int_equal(udp_open_all(&endpoint, 1, true, &group->fds[i], 1), 1);
	assert_int_equal(steer_by_key(group->fds[0], readers), 0);
	size = address_to_sockaddr(&endpoint.addr, endpoint.port, &name);
	for (unsigned i = 0; i < SENDERS; i++) {
		group->senders[i] = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(group->senders[i], (struct sockaddr *)&name, size), 0);
	}
}

static void group_close(struct group *group)
{
	for (unsigned i = 0; i < group->readers; i++)
		close(group->fds[i]);
	for (unsigned i = 0; i < SENDERS; i++)
		close(group->senders[i]);
}

/* Sends from one of the senders; returns the reader that received it. */
static unsigned reader_of(struct group *group, unsigned sender, const void *message, size_t len)
{
	struct pollfd polls[READERS_MAX];
	uint8_t bytes[2048];
	unsigned reader = READERS_MAX;

	assert_int_equal(send(group->senders[sender % SENDERS], message, len, 0), len);
	for (unsigned i = 0; i < group->readers; i++)
		polls[i] = (struct pollfd){.fd = group->fds[i], .events = POLLIN};
	assert_int_equal(poll(polls, group->readers, 2000), 1);
	for (unsigned i = 0; i < group->readers; i++) {
		if (!polls[i].revents)
			continue;
		assert_int_equal(recv(group->fds[i], bytes, sizeof(bytes), 0), len);
		reader = i;
	}
	assert_true(reader < group->readers);
	return reader;
}

/* Keys that terminators may choose: random, or equal except for one or two bytes. */
static void make_key(uint8_t *key, unsigned kind, unsigned number)
{
	memset(key, kind == 0 ? 0 : 0xa5, SESSD_KEY_SIZE);
	if (kind == 0) {
		for (unsigned i = 0; i < SESSD_KEY_SIZE; i++)
			key[i] = (uint8_t)rand();
	} else {
		/* The two bytes move over the key. */
		key[kind - 1] = (uint8_t)number;
		key[kind % SESSD_KEY_SIZE] = (uint8_t)(number >> 8);
	}
}

/* A key always has the same reader, for every sender and message type; and each reader has its
 * share of the keys. */
static void steer(const char *address, unsigned readers)
{
	uint8_t message[SESSD_HEADER_SIZE + 144];
	struct group group;

	srand(1);
	group_open(&group, address, readers);
	for (unsigned kind = 0; kind <= SESSD_KEY_SIZE; kind += kind == 0 ? 1 : 3) {
		unsigned got[READERS_MAX] = {0};

		for (unsigned i = 0; i < KEYS; i++) {
			unsigned reader;

			memset(message, i & 0xff, sizeof(message));
			message[0] = SESSD_VERSION;
			message[1] = SESSD_NEW;
			make_key(message + 4, kind, i);
			reader = reader_of(&group, i, message, sizeof(message));
			message[1] = SESSD_REMOVE;
			message[2] = 0;
			assert_int_equal(
				reader_of(&group, i + 1, message, SESSD_HEADER_SIZE), reader);
			message[1] = SESSD_GET;
			assert_int_equal(
				reader_of(&group, i + 5, message, SESSD_HEADER_SIZE), reader);
			got[reader]++;
		}
		for (unsigned i = 0; i < readers; i++)
			assert_in_range(got[i], KEYS / readers * 6 / 10, KEYS / readers * 14 / 10);
	}
	group_close(&group);
}

static void two_ipv4(void **state)
{
	(void)state;
	steer("127.0.0.1", 2);
}

static void five_ipv4(void **state)
{
	(void)state;
	steer("127.0.0.1", 5);
}

static void eight_ipv6(void **state)
{
	(void)state;
	steer("::1", 8);
}

/* A datagram without a whole key also has a reader, but not always the same: it is counted there,
 * and cannot keep one reader busy. */
static void too_short(void **state)
{
	uint8_t message[SESSD_HEADER_SIZE - 1] = {SESSD_VERSION, SESSD_GET};
	unsigned got[READERS_MAX] = {0}, used = 0;
	struct group group;

	(void)state;
	group_open(&group, "127.0.0.1", 4);
	for (size_t len = 0; len <= sizeof(message); len++) {
		for (unsigned i = 0; i < SENDERS; i++)
			got[reader_of(&group, i, message, len)]++;
	}
	for (unsigned i = 0; i < 4; i++)
		used += got[i] > 0;
	assert_true(used > 1);
	group_close(&group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_ipv4),
		cmocka_unit_test(five_ipv4),
		cmocka_unit_test(eight_ipv6),
		cmocka_unit_test(too_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
