/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * How many hugepages the host has left, for the check of the memory before DPDK starts.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_HUGEPAGE_ROOM_H
#define SESSIOND_DATAPLANE_DPDK_HUGEPAGE_ROOM_H

#include <stdint.h>

/* Bytes of hugepages of all sizes that a process may take: those that are free and promised to
 * nobody, and those that the kernel may make beyond the reserved ones. UINT64_MAX if it cannot be
 * told. `root` is put before the path of /sys: "" but in tests. */
uint64_t hugepage_room(const char *root);

#endif
