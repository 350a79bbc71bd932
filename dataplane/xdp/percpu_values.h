/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Reads element 0 of a BPF_MAP_TYPE_PERCPU_ARRAY: one value per possible CPU. The kernel writes all
 * of them, whatever the buffer's size, and /sys may report another number (containers mask or fake
 * it). So the number is measured.
 */
#ifndef SESSIOND_DATAPLANE_XDP_PERCPU_VALUES_H
#define SESSIOND_DATAPLANE_XDP_PERCPU_VALUES_H

#include <linux/types.h>
#include <stddef.h>

/* How many values an element has, measured on this map, whose values have `size` bytes, a multiple
 * of 8. Measured once: it is the same for every map of this host. A negative errno with
 * error_message() set. Any thread. */
int percpu_count(int fd, size_t size);

/* All values, of `size` bytes each, ordered by CPU; the caller frees them. NULL with
 * error_message() set. Any thread. */
void *percpu_read(int fd, size_t size, unsigned *count);

/* Adds, over all CPUs, the `words` 64-bit counters that a value consists of to `sum`. 0, or a
 * negative errno with error_message() set and `sum` unchanged. Any thread. */
int percpu_sum(int fd, size_t words, __u64 *sum);

#endif
