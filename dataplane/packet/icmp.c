/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/packet/neighbour.h"
#include "dataplane/packet/reply.h"
#include "dataplane/packet/source.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#define ICMP_ECHO_SIZE 8

/* Only the type differs from the request; swapping the addresses does not change the pseudo
 * header's sum. */
static enum neighbour_result echo_reply(struct frame *frame, uint8_t type)
{
	uint8_t *icmp;

	reply_strip(frame);
	icmp = frame->data + frame->l4;
	icmp[0] = type;
	store16(icmp + 2, 0);
	store16(icmp + 2, (uint16_t)~checksum_fold(
				  checksum_bytes(icmp, frame->l4_len) +
				  (frame->v6 ? checksum_pseudo(frame) + htons(frame->l4_len) : 0)));
	if (frame->v6)
		reply_ip6(frame_ip6(frame), IPPROTO_ICMPV6, frame->l4_len);
	else
		reply_ip4(frame_ip4(frame), IPPROTO_ICMP, frame->l4_len, false);
	reply_ethernet(frame->data);
	frame->len = (uint32_t)frame->l4 + frame->l4_len;
	return NEIGHBOUR_ECHO_REPLY;
}

enum neighbour_result icmp_input(const struct neighbour *neighbour, struct frame *frame)
{
	const uint8_t *icmp = frame->data + frame->l4;

	if (frame->data[0] & 1 || !source_usable(frame) ||
		!local_endpoints_has_ip4(neighbour->local, frame_ip4(frame)->dest))
		return NEIGHBOUR_ICMP_IGNORED;
	if (frame->l4_len < ICMP_ECHO_SIZE || icmp[0] != ICMP_ECHO || icmp[1] != 0 ||
		!checksum_right(checksum_bytes(icmp, frame->l4_len)))
		return NEIGHBOUR_ICMP_IGNORED;
	return echo_reply(frame, ICMP_ECHOREPLY);
}

enum neighbour_result icmp6_input(const struct neighbour *neighbour, struct frame *frame)
{
	const uint8_t *icmp = frame->data + frame->l4;

	if (frame->l4_len < ICMP_ECHO_SIZE ||
		!checksum_right(checksum_bytes(icmp, frame->l4_len) + checksum_pseudo(frame) +
				htons(frame->l4_len)))
		return NEIGHBOUR_ICMP_IGNORED;
	if (icmp[0] != ICMP6_ECHO_REQUEST)
		return ndp_input(neighbour, frame);
	if (icmp[1] != 0 || frame->data[0] & 1 || !source_usable(frame) ||
		!local_endpoints_has_ip6(neighbour->local, frame_ip6(frame)->dest))
		return NEIGHBOUR_ICMP_IGNORED;
	return echo_reply(frame, ICMP6_ECHO_REPLY);
}
