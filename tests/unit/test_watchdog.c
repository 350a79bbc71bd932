/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The watchdog is fed while there is progress, and only then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

static void fed_while_there_is_progress(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				     (size_t)snprintf(addr.sun_path + 1, 64, "sessiond-test-%d",
					     (int)getpid()));
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct event_base *base = event_base_new();
	struct watchdog *watchdog;
	char text[160];

	(void)state;
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(watchdog_open(&watchdog, base, progress, &passes), 0);
	assert_null(watchdog); /* nobody asked */
	watchdog_close(watchdog);

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, size), 0);
	snprintf(text, sizeof(text), "@%s", addr.sun_path + 1);
	setenv("NOTIFY_SOCKET", text, 1);
	snprintf(text, sizeof(text), "%d", LIMIT_USEC);
	setenv("WATCHDOG_USEC", text, 1);
	assert_int_equal(watchdog_open(&watchdog, base, progress, &passes), 0);
	assert_non_null(watchdog);
	assert_in_range(meals(base, fd, 4 * LIMIT_USEC), 3, 9);
	stuck = true;
	assert_in_range(meals(base, fd, 5 * LIMIT_USEC), 0, 1);
	assert_int_equal(meals(base, fd, 5 * LIMIT_USEC), 0);
	stuck = false;
	assert_in_range(meals(base, fd, 4 * LIMIT_USEC), 3, 9);
	watchdog_close(watchdog);
	event_base_free(base);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fed_while_there_is_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
