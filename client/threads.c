/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The library is linked with nodelete: a program may unload a module that uses it while the
 * handlers of fork() and of a thread's end are registered.
 */
#include "client/threads.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "client/client_private.h"
#include "client/page.h"

struct thread_lookup {
	struct thread_lookup *next_of_thread, *next_of_client;
	_Atomic(sessiond_client *) client; /* NULL: the client is gone */
	sessiond_lookup *lookup;
};

/* Guards the lists of clients, and that a client's end and a thread's do not meet. */
static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_end;
static int prepare_error;
static atomic_uint fork_generation;
static _Thread_local struct thread_lookup *mine;

static void unlink_from_client(struct thread_lookup *entry, sessiond_client *client)
{
	struct thread_lookup **at = &client->threads;

	while (*at && *at != entry)
		at = &(*at)->next_of_client;
	if (*at)
		*at = entry->next_of_client;
}

static void thread_ends(void *list)
{
	struct thread_lookup *entry = list, *next;

	mine = NULL;
	pthread_mutex_lock(&registry);
	for (; entry; entry = next) {
		sessiond_client *client = atomic_load(&entry->client);

		next = entry->next_of_thread;
		if (client) {
			unlink_from_client(entry, client);
			sessiond_lookup_free(entry->lookup);
		}
		free(entry);
	}
	pthread_mutex_unlock(&registry);
}

static void before_fork(void)
{
	pthread_mutex_lock(&registry);
	page_before_fork();
}

static void after_fork(void)
{
	pthread_mutex_unlock(&registry);
}

static void in_child(void)
{
	atomic_fetch_add(&fork_generation, 1);
	page_in_child();
	pthread_mutex_unlock(&registry);
}

static void prepare(void)
{
	prepare_error = pthread_key_create(&at_end, thread_ends);
	if (prepare_error == 0)
		prepare_error = pthread_atfork(before_fork, after_fork, in_child);
}

int threads_prepare(void)
{
	pthread_once(&once, prepare);
	return -prepare_error;
}

void threads_lock(void)
{
	pthread_mutex_lock(&registry);
}

void threads_unlock(void)
{
	pthread_mutex_unlock(&registry);
}

unsigned threads_fork_generation(void)
{
	return atomic_load_explicit(&fork_generation, memory_order_relaxed);
}

/* Entries of clients that are gone: only this thread frees them, because it walks the list without
 * the lock. */
static void drop_gone(void)
{
	struct thread_lookup **at = &mine, *entry;

	while ((entry = *at)) {
		if (atomic_load(&entry->client)) {
			at = &entry->next_of_thread;
			continue;
		}
		*at = entry->next_of_thread;
		free(entry);
	}
}

sessiond_lookup *threads_lookup(sessiond_client *client)
{
	struct thread_lookup *entry;
	int ret;

	for (entry = mine; entry; entry = entry->next_of_thread)
		if (atomic_load_explicit(&entry->client, memory_order_relaxed) == client)
			return entry->lookup;
	drop_gone();
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->lookup = sessiond_lookup_new(client);
	if (!entry->lookup) {
		free(entry);
		return NULL;
	}
	entry->next_of_thread = mine;
	ret = pthread_setspecific(at_end, entry);
	if (ret != 0) {
		sessiond_lookup_free(entry->lookup);
		free(entry);
		errno = ret;
		return NULL;
	}
	mine = entry;
	pthread_mutex_lock(&registry);
	atomic_store(&entry->client, client);
	entry->next_of_client = client->threads;
	client->threads = entry;
	pthread_mutex_unlock(&registry);
	return entry->lookup;
}

void threads_forget(sessiond_client *client)
{
	pthread_mutex_lock(&registry);
	for (struct thread_lookup *entry = client->threads, *next; entry; entry = next) {
		next = entry->next_of_client;
		sessiond_lookup_free(entry->lookup);
		entry->lookup = NULL;
		atomic_store(&entry->client, NULL);
	}
	client->threads = NULL;
	pthread_mutex_unlock(&registry);
}
