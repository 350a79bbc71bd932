/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Writes log lines to stderr and the journal. After log_output_open no call waits for a reader:
 * what a full pipe, a stopped terminal or a busy journal does not accept at once is refused. Any
 * thread may call.
 */
#ifndef SESSIOND_COMMON_LOG_OUTPUT_H
#define SESSIOND_COMMON_LOG_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Main thread, once, before other threads start. */
void log_output_open(void);

/* Whether stderr is the journal's stream. False before log_output_open. */
bool log_output_is_journal(void);
/* Whether stderr is a terminal. False before log_output_open. */
bool log_output_is_terminal(void);

/* Writes a line of at most PIPE_BUF bytes to stderr; false if it was refused. The rest of a partly
 * written line goes before the next one. */
bool log_output_write(const char *line, size_t len);

#define LOG_FIELDS_MAX 8

struct log_field {
	const char *name, *value; /* a NULL value is omitted */
};

/* Sends an entry of at most LOG_FIELDS_MAX fields to the journal; false if the journal refused
 * it. */
bool log_output_journal(const struct log_field *fields, size_t count);

#endif
