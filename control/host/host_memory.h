/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * How much memory there is for this process: of the machine, and within the limits of its cgroup
 * (v1 and v2) and of those above it. `root` is put before the paths of /proc and /sys: "" but in
 * tests.
 */
#ifndef SESSIOND_CONTROL_HOST_HOST_MEMORY_H
#define SESSIOND_CONTROL_HOST_HOST_MEMORY_H

#include <stdint.h>

/* Bytes that this process may still take now without something being swapped or killed; 0 if it
 * cannot be told. */
uint64_t host_memory_available(const char *root);

/* Bytes that it may ever take, whatever others give back: the machine's, or the least limit; 0 if
 * it cannot be told. */
uint64_t host_memory_limit(const char *root);

#endif
