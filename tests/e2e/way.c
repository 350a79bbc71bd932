/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/e2e/way.h"

#include "tests/e2e/sample.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int add_options(int fd)
{
	static const uint8_t ipv4_nops[] = {1, 1, 1, 0};
	static const uint8_t ipv6_padding[] = {0, 0, 1, 4, 0, 0, 0, 0};
	int domain;
	socklen_t len = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -1;
	if (domain == AF_INET)
		return setsockopt(fd, IPPROTO_IP, IP_OPTIONS, ipv4_nops, sizeof(ipv4_nops));
	return setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, ipv6_padding, sizeof(ipv6_padding));
}

void way_open(struct way *way, const char *spec, const char *port)
{
	const char *host = strchr(spec, ':');

	if (!host || (strncmp(spec, "udp:", 4) != 0 && strncmp(spec, "options:", 8) != 0)) {
		fprintf(stderr, "%s: not udp:HOST or options:HOST\n", spec);
		exit(2);
	}
	way->name = spec;
	way->fd = udp_connect(host + 1, port);
	if (*spec == 'o' && add_options(way->fd) < 0) {
		perror(spec);
		exit(1);
	}
}

void way_send(struct way *way, const void *payload, size_t len)
{
	uint8_t stale[2048];

	while (recv(way->fd, stale, sizeof(stale), MSG_DONTWAIT) >= 0)
		;
	if (send(way->fd, payload, len, 0) != (ssize_t)len) {
		perror(way->name);
		exit(1);
	}
}

ssize_t way_receive(struct way *way, void *reply, size_t room, int wait_ms)
{
	struct pollfd pfd = {.fd = way->fd, .events = POLLIN};

	if (poll(&pfd, 1, wait_ms) <= 0)
		return -1;
	return recv(way->fd, reply, room, MSG_DONTWAIT);
}
