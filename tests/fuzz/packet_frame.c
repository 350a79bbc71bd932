/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/fuzz/packet_frame.h"

#include "tests/wire.h"

#include <net/ethernet.h>
#include <netinet/in.h>

/* Steps over IPv6 extension headers from `at` on, the first of which is `next`; 0 if no UDP header
 * follows within the frame. Whether their contents are right is not checked. */
static size_t after_extensions(const struct fuzz_frame *frame, size_t at, unsigned next)
{
	while (next != IPPROTO_UDP) {
		if (at + 8 > frame->len)
			return 0;
		switch (next) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			next = frame->bytes[at];
			at += 8U + 8U * frame->bytes[at + 1];
			break;
		case IPPROTO_FRAGMENT:
			next = frame->bytes[at];
			at += 8;
			break;
		default:
			return 0;
		}
	}
	return at + 8 <= frame->len ? at : 0;
}

size_t frame_udp(const struct fuzz_frame *frame, bool *v6)
{
	size_t at = 12;
	uint16_t type = 0;

	for (unsigned tags = 0; tags < 3 && at + 2 <= frame->len; tags++) {
		type = (uint16_t)get16(frame->bytes + at);
		if (type != 0x8100 && type != 0x88a8)
			break;
		at += 4;
	}
	at += 2;
	*v6 = type == ETHERTYPE_IPV6;
	if (*v6)
		return at + 40 <= frame->len
			       ? after_extensions(frame, at + 40, frame->bytes[at + 6])
			       : 0;
	if (type != ETHERTYPE_IP || at + 20 > frame->len || frame->bytes[at + 9] != IPPROTO_UDP)
		return 0;
	at += 4U * (frame->bytes[at] & 15);
	return at + 8 <= frame->len ? at : 0;
}

static size_t ip_at(const struct fuzz_frame *frame)
{
	size_t at = 12;

	while (at + 2 <= frame->len && get16(frame->bytes + at) != 0x0800 &&
		get16(frame->bytes + at) != 0x86dd)
		at += 4;
	return at + 2;
}

size_t frame_udp_length(const struct fuzz_frame *frame, size_t udp, bool v6)
{
	size_t len = get16(frame->bytes + udp + 4), ip = ip_at(frame), end;

	if (len == 0 && v6) {
		end = ip + 40 + get16(frame->bytes + ip + 4);
		len = end > udp ? end - udp : 0;
	}
	return len >= 8 && udp + len <= frame->len ? len : 0;
}

uint32_t frame_pseudo_header(const struct fuzz_frame *frame, size_t udp, bool v6)
{
	size_t ip = ip_at(frame);

	return (uint32_t)frame_udp_length(frame, udp, v6) + IPPROTO_UDP +
	       (v6 ? wire_sum(0, frame->bytes + ip + 8, 32)
		   : wire_sum(0, frame->bytes + ip + 12, 8));
}

void frame_fix_checksums(struct fuzz_frame *frame)
{
	bool v6;
	size_t udp = frame_udp(frame, &v6), ip, len, header;
	uint16_t sum;

	if (!udp)
		return;
	ip = ip_at(frame);
	len = frame_udp_length(frame, udp, v6);
	if (!len)
		return;
	if (!v6) {
		header = udp - ip;
		if (header < 20)
			return;
		put16(frame->bytes + ip + 10, 0);
		put16(frame->bytes + ip + 10, (uint16_t)~wire_sum(0, frame->bytes + ip, header));
	}
	put16(frame->bytes + udp + 6, 0);
	sum = (uint16_t)~wire_sum(frame_pseudo_header(frame, udp, v6), frame->bytes + udp, len);
	put16(frame->bytes + udp + 6, sum ? sum : 0xffff);
}
