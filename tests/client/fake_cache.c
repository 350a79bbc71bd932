/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/client/fake_cache.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fake_session *find(struct fake_cache *fake, const uint8_t *key)
{
	for (unsigned i = 0; i < fake->count; i++)
		if (memcmp(fake->sessions[i].key, key, SESSD_KEY_SIZE) == 0)
			return &fake->sessions[i];
	return NULL;
}

static void store(struct fake_cache *fake, const struct sessd_header *header, const uint8_t *value,
	size_t len)
{
	struct fake_session *session;

	if (find(fake, header->key) || fake->count == FAKE_SESSIONS)
		return;
	session = &fake->sessions[fake->count++];
	memcpy(session->key, header->key, SESSD_KEY_SIZE);
	session->len = len;
	session->timeout = ntohs(header->timeout);
	memcpy(session->value, value, len);
}

static void drop(struct fake_cache *fake, struct fake_session *session)
{
	if (session)
		*session = fake->sessions[--fake->count];
}

struct reply {
	struct sessd_header header;
	uint8_t value[SESSD_VALUE_LIMIT];
	size_t len;
};

static void transmit(struct fake_cache *fake, const struct sockaddr_in *to,
	const struct reply *reply, size_t size)
{
	sendto(fake->fd, reply, size, 0, (const struct sockaddr *)to, sizeof(*to));
}

static void misbehave(struct fake_cache *fake, const struct sockaddr_in *to, struct reply *reply,
	const struct sessd_header *request)
{
	size_t size = sizeof(reply->header) + reply->len;
	struct reply stray = *reply;

	switch (atomic_load(&fake->mischief)) {
	case FAKE_SILENT:
		return;
	case FAKE_FORGED:
		reply->value[reply->len / 2] ^= 0x10;
		break;
	case FAKE_SWAPPED:
		for (unsigned i = 0; i < fake->count && reply->len; i++)
			if (memcmp(fake->sessions[i].key, request->key, SESSD_KEY_SIZE) != 0) {
				reply->len = fake->sessions[i].len;
				memcpy(reply->value, fake->sessions[i].value, reply->len);
			}
		size = sizeof(reply->header) + reply->len;
		break;
	case FAKE_TRUNCATED:
		size -= reply->len > 0;
		break;
	case FAKE_REPLAYED:
		reply->header.timeout = (uint16_t)(request->timeout ^ 0x0101);
		break;
	case FAKE_VERSION:
		reply->header.version = 2;
		break;
	case FAKE_KEY:
		reply->header.key[31] ^= 1;
		break;
	case FAKE_ECHO:
		reply->header.type = request->type;
		break;
	case FAKE_SHORT:
		size = sizeof(reply->header) - 1;
		break;
	case FAKE_NOISE:
		stray.header.key[0] ^= 1;
		transmit(fake, to, &stray, size);
		transmit(fake, to, &stray, 1);
		stray = *reply;
		stray.header.timeout ^= 1;
		transmit(fake, to, &stray, size);
		break;
	case FAKE_NO_ROOM:
		reply->header.type = SESSD_OK;
		size = sizeof(reply->header);
		break;
	}
	transmit(fake, to, reply, size);
}

static void answer(struct fake_cache *fake, const struct sockaddr_in *to,
	const struct sessd_header *request, struct fake_session *session)
{
	struct reply reply = {.header = *request};
	unsigned delay = atomic_load(&fake->delay_us);

	reply.header.type = session ? SESSD_OK : SESSD_ERR;
	if (session) {
		reply.len = session->len;
		memcpy(reply.value, session->value, session->len);
	}
	if (delay)
		usleep(delay);
	misbehave(fake, to, &reply, request);
}

static void handle(struct fake_cache *fake, const struct sockaddr_in *from, const uint8_t *datagram,
	size_t size)
{
	struct sessd_header header;
	struct fake_session *session;

	if (size < sizeof(header))
		return;
	memcpy(&header, datagram, sizeof(header));
	pthread_mutex_lock(&fake->lock);
	session = find(fake, header.key);
	switch (header.type) {
	case SESSD_NEW:
		store(fake, &header, datagram + sizeof(header), size - sizeof(header));
		atomic_fetch_add(&fake->news, 1);
		break;
	case SESSD_REMOVE:
		drop(fake, session);
		atomic_fetch_add(&fake->removes, 1);
		break;
	case SESSD_GET:
		atomic_fetch_add(&fake->gets, 1);
		answer(fake, from, &header, session);
		break;
	case SESSD_TAKE:
		atomic_fetch_add(&fake->takes, 1);
		if (atomic_load(&fake->deaf))
			break;
		answer(fake, from, &header, session);
		drop(fake, session);
		break;
	}
	pthread_mutex_unlock(&fake->lock);
}

static void *run(void *arg)
{
	struct fake_cache *fake = arg;
	struct pollfd fds[2] = {{fake->fd, POLLIN, 0}, {fake->wake[0], POLLIN, 0}};
	uint8_t datagram[sizeof(struct sessd_header) + SESSD_VALUE_LIMIT];

	while (poll(fds, 2, -1) >= 0 && !fds[1].revents) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t size = recvfrom(fake->fd, datagram, sizeof(datagram), MSG_DONTWAIT,
			(struct sockaddr *)&from, &len);

		if (size >= 0)
			handle(fake, &from, datagram, (size_t)size);
	}
	return NULL;
}

static int bound(uint16_t *port)
{
	struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	*port = ntohs(name.sin_port);
	return fd;
}

void fake_open(struct fake_cache *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->sessions = calloc(FAKE_SESSIONS, sizeof(*fake->sessions));
	assert_non_null(fake->sessions);
	pthread_mutex_init(&fake->lock, NULL);
	fake->fd = bound(&fake->port);
	snprintf(fake->text, sizeof(fake->text), "127.0.0.1:%u", fake->port);
	assert_int_equal(pipe(fake->wake), 0);
	assert_int_equal(pthread_create(&fake->thread, NULL, run, fake), 0);
}

void fake_close(struct fake_cache *fake)
{
	assert_int_equal(write(fake->wake[1], "", 1), 1);
	pthread_join(fake->thread, NULL);
	close(fake->wake[0]);
	close(fake->wake[1]);
	close(fake->fd);
	pthread_mutex_destroy(&fake->lock);
	free(fake->sessions);
}

void fake_forget(struct fake_cache *fake)
{
	pthread_mutex_lock(&fake->lock);
	fake->count = 0;
	pthread_mutex_unlock(&fake->lock);
}

unsigned fake_count(struct fake_cache *fake)
{
	unsigned count;

	pthread_mutex_lock(&fake->lock);
	count = fake->count;
	pthread_mutex_unlock(&fake->lock);
	return count;
}

void fake_wait_news(struct fake_cache *fake, unsigned news)
{
	for (int i = 0; i < 10000 && atomic_load(&fake->news) < news; i++)
		usleep(1000);
	assert_true(atomic_load(&fake->news) >= news);
}

uint16_t fake_closed_port(void)
{
	uint16_t port;

	close(bound(&port));
	return port;
}
