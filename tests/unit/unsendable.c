/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/unit/unsendable.h"

#include <errno.h>
#include <libmnl/libmnl.h>

bool unsendable;

ssize_t __real_mnl_socket_sendto(const struct mnl_socket *socket, const void *data, size_t size);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *data, size_t size);

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *data, size_t size)
{
	if (unsendable) {
		errno = ENOBUFS;
		return -1;
	}
	return __real_mnl_socket_sendto(socket, data, size);
}
