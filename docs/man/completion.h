/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Writes what bash completes, from the tables of options and commands, on stdout: lines for the
 * templates in dist/completion.
 */
#ifndef SESSIOND_COMPLETION_H
#define SESSIOND_COMPLETION_H

/* sessiond: arms of a case that complete an option's value; the words of all options. */
void completion_values(void);
void completion_options(void);

/* sessionctl: a pattern of the options that take a value; the words of all options and commands. */
void completion_ctl_values(void);
void completion_ctl_options(void);
void completion_ctl_commands(void);

#endif
