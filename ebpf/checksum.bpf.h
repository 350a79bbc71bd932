/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Checksums of a packet. No packet that gets here has 2^16 words, so a sum of its 32-bit words
 * stays below 2^48.
 */
#ifndef SESSIOND_EBPF_CHECKSUM_BPF_H
#define SESSIOND_EBPF_CHECKSUM_BPF_H

#include "ebpf/packet.bpf.h"

#include <sessiond/checksum.h>

#include <linux/in.h>

/* The pseudo header's sum without the length: the same for a request and its reply. */
INLINE __u64 checksum_pseudo(const struct packet *packet)
{
	__u64 sum = bpf_htons(IPPROTO_UDP);

	if (packet->v6)
		return sum + checksum_words(packet->ip6->source, 8);
	return sum + checksum_words(&packet->ip4->source, 2);
}

/* The sum of what follows the header in a request: `length` bytes at `offset` of the frame, at most
 * up to its end. noinline, so that the verifier checks it once: few clients send more than the
 * header. */
__attribute__((noinline)) __u64 checksum_trailing(struct xdp_md *ctx, __u32 offset, __u32 length)
{
	void *end = (void *)(long)ctx->data_end;
	void *at = (void *)(long)ctx->data;
	__u64 sum = 0;

	if (offset > 128)
		return 0;
	at += offset;
	for (int i = 0; i < SESSD_VALUE_LIMIT / 8 && length >= 8; i++, length -= 8, at += 8) {
		barrier_var(at);
		if (at + 8 > end)
			return 0;
		sum += checksum_words(at, 2);
	}
	for (int i = 0; i < 3 && length >= 2; i++, length -= 2, at += 2) {
		barrier_var(at);
		if (at + 2 > end)
			return 0;
		sum += *(__u16 *)at;
	}
	if (length) {
		if (at + 1 > end)
			return 0;
		sum += bpf_htons(*(__u8 *)at << 8);
	}
	return sum;
}

/* Whether a sender on this host left the UDP checksum to offload (CHECKSUM_PARTIAL) and no device
 * completed it: the field then holds the pseudo header's sum. `pseudo` is checksum_pseudo. */
INLINE bool checksum_partial(const struct packet *packet, __u64 pseudo)
{
	__u16 check = packet->udp->check;

	return check && check == checksum_fold(pseudo + packet->udp->length);
}

/* Whether a GET's UDP checksum is acceptable. `pseudo` is checksum_pseudo, `header` the sum of the
 * request header. */
INLINE bool checksum_good(
	struct xdp_md *ctx, const struct packet *packet, __u64 pseudo, __u64 header)
{
	const struct udp_header *udp = packet->udp;
	__u16 check = udp->check;
	__u64 sum;

	if (!check) /* no checksum, which only IPv4 allows (RFC 768, RFC 8200 8.1) */
		return !packet->v6;
	sum = pseudo + header + *(const __u32 *)udp + 2 * (__u64)udp->length + check;
	if (packet->payload_length > SESSD_HEADER_SIZE)
		sum += checksum_trailing(ctx,
			packet_span(packet->data, udp + 1) + SESSD_HEADER_SIZE,
			packet->payload_length - SESSD_HEADER_SIZE);
	return checksum_right(sum) || checksum_partial(packet, pseudo);
}

#endif
