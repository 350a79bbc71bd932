/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * An engine that lies. It listens on a Unix socket, on threads of its own.
 */
#ifndef TESTS_FARM_FAKE_REDIS_H
#define TESTS_FARM_FAKE_REDIS_H

#include <pthread.h>
#include <stdatomic.h>

enum fake_lie {
	FAKE_GARBAGE, /* answers with what is no reply */
	FAKE_FLOOD,   /* a reply without end */
	FAKE_STALL,   /* half a reply */
	FAKE_CHATTER, /* two replies to one command */
	FAKE_TYPES,   /* after HELLO: integers, whatever the question */
	FAKE_ERRORS,  /* after HELLO: errors with control characters */
	FAKE_CLOCK,   /* its clock jumps by decades; all streams are empty */
	FAKE_ENDLESS, /* streams that go backwards, and histories that never end */
	FAKE_LIES
};

struct fake_redis {
	char path[64], url[80];
	enum fake_lie lie;
	int fd;
	pthread_t thread;
	atomic_uint connections, commands;
	atomic_bool stop;
};

void fake_redis_open(struct fake_redis *fake, enum fake_lie lie);
void fake_redis_close(struct fake_redis *fake);

#endif
