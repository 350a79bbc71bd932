/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Only in builds with libsystemd. Its sd_notify blocks while the receiver does not read, systemd or
 * a container's replacement; a send here fails instead.
 */
#include "control/notify.h"

#include <errno.h>
#include <inttypes.h>
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

/* READY=1 could not be sent: notify_retry sends it again. */
static bool ready_waits;

/* sd_notify(3): a datagram to $NOTIFY_SOCKET, a path or, after an @, an abstract name. False if a
 * later try may succeed. Other failures are ignored: the daemon serves anyway, and systemd has its
 * own time limit. */
static bool tell(const char *state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t len = name ? strlen(name) : 0;
	bool waits = false;
	int fd;

	if (len < 2 || len >= sizeof(addr.sun_path) || (name[0] != '/' && name[0] != '@'))
		return true;
	memcpy(addr.sun_path, name, len);
	if (name[0] == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (sendto(fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&addr,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		waits = errno == EAGAIN || errno == ENOBUFS;
	close(fd);
	return !waits;
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
	char state[256];
	size_t used = (size_t)snprintf(state, sizeof(state), "STATUS=");
	va_list args;

	va_start(args, format);
	vsnprintf(state + used, sizeof(state) - used, format, args);
	va_end(args);
	(void)tell(state);
}
