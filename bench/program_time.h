/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Time of an XDP program per frame, measured by the kernel (kernel.bpf_stats_enabled, switched on
 * while this is open). The measurement adds some nanoseconds per frame, the same for every program.
 */
#ifndef BENCH_PROGRAM_TIME_H
#define BENCH_PROGRAM_TIME_H

#include <sched.h>
#include <stdint.h>

struct program_time;

/* `what`: an interface, NETNS/INTERFACE (a name in /run/netns), or id:NUMBER. Call it before other
 * threads start. 0, or a negative errno with error_message() set; -ENOTSUP in a build without
 * XDP. */
int program_time_open(struct program_time **time, const char *what);
/* The program's time and frames since the open or the last read. */
int program_time_read(struct program_time *time, uint64_t *ns, uint64_t *frames);
/* From now to the next read, leaves out the first `frames` frames and a few more: a thread on a CPU
 * that is not of `senders` notices them. If it was held up, more are left out; if it never ran, the
 * read counts all frames. */
int program_time_skip(struct program_time *time, uint64_t frames, const cpu_set_t *senders);
/* NULL is allowed. */
void program_time_close(struct program_time *time);

#endif
