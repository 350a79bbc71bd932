/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Writes sessiond's options and figures in formats other than mdoc, on stdout.
 */
#ifndef SESSIOND_PLAIN_H
#define SESSIOND_PLAIN_H

/* The table in docs/options.md. */
void plain_markdown_table(void);

/* An example of a configuration file: every option with its default, commented out. */
void plain_conf(void);

/* For tests, a figure of `stats` a line: its name, its kind, and in metrics the metric, label and
 * value, "-" where it has none. A number in a name is a 0. */
void plain_figures(void);

#endif
