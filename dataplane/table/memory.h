/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Large, long-lived arrays: anonymous memory that takes pages only as they are touched.
 */
#ifndef SESSIOND_TABLE_MEMORY_H
#define SESSIOND_TABLE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory, page-aligned (aligned to huge pages, which are advised, where it is that large),
 * left out of core dumps if it is to hold secrets. NULL with errno. Any thread. */
void *memory_reserve(size_t bytes, bool secret);
/* Gives it back; NULL is allowed. `bytes` is what was asked for. */
void memory_release(void *memory, size_t bytes);

#endif
