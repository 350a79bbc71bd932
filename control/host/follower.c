/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Uses netlink, because a running daemon may not call ioctl (syscall_filter.c).
 */
#include "control/host/follower.h"

#include "common/log.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BUFFER 32768 /* bytes: the most that the kernel fills for one read of a dump */

/* Buffers read in one step: a few thousand addresses, in a few milliseconds. */
#define STEP_BUFFERS 16

/* How often a reading is restarted because something changed meanwhile. */
#define READ_TRIES 10

struct follower {
	const struct follower_ops *ops;
	void *ctx;
	struct mnl_socket *events;
	struct mnl_socket *list; /* NULL: no list is being read */
	int more_fd;		 /* readable while a step is unfinished */
	int poll_fd;		 /* of events and more_fd */
	bool opening;
	bool more;
	bool unsure; /* the list was accepted although it changed */
	bool again;  /* the last reading failed */
	int tries;
	char buffer[BUFFER];
};

static struct mnl_socket *open_socket(int flags, unsigned groups)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags);

	if (socket && mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) < 0) {
		int err = errno;

		mnl_socket_close(socket);
		errno = err;
		return NULL;
	}
	return socket;
}

static int poll_also(struct follower *follower, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(follower->poll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_all(struct follower *follower)
{
	int err;

	follower->events = open_socket(SOCK_NONBLOCK, follower->ops->groups);
	if (!follower->events)
		return -errno;
	follower->more_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (follower->more_fd < 0)
		return -errno;
	follower->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (follower->poll_fd < 0)
		return -errno;
	err = poll_also(follower, mnl_socket_get_fd(follower->events));
	return err ? err : poll_also(follower, follower->more_fd);
}

static void close_list(struct follower *follower)
{
	if (follower->list)
		mnl_socket_close(follower->list);
	follower->list = NULL;
}

static void set_more(struct follower *follower, bool more)
{
	uint64_t count = 1;
	ssize_t n;

	if (more == follower->more)
		return;
	follower->more = more;
	/* Neither can fail: the eventfd's count is 0 or 1. */
	n = more ? write(follower->more_fd, &count, sizeof(count))
		 : read(follower->more_fd, &count, sizeof(count));
	(void)n;
}

static int step(struct follower *follower)
{
	int ret = follower->ops->read(follower->ctx, follower);

	if (ret == -EAGAIN && ++follower->tries < READ_TRIES)
		ret = FOLLOWER_MORE;
	set_more(follower, ret == FOLLOWER_MORE);
	if (ret == FOLLOWER_MORE)
		return ret;
	follower->again = ret != 0 || follower->unsure;
	follower->unsure = false;
	follower->tries = 0;
	return ret;
}

struct follower *follower_open(const struct follower_ops *ops, void *ctx)
{
	struct follower *follower = calloc(1, sizeof(*follower));
	int ret;

	if (!follower) {
		error_set(ENOMEM, "out of memory at start");
		ops->close(ctx);
		return NULL;
	}
	follower->ops = ops;
	follower->ctx = ctx;
	follower->more_fd = follower->poll_fd = -1;
	follower->opening = true;
	ret = open_all(follower);
	if (ret < 0)
		error_set(-ret, "cannot follow %s: %s", ops->what, strerror(-ret));
	else
		do
			ret = step(follower);
		while (ret == FOLLOWER_MORE);
	follower->opening = false;
	if (ret == 0)
		return follower;
	follower_close(follower);
	return NULL;
}

void follower_close(struct follower *follower)
{
	if (!follower)
		return;
	if (follower->poll_fd >= 0)
		close(follower->poll_fd);
	if (follower->more_fd >= 0)
		close(follower->more_fd);
	if (follower->events)
		mnl_socket_close(follower->events);
	close_list(follower);
	follower->ops->close(follower->ctx);
	free(follower);
}

int follower_fd(const struct follower *follower)
{
	return follower->poll_fd;
}

static int on_event(const struct nlmsghdr *event, void *data)
{
	const struct follower *follower = data;

	follower->ops->event(follower->ctx, event);
	return MNL_CB_OK;
}

/* Any events left are read before the next reading. */
static void take_events(struct follower *follower)
{
	const struct follower_ops *ops = follower->ops;

	for (int i = 0; i < STEP_BUFFERS; i++) {
		ssize_t n = mnl_socket_recvfrom(follower->events, follower->buffer, BUFFER);

		if (n <= 0 && errno != ENOBUFS)
			return;
		if (ops->event && (n < 0 || mnl_cb_run(follower->buffer, (size_t)n, 0, 0, on_event,
						    follower) < 0))
			ops->event(follower->ctx, NULL);
	}
}

int follower_follow(struct follower *follower)
{
	int ret;

	if (!follower->more)
		take_events(follower);
	ret = step(follower);
	/* After -EAGAIN an event is already pending: the change that interrupted the reading. */
	return ret == FOLLOWER_MORE || ret == -EAGAIN ? 0 : ret;
}

int follower_retry(struct follower *follower)
{
	int ret = follower->again && !follower->more ? step(follower) : 0;

	return ret == FOLLOWER_MORE ? 0 : ret;
}

struct nlmsghdr *follower_request(
	struct follower *follower, uint16_t type, uint16_t flags, size_t size)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(follower->buffer);

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = 1;
	mnl_nlmsg_put_extra_header(header, size);
	return header;
}

/* Opens a socket for each request, because a socket whose reply was not read to its end still holds
 * the rest. Reads never block: the kernel has queued the reply when the request is sent, and the
 * next part of a list when one part is read. */
static struct mnl_socket *send_request(struct follower *follower)
{
	const struct nlmsghdr *request = (const struct nlmsghdr *)follower->buffer;
	struct mnl_socket *socket = open_socket(SOCK_NONBLOCK, 0);

	if (socket && mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) {
		int err = errno;

		mnl_socket_close(socket);
		errno = err;
		return NULL;
	}
	return socket;
}

/* Accepts a list that changed while it was read: it may lack items or have duplicates. */
static void take_unsure(struct follower *follower, ssize_t size)
{
	struct nlmsghdr *header = (struct nlmsghdr *)follower->buffer;
	int left = (int)size;

	for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
		follower->unsure |= header->nlmsg_flags & NLM_F_DUMP_INTR;
		header->nlmsg_flags &= (uint16_t)~NLM_F_DUMP_INTR;
	}
}

/* Returns what mnl_cb_run returns, or a negative errno. */
static int receive(struct follower *follower, struct mnl_socket *socket, mnl_cb_t each, void *data)
{
	ssize_t n;
	int ret;

	do
		n = mnl_socket_recvfrom(socket, follower->buffer, BUFFER);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -EIO : -errno;
	if (follower->opening && follower->tries == READ_TRIES - 1)
		take_unsure(follower, n);
	ret = mnl_cb_run(follower->buffer, (size_t)n, 1, mnl_socket_get_portid(socket), each, data);
	if (ret < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return ret;
}

int follower_ask(struct follower *follower, mnl_cb_t each, void *data)
{
	struct mnl_socket *socket = send_request(follower);
	int ret;

	if (!socket)
		return -errno;
	ret = receive(follower, socket, each, data);
	mnl_socket_close(socket);
	return ret < 0 ? ret : 0;
}

int follower_begin_list(struct follower *follower)
{
	close_list(follower);
	follower->list = send_request(follower);
	return follower->list ? 0 : -errno;
}

bool follower_in_list(const struct follower *follower)
{
	return follower->list;
}

int follower_read_list(struct follower *follower, mnl_cb_t each, void *data)
{
	int ret = MNL_CB_OK;

	for (int i = 0; i < STEP_BUFFERS && ret > MNL_CB_STOP; i++)
		ret = receive(follower, follower->list, each, data);
	if (ret > MNL_CB_STOP)
		return FOLLOWER_MORE;
	close_list(follower);
	return ret;
}
