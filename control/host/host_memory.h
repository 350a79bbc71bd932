/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * How much memory this process can use: of the machine, and within the limits of its cgroup (v1 and
 * v2) and of the cgroups above. `root` is a prefix for the paths of /proc and /sys: "" except in
 * tests.
 */
#ifndef SESSIOND_CONTROL_HOST_HOST_MEMORY_H
#define SESSIOND_CONTROL_HOST_HOST_MEMORY_H

#include <stdint.h>

/* Bytes that this process can still allocate without swapping or the OOM killer; 0 if unknown. */
uint64_t host_memory_available(const char *root);

/* Bytes that it could use if no other process used any: the machine's memory, or the lowest limit;
 * 0 if unknown. */
uint64_t host_memory_limit(const char *root);

#endif
