/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The result as text or JSON.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "bench/options.h"
#include "bench/result.h"

void report_text(FILE *out, const struct bench_options *options, const struct bench_result *result);
/* 0, or -1 if out of memory or writing to `out` failed. */
int report_json(FILE *out, const struct bench_options *options, const struct bench_result *result);

#endif
