/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Reads element 0 of a map that has a value of it for each CPU (BPF_MAP_TYPE_PERCPU_ARRAY). The
 * kernel writes as many values as it has CPUs, however long the buffer is. /sys may tell another
 * number: containers mask it, or show one made up. So the kernel is asked.
 */
#ifndef SESSIOND_DATAPLANE_XDP_PERCPU_VALUES_H
#define SESSIOND_DATAPLANE_XDP_PERCPU_VALUES_H

#include <linux/types.h>
#include <stddef.h>

/* How many values an element has, by what the kernel writes for this map: its values are of `size`
 * bytes, a multiple of 8. The same for every map of this host, and found out once. A negative errno
 * with error_message() set. Any thread. */
int percpu_count(int fd, size_t size);

/* All values, of `size` bytes each, in the order of CPUs: the caller's, to be freed. NULL with
 * error_message() set. */
void *percpu_read(int fd, size_t size, unsigned *count);

/* Adds each of the `words` 64-bit numbers that the value of a CPU consists of to `sum`, over all
 * CPUs. 0, or a negative errno with error_message() set and sum as it was. */
int percpu_sum(int fd, size_t words, __u64 *sum);

#endif
