/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/farm/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct resolver {
	atomic_uint users; /* the thread and the caller; the last one frees it */
	atomic_bool done;  /* the members below are valid */
	int count;	   /* -1: failed */
	struct sockaddr_storage addresses[RESOLVER_ADDRESSES_MAX];
	char why[96];
	void (*on_thread)(void);
	char port[8];
	char host[];
};

void resolver_drop(struct resolver *resolver)
{
	if (resolver && atomic_fetch_sub(&resolver->users, 1) == 1)
		free(resolver);
}

static int look_up(const char *host, const char *port, int flags, struct addrinfo **list)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};

	return getaddrinfo(host, port, &hints, list);
}

static void *run(void *arg)
{
	struct resolver *resolver = arg;
	struct addrinfo *list = NULL;
	int ret;

	if (resolver->on_thread)
		resolver->on_thread();
	ret = look_up(resolver->host, resolver->port, AI_NUMERICSERV, &list);
	if (ret != 0) {
		snprintf(resolver->why, sizeof(resolver->why), "cannot resolve the name: %s",
			gai_strerror(ret));
		resolver->count = -1;
	}
	for (struct addrinfo *at = list; at && resolver->count < RESOLVER_ADDRESSES_MAX;
		at = at->ai_next)
		memcpy(&resolver->addresses[resolver->count++], at->ai_addr, at->ai_addrlen);
	if (list)
		freeaddrinfo(list);
	atomic_store(&resolver->done, true);
	resolver_drop(resolver);
	return NULL;
}

struct resolver *resolver_start(const char *host, uint16_t port, void (*on_thread)(void))
{
	size_t size = strlen(host) + 1;
	struct resolver *resolver = calloc(1, sizeof(*resolver) + size);
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	if (!resolver)
		return NULL;
	memcpy(resolver->host, host, size);
	snprintf(resolver->port, sizeof(resolver->port), "%u", port);
	resolver->on_thread = on_thread;
	atomic_init(&resolver->users, 2);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = pthread_create(&thread, &attr, run, resolver);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret == 0)
		return resolver;
	free(resolver);
	errno = ret;
	return NULL;
}

int resolver_result(struct resolver *resolver,
	struct sockaddr_storage addresses[RESOLVER_ADDRESSES_MAX], char *why, size_t why_size)
{
	if (!atomic_load(&resolver->done))
		return 0;
	memcpy(addresses, resolver->addresses, sizeof(resolver->addresses));
	if (resolver->count > 0)
		return resolver->count;
	snprintf(why, why_size, "%s",
		resolver->why[0] ? resolver->why : "cannot resolve the name: it has no address");
	return -1;
}

socklen_t resolver_address(const char *text, uint16_t port, struct sockaddr_storage *address)
{
	struct addrinfo *list = NULL;
	socklen_t size = 0;
	char digits[8];

	snprintf(digits, sizeof(digits), "%u", port);
	if (look_up(text, digits, AI_NUMERICHOST | AI_NUMERICSERV, &list) == 0) {
		size = list->ai_addrlen;
		memcpy(address, list->ai_addr, size);
		freeaddrinfo(list);
	}
	return size;
}
