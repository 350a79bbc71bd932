/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * One pass over one source of options: the command line, or a configuration file.
 */
#ifndef SESSIOND_CONTROL_CONFIG_OPTION_SOURCE_H
#define SESSIOND_CONTROL_CONFIG_OPTION_SOURCE_H

#include "control/config/option_table.h"

struct option_source {
	struct options *options; /* the options to fill */
	const char *file;	 /* NULL: the command line */
	unsigned line;
	unsigned seen[OPTION_TABLE_MAX];  /* occurrences; all 0 at first */
	unsigned taken[OPTION_TABLE_MAX]; /* of these, without a mistake */
};

/* Applies an occurrence of `def`; `value` is NULL for an option without a value. The first
 * occurrence of a repeatable option discards what earlier sources set. 0, or -EINVAL with
 * error_message() set. */
int option_apply(struct option_source *source, const struct option_def *def, const char *value);

/* Adds error_message(). */
void option_errors_add(struct option_errors *errors);
/* Adds an error about value `i` of an option. If that stands in a file, the message begins with
 * file and line. Returns -errnum, with error_message() set. */
int option_errors_about(struct option_errors *errors, const struct options *options,
	const char *name, size_t i, int errnum, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* Applies the options in a configuration file. 0, or a negative errno with error_message() set,
 * which names file and line: -ENOMEM if there was no memory to read it, -EINVAL otherwise. Each
 * line that is wrong is added to `errors`, which may be NULL; error_message() is about the first.
 */
int options_read_file(struct options *options, const char *path, struct option_errors *errors);
/* The same for `size` bytes of any content; `name` is the file's name in errors. */
int options_read_memory(struct options *options, const char *name, const char *text, size_t size,
	struct option_errors *errors);

#endif
