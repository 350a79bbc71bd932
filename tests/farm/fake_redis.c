/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/farm/fake_redis.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS 32

#define HELLO	"*2\r\n$7\r\nversion\r\n$5\r\n9.9.9\r\n"
#define INFO	"$24\r\nx\r\nrun_id:0123456789ab\r\n\r\n"
#define ENTRY	"*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nb\r\n$7\r\nrubbish\r\n"
#define FOUR	ENTRY ENTRY ENTRY ENTRY
#define ENTRIES "*32\r\n" FOUR FOUR FOUR FOUR FOUR FOUR FOUR FOUR

/* What it says to a command of this name. */
static const char *reply_to(struct fake_redis *fake, const char *name)
{
	static _Thread_local unsigned turn;

	if (strcmp(name, "HELLO") == 0) {
		switch (fake->lie) {
		case FAKE_GARBAGE:
			return "HTTP/1.1 400 Bad Request\r\n\r\n";
		case FAKE_FLOOD:
			return "$900000000\r\n";
		case FAKE_STALL:
			return "*2\r\n$7\r\nver";
		case FAKE_CHATTER:
			return HELLO HELLO;
		default:
			return HELLO;
		}
	}
	if (fake->lie == FAKE_TYPES)
		return ":-5\r\n";
	if (fake->lie == FAKE_ERRORS)
		return "-ERR \x1b[31m\x07 no\r\n";
	if (strcmp(name, "INFO") == 0)
		return INFO;
	if (strcmp(name, "TIME") == 0)
		return fake->lie == FAKE_CLOCK && ++turn % 2
			       ? "*2\r\n$10\r\n4000000000\r\n$1\r\n0\r\n"
			       : "*2\r\n$4\r\n1000\r\n$1\r\n0\r\n";
	if (strcmp(name, "XADD") == 0)
		return "$3\r\n5-1\r\n";
	if (strcmp(name, "EXPIRE") == 0)
		return ":1\r\n";
	if (fake->lie == FAKE_ENDLESS) {
		if (strcmp(name, "XINFO") == 0)
			return "*4\r\n$6\r\nlength\r\n:1000000\r\n$17\r\nlast-generated-id\r\n$"
			       "3\r\n9-9\r\n";
		if (strcmp(name, "XREVRANGE") == 0)
			return ENTRIES;
		return "*2\r\n*2\r\n$13\r\nsd:test:nodes\r\n" ENTRIES
		       "*2\r\n$11\r\nsd:test:b:0\r\n" ENTRIES;
	}
	if (strcmp(name, "XINFO") == 0)
		return "-ERR no such key\r\n";
	usleep(50000);
	return "*-1\r\n";
}

/* Reads a line of a command; false: the connection is gone. */
static bool read_line(FILE *file, char line[64])
{
	return fgets(line, 64, file) != NULL;
}

/* Reads a command and writes its name. */
static bool read_command(FILE *file, char name[64])
{
	char line[64];
	long count, size;

	if (!read_line(file, line) || line[0] != '*')
		return false;
	count = strtol(line + 1, NULL, 10);
	for (long i = 0; i < count; i++) {
		if (!read_line(file, line))
			return false;
		size = strtol(line + 1, NULL, 10) + 2;
		for (long at = 0; at < size; at++) {
			int c = getc(file);

			if (c == EOF)
				return false;
			if (i == 0 && at < 63)
				name[at] = at < size - 2 ? (char)c : '\0';
		}
	}
	return true;
}

struct connection {
	struct fake_redis *fake;
	int fd;
};

static void flood(struct connection *connection)
{
	static const char bytes[65536];

	while (!atomic_load(&connection->fake->stop) &&
		send(connection->fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
		;
}

static void *converse(void *arg)
{
	struct connection *connection = arg;
	FILE *file = fdopen(connection->fd, "r");
	char name[64] = "";

	while (file && read_command(file, name)) {
		const char *reply = reply_to(connection->fake, name);

		atomic_fetch_add(&connection->fake->commands, 1);
		if (send(connection->fd, reply, strlen(reply), MSG_NOSIGNAL) < 0)
			break;
		if (connection->fake->lie == FAKE_FLOOD)
			flood(connection);
	}
	if (file)
		fclose(file);
	free(connection);
	return NULL;
}

static void *serve(void *arg)
{
	struct fake_redis *fake = arg;
	pthread_t threads[CONNECTIONS];
	int fds[CONNECTIONS];
	unsigned count = 0;

	while (!atomic_load(&fake->stop) && count < CONNECTIONS) {
		struct pollfd polled = {.fd = fake->fd, .events = POLLIN};
		struct connection *connection;

		if (poll(&polled, 1, 20) <= 0)
			continue;
		connection = malloc(sizeof(*connection));
		if (!connection)
			abort();
		connection->fake = fake;
		connection->fd = accept(fake->fd, NULL, NULL);
		/* To wake the thread, whatever becomes of its own descriptor. */
		fds[count] = dup(connection->fd);
		atomic_fetch_add(&fake->connections, 1);
		if (pthread_create(&threads[count++], NULL, converse, connection) != 0)
			abort();
	}
	for (unsigned i = 0; i < count; i++) {
		shutdown(fds[i], SHUT_RDWR);
		pthread_join(threads[i], NULL);
		close(fds[i]);
	}
	return NULL;
}

void fake_redis_open(struct fake_redis *fake, enum fake_lie lie)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memset(fake, 0, sizeof(*fake));
	fake->lie = lie;
	snprintf(fake->path, sizeof(fake->path), "/tmp/sessiond-farm-fake-%d", (int)getpid());
	snprintf(fake->url, sizeof(fake->url), "unix://%s", fake->path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fake->path);
	unlink(fake->path);
	fake->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fake->fd < 0 || bind(fake->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(fake->fd, 16) < 0 || pthread_create(&fake->thread, NULL, serve, fake) != 0) {
		perror(fake->path);
		exit(1);
	}
}

void fake_redis_close(struct fake_redis *fake)
{
	atomic_store(&fake->stop, true);
	pthread_join(fake->thread, NULL);
	close(fake->fd);
	unlink(fake->path);
}
