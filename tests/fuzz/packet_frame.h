/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The frames that fuzz_packet gives to each mode, and the replies.
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

/* Offset of the UDP header, behind IPv4 options and IPv6 extension headers, or 0. */
size_t frame_udp(const struct fuzz_frame *frame, bool *v6);
/* Bytes of the UDP header and its payload, or 0 if the datagram is not whole. Over IPv6 a length of
 * 0 in the header means the rest of the packet. */
size_t frame_udp_length(const struct fuzz_frame *frame, size_t udp, bool v6);
/* The pseudo header's sum of a whole datagram with its UDP header at `udp`. */
uint32_t frame_pseudo_header(const struct fuzz_frame *frame, size_t udp, bool v6);
/* Corrects the checksums, if there is a datagram. */
void frame_fix_checksums(struct fuzz_frame *frame);

#endif
