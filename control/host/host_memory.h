/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#ifndef SESSIOND_CONTROL_HOST_HOST_MEMORY_H
#define SESSIOND_CONTROL_HOST_HOST_MEMORY_H

#include <stdint.h>

/* Bytes that this process may still take without something being swapped or killed: what the
 * machine has available, or what the limits of the process's cgroup (v2) and of those above it
 * leave, whichever is least. 0 if it cannot be told. `root` is put before the paths of /proc and
 * /sys: "" but in tests. */
uint64_t host_memory_available(const char *root);

#endif
