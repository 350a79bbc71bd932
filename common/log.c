/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/log_output.h"

static atomic_int max_level = LOG_LEVEL_INFO;
static _Atomic uint64_t dropped, untold; /* lines dropped; those of them not yet reported */

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
	{"error", LOG_LEVEL_ERROR},
	{"warning", LOG_LEVEL_WARNING},
	{"notice", LOG_LEVEL_NOTICE},
	{"info", LOG_LEVEL_INFO},
	{"debug", LOG_LEVEL_DEBUG},
};

void log_open(enum log_level level)
{
	log_output_open();
	log_set_level(level);
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

int log_level_parse(const char *text, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(text, levels[i].name) == 0) {
			*level = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

/* The local time, for an eye that reads along: journals and other programs add their own. */
static size_t put_time(char *line, size_t size)
{
	time_t now = time(NULL);
	struct tm local;

	return localtime_r(&now, &local) ? strftime(line, size, "%Y-%m-%d %H:%M:%S ", &local) : 0;
}

/* A single write, so that lines of two threads do not mix. False if the line was not written. */
__attribute__((format(printf, 2, 0))) static bool write_line(
	enum log_level level, const char *format, va_list args)
{
	char line[1024];
	size_t used = 0;
	int n;

	if (log_output_is_journal())
		used = (size_t)snprintf(line, sizeof(line), "<%d>", level);
	else if (log_output_is_terminal())
		used = put_time(line, sizeof(line));
	n = vsnprintf(line + used, sizeof(line) - used - 1, format, args);
	if (n < 0)
		return true;
	used += (size_t)n;
	if (used > sizeof(line) - 2)
		used = sizeof(line) - 2;
	line[used++] = '\n';
	return log_output_write(line, used);
}

__attribute__((format(printf, 2, 3))) static bool try_line(
	enum log_level level, const char *format, ...)
{
	va_list args;
	bool good;

	va_start(args, format);
	good = write_line(level, format, args);
	va_end(args);
	return good;
}

bool log_tell_dropped(void)
{
	uint64_t lines = atomic_exchange_explicit(&untold, 0, memory_order_relaxed);

	if (lines == 0)
		return true;
	if (try_line(LOG_LEVEL_WARNING,
		    "%" PRIu64 " log lines were dropped: the log could not be written", lines))
		return true;
	atomic_fetch_add_explicit(&untold, lines, memory_order_relaxed);
	return false;
}

uint64_t log_dropped(void)
{
	return atomic_load_explicit(&dropped, memory_order_relaxed);
}

/* A full disk, a closed pipe or a stalled reader must not stop the cache: drop the line. */
static void write_or_drop(enum log_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
static void write_or_drop(enum log_level level, const char *format, va_list args)
{
	if (log_tell_dropped() && write_line(level, format, args))
		return;
	atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&untold, 1, memory_order_relaxed);
}

void log_write(enum log_level level, const char *format, ...)
{
	va_list args;

	if ((int)level > atomic_load_explicit(&max_level, memory_order_relaxed))
		return;
	va_start(args, format);
	write_or_drop(level, format, args);
	va_end(args);
}

/* False: there is no journal, or it refuses the entry. */
static bool send_to_journal(enum log_level level, const struct log_fields *fields, const char *text)
{
	const char priority[] = {(char)('0' + (int)level), '\0'};
	const struct log_field all[] = {
		{"MESSAGE", text},
		{"PRIORITY", priority},
		{"SESSIOND_EVENT", fields->event},
		{"SESSIOND_SOURCE", fields->source},
		{"SESSIOND_REASON", fields->reason},
		{"SESSIOND_INTERFACE", fields->interface},
		{"SYSLOG_IDENTIFIER", program_invocation_short_name},
	};

	return log_output_journal(all, sizeof(all) / sizeof(all[0]));
}

__attribute__((format(printf, 3, 0))) static void write_about(
	enum log_level level, const struct log_fields *fields, const char *format, va_list args)
{
	char text[1000];

	if ((int)level > atomic_load_explicit(&max_level, memory_order_relaxed))
		return;
	vsnprintf(text, sizeof(text), format, args);
	if (!send_to_journal(level, fields, text))
		log_write(level, "%s", text);
}

void log_tagged(enum log_level level, const char *event, const char *format, ...)
{
	const struct log_fields fields = {.event = event};
	va_list args;

	va_start(args, format);
	write_about(level, &fields, format, args);
	va_end(args);
}

void log_about(enum log_level level, const struct log_fields *fields, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_about(level, fields, format, args);
	va_end(args);
}
