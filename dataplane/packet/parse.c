/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/packet/parse.h"

#include <netinet/icmp6.h>

#define IP4_OPTION_LSRR 131
#define IP4_OPTION_SSRR 137

bool parse_ip4_options(const struct frame *frame, unsigned header_len)
{
	const uint8_t *at = frame->data + frame->l3 + sizeof(struct frame_ip4);
	const uint8_t *end = frame->data + frame->l3 + header_len;

	while (at < end) {
		if (at[0] == IPOPT_EOL)
			return true;
		if (at[0] == IPOPT_NOP) {
			at++;
			continue;
		}
		if (at[0] == IP4_OPTION_LSRR || at[0] == IP4_OPTION_SSRR)
			return false;
		if (end - at < 2 || at[1] < 2 || at[1] > end - at)
			return false;
		at += at[1];
	}
	return true;
}

/* Checks the options of a hop-by-hop or destination header; false if it has an unknown one that
 * requires the packet to be discarded (RFC 8200 4.2). */
static bool options_acceptable(const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		if (at[0] == IP6OPT_PAD1) {
			at++;
			continue;
		}
		if (end - at < 2 || at[1] + 2 > end - at)
			return false;
		if (at[0] & 0xc0)
			return false;
		at += at[1] + 2;
	}
	return true;
}

enum parse_result parse_ip6_extensions(struct frame *frame, uint8_t next)
{
	bool first = true;

	for (;; first = false) {
		const uint8_t *at = frame->data + frame->l4;
		unsigned length;

		switch (next) {
		case IPPROTO_UDP:
		case IPPROTO_ICMPV6:
			frame->proto = next;
			return next == IPPROTO_UDP ? PARSE_UDP : PARSE_ICMP;
		case IPPROTO_HOPOPTS:
		case IPPROTO_DSTOPTS:
		case IPPROTO_ROUTING:
			break;
		case IPPROTO_FRAGMENT:
			/* An atomic fragment is treated as unfragmented (RFC 6946). */
			if (frame->l4_len < 8)
				return PARSE_TRUNCATED;
			if (load16(at + 2) & htons(0xfff9))
				return PARSE_FRAGMENT;
			next = at[0];
			frame->l4 += 8;
			frame->l4_len -= 8;
			continue;
		case IPPROTO_NONE:
			return PARSE_NOT_UDP;
		case IPPROTO_AH:
		case IPPROTO_MH:
		case 139: /* HIP, RFC 7401 */
		case 140: /* Shim6, RFC 5533 */
			return PARSE_IP_OPTIONS;
		default:
			return PARSE_NOT_UDP;
		}
		if (frame->l4_len < 8)
			return PARSE_TRUNCATED;
		length = (at[1] + 1U) * 8;
		if (length > frame->l4_len)
			return PARSE_TRUNCATED;
		if (next == IPPROTO_ROUTING) {
			if (at[3]) /* segments left: this node does not forward */
				return PARSE_IP_OPTIONS;
		} else if ((next == IPPROTO_HOPOPTS && !first) ||
			   !options_acceptable(at + 2, at + length)) {
			return PARSE_IP_OPTIONS;
		}
		next = at[0];
		frame->l4 = (uint16_t)(frame->l4 + length);
		frame->l4_len = (uint16_t)(frame->l4_len - length);
	}
}
