/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/packet/datagram.h"

#include "dataplane/packet/parse.h"
#include "dataplane/packet/verify.h"

#include <string.h>

/* Whether the datagram fills the IP packet. */
static bool is_whole(const struct frame *frame)
{
	return frame->l4_len >= sizeof(struct frame_udp) &&
	       ntohs(frame_udp(frame)->length) == frame->l4_len;
}

enum datagram_result datagram_parse(const uint8_t *data, size_t size, const uint8_t **message,
	size_t *length, struct address *source)
{
	struct frame frame = {.data = (uint8_t *)data, .len = (uint32_t)size};
	enum parse_result result = parse_frame(&frame, PARSE_OPTIONS_REFUSE);

	if (result != PARSE_UDP || !is_whole(&frame)) {
		memset(source, 0, sizeof(*source));
		return result == PARSE_BAD_CHECKSUM ? DATAGRAM_CHECKSUM : DATAGRAM_MALFORMED;
	}
	if (frame.v6)
		memcpy(source->bytes, frame_ip6(&frame)->source, sizeof(source->bytes));
	else
		address_from_ipv4(source, (const uint8_t *)&frame_ip4(&frame)->source);
	if (!verify_udp(&frame, checksum_pseudo(&frame), 0, 0))
		return DATAGRAM_CHECKSUM;
	*message = (const uint8_t *)(frame_udp(&frame) + 1);
	*length = frame.l4_len - sizeof(struct frame_udp);
	return DATAGRAM_WHOLE;
}
