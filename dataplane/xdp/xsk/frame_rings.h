/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The daemon's side of the rings in which the program hands over NEWs and REMOVEs
 * (sessiond/frame_ring.h), one for each CPU.
 *
 * Threads: open, close and frame_rings_size: main thread while the writer does not run;
 * frame_rings_count: any; the rest: writer thread. NULL rings are allowed, and are empty.
 */
#ifndef SESSIOND_DATAPLANE_XDP_XSK_FRAME_RINGS_H
#define SESSIOND_DATAPLANE_XDP_XSK_FRAME_RINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/xdp/xsk/frame_intake.h"

/* Bytes of all rings together, at most, but for their heads and the room of one more record. */
#define FRAME_RINGS_BYTES_MAX (64U << 20)

struct frame_rings;

/* Bytes of each ring, a power of two, for `cpus` rings. */
uint32_t frame_rings_size(unsigned cpus);
/* Kernel memory that `cpus` rings take. */
uint64_t frame_rings_bytes(unsigned cpus);

/* Maps the rings: `frames_fd` is an array of `cpus` elements for rings of `size` bytes, `wakes_fd`
 * the ring buffer that wakes. Neither is closed. NULL with errno set. */
struct frame_rings *frame_rings_open(int frames_fd, int wakes_fd, unsigned cpus, uint32_t size);
/* Wipes the rings, which held values. */
void frame_rings_close(struct frame_rings *rings);

/* Says that the caller will poll `wakes_fd` until it is readable. False: there are frames already.
 * frame_rings_awake ends it. */
bool frame_rings_sleep(struct frame_rings *rings);
void frame_rings_awake(struct frame_rings *rings);

/* Handles waiting frames, at most `budget`. Returns their number; sets `*more` if that was the
 * budget. */
unsigned frame_rings_serve(struct frame_rings *rings, const struct frame_intake *intake,
	unsigned budget, const struct update_sink *sink, bool *more);

/* Adds what was received, and dropped by the program as a ring was full. */
void frame_rings_count(
	const struct frame_rings *rings, struct frame_counters *counters, uint64_t *full);

#endif
