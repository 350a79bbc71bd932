/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The state of one packet in the program, and the headers in it.
 */
#ifndef SESSIOND_EBPF_PACKET_BPF_H
#define SESSIOND_EBPF_PACKET_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <sessiond/protocol.h>

#include <stdbool.h>

#define INLINE static inline __attribute__((always_inline))

struct eth_header {
	__u8 dest[6];
	__u8 source[6];
	__be16 proto;
} __attribute__((packed));

struct vlan_header {
	__be16 tag;
	__be16 proto;
} __attribute__((packed));

struct ip4_header {
	__u8 version_ihl;
	__u8 tos;
	__be16 length;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 proto;
	__u16 check;
	__be32 source;
	__be32 dest;
} __attribute__((packed, aligned(4)));

struct ip6_header {
	__be32 version_class_flow;
	__be16 length; /* of what follows this header */
	__u8 next;
	__u8 hops;
	__be32 source[4];
	__be32 dest[4];
} __attribute__((packed, aligned(4)));

struct udp_header {
	__be16 source;
	__be16 dest;
	__be16 length;
	__u16 check;
} __attribute__((packed, aligned(4)));

/* bpf_xdp_adjust_tail and bpf_xdp_adjust_head invalidate the pointers; the offsets, from the start
 * of the frame, stay valid. */
struct packet {
	void *data, *end;
	union {
		void *ip;
		struct ip4_header *ip4;
		struct ip6_header *ip6;
	};
	struct udp_header *udp;
	__u32 payload_length; /* from the UDP header: the frame may be padded */
	bool v6;
	bool known; /* the addresses were in the access cache */
	__u64 tag;  /* their tag in the access cache */
	__u8 ip_offset;
	__u8 udp_offset;
};

/* `to` - `from`, in 64 bits: the verifier refuses a 32-bit subtraction of pointers, which the
 * compiler would emit for a 32-bit result. */
INLINE __u64 packet_span(const void *from, const void *to)
{
	__u64 span = to - from;

	barrier_var(span);
	return span;
}

/* Fills in the offsets, once the pointers are final. Computed from the pointers (and v6 from the
 * offsets), so that the verifier knows only their bounds and checks the rest of the program once
 * instead of once per header stack. */
INLINE void packet_settle(struct packet *packet)
{
	packet->ip_offset = packet_span(packet->data, packet->ip) % 32;
	packet->udp_offset = packet_span(packet->data, packet->udp) % 128;
	packet->v6 = packet->udp_offset - packet->ip_offset == sizeof(struct ip6_header);
}

/* Computes the pointers from the offsets again. False if the frame is too short, which parse has
 * excluded. */
INLINE bool packet_reload(struct packet *packet, struct xdp_md *ctx)
{
	packet->data = (void *)(long)ctx->data;
	packet->end = (void *)(long)ctx->data_end;
	packet->ip = packet->data + packet->ip_offset;
	packet->udp = packet->data + packet->udp_offset;
	return (void *)(packet->udp + 1) + SESSD_HEADER_SIZE <= packet->end &&
	       packet->ip + sizeof(struct ip6_header) <= packet->end &&
	       packet->data + sizeof(struct eth_header) <= packet->end;
}

/* packet_reload for the message header alone. */
INLINE bool packet_message(
	const struct packet *packet, struct xdp_md *ctx, struct sessd_header **message)
{
	*message = (void *)(long)ctx->data + packet->udp_offset + sizeof(struct udp_header);
	return (void *)(*message + 1) <= (void *)(long)ctx->data_end;
}

/* Bytes up to the end of the message header, at most: Ethernet, two VLAN tags, IPv6, UDP, message
 * header. */
#define PACKET_HEADERS_MAX (14 + 2 * 4 + 40 + 8 + SESSD_HEADER_SIZE)

/* The same without tags. */
#define PACKET_HEADERS_IP4 (14 + 20 + 8 + SESSD_HEADER_SIZE)
#define PACKET_HEADERS_IP6 (14 + 40 + 8 + SESSD_HEADER_SIZE)

/* XDP_PACKET_HEADROOM (256) minus the 40 bytes at its start that the kernel uses for struct
 * xdp_frame. */
#define PACKET_HEADROOM 216

/* Grows the frame at its head, for frames without tailroom (veth packs small packets tightly): the
 * frame begins `delta` bytes earlier, and its first `headers` bytes move there. What was behind
 * them is overwritten. Returns 0, with nothing changed, if there is no headroom either. noinline,
 * so that the verifier checks it once: few drivers need it. */
__attribute__((noinline)) int packet_shift(struct xdp_md *ctx, __u32 delta, __u32 headers)
{
	void *to, *from, *end;

	if (delta > PACKET_HEADROOM || bpf_xdp_adjust_head(ctx, -(int)delta))
		return 0;
	to = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	from = to + delta;
	for (__u32 at = 0; at < PACKET_HEADERS_MAX && at < headers; at += 2) {
		if (from + at + 2 > end || to + at + 2 > end)
			break;
		*(__u16 *)(to + at) = *(__u16 *)(from + at);
	}
	return 1;
}

/* packet_shift, unrolled, for the usual header stacks, whose length the compiler knows. `delta` is
 * 8 to PACKET_HEADROOM: each word is read before it is overwritten. */
INLINE bool packet_shift_known(struct xdp_md *ctx, __u32 delta, const __u32 headers)
{
	void *to, *from, *end;

	if (bpf_xdp_adjust_head(ctx, -(int)delta))
		return false;
	to = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	barrier_var(delta);
	from = to + delta % 256; /* a bound that the verifier sees */
	if (to + headers > end || from + headers > end)
		return false;
#pragma unroll
	for (__u32 at = 0; at + 8 <= headers; at += 8)
		*(__u64 *)(to + at) = *(volatile __u64 *)(from + at);
	*(__u64 *)(to + headers - 8) = *(volatile __u64 *)(from + headers - 8);
	return true;
}

/* Resizes the frame for a message of `length` bytes. False, with nothing changed, if there is no
 * room. It grows at the head first: at the tail the kernel would zero the new bytes. */
INLINE bool packet_resize(const struct packet *packet, struct xdp_md *ctx, __u32 length)
{
	__u64 present = packet_span((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	__u32 headers = packet->udp_offset + sizeof(struct udp_header) + SESSD_HEADER_SIZE;
	__s32 delta = headers - SESSD_HEADER_SIZE + length - present;

	if (delta >= 8 && delta <= PACKET_HEADROOM) {
		if (headers == PACKET_HEADERS_IP4) {
			if (packet_shift_known(ctx, delta, PACKET_HEADERS_IP4))
				return true;
		} else if (headers == PACKET_HEADERS_IP6) {
			if (packet_shift_known(ctx, delta, PACKET_HEADERS_IP6))
				return true;
		}
	}
	if (!delta || !bpf_xdp_adjust_tail(ctx, delta))
		return true;
	return delta > 0 && packet_shift(ctx, delta, headers);
}

#endif
