/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <sessiond/log.h>

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

void log_tagged(enum log_level level, const char *event, const char *format, ...)
{
	char text[1000];
	va_list args;

	if ((int)level > atomic_load_explicit(&max_level, memory_order_relaxed))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
#ifdef HAVE_SYSTEMD
	if (to_journal && sd_journal_send("MESSAGE=%s", text, "PRIORITY=%d", (int)level,
				  "SESSIOND_EVENT=%s", event, NULL) >= 0)
		return;
#else
	(void)event;
#endif
	log_write(level, "%s", text);
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
