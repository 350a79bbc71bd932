/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The files of counters that clients leave: shared by forked processes, even without root and in
 * another root folder; there as long as one of them lives; and never in a server's way.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <sessiond/client.h>

#include "client/client_private.h"
#include "common/client_pages.h"

/* Nobody listens there. */
#define CLOSED "127.0.0.1:1"

static char folder[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/sessiond-page.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) == 0 ? 0 : -1;
}

static sessiond_client *open_in(const char *path)
{
	struct sessiond_options options = {.size = sizeof(options),
		.caches = CLOSED,
		.deadline_us = 100000,
		.counters_folder = path};
	char error[SESSIOND_ERROR_SIZE];
	sessiond_client *client;

	if (sessiond_open(&client, &options, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	return client;
}

static uint64_t skipped(const sessiond_client *client)
{
	struct sessiond_stats stats;

	sessiond_read_stats(client, &stats, sizeof(stats));
	return stats.puts_too_long;
}

/* Counts in puts_too_long, which needs no cache. */
static void count(sessiond_client *client)
{
	static const char value[1000];
	const struct sessiond_id id = {.bytes = "id", .len = 2};

	sessiond_put(client, &id, value, sizeof(value), 60, 0);
}

/* How many files there are; reads the last one. */
static unsigned files(struct client_page *page)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned found = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			found++;
			if (page)
				assert_true(client_pages_read(dirfd(dir), entry->d_name, page));
		}
	closedir(dir);
	return found;
}

static void sweep(void)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY);

	assert_true(fd >= 0);
	client_pages_sweep(fd, 1000);
	close(fd);
}

static int end_of(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void workers_count_without_root(void **state)
{
	sessiond_client *client = open_in(folder);
	struct client_page page;
	pid_t child;

	(void)state;
	count(client);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		for (int fd = 3; fd < 256; fd++)
			close(fd);
		if (geteuid() == 0 && (chroot("/var/empty") == 0 || chroot("/tmp") == 0) &&
			setgid(65534) < 0)
			_exit(1);
		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(1);
		count(client);
		count(client);
		_exit(0);
	}
	assert_int_equal(end_of(child), 0);
	assert_int_equal(skipped(client), 3);
	assert_int_equal(files(&page), 1);
	assert_string_equal(page.caches[0].text, CLOSED);
	assert_int_equal(page.counters[5], 3);
	assert_int_equal(client_pages_user(&page), getpid());
	sessiond_close(client);
	assert_int_equal(files(NULL), 0);
}

/* As a server that becomes a daemon. */
static void it_outlives_who_opened_it(void **state)
{
	int told[2], go[2];
	struct client_page page;
	pid_t opener, daemon = 0;
	char byte = 0;

	(void)state;
	assert_int_equal(pipe(told), 0);
	assert_int_equal(pipe(go), 0);
	opener = fork();
	assert_true(opener >= 0);
	if (opener == 0) {
		sessiond_client *client = open_in(folder);

		if (fork() != 0)
			_exit(0);
		/* Now the page knows it. */
		daemon = getpid();
		if (write(told[1], &daemon, sizeof(daemon)) != sizeof(daemon))
			_exit(1);
		close(go[1]);
		/* Until the parent closes its end. */
		if (read(go[0], &byte, 1) >= 0)
			count(client);
		_exit(0);
	}
	assert_int_equal(end_of(opener), 0);
	assert_int_equal(read(told[0], &daemon, sizeof(daemon)), sizeof(daemon));
	sweep();
	assert_int_equal(files(&page), 1);
	assert_int_equal(client_pages_user(&page), daemon);
	close(go[1]);
	for (int i = 0; i < 1000 && files(NULL) > 0; i++) {
		usleep(10000);
		sweep();
	}
	assert_int_equal(files(NULL), 0);
	close(go[0]);
	close(told[0]);
	close(told[1]);
}

static bool held;
static int held_go[2];

/* Runs in each child before the library's own handler, and holds it up. */
static void hold_child(void)
{
	char byte = 0;

	if (!held)
		return;
	close(held_go[1]);
	if (read(held_go[0], &byte, 1) < 0)
		_exit(1);
}

/* Between fork() and the child's first instruction its parent may end, and somebody may sweep. */
static void a_sweep_spares_a_child_that_has_not_run_yet(void **state)
{
	pid_t opener, daemon = 0;
	struct client_page page;
	int told[2], end[2];
	char byte = 0;

	(void)state;
	assert_int_equal(pipe(told), 0);
	assert_int_equal(pipe(end), 0);
	assert_int_equal(pipe(held_go), 0);
	opener = fork();
	assert_true(opener >= 0);
	if (opener == 0) {
		sessiond_client *client = open_in(folder);

		close(end[1]);
		held = true;
		if (fork() != 0)
			_exit(0);
		count(client);
		daemon = getpid();
		if (write(told[1], &daemon, sizeof(daemon)) != sizeof(daemon))
			_exit(1);
		_exit(read(end[0], &byte, 1) < 0);
	}
	assert_int_equal(end_of(opener), 0);
	sweep();
	assert_int_equal(files(&page), 1);
	assert_int_equal(client_pages_user(&page), -1);
	close(held_go[0]);
	close(held_go[1]);
	assert_int_equal(read(told[0], &daemon, sizeof(daemon)), sizeof(daemon));
	sweep();
	assert_int_equal(files(&page), 1);
	assert_int_equal(client_pages_user(&page), daemon);
	/* It took the place that was kept: none is left over. */
	close(end[1]);
	for (int i = 0; i < 500 && files(NULL) > 0; i++) {
		usleep(10000);
		sweep();
	}
	assert_int_equal(files(NULL), 0);
	close(end[0]);
	close(told[0]);
	close(told[1]);
}

/* The new image of the test below. Returns the exit code: how many files there are. */
static int after_exec(const char *path)
{
	sessiond_client *client;
	int found;

	strcpy(folder, path);
	client = open_in(folder);
	found = (int)files(NULL);
	sessiond_close(client);
	return found;
}

/* HAProxy's master keeps its pid when it reloads. */
static void a_process_that_executes_anew_leaves_its_file(void **state)
{
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		open_in(folder);
		execl("/proc/self/exe", "test_client_page", folder, NULL);
		_exit(99);
	}
	assert_int_equal(WEXITSTATUS(end_of(child)), 1);
	assert_int_equal(files(NULL), 0);
}

/* One worker finds out, all know. */
static void breakers_are_shared(void **state)
{
	sessiond_client *client = open_in(folder);
	const struct sessiond_id id = {.bytes = "id", .len = 2};
	struct sessiond_stats stats;
	char value[SESSIOND_VALUE_LIMIT];
	size_t len = sizeof(value);
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		sessiond_get(client, &id, value, &len);
		_exit(0);
	}
	assert_int_equal(end_of(child), 0);
	sessiond_read_stats(client, &stats, sizeof(stats));
	assert_int_equal(stats.refused, 1);
	assert_int_equal(stats.opened, 1);
	assert_int_equal(stats.unavailable, 1);
	assert_int_equal(sessiond_put(client, &id, "value", 5, 60, 0), -EAGAIN);
	sessiond_close(client);
}

/* A server with a strict umask, and sessionctl of another user. */
static void everyone_may_read_it(void **state)
{
	mode_t before = umask(077);
	char path[128], file[256];
	sessiond_client *client;
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/made", folder);
	if (geteuid() != 0)
		assert_int_equal(mkdir(path, 0755), 0);
	client = open_in(path);
	umask(before);
	if (geteuid() == 0) {
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0755);
	}
	snprintf(file, sizeof(file), "%s/%s", path, client->page_name);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	sessiond_close(client);
}

static void without_a_folder_they_count(void **state)
{
	char path[128];
	sessiond_client *client;
	int fd;

	(void)state;
	client = open_in("");
	count(client);
	assert_int_equal(skipped(client), 1);
	sessiond_close(client);
	snprintf(path, sizeof(path), "%s/none/at/all", folder);
	client = open_in(path);
	count(client);
	assert_int_equal(skipped(client), 1);
	sessiond_close(client);
	/* A file in the place of the folder. */
	snprintf(path, sizeof(path), "%s/file", folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	client = open_in(path);
	count(client);
	assert_int_equal(skipped(client), 1);
	sessiond_close(client);
	unlink(path);
	assert_int_equal(files(NULL), 0);
}

/* 1 MB in the folder, full: a page that has no block would kill the server. */
static void a_full_file_system_hurts_nobody(void **state)
{
	char command[512], path[128];
	sessiond_client *client;

	(void)state;
	snprintf(path, sizeof(path), "%s/full", folder);
	mkdir(path, 0755);
	snprintf(command, sizeof(command),
		"mount -t tmpfs -o size=64k none %s 2>/dev/null && "
		"head -c 65536 /dev/zero 2>/dev/null >%s/zero",
		path, path);
	if (system(command) != 0) {
		print_message("no file system can be mounted here\n");
		return;
	}
	client = open_in(path);
	count(client);
	assert_int_equal(skipped(client), 1);
	sessiond_close(client);
	snprintf(command, sizeof(command), "umount %s", path);
	assert_int_equal(system(command), 0);
	rmdir(path);
}

static void write_page(const char *name, const void *bytes, size_t size)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void a_pid_that_came_again_is_another(void **state)
{
	struct client_page page = {.magic = CLIENT_PAGE_MAGIC};

	(void)state;
	page.pid_namespace = client_pages_namespace();
	page.processes[3] = (uint64_t)getpid() << 40 | 1;
	assert_int_equal(client_pages_user(&page), 0);
	page.processes[7] = (uint64_t)getpid() << 40 | ((UINT64_C(1) << 40) - 1);
	assert_int_equal(client_pages_user(&page), getpid());
	page.pid_namespace++;
	assert_int_equal(client_pages_user(&page), -1);
}

/* fork() may fail, and tells nobody. */
static void a_place_that_no_child_took_is_free_after_a_while(void **state)
{
	struct client_page page = {.magic = CLIENT_PAGE_MAGIC};

	(void)state;
	page.pid_namespace = client_pages_namespace();
	page.processes[3] = client_pages_now();
	assert_int_equal(client_pages_user(&page), -1);
	page.processes[3] = client_pages_now() + 100;
	assert_int_equal(client_pages_user(&page), 0);
	page.processes[3] = client_pages_now() - CLIENT_PAGE_BIRTH_MAX;
	assert_int_equal(client_pages_user(&page), 0);
	page.processes[5] = (uint64_t)getpid() << 40 | client_pages_now();
	assert_int_equal(client_pages_user(&page), getpid());
}

static void hostile_files_are_left_alone(void **state)
{
	struct client_page page = {.magic = CLIENT_PAGE_MAGIC}, out;
	char path[128];
	int fd = open(folder, O_RDONLY | O_DIRECTORY);

	(void)state;
	write_page("short", &page, sizeof(page) - 1);
	assert_false(client_pages_read(fd, "short", &out));
	page.cache_count = CLIENT_PAGE_CACHES + 1;
	write_page("caches", &page, sizeof(page));
	assert_false(client_pages_read(fd, "caches", &out));
	page.cache_count = 2;
	memset(page.caches[1].text, 'x', sizeof(page.caches[1].text));
	write_page("endless", &page, sizeof(page));
	assert_false(client_pages_read(fd, "endless", &out));
	page.cache_count = 1;
	page.counter_count = CLIENT_PAGE_COUNTERS + 1;
	write_page("counters", &page, sizeof(page));
	assert_false(client_pages_read(fd, "counters", &out));
	snprintf(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(client_pages_read(fd, "fifo", &out));
	snprintf(path, sizeof(path), "%s/link", folder);
	assert_int_equal(symlink("short", path), 0);
	assert_false(client_pages_read(fd, "link", &out));
	sweep();
	assert_int_equal(files(NULL), 6);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(workers_count_without_root),
		T(it_outlives_who_opened_it),
		T(a_sweep_spares_a_child_that_has_not_run_yet),
		T(a_process_that_executes_anew_leaves_its_file),
		T(breakers_are_shared),
		T(everyone_may_read_it),
		T(without_a_folder_they_count),
		T(a_full_file_system_hurts_nobody),
		T(a_pid_that_came_again_is_another),
		T(a_place_that_no_child_took_is_free_after_a_while),
		T(hostile_files_are_left_alone),
#undef T
	};

	if (argc > 1)
		return after_exec(argv[1]);
	/* Before the library's own, which the first client registers. */
	if (pthread_atfork(NULL, NULL, hold_child) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
