/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A connected UDP socket a cache: only the cache's datagrams come in, and a port that is closed
 * says so at once.
 */
#include "client/lookup_private.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "client/threads.h"

void links_init(struct sessiond_lookup *lookup)
{
	lookup->fork_generation = threads_fork_generation();
	lookup->epoll_fd = lookup->timer_fd = -1;
	for (unsigned i = 0; i < SESSIOND_CACHES_MAX; i++)
		lookup->fds[i] = -1;
}

static uint64_t cookie_of(int fd)
{
	socklen_t size = sizeof(uint64_t);
	uint64_t cookie = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) < 0)
		return 0;
	return cookie;
}

void links_close(struct sessiond_lookup *lookup)
{
	bool foreign = lookup->fork_generation != threads_fork_generation();

	for (unsigned i = 0; i < SESSIOND_CACHES_MAX; i++) {
		/* A daemon may have closed every descriptor since, and opened others. */
		if (lookup->fds[i] >= 0 &&
			(!foreign || cookie_of(lookup->fds[i]) == lookup->cookies[i]))
			close(lookup->fds[i]);
		lookup->fds[i] = -1;
	}
	/* These cannot be known again. They close on exec. */
	if (lookup->epoll_fd >= 0 && !foreign)
		close(lookup->epoll_fd);
	if (lookup->timer_fd >= 0 && !foreign)
		close(lookup->timer_fd);
	lookup->epoll_fd = lookup->timer_fd = -1;
}

void links_check_fork(struct sessiond_lookup *lookup)
{
	if (lookup->fork_generation == threads_fork_generation())
		return;
	links_close(lookup);
	seal_tools_forked(&lookup->tools);
	lookup->fork_generation = threads_fork_generation();
	lookup->asking = false;
}

static int watch(struct sessiond_lookup *lookup, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (lookup->epoll_fd < 0)
		return 0;
	return epoll_ctl(lookup->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_link(struct sessiond_lookup *lookup, unsigned cache)
{
	struct sockaddr_storage name;
	socklen_t size = endpoint_to_sockaddr(&lookup->client->caches[cache].endpoint, &name);
	int ret, fd = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&name, size) < 0)
		ret = -errno;
	else
		ret = watch(lookup, fd);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	lookup->fds[cache] = fd;
	lookup->cookies[cache] = cookie_of(fd);
	return 0;
}

int links_send(struct sessiond_lookup *lookup, unsigned cache, const uint8_t *datagram, size_t size)
{
	int ret;

	if (lookup->fds[cache] < 0 && (ret = open_link(lookup, cache)) < 0)
		return ret;
	if (send(lookup->fds[cache], datagram, size, MSG_NOSIGNAL) >= 0)
		return 0;
	/* That may be the fate of what was sent before. */
	if (errno == ECONNREFUSED && send(lookup->fds[cache], datagram, size, MSG_NOSIGNAL) >= 0)
		return 0;
	return -errno;
}

void links_set_timer(struct sessiond_lookup *lookup, uint64_t at)
{
	struct itimerspec timer = {.it_value = {.tv_sec = (time_t)(at / 1000000000U),
					   .tv_nsec = (long)(at % 1000000000U)}};

	if (lookup->timer_fd >= 0)
		timerfd_settime(lookup->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
}

int sessiond_lookup_fd(sessiond_lookup *lookup)
{
	int epoll_fd, timer_fd, err;

	links_check_fork(lookup);
	if (lookup->epoll_fd >= 0)
		return lookup->epoll_fd;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	lookup->epoll_fd = epoll_fd;
	if (epoll_fd < 0 || timer_fd < 0 || watch(lookup, timer_fd) < 0)
		goto err;
	for (unsigned i = 0; i < lookup->client->cache_count; i++)
		if (lookup->fds[i] >= 0 && watch(lookup, lookup->fds[i]) < 0)
			goto err;
	lookup->timer_fd = timer_fd;
	if (lookup->asking)
		links_set_timer(lookup, lookup_next_event(lookup));
	return epoll_fd;
err:
	err = errno;
	lookup->epoll_fd = -1;
	if (epoll_fd >= 0)
		close(epoll_fd);
	if (timer_fd >= 0)
		close(timer_fd);
	errno = err;
	return -1;
}
