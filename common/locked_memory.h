/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Large, long-lived arrays in anonymous memory, which takes pages as they are touched. Any thread.
 */
#ifndef SESSIOND_COMMON_LOCKED_MEMORY_H
#define SESSIOND_COMMON_LOCKED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory of `bytes` bytes, page-aligned (aligned to huge pages if at least that large);
 * `secret` excludes it from core dumps. It takes small pages as they are touched: on virtual
 * machines, clearing a huge page takes milliseconds, for which a NEW would have to wait. NULL with
 * errno set. */
void *memory_reserve(size_t bytes, bool secret);
/* Populates all pages now, with huge ones if available: for memory that is read at random all the
 * time. 0, or -ENOMEM if there is not enough memory. Before Linux 5.14 pages are taken when
 * touched. */
int memory_populate(void *memory, size_t bytes);
/* From now on pages that are touched are huge ones, if available: for a small region that must not
 * be populated yet. */
void memory_prefer_huge(void *memory, size_t bytes);
/* Locks the pages, once they are touched, into RAM. False if the limit of locked memory
 * (RLIMIT_MEMLOCK, which CAP_IPC_LOCK lifts) does not allow it: everything then works, unlocked. */
bool memory_lock(void *memory, size_t bytes);
/* Whether memory_lock ever failed, on any thread. */
bool memory_lock_failed(void);
/* Gives the pages back to the kernel: the memory is zero, and takes pages again when it is touched.
 * `bytes` is the size that was requested. */
void memory_clear(void *memory, size_t bytes);
/* Frees the memory; NULL is allowed. `bytes` is the size that was requested. Does not wipe. */
void memory_release(void *memory, size_t bytes);

#endif
