/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/dpdk/eal_log.h"

#include "common/log.h"

#include <rte_log.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool held;
static char first_error[256];
static FILE *log_stream, *print_stream;
static FILE *own_stdout, *own_stderr;

/* Makes a log line of EAL's text: without "EAL: ", the program's name, and the newline. */
static void clean(char *line, size_t size, const char *text, size_t len)
{
	static const char *const prefixes[] = {"EAL: FATAL: ", "EAL: ", "sessiond: "};

	if (len >= size)
		len = size - 1;
	memcpy(line, text, len);
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	len = strlen(line);
	if (len && line[len - 1] == '.')
		line[len - 1] = '\0';
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t prefix = strlen(prefixes[i]);

		if (strncmp(line, prefixes[i], prefix) == 0) {
			memmove(line, line + prefix, strlen(line + prefix) + 1);
			return;
		}
	}
}

static void take(const char *text, size_t len, bool error, enum log_level level)
{
	char line[sizeof(first_error)];

	clean(line, sizeof(line), text, len);
	if (!*line)
		return;
	if (held && error && !*first_error)
		strcpy(first_error, line);
	log_write(held ? LOG_LEVEL_DEBUG : level, "dpdk: %s", line);
}

static ssize_t log_line(void *cookie, const char *text, size_t len)
{
	int level = rte_log_cur_msg_loglevel();

	(void)cookie;
	if (level <= (int)RTE_LOG_ERR)
		take(text, len, true, LOG_LEVEL_ERROR);
	else if (level == (int)RTE_LOG_WARNING)
		take(text, len, false, LOG_LEVEL_WARNING);
	else
		take(text, len, false, LOG_LEVEL_DEBUG);
	return (ssize_t)len;
}

/* Messages of EAL's getopt, and before EAL exits. */
static ssize_t printed_error(void *cookie, const char *text, size_t len)
{
	(void)cookie;
	take(text, len, true, LOG_LEVEL_ERROR);
	return (ssize_t)len;
}

/* EAL's usage text, of two pages. */
static ssize_t printed(void *cookie, const char *text, size_t len)
{
	(void)cookie;
	(void)text;
	return (ssize_t)len;
}

void eal_log_open(void)
{
	log_stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = log_line});
	if (log_stream)
		rte_openlog_stream(log_stream);
}

void eal_log_hold(void)
{
	static FILE *error_stream;

	held = true;
	first_error[0] = '\0';
	fflush(stdout);
	print_stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = printed});
	error_stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = printed_error});
	own_stdout = stdout;
	own_stderr = stderr;
	if (print_stream)
		stdout = print_stream;
	if (error_stream) {
		setvbuf(error_stream, NULL, _IOLBF, 0);
		stderr = error_stream;
	}
}

const char *eal_log_resume(void)
{
	fflush(stderr);
	if (stdout != own_stdout)
		fclose(stdout);
	if (stderr != own_stderr)
		fclose(stderr);
	stdout = own_stdout;
	stderr = own_stderr;
	held = false;
	return first_error;
}
