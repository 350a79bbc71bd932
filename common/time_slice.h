/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The scheduler's time slice.
 */
#ifndef SESSIOND_COMMON_TIME_SLICE_H
#define SESSIOND_COMMON_TIME_SLICE_H

/* Asks for turns of so many microseconds, 100 to 100,000, for the calling thread and those it
 * starts from now on: one that wakes does not wait for the end of another's turn, some
 * milliseconds, on the same CPU. Linux 6.12 and later (sched_setattr(2)); does nothing on others,
 * or where it is not allowed. */
void time_slice_set(unsigned microseconds);

#endif
