/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/log_output.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static enum {
	WAITING, /* for a short-lived program, or a file: writes may wait */
	STREAM,	 /* a socket: MSG_DONTWAIT on each send */
	REOPENED,
	POLLED,
} way;
static int output_fd = STDERR_FILENO;
static int journal_fd = -1;
static bool terminal;

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the journal's stream. Compare it, because
 * stderr may have been redirected since. */
static bool is_journal(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && st->st_dev == dev &&
	       st->st_ino == ino;
}

/* O_NONBLOCK belongs to the open file description, which other processes share, so reopen a pipe or
 * terminal. If that is refused, poll reports whether there is room for PIPE_BUF bytes; another
 * process may fill it before the write. */
static void open_pipe(void)
{
	int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	way = fd >= 0 ? REOPENED : POLLED;
	if (fd >= 0)
		output_fd = fd;
}

void log_output_open(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	if (S_ISSOCK(st.st_mode))
		way = STREAM;
	else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		open_pipe();
	terminal = isatty(STDERR_FILENO);
	if (terminal)
		tzset(); /* the time zone's file may not be readable later */
	if (is_journal(&st))
		journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

bool log_output_is_journal(void)
{
	return journal_fd >= 0;
}

bool log_output_is_terminal(void)
{
	return terminal;
}

/* write() that never waits: it may write a part or nothing. */
static ssize_t put(const char *text, size_t len)
{
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (way == STREAM)
		return send(STDERR_FILENO, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (way == POLLED && poll(&room, 1, 0) <= 0)
		return -1;
	return write(output_fd, text, len);
}

bool log_output_write(const char *line, size_t len)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char rest[PIPE_BUF]; /* the unwritten rest of a line */
	static size_t rest_len;
	ssize_t n = 0;

	pthread_mutex_lock(&lock);
	if (rest_len > 0) {
		n = put(rest, rest_len);
		if (n > 0) {
			rest_len -= (size_t)n;
			memmove(rest, rest + n, rest_len);
		}
	}
	n = rest_len > 0 ? -1 : put(line, len);
	if (n > 0 && (size_t)n < len) {
		rest_len = len - (size_t)n;
		memcpy(rest, line + n, rest_len);
	}
	pthread_mutex_unlock(&lock);
	return n > 0;
}

/* The journal's native protocol, a datagram of lines NAME=value. Not libsystemd, whose call waits
 * while the journal reads nothing. */
bool log_output_journal(const struct log_field *fields, size_t count)
{
	static const struct sockaddr_un journal = {AF_UNIX, JOURNAL_SOCKET};
	char lines[LOG_FIELDS_MAX][1100];
	struct iovec parts[LOG_FIELDS_MAX];
	struct msghdr message = {
		.msg_name = (void *)&journal, .msg_namelen = sizeof(journal), .msg_iov = parts};

	if (journal_fd < 0)
		return false;
	for (size_t i = 0; i < count && i < LOG_FIELDS_MAX; i++) {
		char *line = lines[message.msg_iovlen];
		size_t len;

		if (!fields[i].value)
			continue;
		snprintf(line, sizeof(lines[0]) - 1, "%s=%s", fields[i].name, fields[i].value);
		len = strlen(line);
		/* A newline would begin another field. */
		for (char *c = line; (c = strchr(c, '\n')); c++)
			*c = ' ';
		line[len++] = '\n';
		parts[message.msg_iovlen++] = (struct iovec){line, len};
	}
	return sendmsg(journal_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}
