/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The watchdog is notified only while there is progress. systemd may stall.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/notify.h"
#include "control/watchdog.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LIMIT_USEC 40000

static uint64_t passes;
static bool stuck;

static uint64_t progress(void *ctx)
{
	assert_ptr_equal(ctx, &passes);
	if (!stuck)
		passes++;
	return passes;
}

/* Messages that the loop sends to systemd's socket in some time: fewer than the ten that wait there
 * unread at most. */
static unsigned meals(struct event_base *base, int fd, unsigned usec)
{
	const struct timeval time = {.tv_usec = (suseconds_t)usec};
	unsigned count = 0;
	char text[64];
	ssize_t n;

	assert_int_equal(event_base_loopexit(base, &time), 0);
	assert_int_equal(event_base_dispatch(base), 0);
	while ((n = recv(fd, text, sizeof(text), MSG_DONTWAIT)) > 0) {
		assert_int_equal(n, strlen("WATCHDOG=1"));
		assert_memory_equal(text, "WATCHDOG=1", (size_t)n);
		count++;
	}
	return count;
}

/* A busy machine takes longer to send three. */
static bool is_fed(struct event_base *base, int fd)
{
	unsigned count = 0;

	for (int i = 0; i < 50 && count < 3; i++) {
		unsigned more = meals(base, fd, 4 * LIMIT_USEC);

		assert_in_range(more, 0, 9);
		count += more;
	}
	return count >= 3;
}

/* A socket with an abstract name in place of systemd's. */
static int listen_as_systemd(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				     (size_t)snprintf(addr.sun_path + 1, 64, "sessiond-test-%d",
					     (int)getpid()));
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[160];

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, size), 0);
	snprintf(text, sizeof(text), "@%s", addr.sun_path + 1);
	setenv("NOTIFY_SOCKET", text, 1);
	return fd;
}

static void fed_while_there_is_progress(void **state)
{
	struct event_base *base = event_base_new();
	struct watchdog *watchdog;
	char text[160];
	int fd;

	(void)state;
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(watchdog_open(&watchdog, base, progress, &passes), 0);
	assert_null(watchdog); /* no watchdog is set */
	watchdog_close(watchdog);

	fd = listen_as_systemd();
	snprintf(text, sizeof(text), "%d", LIMIT_USEC);
	setenv("WATCHDOG_USEC", text, 1);
	assert_int_equal(watchdog_open(&watchdog, base, progress, &passes), 0);
	assert_non_null(watchdog);
	assert_true(is_fed(base, fd));
	stuck = true;
	assert_in_range(meals(base, fd, 5 * LIMIT_USEC), 0, 1);
	assert_int_equal(meals(base, fd, 5 * LIMIT_USEC), 0);
	stuck = false;
	assert_true(is_fed(base, fd));
	watchdog_close(watchdog);
	event_base_free(base);
	close(fd);
}

/* Reads the pending messages; `text` gets the last one. */
static unsigned take_all(int fd, char text[64])
{
	unsigned count = 0;
	ssize_t n;

	while ((n = recv(fd, text, 63, MSG_DONTWAIT)) > 0) {
		text[n] = '\0';
		count++;
	}
	return count;
}

/* A systemd that does not read blocks nothing, and finally gets READY=1. */
static void stalled_systemd(void **state)
{
	int fd = listen_as_systemd();
	char text[64];
	unsigned count;

	(void)state;
	alarm(20); /* ends a test that blocks */
	for (int i = 0; i < 1000; i++)
		notify_alive();
	notify_stopping();
	notify_reloading();
	notify_status("%d", 5);
	notify_ready();
	notify_retry();
	alarm(0);
	count = take_all(fd, text);
	assert_in_range(count, 1, 999);
	assert_string_equal(text, "WATCHDOG=1");
	notify_retry();
	assert_int_equal(take_all(fd, text), 1);
	assert_string_equal(text, "READY=1");
	notify_retry();
	assert_int_equal(take_all(fd, text), 0);
	notify_reloading();
	assert_int_equal(take_all(fd, text), 1);
	assert_memory_equal(text, "RELOADING=1\nMONOTONIC_USEC=", 27);
	close(fd);
	notify_alive(); /* no receiver */
	notify_ready();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fed_while_there_is_progress),
		cmocka_unit_test(stalled_systemd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
