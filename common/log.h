/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Log lines to stderr, and the one tiny helper for errors. Under systemd (JOURNAL_STREAM names our
 * stderr) each line starts with its priority, as sd-daemon(3) has it. Any thread may log; the
 * datapath never does. Values of sessions are never passed to either.
 *
 * After log_open no call waits for whoever reads the log. A line that cannot be written at once is
 * dropped and counted; a later one tells how many were.
 */
#ifndef SESSIOND_COMMON_LOG_H
#define SESSIOND_COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { /* syslog's numbers */
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

void log_open(enum log_level level);
void log_set_level(enum log_level level);
/* 0, or -EINVAL: error, warning, notice, info, debug. */
int log_level_parse(const char *text, enum log_level *level);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Lines that were dropped since the start. */
uint64_t log_dropped(void);
/* Logs how many lines were dropped since this was last told, if any; each line that is logged does
 * so first. False if that could not be written either. */
bool log_tell_dropped(void);

/* As log_write, for what a program may wait for: the journal has fields besides. Names of events,
 * stable: start, slow, reload, reload-failed, stop, failure, drop, interface. */
void log_tagged(enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What a line is about; NULL: nothing of the kind. */
struct log_fields {
	const char *event;     /* SESSIOND_EVENT */
	const char *source;    /* SESSIOND_SOURCE: an address, without a port */
	const char *reason;    /* SESSIOND_REASON: as counters of drops are called, after drop_ */
	const char *interface; /* SESSIOND_INTERFACE */
};
void log_about(enum log_level level, const struct log_fields *fields, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_write(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* Records this thread's error, a line that says what, where and what to do, and returns -errnum, so
 * that a failing function ends with `return error_set(ENODEV, "...")`. */
int error_set(int errnum, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Compilers and analysers may rely on it: what it returns is negative, whatever errnum is. */
#define error_set(...) \
	({ \
		int error_set_ret = (error_set)(__VA_ARGS__); \
		if (error_set_ret >= 0) \
			__builtin_unreachable(); \
		error_set_ret; \
	})
/* The line that was last recorded by this thread; "" if none. */
const char *error_message(void);

#endif
