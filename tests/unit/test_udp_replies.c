/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Replies that are sent in one message: each must arrive as a separate, whole datagram at its
 * client, from the requested address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/udp.h"

#include "tests/unit/random.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ASKERS	  5
#define ADDRESSES 2
#define REQUESTS  UDP_BATCH
#define LENGTHS	  4

/* A request has its sender, its number and the length of the reply; the reply begins with the
 * request and continues with its number. */
struct request {
	uint8_t asker, address, number, length;
};

static const uint16_t lengths[LENGTHS] = {36, 180, 181, 1436};

struct world {
	int fds[4], askers[ASKERS];
	struct sockaddr_in addresses[ADDRESSES];
	struct udp_batch *batch;
	int fd_count;
};

static int setup(void **state)
{
	static struct world world;
	struct sockaddr_in bound = {0};
	socklen_t size = sizeof(bound);
	struct endpoint any = {.any = true};

	world.batch = udp_batch_create();
	world.fd_count = udp_open_all(&any, 1, false, world.fds, 4);
	assert_in_range(world.fd_count, 1, 2);
	assert_int_equal(getsockname(world.fds[0], (struct sockaddr *)&bound, &size), 0);
	for (int i = 0; i < ADDRESSES; i++) {
		world.addresses[i] = bound;
		world.addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)i);
	}
	for (int i = 0; i < ASKERS; i++) {
		struct sockaddr_in own = {.sin_family = AF_INET};
		int room = 1 << 20;

		own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		world.askers[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		/* Replies to all requests wait at once. Where generic XDP on lo copies them they
		 * take more room than the default. Without root: the allowed maximum. */
		if (setsockopt(world.askers[i], SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
			setsockopt(world.askers[i], SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
		assert_int_equal(bind(world.askers[i], (struct sockaddr *)&own, sizeof(own)), 0);
	}
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	while (world->fd_count > 0)
		close(world->fds[--world->fd_count]);
	for (int i = 0; i < ASKERS; i++)
		close(world->askers[i]);
	udp_batch_destroy(world->batch);
	return 0;
}

static void ask(struct world *world, const struct request *request)
{
	const struct sockaddr_in *to = &world->addresses[request->address];

	assert_int_equal(sendto(world->askers[request->asker], request, sizeof(*request), 0,
				 (const struct sockaddr *)to, sizeof(*to)),
		sizeof(*request));
}

static void answer(struct world *world, unsigned wanted)
{
	struct pollfd fd = {.fd = world->fds[0], .events = POLLIN};
	unsigned got = 0;

	while (got < wanted) {
		unsigned n;

		assert_int_equal(poll(&fd, 1, 2000), 1);
		n = udp_receive(world->batch, world->fds[0]);
		for (unsigned i = 0; i < n; i++) {
			struct udp_datagram datagram;
			struct request request;

			udp_datagram(world->batch, i, &datagram);
			memcpy(&request, datagram.data, sizeof(request));
			memset(datagram.data + sizeof(request), request.number,
				UDP_BUFFER - sizeof(request));
			udp_reply(world->batch, i, lengths[request.length]);
		}
		assert_int_equal(udp_send(world->batch, world->fds[0]), 0);
		got += n;
	}
	assert_int_equal(got, wanted);
}

static void collect(struct world *world, const struct request *requests, unsigned count)
{
	bool seen[REQUESTS] = {false};

	for (unsigned i = 0; i < count; i++) {
		struct pollfd fd = {.fd = world->askers[requests[i].asker], .events = POLLIN};
		uint8_t reply[UDP_BUFFER];
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		struct request request;
		ssize_t n;

		assert_int_equal(poll(&fd, 1, 2000), 1);
		n = recvfrom(fd.fd, reply, sizeof(reply), 0, (struct sockaddr *)&from, &size);
		assert_true(n > (ssize_t)sizeof(request));
		memcpy(&request, reply, sizeof(request));
		assert_true(request.number < count && !seen[request.number]);
		seen[request.number] = true;
		assert_memory_equal(&request, &requests[request.number], sizeof(request));
		assert_int_equal(request.asker, requests[i].asker);
		assert_int_equal(n, lengths[request.length]);
		for (ssize_t k = sizeof(request); k < n; k++)
			assert_int_equal(reply[k], request.number);
		assert_int_equal(
			from.sin_addr.s_addr, world->addresses[request.address].sin_addr.s_addr);
	}
	for (int i = 0; i < ASKERS; i++) {
		uint8_t more;

		assert_int_equal(recv(world->askers[i], &more, 1, MSG_DONTWAIT), -1);
	}
}

/* Clients, addresses and lengths at random. */
static void exchange(struct world *world, uint64_t *random, unsigned count, unsigned kinds)
{
	struct request requests[REQUESTS];

	for (unsigned i = 0; i < count; i++) {
		requests[i] = (struct request){
			.asker = (uint8_t)(random_next(random) % ASKERS % kinds),
			.address = (uint8_t)(random_next(random) % ADDRESSES % kinds),
			.length = (uint8_t)(random_next(random) % LENGTHS % kinds),
			.number = (uint8_t)i,
		};
		ask(world, &requests[i]);
	}
	answer(world, count);
	collect(world, requests, count);
}

static void all_kinds(void **state)
{
	uint64_t random = 1;

	for (unsigned kinds = 1; kinds <= ASKERS; kinds++) {
		for (unsigned i = 0; i < 40; i++)
			exchange(*state, &random, 1 + (unsigned)random_next(&random) % REQUESTS,
				kinds);
	}
}

/* The kernel refuses joined messages on a socket without checksums: replies are sent one by one,
 * now and later. */
static void refused(void **state)
{
	struct world *world = *state;
	uint64_t random = 2;
	int on = 1;

	assert_int_equal(setsockopt(world->fds[0], SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
	for (unsigned i = 0; i < 40; i++)
		exchange(world, &random, REQUESTS, 2);
}

/* Long ones, of which 64 are more than a message may hold. */
static void many_long(void **state)
{
	struct request requests[REQUESTS] = {0};
	struct world *world = *state;

	for (unsigned i = 0; i < REQUESTS; i++) {
		requests[i].number = (uint8_t)i;
		requests[i].length = LENGTHS - 1;
		ask(world, &requests[i]);
	}
	answer(world, REQUESTS);
	collect(world, requests, REQUESTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(refused, setup, teardown),
		cmocka_unit_test_setup_teardown(many_long, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
