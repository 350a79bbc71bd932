/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A cache on a thread of the test, on loopback, that can be told to misbehave. Knows NEW, GET,
 * REMOVE and TAKE. Never expires anything.
 */
#ifndef TESTS_CLIENT_FAKE_CACHE_H
#define TESTS_CLIENT_FAKE_CACHE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sessiond/protocol.h>

#define FAKE_SESSIONS 4096

enum fake_mischief {
	FAKE_HONEST,
	FAKE_SILENT,
	FAKE_FORGED,	/* one bit of the value is another */
	FAKE_SWAPPED,	/* the value of another session */
	FAKE_TRUNCATED, /* the value lacks its last byte */
	FAKE_REPLAYED,	/* nothing but the reply to an earlier question about this key */
	FAKE_VERSION,	/* of another version */
	FAKE_KEY,	/* of another key */
	FAKE_ECHO,	/* sends the question back */
	FAKE_SHORT,	/* 35 bytes */
	FAKE_NOISE,	/* three strays before the reply */
	FAKE_NO_ROOM,	/* an OK without a value */
};

struct fake_session {
	uint8_t key[SESSD_KEY_SIZE];
	size_t len;
	uint16_t timeout;
	uint8_t value[SESSD_VALUE_LIMIT];
};

struct fake_cache {
	int fd, wake[2];
	uint16_t port; /* host order */
	char text[32]; /* 127.0.0.1:PORT */
	pthread_t thread;
	atomic_int mischief;
	atomic_bool deaf;     /* drops TAKEs, as an older cache */
	atomic_uint delay_us; /* before each reply */
	atomic_uint news, gets, removes, takes;
	pthread_mutex_t lock; /* of the sessions */
	unsigned count;
	struct fake_session *sessions;
};

void fake_open(struct fake_cache *fake);
void fake_close(struct fake_cache *fake);
void fake_forget(struct fake_cache *fake);
unsigned fake_count(struct fake_cache *fake);
/* Waits until it has seen so many NEWs since it was opened; fails after some seconds. */
void fake_wait_news(struct fake_cache *fake, unsigned news);
/* A port of loopback where nobody listens. */
uint16_t fake_closed_port(void);

#endif
