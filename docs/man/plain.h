/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Writes sessiond's options in formats other than mdoc, on stdout.
 */
#ifndef SESSIOND_PLAIN_H
#define SESSIOND_PLAIN_H

/* The table in docs/options.md. */
void plain_markdown_table(void);

/* An example of a configuration file: every option with its default, commented out. */
void plain_conf(void);

#endif
