/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/bind_absent.h"

#include <errno.h>
#include <netinet/in.h>

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

int bind_absent(int fd, const struct sockaddr *addr, socklen_t size, bool *absent)
{
	bool v4 = addr->sa_family == AF_INET;
	int one = 1;

	*absent = false;
	if (bind(fd, addr, size) == 0)
		return 0;
	if (errno != EADDRNOTAVAIL || (!v4 && addr->sa_family != AF_INET6))
		return -errno;
	if (setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_FREEBIND : IPV6_FREEBIND, &one,
		    sizeof(one)) < 0 ||
		bind(fd, addr, size) < 0)
		return -errno;
	*absent = true;
	return 0;
}
