/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Where log lines go: stderr and the journal. After log_output_open neither call waits for a
 * reader: what a full pipe, a stopped terminal or a busy journal does not take at once is refused.
 * Any thread may call.
 */
#ifndef SESSIOND_COMMON_LOG_OUTPUT_H
#define SESSIOND_COMMON_LOG_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Main thread, once, before there are others. */
void log_output_open(void);

/* Whether stderr is the journal's stream. False before log_output_open. */
bool log_output_is_journal(void);

/* Writes a line of at most PIPE_BUF bytes to stderr; false if it was not taken. Of one that is
 * taken in part the rest goes before the next. */
bool log_output_write(const char *line, size_t len);

#define LOG_FIELDS_MAX 8

struct log_field {
	const char *name, *value; /* a value of NULL is left out */
};

/* Sends an entry to the journal, at most LOG_FIELDS_MAX fields; false if it did not take it. */
bool log_output_journal(const struct log_field *fields, size_t count);

#endif
