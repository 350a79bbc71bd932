/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Part of builds with libmicrohttpd only.
 */
#include "control/stats/metrics.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <microhttpd.h>

#include "common/bind_absent.h"
#include "common/log.h"
#include "common/text.h"
#include "control/host/metrics_address.h"
#include "control/host/socket_file.h"

#define CONNECTIONS_MAX	   16
#define CONNECTION_BYTES   16384
#define CONNECTION_SECONDS 5

struct metrics {
	const struct metrics_figures *figures;
	struct MHD_Daemon *http;
	struct event *readable, *later;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* of the Unix socket, or "" */
	dev_t dev;
	ino_t ino;
};

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *type,
	size_t size, void *text, enum MHD_ResponseMemoryMode memory)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(size, text, memory);
	enum MHD_Result ret;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *text)
{
	return reply(connection, status, "text/plain; charset=utf-8", strlen(text),
		(void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **request)
{
	const struct metrics *metrics = ctx;
	const char *accepts;
	bool openmetrics;
	size_t size;
	char *text;

	(void)version;
	(void)upload;
	(void)request;
	if (*upload_size > 0) {
		*upload_size = 0; /* ignore a body */
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (strcmp(url, "/metrics") != 0)
		return refuse(connection, MHD_HTTP_NOT_FOUND, "sessiond: see /metrics\n");
	accepts = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	openmetrics = accepts && strstr(accepts, "application/openmetrics-text");
	text = metrics_text(metrics->figures, openmetrics, &size);
	if (!text)
		return MHD_NO;
	return reply(connection, MHD_HTTP_OK,
		openmetrics ? METRICS_TYPE_OPENMETRICS : METRICS_TYPE_TEXT, size, text,
		MHD_RESPMEM_MUST_FREE);
}

/* Runs the library without blocking, and again when one of its time limits expires. At least once a
 * second: at its connection limit it stops listening, and it resumes only in the call after the one
 * that freed a connection. */
static void on_event(evutil_socket_t fd, short what, void *ctx)
{
	struct metrics *metrics = ctx;
	struct timeval wait = {1, 0};
	MHD_UNSIGNED_LONG_LONG ms;

	(void)fd;
	(void)what;
	MHD_run(metrics->http);
	if (MHD_get_timeout(metrics->http, &ms) == MHD_YES && ms < 1000)
		wait = (struct timeval){0, (suseconds_t)ms * 1000};
	event_add(metrics->later, &wait);
}

/* Removes a stale socket file. */
static void clear_path(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd;

	if (lstat(addr->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 && errno == ECONNREFUSED)
		unlink(addr->sun_path);
	close(fd);
}

static int bind_address(int fd, const struct metrics_address *address)
{
	bool absent;
	int err =
		bind_absent(fd, (const struct sockaddr *)&address->storage, address->size, &absent);

	errno = -err;
	return err;
}

static int open_socket(struct metrics *metrics, const char *text)
{
	struct metrics_address address;
	const struct sockaddr_un *local = (const struct sockaddr_un *)&address.storage;
	int fd, one = 1, ret = metrics_address_parse(text, &address);
	char quoted[TEXT_QUOTE];
	struct stat st;
	bool is_local;

	text_quote(text, quoted);
	if (ret < 0)
		return error_set(EINVAL, "--metrics %s: no such address", quoted);
	is_local = address.storage.ss_family == AF_UNIX;
	if (is_local)
		clear_path(local);
	fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
		(!is_local && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0) ||
		(is_local ? socket_file_bind(fd, local, &st) : bind_address(fd, &address)) < 0 ||
		listen(fd, CONNECTIONS_MAX) < 0) {
		ret = error_set(errno,
			"cannot serve metrics on %s: %s: choose another with "
			"--metrics",
			quoted, strerror(errno));
		if (fd >= 0)
			close(fd);
		return ret;
	}
	if (is_local) {
		strcpy(metrics->path, local->sun_path);
		metrics->dev = st.st_dev;
		metrics->ino = st.st_ino;
	}
	return fd;
}

int metrics_open(struct metrics **out, struct event_base *base, const char *text,
	const struct metrics_figures *figures)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));
	const union MHD_DaemonInfo *info;
	const struct timeval now = {0, 0};
	int fd;

	if (!metrics)
		return error_set(ENOMEM, "metrics: out of memory");
	metrics->figures = figures;
	fd = open_socket(metrics, text);
	if (fd < 0) {
		free(metrics);
		return fd;
	}
	/* Takes over the socket. */
	metrics->http = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, metrics,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_SECONDS, MHD_OPTION_END);
	if (!metrics->http) {
		close(fd);
		metrics_close(metrics);
		return error_set(ENOMEM, "metrics: the HTTP server cannot be started");
	}
	info = MHD_get_daemon_info(metrics->http, MHD_DAEMON_INFO_EPOLL_FD);
	metrics->later = evtimer_new(base, on_event, metrics);
	if (info)
		metrics->readable =
			event_new(base, info->epoll_fd, EV_READ | EV_PERSIST, on_event, metrics);
	if (!metrics->later || !metrics->readable || event_add(metrics->readable, NULL) < 0 ||
		event_add(metrics->later, &now) < 0) {
		metrics_close(metrics);
		return error_set(ENOMEM, "metrics: out of memory");
	}
	*out = metrics;
	return 0;
}

/* Is the socket at the path still ours? */
static bool is_ours(const struct metrics *metrics)
{
	struct stat st;

	return metrics->path[0] && lstat(metrics->path, &st) == 0 && st.st_dev == metrics->dev &&
	       st.st_ino == metrics->ino;
}

int metrics_give(struct metrics *metrics, uid_t uid, gid_t gid)
{
	if (!is_ours(metrics) ||
		socket_file_give(metrics->path, metrics->dev, metrics->ino, uid, gid) == 0)
		return 0;
	return error_set(errno, "cannot give the metrics socket %s to the daemon's user: %s",
		metrics->path, strerror(errno));
}

void metrics_close(struct metrics *metrics)
{
	if (!metrics)
		return;
	if (metrics->readable)
		event_free(metrics->readable);
	if (metrics->later)
		event_free(metrics->later);
	if (metrics->http)
		MHD_stop_daemon(metrics->http);
	if (is_ours(metrics))
		unlink(metrics->path);
	free(metrics);
}
