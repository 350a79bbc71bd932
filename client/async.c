/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The server polls the descriptor that a job waits for, and may keep polling it when the job has
 * ended: HAProxy forgets it with the connection. So it stays open until OpenSSL frees the
 * connection's wait context. It is a copy of the look-up's epoll descriptor, because the look-up
 * itself is soon used for others.
 *
 * A connection that is freed while its job is paused leaks the job: OpenSSL has no way to end it.
 * After some of these no look-up is paused any more.
 */
#include "client/async.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/async.h>

#include "client/lookup_private.h"
#include "client/threads.h"

#define IDLE_MAX 16

/* Some 40 kB each. */
#define LEAKS_MAX 256

struct wait {
	sessiond_client *client;
	sessiond_lookup *lookup; /* NULL when the look-up has ended */
};

static atomic_uint leaks;

static sessiond_lookup *borrow(sessiond_client *client)
{
	sessiond_lookup *lookup;

	threads_lock();
	lookup = client->idle;
	if (lookup) {
		client->idle = lookup->next_idle;
		client->idle_count--;
	}
	threads_unlock();
	return lookup ? lookup : sessiond_lookup_new(client);
}

static void give_back(sessiond_client *client, sessiond_lookup *lookup)
{
	threads_lock();
	if (client->idle_count < IDLE_MAX) {
		lookup->next_idle = client->idle;
		client->idle = lookup;
		client->idle_count++;
		lookup = NULL;
	}
	threads_unlock();
	sessiond_lookup_free(lookup);
}

void async_forget(sessiond_client *client)
{
	sessiond_lookup *next;

	for (sessiond_lookup *lookup = client->idle; lookup; lookup = next) {
		next = lookup->next_idle;
		sessiond_lookup_free(lookup);
	}
	client->idle = NULL;
}

bool async_can(const sessiond_client *client)
{
	return client->flags & SESSIOND_ASYNC && ASYNC_get_current_job() &&
	       atomic_load_explicit(&leaks, memory_order_relaxed) < LEAKS_MAX;
}

/* With the connection. */
static void on_wait_context_freed(ASYNC_WAIT_CTX *ctx, const void *key, int fd, void *custom)
{
	struct wait *wait = custom;

	(void)ctx, (void)key;
	close(fd);
	if (wait->lookup) {
		if (atomic_fetch_add(&leaks, 1) + 1 == LEAKS_MAX)
			client_log(wait->client, SESSIOND_LOG_WARNING,
				"look-ups wait from now on: %d connections were closed during "
				"theirs, and OpenSSL leaks the job of each",
				LEAKS_MAX);
		give_back(wait->client, wait->lookup);
	}
	sessiond_close(wait->client);
	free(wait);
}

/* Registers what the server has to poll. NULL if that cannot be. */
static struct wait *prepare(sessiond_client *client, sessiond_lookup *lookup)
{
	struct wait *wait = malloc(sizeof(*wait));
	int fd;

	if (!wait)
		return NULL;
	*wait = (struct wait){.client = client_hold(client), .lookup = lookup};
	fd = sessiond_lookup_fd(lookup);
	if (fd >= 0)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0 && ASYNC_WAIT_CTX_set_wait_fd(ASYNC_get_wait_ctx(ASYNC_get_current_job()), wait,
			       fd, wait, on_wait_context_freed) == 1)
		return wait;
	if (fd >= 0)
		close(fd);
	sessiond_close(client);
	free(wait);
	return NULL;
}

enum sessiond_result async_look_up(sessiond_client *client, enum sessiond_operation operation,
	const struct sessiond_id *id, void *value, size_t *len)
{
	sessiond_lookup *lookup = borrow(client);
	struct wait *wait = NULL;
	enum sessiond_result result;
	size_t room = *len;

	if (!lookup) {
		client_count(client, off);
		return SESSIOND_OFF;
	}
	result = sessiond_lookup_begin(lookup, operation, id);
	if (result == SESSIOND_AGAIN)
		wait = prepare(client, lookup);
	while (result == SESSIOND_AGAIN) {
		*len = room;
		if (wait && ASYNC_pause_job() == 1)
			result = sessiond_lookup_finish(lookup, value, len);
		else
			result = lookup_wait(lookup, value, len);
	}
	if (wait)
		wait->lookup = NULL;
	give_back(client, lookup);
	return result;
}
