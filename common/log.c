/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#endif

static atomic_int max_level = LOG_LEVEL_INFO;
static bool to_journal;
static _Thread_local char last_error[512];

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

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the journal's stream; stderr may since have
 * been redirected, and then lines are for a person or a file. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_open(enum log_level level)
{
	to_journal = stderr_is_journal();
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

void log_write(enum log_level level, const char *format, ...)
{
	char line[1024];
	size_t used = 0;
	va_list args;
	int n;

	if ((int)level > atomic_load_explicit(&max_level, memory_order_relaxed))
		return;
	if (to_journal)
		used = (size_t)snprintf(line, sizeof(line), "<%d>", level);
	va_start(args, format);
	n = vsnprintf(line + used, sizeof(line) - used - 1, format, args);
	va_end(args);
	if (n < 0)
		return;
	used += (size_t)n;
	if (used > sizeof(line) - 2)
		used = sizeof(line) - 2;
	line[used++] = '\n';
	/* One write, so that lines of two threads do not mix. A full disk or a closed pipe must not
	 * stop a cache: the line is lost. */
	if (write(STDERR_FILENO, line, used) < 0)
		return;
}

/* False: there is no journal, or it does not take it. */
static bool send_to_journal(enum log_level level, const struct log_fields *fields, const char *text)
{
#ifdef HAVE_SYSTEMD
	const struct {
		const char *name, *value;
	} all[] = {
		{"MESSAGE", text},
		{"SESSIOND_EVENT", fields->event},
		{"SESSIOND_SOURCE", fields->source},
		{"SESSIOND_REASON", fields->reason},
		{"SESSIOND_INTERFACE", fields->interface},
	};
	char lines[sizeof(all) / sizeof(all[0])][1024], priority[16];
	struct iovec parts[sizeof(all) / sizeof(all[0]) + 1];
	int count = 0;

	if (!to_journal)
		return false;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!all[i].value)
			continue;
		snprintf(lines[i], sizeof(lines[i]), "%s=%s", all[i].name, all[i].value);
		parts[count++] = (struct iovec){lines[i], strlen(lines[i])};
	}
	snprintf(priority, sizeof(priority), "PRIORITY=%d", (int)level);
	parts[count++] = (struct iovec){priority, strlen(priority)};
	return sd_journal_sendv(parts, count) >= 0;
#else
	(void)level;
	(void)fields;
	(void)text;
	return false;
#endif
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

int(error_set)(int errnum, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_error, sizeof(last_error), format, args);
	va_end(args);
	return errnum > 0 ? -errnum : -EIO;
}

const char *error_message(void)
{
	return last_error;
}
