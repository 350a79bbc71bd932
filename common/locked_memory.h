/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Large, long-lived arrays: anonymous memory that takes pages only as they are touched.
 */
#ifndef SESSIOND_COMMON_LOCKED_MEMORY_H
#define SESSIOND_COMMON_LOCKED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory, page-aligned (aligned to huge pages where it is that large), left out of core
 * dumps if it is to hold secrets. It takes small pages as they are touched: a huge page takes
 * milliseconds to clear where memory is virtual, and that would be a NEW's to wait for. NULL with
 * errno. Any thread. */
void *memory_reserve(size_t bytes, bool secret);
/* Takes all pages now, huge ones if there are any: for what is read at random all the time. 0, or
 * -ENOMEM if there is not as much memory as that. A kernel before 5.14 takes them later. */
int memory_populate(void *memory, size_t bytes);
/* Keeps the pages, once they are taken, out of swap space. False if the limit of locked memory
 * (RLIMIT_MEMLOCK, which CAP_IPC_LOCK lifts) does not allow it: then all works, unlocked. */
bool memory_lock(void *memory, size_t bytes);
/* Whether memory_lock was refused, ever, on any thread. */
bool memory_lock_failed(void);
/* Gives it back; NULL is allowed. `bytes` is what was asked for. */
void memory_release(void *memory, size_t bytes);

#endif
