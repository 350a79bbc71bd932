/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/udp.h"

#include "common/bind_absent.h"
#include "common/log.h"
#include "common/port_holder.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <unistd.h>

/* Bytes of receive buffer requested: a burst of some 10,000 NEWs while the writer is busy. */
#define RECEIVE_BUFFER (8 << 20)

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int tell_way(int fd, int family)
{
	return family == AF_INET ? set_int(fd, IPPROTO_IP, IP_PKTINFO, 1)
				 : set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

static int in_use(const struct endpoint *endpoint, int family)
{
	char holder[PORT_HOLDER_TEXT], text[ADDRESS_TEXT];

	endpoint_format(endpoint, text);
	if (port_holder("", endpoint, family, holder))
		return error_set(EADDRINUSE,
			"UDP %s is in use by %s: stop it, or choose another port", text, holder);
	return error_set(EADDRINUSE,
		"UDP %s is in use, by a process that cannot be seen (run ss -ulnp as root): choose "
		"another port",
		text);
}

static int udp_open(const struct endpoint *endpoint, int family, bool shared)
{
	struct sockaddr_storage storage = {.ss_family = (sa_family_t)family};
	char text[ADDRESS_TEXT];
	socklen_t size;
	bool absent = false;
	int fd, err;

	fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(errno, "cannot open a UDP socket for %s: %s",
			endpoint_format(endpoint, text), strerror(errno));
	if (endpoint->any && family == AF_INET) {
		((struct sockaddr_in *)&storage)->sin_port = htons(endpoint->port);
		size = sizeof(struct sockaddr_in);
	} else if (endpoint->any) {
		((struct sockaddr_in6 *)&storage)->sin6_port = htons(endpoint->port);
		size = sizeof(struct sockaddr_in6);
	} else {
		size = endpoint_to_sockaddr(endpoint, &storage);
	}
	if (family == AF_INET6)
		err = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	else
		err = 0;
	if (!err && shared)
		err = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	/* Needed to answer from the address that was asked. A socket bound to one address does that
	 * itself, and is spared the control messages. */
	if (!err && (endpoint->any || address_is_wildcard(&endpoint->addr)))
		err = tell_way(fd, family);
	/* SO_RCVBUFFORCE may exceed net.core.rmem_max and needs CAP_NET_ADMIN; SO_RCVBUF takes what
	 * it gets. A smaller buffer is no error: drops are counted. */
	if (!err && set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER) < 0)
		set_int(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	if (!err)
		err = bind_absent(fd, (struct sockaddr *)&storage, size, &absent);
	if (absent && !shared) /* logged once, not per thread */
		log_notice("no interface has the address of %s yet: answering there once one has",
			endpoint_format(endpoint, text));
	if (!err)
		return fd;
	close(fd);
	if (err == -EADDRINUSE)
		return in_use(endpoint, family);
	endpoint_format(endpoint, text);
	if (err == -EADDRNOTAVAIL)
		return error_set(EADDRNOTAVAIL,
			"cannot listen on %s: no interface of this host has that address", text);
	return error_set(-err, "cannot listen on UDP %s: %s%s", text, strerror(-err),
		err == -EACCES && endpoint->port < 1024
			? ": a port below 1024 takes CAP_NET_BIND_SERVICE, which a daemon "
			  "gives up after its start"
			: "");
}

static bool have_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	bool have = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;

	if (fd >= 0)
		close(fd);
	return have;
}

int udp_open_all(const struct endpoint *listen, size_t count, bool shared, int *fds, size_t room)
{
	bool ipv6 = have_ipv6();
	size_t n = 0;
	int err;

	for (size_t i = 0; i < count; i++) {
		bool v4 = listen[i].any || address_is_ipv4(&listen[i].addr);
		bool v6 = listen[i].any ? ipv6 : !v4;

		for (int k = 0; k < 2; k++) {
			int family = k == 0 ? AF_INET : AF_INET6;

			if (k == 0 ? !v4 : !v6)
				continue;
			if (n == room) {
				err = error_set(E2BIG, "more than %zu listening sockets", room);
				goto fail;
			}
			err = udp_open(&listen[i], family, shared);
			if (err < 0)
				goto fail;
			fds[n++] = err;
		}
	}
	return (int)n;
fail:
	while (n > 0)
		close(fds[--n]);
	return err;
}

int udp_share(int fd)
{
	int err = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);

	return err ? error_set(-err, "cannot share a UDP port between threads: %s", strerror(-err))
		   : 0;
}

int udp_tell_interfaces(const int *fds, unsigned count)
{
	int family, err = 0;

	for (unsigned i = 0; i < count && !err; i++) {
		socklen_t size = sizeof(family);

		err = getsockopt(fds[i], SOL_SOCKET, SO_DOMAIN, &family, &size) < 0
			      ? -errno
			      : tell_way(fds[i], family);
	}
	return err ? error_set(-err, "cannot ask by which interface requests come: %s",
			     strerror(-err))
		   : 0;
}

uint64_t udp_drops(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) < 0)
		return 0;
	return info[SK_MEMINFO_DROPS];
}
