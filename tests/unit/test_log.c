/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The log when its reader stalls, or is gone. Each case runs in a separate process, with its stderr
 * under test; the exit code tells what went wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define LINES	2000
#define SECONDS 20 /* after which a blocked case is ended */

/* Exit codes of a case's process. */
enum verdict {
	GOOD,
	NOT_COUNTED = 10, /* nothing was dropped, or more than there was */
	FLAGS_CHANGED,
	NOT_TOLD,
	SETUP,
};

struct ends {
	int reader, writer;
};

/* Logs more than any of these accept. Then lets the other end read (by `go`), and logs another
 * line. */
static void chatter(struct ends ends, struct ends go, struct ends told)
{
	int flags;
	uint64_t dropped;
	char byte;

	signal(SIGPIPE, SIG_IGN);
	alarm(SECONDS);
	if (dup2(ends.writer, STDERR_FILENO) < 0)
		_exit(SETUP);
	flags = fcntl(STDERR_FILENO, F_GETFL);
	log_open(LOG_LEVEL_INFO);
	for (int i = 0; i < LINES; i++)
		log_info("line %d of many, each of which takes some room %0100d", i, 0);
	dropped = log_dropped();
	if (dropped == 0 || dropped > LINES)
		_exit(NOT_COUNTED);
	/* O_NONBLOCK would also affect other processes that share it. */
	if (fcntl(STDERR_FILENO, F_GETFL) != flags)
		_exit(FLAGS_CHANGED);
	if (write(told.writer, "x", 1) != 1 || read(go.reader, &byte, 1) != 1)
		_exit(SETUP);
	log_info("the last line");
	if (log_dropped() != dropped)
		_exit(NOT_COUNTED);
	_exit(log_tell_dropped() ? GOOD : NOT_TOLD);
}

static void take_all(int fd, char *text, size_t size)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	size_t used = strlen(text);
	ssize_t n;

	while (poll(&wait, 1, 200) > 0 && (n = read(fd, text + used, size - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
}

/* On a terminal a line begins with the time. */
static char *without_time(char *line)
{
	unsigned year, month, day, hour, minute, second;
	int len = 0;

	assert_int_equal(sscanf(line, "%4u-%2u-%2u %2u:%2u:%2u%n", &year, &month, &day, &hour,
				 &minute, &second, &len),
		6);
	assert_int_equal(len, strlen("2026-11-30 04:15:01"));
	assert_in_range(year, 2026, 9999);
	assert_int_equal(line[len], ' ');
	return line + len + 1;
}

/* Every line is whole, and the number of missing lines is logged. */
static void expect_lines(char *text, bool terminal)
{
	unsigned whole = 0, dropped = 0, last = 0;
	char *save = NULL;

	for (char *line = strtok_r(text, "\r\n", &save); line;
		line = strtok_r(NULL, "\r\n", &save)) {
		unsigned number;

		if (terminal)
			line = without_time(line);
		if (sscanf(line, "line %u of many", &number) == 1) {
			assert_int_equal(number, whole + dropped);
			assert_int_equal(strspn(strrchr(line, ' ') + 1, "0"), 100);
			whole++;
		} else if (strcmp(line, "the last line") == 0) {
			last++;
		} else {
			assert_int_equal(
				sscanf(line,
					"%u log lines were dropped: the log could not be written",
					&number),
				1);
			dropped += number;
		}
	}
	print_message("%u lines, %u dropped\n", whole, dropped);
	assert_int_equal(whole + dropped, LINES);
	assert_int_equal(last, 1);
}

/* A reader that stalls, and continues. */
static void stall(struct ends ends, uid_t uid)
{
	bool terminal = isatty(ends.writer);
	struct ends go, told;
	static char text[1 << 20];
	int status;
	pid_t child;
	char byte;

	assert_int_equal(pipe((int *)&go), 0);
	assert_int_equal(pipe((int *)&told), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (uid && (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
			_exit(SETUP);
		chatter(ends, go, told);
	}
	close(told.writer);
	if (read(told.reader, &byte, 1) == 1) {
		text[0] = '\0';
		take_all(ends.reader, text, sizeof(text));
		assert_int_equal(write(go.writer, "x", 1), 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status)); /* by SIGALRM: it blocked */
	assert_int_equal(WEXITSTATUS(status), GOOD);
	take_all(ends.reader, text, sizeof(text));
	expect_lines(text, terminal);
	close(ends.reader);
	close(ends.writer);
	close(go.reader);
	close(go.writer);
	close(told.reader);
}

static void pipe_that_stalls(void **state)
{
	struct ends ends;

	(void)state;
	assert_int_equal(pipe((int *)&ends), 0);
	stall(ends, 0);
}

/* The pipe belongs to another user, so that it cannot be opened again. */
static void pipe_of_another_user(void **state)
{
	struct passwd *nobody = getpwnam("nobody");
	struct ends ends;

	(void)state;
	if (geteuid() != 0 || !nobody) {
		print_message("not tried: needs root, and a user nobody\n");
		skip();
	}
	assert_int_equal(pipe((int *)&ends), 0);
	stall(ends, nobody->pw_uid);
}

/* Like the journal's stream. */
static void socket_that_stalls(void **state)
{
	struct ends ends;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)&ends), 0);
	stall(ends, 0);
}

static void terminal_that_stalls(void **state)
{
	struct ends ends;
	struct termios raw;

	(void)state;
	if (openpty(&ends.reader, &ends.writer, NULL, NULL, NULL) < 0) {
		print_message("not tried: no terminal can be made\n");
		skip();
	}
	assert_int_equal(tcgetattr(ends.writer, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(ends.writer, TCSANOW, &raw), 0);
	stall(ends, 0);
}

static void reader_that_is_gone(void **state)
{
	struct ends ends;
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(pipe((int *)&ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGPIPE, SIG_IGN);
		alarm(SECONDS);
		if (dup2(ends.writer, STDERR_FILENO) < 0)
			_exit(SETUP);
		close(ends.writer);
		close(ends.reader);
		log_open(LOG_LEVEL_INFO);
		for (int i = 0; i < 10; i++)
			log_info("line %d", i);
		_exit(log_dropped() == 10 ? GOOD : NOT_COUNTED);
	}
	close(ends.writer);
	close(ends.reader);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), GOOD);
}

/* Others write to the file too: nothing is overwritten. */
static void file_shared(void **state)
{
	char path[] = "/tmp/test_log.XXXXXX", text[256] = "";
	int fd = mkstemp(path), status;
	pid_t child;

	(void)state;
	assert_true(fd >= 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (dup2(fd, STDERR_FILENO) < 0)
			_exit(SETUP);
		log_open(LOG_LEVEL_INFO);
		log_info("one");
		if (write(fd, "two\n", 4) != 4)
			_exit(SETUP);
		log_info("three");
		_exit(log_dropped() == 0 ? GOOD : NOT_COUNTED);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), GOOD);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "one\ntwo\nthree\n");
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct rlimit no_core = {0, 0};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipe_that_stalls),
		cmocka_unit_test(pipe_of_another_user),
		cmocka_unit_test(socket_that_stalls),
		cmocka_unit_test(terminal_that_stalls),
		cmocka_unit_test(reader_that_is_gone),
		cmocka_unit_test(file_shared),
	};

	setrlimit(RLIMIT_CORE, &no_core);
	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
