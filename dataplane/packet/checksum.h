/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the checksum of a frame's payload adds of its IP header.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_CHECKSUM_H
#define SESSIOND_DATAPLANE_PACKET_CHECKSUM_H

#include <sessiond/checksum.h>

#include "dataplane/packet/frame.h"

/* The pseudo header without the length: the same in a request and in its reply. */
FRAME_INLINE uint64_t checksum_pseudo(const struct frame *frame)
{
	uint64_t sum = frame->v6 ? checksum_bytes(frame_ip6(frame)->source, 32)
				 : checksum_bytes(&frame_ip4(frame)->source, 8);

	return sum + htons(frame->proto);
}

#endif
