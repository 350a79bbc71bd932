/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Only in builds with libsystemd. Its sd_notify blocks while the receiver does not read, systemd or
 * a container's replacement; a send here fails instead.
 */
#include "control/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

/* How long the end of the daemon may wait for the service manager. */
#define STORE_SECONDS 5

/* READY=1 could not be sent: notify_retry sends it again. */
static bool ready_waits;

/* sd_notify(3): $NOTIFY_SOCKET is a path or, after an @, an abstract name. Returns the address's
 * size, 0 without a service manager. */
static socklen_t manager(struct sockaddr_un *addr)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name ? strlen(name) : 0;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (len < 2 || len >= sizeof(addr->sun_path) || (name[0] != '/' && name[0] != '@'))
		return 0;
	memcpy(addr->sun_path, name, len);
	if (name[0] == '@')
		addr->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* Sends a datagram, with a descriptor unless that is negative. 0, or a negative errno. */
static int send_state(const char *state, int passed)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = (void *)(uintptr_t)state, .iov_len = strlen(state)};
	struct sockaddr_un addr;
	struct msghdr message = {
		.msg_name = &addr,
		.msg_namelen = manager(&addr),
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	int fd, err = 0;

	if (message.msg_namelen == 0)
		return -ENOENT;
	if (passed >= 0) {
		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &passed, sizeof(int));
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -EAGAIN;
	if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* False if a later try may succeed. Other failures are ignored: the daemon serves anyway, and
 * systemd has its own time limit. */
static bool tell(const char *state)
{
	int err = send_state(state, -1);

	return err != -EAGAIN && err != -ENOBUFS;
}

void notify_ready(void)
{
	ready_waits = !tell("READY=1");
}

void notify_retry(void)
{
	if (ready_waits)
		notify_ready();
}

void notify_reloading(void)
{
	struct timespec ts;
	char state[64];

	/* sd_notify(3): Type=notify-reload needs the time, to match this reload. */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		(uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000U);
	(void)tell(state);
}

void notify_stopping(void)
{
	(void)tell("STOPPING=1");
}

uint64_t notify_watchdog_usec(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? usec : 0;
}

void notify_alive(void)
{
	(void)tell("WATCHDOG=1");
}

void notify_status(const char *format, ...)
{
	char state[1024];
	size_t used = (size_t)snprintf(state, sizeof(state), "STATUS=");
	va_list args;

	va_start(args, format);
	vsnprintf(state + used, sizeof(state) - used, format, args);
	va_end(args);
	(void)tell(state);
}

/* The same, again for a while if the manager is busy. */
static int send_patiently(const char *state, int passed)
{
	static const struct timespec pause = {.tv_nsec = 10000000};
	int err = send_state(state, passed);

	for (int i = 0; i < STORE_SECONDS * 100 && (err == -EAGAIN || err == -ENOBUFS); i++) {
		nanosleep(&pause, NULL);
		err = send_state(state, passed);
	}
	return err;
}

/* Waits until the manager has read all messages: it then closes the pipe's end that it gets.
 * Without this, it may find the sender gone and drop them. */
static int wait_until_read(void)
{
	struct pollfd fd = {.events = POLLHUP};
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	err = send_patiently("BARRIER=1", ends[1]);
	close(ends[1]);
	fd.fd = ends[0];
	if (!err && poll(&fd, 1, STORE_SECONDS * 1000) <= 0)
		err = -ETIMEDOUT;
	close(ends[0]);
	return err;
}

bool notify_has_manager(void)
{
	struct sockaddr_un addr;

	return manager(&addr) > 0;
}

int notify_store(int fd, const char *name)
{
	char state[128];
	int err;

	snprintf(state, sizeof(state), "FDSTORE=1\nFDNAME=%s", name);
	err = send_patiently(state, fd);
	return err ? err : wait_until_read();
}

int notify_take_stored(const char *name)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names), found = -1;

	for (int i = 0; i < count; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (found < 0 && strcmp(names[i], name) == 0)
			found = fd;
		else
			close(fd);
		free(names[i]);
	}
	free(names);
	return found;
}

void notify_forget_stored(const char *name)
{
	char state[128];

	snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	(void)tell(state);
}
