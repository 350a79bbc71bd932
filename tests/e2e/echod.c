/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * echod PORT: the tests' server behind a terminator. Listens on 127.0.0.1 and echoes, over any
 * number of connections, until a signal ends it.
 */
#include "tests/e2e/sample.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 256

static struct pollfd fds[1 + CONNECTIONS];
static nfds_t count = 1;

static void serve(nfds_t i)
{
	char data[4096];
	ssize_t len = recv(fds[i].fd, data, sizeof(data), 0);

	/* The tests' messages are a few bytes, which always fit into a socket buffer. */
	if (len > 0 && send(fds[i].fd, data, len, MSG_NOSIGNAL) == len)
		return;
	close(fds[i].fd);
	fds[i] = fds[--count];
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	int on = 1;

	if (argc != 2) {
		fprintf(stderr, "usage: echod PORT\n");
		return 2;
	}
	addr.sin_port = htons(parse_number("port", argv[1], 1, 65535));
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fds[0].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[0].events = POLLIN;
	setsockopt(fds[0].fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fds[0].fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
		listen(fds[0].fd, 128) < 0) {
		perror("echod");
		return 1;
	}
	for (;;) {
		/* A full table stops accepting; the backlog holds the rest meanwhile. */
		fds[0].events = count <= CONNECTIONS ? POLLIN : 0;
		if (poll(fds, count, -1) < 0)
			continue;
		for (nfds_t i = count - 1; i > 0; i--)
			if (fds[i].revents)
				serve(i);
		if (fds[0].revents & POLLIN && count <= CONNECTIONS) {
			int fd = accept(fds[0].fd, NULL, NULL);

			if (fd >= 0)
				fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
		}
	}
}
