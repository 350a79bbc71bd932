/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * BPF file systems whose pins do not outlive what was started together with them.
 */
#ifndef SESSIOND_COMMON_PRIVATE_BPFFS_H
#define SESSIOND_COMMON_PRIVATE_BPFFS_H

#include <stdbool.h>

/* Whether `path` is, or would be, on a BPF file system of one mount namespace or container alone:
 * it ends with the last process in there, and so do the pins. False for any other file system, and
 * where it cannot be told. The path may be one of another process, below /proc/PID/root. */
bool bpffs_is_private(const char *path);

#endif
