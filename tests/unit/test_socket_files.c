/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The files of the admin socket and of --metrics, if another user may write to the folder, and
 * replaces the socket as soon as it exists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/admin/admin_socket.h"
#include "control/stats/metrics.h"

#include <event2/event.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/sessiond-files.XXXXXX";
static char path[64], lock[64], victim[64];
static mode_t mask;    /* restore it: gcov creates files at the end */
static bool swap;      /* replaces the socket by a link to the victim, after the bind */
static bool swap_late; /* after it was checked */

int __real_bind(int fd, const struct sockaddr *addr, socklen_t size);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t size);

int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t size)
{
	int ret = __real_bind(fd, addr, size);

	if (ret == 0 && swap && addr->sa_family == AF_UNIX) {
		assert_int_equal(unlink(path), 0);
		assert_int_equal(symlink(victim, path), 0);
	}
	return ret;
}

int __real_lstat64(const char *file, struct stat64 *st);
int __wrap_lstat64(const char *file, struct stat64 *st);

int __wrap_lstat64(const char *file, struct stat64 *st)
{
	int ret = __real_lstat64(file, st);

	if (ret == 0 && swap_late && strcmp(file, path) == 0) {
		swap_late = false;
		assert_int_equal(unlink(path), 0);
		assert_int_equal(link(victim, path), 0);
	}
	return ret;
}

static unsigned mode_of(const char *file)
{
	struct stat st;

	assert_int_equal(lstat(file, &st), 0);
	return st.st_mode & 07777;
}

static int setup(void **state)
{
	int fd;

	(void)state;
	mask = umask(0);
	umask(mask);
	strcpy(folder, "/tmp/sessiond-files.XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(lock, sizeof(lock), "%s/socket.lock", folder);
	snprintf(victim, sizeof(victim), "%s/victim", folder);
	fd = open(victim, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	swap = false;
	swap_late = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	umask(mask);
	unlink(path);
	unlink(lock);
	unlink(victim);
	return rmdir(folder); /* nothing else is left */
}

static void end_admin(struct admin_socket *sock)
{
	admin_socket_remove(sock);
	close(sock->fd);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void admin_mode(void **state)
{
	static const mode_t masks[] = {0, 022, 077, 0777};
	struct admin_socket sock;

	(void)state;
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		umask(masks[i]);
		assert_int_equal(admin_socket_open(&sock, path), 0);
		assert_int_equal(umask(022), masks[i]);
		assert_int_equal(mode_of(path), 0660);
		assert_int_not_equal(access(lock, F_OK), 0);
		end_admin(&sock);
	}
}

static void admin_swapped(void **state)
{
	struct admin_socket sock;

	(void)state;
	swap = true;
	assert_int_equal(admin_socket_open(&sock, path), -EEXIST);
	assert_int_equal(mode_of(victim), 0600);
	assert_int_not_equal(access(lock, F_OK), 0);
}

/* Swapped later: the other file is not given away. */
static void admin_given(void **state)
{
	struct admin_socket sock;

	(void)state;
	assert_int_equal(admin_socket_open(&sock, path), 0);
	assert_int_equal(admin_socket_give(&sock, geteuid(), getegid()), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(victim, path), 0);
	assert_int_equal(admin_socket_give(&sock, geteuid(), getegid()), -EEXIST);
	close(sock.fd);
}

/* A child that may only read the folder holds a lock on it, which has no effect. */
static void folder_locked(void **state)
{
	struct admin_socket sock;
	int ready[2], status;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd;

		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(1);
		fd = open(folder, O_RDONLY | O_DIRECTORY);
		if (fd < 0 || flock(fd, LOCK_EX) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_int_equal(admin_socket_open(&sock, path), 0);
	end_admin(&sock);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* A killed daemon's lock file is taken over; a file that is not a lock is not touched. */
static void lock_files(void **state)
{
	struct admin_socket sock;
	int fd;

	(void)state;
	fd = open(lock, O_CREAT | O_RDWR, 0600);
	assert_true(fd >= 0);
	assert_int_equal(admin_socket_open(&sock, path), 0);
	assert_int_not_equal(access(lock, F_OK), 0);
	end_admin(&sock);
	close(fd);

	fd = open(lock, O_CREAT | O_RDWR, 0600);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(admin_socket_open(&sock, path), -EAGAIN);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(admin_socket_open(&sock, path), -EEXIST);
	assert_int_equal(access(lock, F_OK), 0);
	close(fd);
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(symlink(victim, lock), 0);
	assert_int_equal(admin_socket_open(&sock, path), -ELOOP);
	assert_int_equal(access(victim, F_OK), 0);
}

#ifdef HAVE_MICROHTTPD
static void metrics_file(void **state)
{
	static const struct metrics_figures figures;
	struct event_base *base = event_base_new();
	struct metrics *metrics;

	(void)state;
	umask(0);
	assert_int_equal(metrics_open(&metrics, base, path, &figures), 0);
	assert_int_equal(mode_of(path), 0660);
	assert_int_equal(umask(022), 0);
	metrics_close(metrics);
	assert_int_not_equal(access(path, F_OK), 0);
	swap = true;
	assert_int_equal(metrics_open(&metrics, base, path, &figures), -EEXIST);
	assert_int_equal(mode_of(victim), 0600);
	event_base_free(base);
}

/* Swapped between the check and the change of owner. */
static void metrics_given(void **state)
{
	static const struct metrics_figures figures;
	struct event_base *base = event_base_new();
	struct metrics *metrics;
	struct stat st;

	(void)state;
	if (geteuid() != 0) {
		print_message("not tried: needs root\n");
		skip();
	}
	assert_int_equal(metrics_open(&metrics, base, path, &figures), 0);
	assert_int_equal(metrics_give(metrics, 65534, 65534), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	swap_late = true;
	assert_int_equal(metrics_give(metrics, 65534, 65534), -EEXIST);
	assert_false(swap_late);
	assert_int_equal(stat(victim, &st), 0);
	assert_int_equal(st.st_uid, 0);
	metrics_close(metrics);
	event_base_free(base);
}
#endif

#define file_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		file_test(admin_mode),
		file_test(admin_swapped),
		file_test(admin_given),
		file_test(folder_locked),
		file_test(lock_files),
#ifdef HAVE_MICROHTTPD
		file_test(metrics_file),
		file_test(metrics_given),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
