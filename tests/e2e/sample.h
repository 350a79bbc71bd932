/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Shared by the tests' UDP clients: sessions computed from a seed and a number, so that every reply
 * is checked byte for byte without a record of stored sessions; requests; sockets.
 */
#ifndef E2E_SAMPLE_H
#define E2E_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessiond/protocol.h>

#define SAMPLE_DATAGRAM (SESSD_HEADER_SIZE + SESSD_VALUE_LIMIT)

/* Session number `index` of the family `seed`. */
void sample_key(uint64_t seed, uint64_t index, uint8_t key[SESSD_KEY_SIZE]);
/* 128 to 190 bytes: the size of terminators' sessions without a client certificate. */
unsigned sample_length(uint64_t seed, uint64_t index);
void sample_value(uint64_t seed, uint64_t index, uint8_t *value, unsigned len);

/* Write a whole request and return its length. `timeout` in seconds, host order. */
size_t sample_new(uint8_t *out, uint64_t seed, uint64_t index, uint16_t timeout);
size_t sample_get(uint8_t *out, uint64_t seed, uint64_t index);
size_t sample_remove(uint8_t *out, uint64_t seed, uint64_t index);

enum sample_reply {
	REPLY_NONE,	 /* no reply in time */
	REPLY_HIT,	 /* OK with this very session's bytes */
	REPLY_MISS,	 /* ERR for this very key */
	REPLY_OTHER_KEY, /* a well-formed reply to another request, such as a late one */
	REPLY_WRONG,	 /* anything else: a protocol error, or another session's bytes */
};

enum sample_reply sample_check(uint64_t seed, uint64_t index, const uint8_t *reply, size_t len);

/* Sends a GET and waits for its reply, at most `wait_us`; replies to other keys are passed over.
 * Returns REPLY_NONE on a time-out or when the port is closed. */
enum sample_reply sample_ask(int fd, uint64_t seed, uint64_t index, unsigned wait_us);

/* Returns a connected UDP socket; on failure prints the error and exits 1. */
int udp_connect(const char *host, const char *port);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t now_ns(void);
void sleep_until_ns(uint64_t deadline);

/* Returns an integer within the range; else prints a line on stderr and exits 2. */
uint64_t parse_number(const char *what, const char *text, uint64_t min, uint64_t max);

#endif
