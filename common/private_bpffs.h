/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Detects BPF file systems whose pins do not outlive the container or mount namespace.
 */
#ifndef SESSIOND_COMMON_PRIVATE_BPFFS_H
#define SESSIOND_COMMON_PRIVATE_BPFFS_H

#include <stdbool.h>

/* Whether `path` is, or would be, on a BPF file system of one mount namespace or container: it
 * ends, with its pins, with the last process in there. False for any other file system, and if
 * unknown. The path may belong to another process, below /proc/PID/root. */
bool bpffs_is_private(const char *path);

#endif
