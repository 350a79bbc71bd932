/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The result, for people and for programs.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "bench/options.h"
#include "bench/result.h"

void report_text(FILE *out, const struct bench_options *options, const struct bench_result *result);
/* 0, or -1 where there was no memory or `out` failed. */
int report_json(FILE *out, const struct bench_options *options, const struct bench_result *result);

#endif
