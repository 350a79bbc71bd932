/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/e2e/sample.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* splitmix64: enough to make keys that look like session ids. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static void fill(uint64_t state, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = mix(state++);

		memcpy(out + i, &word, len - i < 8 ? len - i : 8);
	}
}

void sample_key(uint64_t seed, uint64_t index, uint8_t key[SESSD_KEY_SIZE])
{
	fill(mix(seed) ^ mix(~index), key, SESSD_KEY_SIZE);
}

unsigned sample_length(uint64_t seed, uint64_t index)
{
	return 128 + mix(seed * 31 + index) % 63;
}

void sample_value(uint64_t seed, uint64_t index, uint8_t *value, unsigned len)
{
	fill(mix(~seed) ^ mix(index + 0x5e551000d), value, len);
}

static size_t request(
	uint8_t *out, enum sessd_type type, uint16_t timeout, uint64_t seed, uint64_t index)
{
	struct sessd_header header = {.version = SESSD_VERSION, .type = type};

	header.timeout = htons(timeout);
	sample_key(seed, index, header.key);
	memcpy(out, &header, sizeof(header));
	return sizeof(header);
}

size_t sample_new(uint8_t *out, uint64_t seed, uint64_t index, uint16_t timeout)
{
	size_t head = request(out, SESSD_NEW, timeout, seed, index);
	unsigned len = sample_length(seed, index);

	sample_value(seed, index, out + head, len);
	return head + len;
}

size_t sample_get(uint8_t *out, uint64_t seed, uint64_t index)
{
	return request(out, SESSD_GET, 0, seed, index);
}

size_t sample_remove(uint8_t *out, uint64_t seed, uint64_t index)
{
	return request(out, SESSD_REMOVE, 0, seed, index);
}

enum sample_reply sample_check(uint64_t seed, uint64_t index, const uint8_t *reply, size_t len)
{
	const struct sessd_header *header = (const void *)reply;
	uint8_t key[SESSD_KEY_SIZE], value[SESSD_VALUE_LIMIT];
	unsigned want = sample_length(seed, index);

	if (len < SESSD_HEADER_SIZE || header->version != SESSD_VERSION || header->timeout != 0)
		return REPLY_WRONG;
	sample_key(seed, index, key);
	if (memcmp(key, header->key, sizeof(key)) != 0)
		return REPLY_OTHER_KEY;
	if (header->type == SESSD_ERR)
		return len == SESSD_HEADER_SIZE ? REPLY_MISS : REPLY_WRONG;
	if (header->type != SESSD_OK || len != SESSD_HEADER_SIZE + want)
		return REPLY_WRONG;
	sample_value(seed, index, value, want);
	return memcmp(value, reply + SESSD_HEADER_SIZE, want) == 0 ? REPLY_HIT : REPLY_WRONG;
}

enum sample_reply sample_ask(int fd, uint64_t seed, uint64_t index, unsigned wait_us)
{
	uint8_t out[SAMPLE_DATAGRAM], in[2048];
	uint64_t end = now_ns() + wait_us * 1000ULL;

	/* ECONNREFUSED, here or below, is the ICMP error of an earlier send: not an answer. */
	if (send(fd, out, sample_get(out, seed, index), 0) < 0 && errno != ECONNREFUSED)
		return REPLY_NONE;
	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		uint64_t now = now_ns();
		struct timespec left = {0};
		enum sample_reply reply;
		ssize_t len;

		if (now >= end)
			return REPLY_NONE;
		left.tv_sec = (end - now) / 1000000000;
		left.tv_nsec = (end - now) % 1000000000;
		if (ppoll(&pfd, 1, &left, NULL) <= 0)
			continue;
		len = recv(fd, in, sizeof(in), MSG_DONTWAIT);
		if (len < 0)
			continue;
		reply = sample_check(seed, index, in, len);
		if (reply != REPLY_OTHER_KEY)
			return reply;
	}
}

int udp_connect(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *info;
	int room = 4 << 20, fd, err;

	err = getaddrinfo(host, port, &hints, &info);
	if (err) {
		fprintf(stderr, "%s port %s: %s\n", host, port, gai_strerror(err));
		exit(1);
	}
	fd = socket(info->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, info->ai_addr, info->ai_addrlen) < 0) {
		fprintf(stderr, "%s port %s: %s\n", host, port, strerror(errno));
		exit(1);
	}
	/* Replies may come in bursts; the kernel caps this at its own limit. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	freeaddrinfo(info);
	return fd;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void sleep_until_ns(uint64_t deadline)
{
	struct timespec ts = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

uint64_t parse_number(const char *what, const char *text, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || n < min || n > max) {
		fprintf(stderr, "%s: %s is not a number from %llu to %llu\n", what, text,
			(unsigned long long)min, (unsigned long long)max);
		exit(2);
	}
	return n;
}
