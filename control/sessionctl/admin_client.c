/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/admin_client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"

#include "common/text.h"

struct admin_client {
	int fd;
	unsigned timeout_ms;
	bool patient;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char quoted[TEXT_QUOTE]; /* the path, for errors */
	size_t used, at;	 /* bytes in the buffer, and how many were consumed */
	char buffer[16384];
};

int admin_client_open(struct admin_client **out, const char *path, unsigned timeout_ms)
{
	const struct timeval timeout = {timeout_ms / 1000, (suseconds_t)(timeout_ms % 1000) * 1000};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct admin_client *client;
	int err;

	client = calloc(1, sizeof(*client));
	if (!client)
		return error_set(ENOMEM, "out of memory");
	text_quote(path, client->quoted);
	if (strlen(path) >= sizeof(addr.sun_path)) {
		err = error_set(
			ENAMETOOLONG, "%s: the path is too long for a socket", client->quoted);
		free(client);
		return err;
	}
	strcpy(addr.sun_path, path);
	strcpy(client->path, path);
	client->timeout_ms = timeout_ms;
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 ||
		setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
		setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
		connect(client->fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		err = errno;
		error_set(err, "no sessiond answers on %s: %s: %s", client->quoted, strerror(err),
			err == EACCES ? "run as root or as the daemon's user"
				      : "start it, or name its socket with --control");
		admin_client_close(client);
		return -err;
	}
	*out = client;
	return 0;
}

pid_t admin_client_daemon(const struct admin_client *client)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);

	return getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

void admin_client_close(struct admin_client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	free(client);
}

static int send_request(struct admin_client *client, const char *request)
{
	struct iovec parts[2] = {{(void *)(uintptr_t)request, strlen(request)}, {(void *)"\n", 1}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	while (parts[1].iov_len > 0) {
		ssize_t n = sendmsg(client->fd, &message, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		/* A daemon that refuses a connection sends the reason before it closes it: read
		 * that. */
		if (n < 0 && errno == EPIPE)
			return 0;
		if (n < 0)
			return error_set(errno, "cannot ask the sessiond on %s: %s", client->quoted,
				strerror(errno));
		for (int i = 0; i < 2; i++) {
			size_t part = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;

			parts[i].iov_base = (char *)parts[i].iov_base + part;
			parts[i].iov_len -= part;
			n -= (ssize_t)part;
		}
	}
	return 0;
}

/* Asks over a second connection whether the daemon still serves. */
static bool is_alive(const struct admin_client *client)
{
	struct admin_client *other = NULL;
	int ret = admin_client_open(&other, client->path, client->timeout_ms);

	if (ret < 0 || !other)
		return false;
	ret = admin_client_request(other, "ping", NULL, NULL);
	admin_client_close(other);
	/* A refusal, because of too many connections, also counts as alive. */
	return ret == 0 || ret == -EREMOTEIO;
}

void admin_client_be_patient(struct admin_client *client)
{
	client->patient = true;
}

/* The next line, its end cut off; valid until the next call. */
static int next_line(struct admin_client *client, char **line)
{
	for (;;) {
		char *start = client->buffer + client->at;
		char *end = memchr(start, '\n', client->used - client->at);
		ssize_t n;
		int err;

		if (end) {
			*end = '\0';
			client->at = (size_t)(end + 1 - client->buffer);
			*line = start;
			return 0;
		}
		memmove(client->buffer, start, client->used - client->at);
		client->used -= client->at;
		client->at = 0;
		if (client->used == sizeof(client->buffer))
			return error_set(EPROTO,
				"what answers on %s is not a sessiond: the line is too long",
				client->quoted);
		do
			n = recv(client->fd, client->buffer + client->used,
				sizeof(client->buffer) - client->used, 0);
		while (n < 0 && errno == EINTR);
		err = n < 0 ? errno : 0;
		if (err == EAGAIN && client->patient && is_alive(client))
			continue;
		if (n == 0)
			return error_set(ECONNRESET,
				"the sessiond on %s closed the connection: try again",
				client->quoted);
		if (err == EAGAIN)
			return error_set(ETIMEDOUT,
				"the sessiond on %s does not answer in time: is it stopped?",
				client->quoted);
		if (err)
			return error_set(
				err, "the sessiond on %s: %s", client->quoted, strerror(err));
		client->used += (size_t)n;
	}
}

int admin_client_request(struct admin_client *client, const char *request,
	int (*on_line)(void *ctx, char *line), void *ctx)
{
	char *line;
	int ret;

	ret = send_request(client, request);
	if (ret < 0)
		return ret;
	ret = next_line(client, &line);
	if (ret < 0)
		return ret;
	if (strncmp(line, "ERR ", 4) == 0)
		return error_set(EREMOTEIO, "%s", line + 4);
	if (strcmp(line, "OK") != 0)
		return error_set(EPROTO, "what answers on %s is not a sessiond: check --control",
			client->quoted);
	for (;;) {
		ret = next_line(client, &line);
		if (ret < 0)
			return ret;
		if (strcmp(line, ".") == 0)
			return 0;
		if (line[0] == '.')
			line++;
		if (on_line) {
			ret = on_line(ctx, line);
			if (ret < 0)
				return ret;
		}
	}
}
