/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The frames that fuzz_packet gives to each mode, and what comes back.
 */
#ifndef TESTS_FUZZ_PACKET_FRAME_H
#define TESTS_FUZZ_PACKET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuzz_frame {
	uint8_t bytes[2048];
	size_t len;
};

/* Where the UDP header is, or 0: of the plain kind, which is what checksums are made for here. */
size_t frame_udp(const struct fuzz_frame *frame, bool *v6);
/* Of a datagram that is whole: what its UDP header at `udp` is summed with. */
uint32_t frame_pseudo_header(const struct fuzz_frame *frame, size_t udp, bool v6);
/* Makes the checksums right, where there is a datagram. */
void frame_fix_checksums(struct fuzz_frame *frame);

#endif
