/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A client's socket. It is connected: replies from other addresses or ports are not received.
 */
#ifndef TESTS_UDP_CLIENT_H
#define TESTS_UDP_CLIENT_H

#include "common/address.h"

#include <sys/socket.h>
#include <sys/time.h>

/* Reads time out after two seconds. The caller closes it. */
static inline int udp_client(const char *address, uint16_t port)
{
	struct timeval wait = {.tv_sec = 2};
	struct sockaddr_storage name;
	struct address addr;
	socklen_t size;
	int fd;

	assert_int_equal(address_parse(address, &addr), 0);
	size = address_to_sockaddr(&addr, port, &name);
	fd = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, size), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	return fd;
}

#endif
