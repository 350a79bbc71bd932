/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Sections of docs/metrics.md.
 */
#ifndef SESSIOND_DOCS_MAN_METRICS_TABLE_H
#define SESSIOND_DOCS_MAN_METRICS_TABLE_H

void metrics_table(void);
void metrics_values(void);

#endif
