/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A frame's source, and whether it can be answered.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_SOURCE_H
#define SESSIOND_DATAPLANE_PACKET_SOURCE_H

#include "common/address.h"
#include "dataplane/packet/frame.h"

FRAME_INLINE bool source_ip4_usable(uint32_t addr)
{
	uint8_t top = *(const uint8_t *)&addr;

	return top != 0 && top != 127 && top < 224;
}

/* Not multicast, ::, ::1 or v4-mapped. */
FRAME_INLINE bool source_ip6_usable(const uint8_t addr[16])
{
	if (addr[0] == 0xff)
		return false;
	if (load64(addr))
		return true;
	return load32(addr + 8) != htonl(0xffff) &&
	       (load32(addr + 8) || (load32(addr + 12) && load32(addr + 12) != htonl(1)));
}

/* Would a host accept the frame's source, and can a reply go to it? */
FRAME_INLINE bool source_usable(const struct frame *frame)
{
	if (frame->data[FRAME_MAC] & 1)
		return false;
	return frame->v6 ? source_ip6_usable(frame_ip6(frame)->source)
			 : source_ip4_usable(frame_ip4(frame)->source);
}

FRAME_INLINE void source_address(const struct frame *frame, struct address *source)
{
	if (frame->v6)
		memcpy(source->bytes, frame_ip6(frame)->source, 16);
	else
		address_from_ipv4(source, (const uint8_t *)&frame_ip4(frame)->source);
}

#endif
