/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/host/rtnetlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>

struct mnl_socket *rtnetlink_open(int flags, unsigned groups)
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

void rtnetlink_drain(struct mnl_socket *socket, char buffer[RTNETLINK_BUFFER])
{
	while (mnl_socket_recvfrom(socket, buffer, RTNETLINK_BUFFER) > 0 || errno == ENOBUFS)
		;
}

struct nlmsghdr *rtnetlink_request(char buffer[RTNETLINK_BUFFER], uint16_t type, size_t size)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = 1;
	mnl_nlmsg_put_extra_header(header, size);
	return header;
}

static int dump_from(
	struct mnl_socket *socket, char buffer[RTNETLINK_BUFFER], mnl_cb_t each, void *data)
{
	const struct nlmsghdr *request = (const struct nlmsghdr *)buffer;
	int ret = MNL_CB_OK;

	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (ret > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(socket, buffer, RTNETLINK_BUFFER);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(buffer, (size_t)n, 1, mnl_socket_get_portid(socket), each, data);
		if (ret < 0)
			return errno == EINTR ? -EAGAIN : -errno;
	}
	return 0;
}

/* On a socket of its own: one whose dump was cut short still holds the rest of it. */
int rtnetlink_dump(char buffer[RTNETLINK_BUFFER], mnl_cb_t each, void *data)
{
	struct mnl_socket *socket = rtnetlink_open(0, 0);
	int err;

	if (!socket)
		return -errno;
	err = dump_from(socket, buffer, each, data);
	mnl_socket_close(socket);
	return err;
}
