/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Addresses that cannot be listened on: the error, and no socket stays open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/udp.h"

#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *failing; /* the call that fails for the second address; NULL: none */
static int failing_error;
static unsigned binds;

static bool fails(const char *call)
{
	if (!failing || strcmp(failing, call) != 0 || binds < 2)
		return false;
	errno = failing_error;
	return true;
}

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol)
{
	return fails("socket") ? -1 : __real_socket(family, type, protocol);
}

/* The first call checks for IPv6. */
int __real_bind(int fd, const struct sockaddr *addr, socklen_t size);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t size);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t size)
{
	bool failed = fails("bind");

	binds++;
	return failed ? -1 : __real_bind(fd, addr, size);
}

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	return fails("setsockopt") ? -1 : __real_setsockopt(fd, level, name, value, size);
}

static int lowest_free(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

static void refused(const struct endpoint *listen, size_t room, int error, const char *message)
{
	int fds[2], next = lowest_free();

	binds = 0;
	assert_int_equal(udp_open_all(listen, 2, false, fds, room), -error);
	assert_string_equal(error_message(), message);
	assert_int_equal(lowest_free(), next);
}

static void second_address(void **state)
{
	static const struct {
		const char *call;
		int error;
		const char *message;
	} faults[] = {
		{"socket", EMFILE,
			"cannot open a UDP socket for 127.0.0.2:47300: Too many open files"},
		{"bind", EACCES, "cannot listen on UDP 127.0.0.2:47300: Permission denied"},
		{"bind", EADDRINUSE,
			"UDP 127.0.0.2:47300 is in use, by a process that cannot be seen "
			"(run ss -ulnp as root): choose another port"},
	};
	struct endpoint listen[2];
	int fds[2];

	(void)state;
	assert_int_equal(endpoint_parse("127.0.0.1:47300", 1, &listen[0]), 0);
	assert_int_equal(endpoint_parse("127.0.0.2:47300", 1, &listen[1]), 0);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		failing = faults[i].call;
		failing_error = faults[i].error;
		refused(listen, 2, faults[i].error, faults[i].message);
	}
	failing = NULL;
	refused(listen, 1, E2BIG, "more than 1 listening sockets");
	assert_int_equal(endpoint_parse("192.0.2.77:47300", 1, &listen[1]), 0);
	/* An address that this host does not have yet can be bound. */
	assert_int_equal(udp_open_all(listen, 2, false, fds, 2), 2);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(endpoint_parse("127.0.0.2:47300", 1, &listen[1]), 0);
	assert_int_equal(udp_open_all(listen, 2, false, fds, 2), 2);
	failing = "setsockopt";
	failing_error = ENOPROTOOPT;
	assert_int_equal(udp_share(fds[0]), -ENOPROTOOPT);
	failing = NULL;
	assert_string_equal(
		error_message(), "cannot share a UDP port between threads: Protocol not available");
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(second_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
