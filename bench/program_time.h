/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * How long an XDP program takes for a frame, as the kernel counts it (kernel.bpf_stats_enabled,
 * switched on while this is open). That costs some nanoseconds a frame itself, in every program
 * alike.
 */
#ifndef BENCH_PROGRAM_TIME_H
#define BENCH_PROGRAM_TIME_H

#include <stdint.h>

struct program_time;

/* `what`: an interface, NETNS/INTERFACE (a name in /run/netns), or id:NUMBER. Call it before there
 * are other threads. 0, or a negative errno with error_message() set; -ENOTSUP in a build without
 * XDP. */
int program_time_open(struct program_time **time, const char *what);
/* What the program took since it was opened or last read. */
int program_time_read(struct program_time *time, uint64_t *ns, uint64_t *frames);
/* NULL is allowed. */
void program_time_close(struct program_time *time);

#endif
