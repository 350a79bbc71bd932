/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The part of a payload's checksum that comes from the IP header.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_CHECKSUM_H
#define SESSIOND_DATAPLANE_PACKET_CHECKSUM_H

#include <sessiond/checksum.h>

#include "dataplane/packet/frame.h"

/* Sum of the pseudo header without its length: the same for a request and its reply. Unfolded. */
FRAME_INLINE uint64_t checksum_pseudo(const struct frame *frame)
{
	uint64_t sum = frame->v6 ? checksum_bytes(frame_ip6(frame)->source, 32)
				 : checksum_bytes(&frame_ip4(frame)->source, 8);

	return sum + htons(frame->proto);
}

#endif
