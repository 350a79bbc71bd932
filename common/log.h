/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Log lines to stderr, and the error message of a failed function. Under systemd (JOURNAL_STREAM
 * names our stderr) each line starts with its priority, see sd-daemon(3); on a terminal, with the
 * time. Any thread may log; the data path never does. Session values and keys must never be passed
 * to these functions.
 *
 * After log_open, no call waits for the log's reader. A line that cannot be written at once is
 * dropped and counted; a later line reports the count.
 */
#ifndef SESSIOND_COMMON_LOG_H
#define SESSIOND_COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { /* syslog's numbers (RFC 5424) */
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

void log_open(enum log_level level);
void log_set_level(enum log_level level);
#define LOG_LEVEL_WORDS "error warning notice info debug"

/* Parses one of LOG_LEVEL_WORDS. 0, or -EINVAL. */
int log_level_parse(const char *text, enum log_level *level);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Lines dropped since the start. */
uint64_t log_dropped(void);
/* Logs the number of lines dropped since the last such report, if any; each logged line does so
 * first. False if that could not be written either. */
bool log_tell_dropped(void);

/* log_write with a journal field SESSIOND_EVENT, for lines that programs may wait for. Event names
 * are stable: start, slow, reload, reload-failed, stop, failure, drop, interface. */
void log_tagged(enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Journal fields of a line; NULL: the field is omitted. */
struct log_fields {
	const char *event;     /* SESSIOND_EVENT */
	const char *source;    /* SESSIOND_SOURCE: an address, without a port */
	const char *reason;    /* SESSIOND_REASON: the drop counter's name without drop_ */
	const char *interface; /* SESSIOND_INTERFACE */
};
void log_about(enum log_level level, const struct log_fields *fields, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_write(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* Records this thread's error, one line that says what, where and what to do, and returns -errnum,
 * so that a failing function ends with `return error_set(ENODEV, "...")`. */
int error_set(int errnum, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Tells compilers and analysers that the result is negative, whatever errnum is. */
#define error_set(...) \
	({ \
		int error_set_ret = (error_set)(__VA_ARGS__); \
		if (error_set_ret >= 0) \
			__builtin_unreachable(); \
		error_set_ret; \
	})
/* The line that this thread recorded last; "" if none. Valid until its next error_set. */
const char *error_message(void);

#endif
