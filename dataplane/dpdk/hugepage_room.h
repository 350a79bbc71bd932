/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Free hugepages of the host, for the memory check before DPDK starts.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_HUGEPAGE_ROOM_H
#define SESSIOND_DATAPLANE_DPDK_HUGEPAGE_ROOM_H

#include <stdint.h>

/* Bytes of hugepages of all sizes that a process can take: free and unreserved pages, and those
 * that the kernel may still overcommit. UINT64_MAX if unknown. `root` is put before the path of
 * /sys: "" except in tests. Any thread. */
uint64_t hugepage_room(const char *root);

#endif
