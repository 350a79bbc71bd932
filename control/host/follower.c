/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * By netlink, since a daemon that has given up its rights has no ioctls for it.
 */
#include "control/host/follower.h"

#include "common/log.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER 32768 /* bytes: what the kernel fills at most of a dump's buffer */

/* How often a reading is begun again because something changed in the middle of it. */
#define READ_TRIES 10

struct follower {
	const struct follower_ops *ops;
	void *ctx;
	struct mnl_socket *events;
	bool again; /* the last reading failed */
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

static int read_now(struct follower *follower)
{
	int err = -EAGAIN;

	for (int i = 0; i < READ_TRIES && err == -EAGAIN; i++)
		err = follower->ops->read(follower->ctx, follower);
	follower->again = err != 0;
	return err;
}

struct follower *follower_open(const struct follower_ops *ops, void *ctx)
{
	struct follower *follower = calloc(1, sizeof(*follower));

	if (!follower) {
		error_set(ENOMEM, "out of memory at start");
		ops->close(ctx);
		return NULL;
	}
	follower->ops = ops;
	follower->ctx = ctx;
	follower->events = open_socket(SOCK_NONBLOCK, ops->groups);
	if (!follower->events) {
		error_set(errno, "cannot follow %s: %s", ops->what, strerror(errno));
		goto fail;
	}
	if (read_now(follower) < 0)
		goto fail;
	return follower;
fail:
	follower_close(follower);
	return NULL;
}

void follower_close(struct follower *follower)
{
	if (!follower)
		return;
	if (follower->events)
		mnl_socket_close(follower->events);
	follower->ops->close(follower->ctx);
	free(follower);
}

int follower_fd(const struct follower *follower)
{
	return mnl_socket_get_fd(follower->events);
}

static int on_event(const struct nlmsghdr *event, void *data)
{
	const struct follower *follower = data;

	follower->ops->event(follower->ctx, event);
	return MNL_CB_OK;
}

static void take_events(struct follower *follower)
{
	const struct follower_ops *ops = follower->ops;
	ssize_t n;

	while ((n = mnl_socket_recvfrom(follower->events, follower->buffer, BUFFER)) > 0 ||
		errno == ENOBUFS) {
		if (ops->event && (n < 0 || mnl_cb_run(follower->buffer, (size_t)n, 0, 0, on_event,
						    follower) < 0))
			ops->event(follower->ctx, NULL);
	}
}

int follower_follow(struct follower *follower)
{
	int err;

	take_events(follower);
	err = read_now(follower);
	/* The change that interrupted the last try is told of by an event that waits already. */
	return err == -EAGAIN ? 0 : err;
}

int follower_retry(struct follower *follower)
{
	return follower->again ? read_now(follower) : 0;
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

static int ask_at(struct follower *follower, struct mnl_socket *socket, mnl_cb_t each, void *data)
{
	const struct nlmsghdr *request = (const struct nlmsghdr *)follower->buffer;
	int ret = MNL_CB_OK;

	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (ret > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(socket, follower->buffer, BUFFER);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(
			follower->buffer, (size_t)n, 1, mnl_socket_get_portid(socket), each, data);
		if (ret < 0)
			return errno == EINTR ? -EAGAIN : -errno;
	}
	return 0;
}

/* On a socket of its own: one whose list was cut short still holds the rest of it. */
int follower_ask(struct follower *follower, mnl_cb_t each, void *data)
{
	struct mnl_socket *socket = open_socket(0, 0);
	int err;

	if (!socket)
		return -errno;
	err = ask_at(follower, socket, each, data);
	mnl_socket_close(socket);
	return err;
}
