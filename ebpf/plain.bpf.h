/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The short way for nearly all requests: a GET or TAKE of one message header, over IPv4 without a
 * VLAN tag or options, from a source that is in the access cache. All headers are at fixed offsets
 * then, are read once, as words, and the reply's are written once. What this does not answer, it
 * leaves as it was to the general way. Both give the same replies and counts.
 */
#ifndef SESSIOND_EBPF_PLAIN_BPF_H
#define SESSIOND_EBPF_PLAIN_BPF_H

#include "ebpf/access_cache.bpf.h"
#include "ebpf/checksum.bpf.h"
#include "ebpf/claim.bpf.h"
#include "ebpf/clock.bpf.h"
#include "ebpf/maps.bpf.h"
#include "ebpf/packet.bpf.h"
#include "ebpf/percpu.bpf.h"
#include "ebpf/rate_limit.bpf.h"
#include "ebpf/reply.bpf.h"
#include "ebpf/session.bpf.h"
#include "ebpf/talkers.bpf.h"

#define PLAIN_NO (-1) /* no verdict */

/* Words are composed as they lie in memory of little-endian hosts; others take the general way. */
#define PLAIN_POSSIBLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

/* Offsets. */
#define PLAIN_IP      14
#define PLAIN_UDP     34
#define PLAIN_MESSAGE 42
#define PLAIN_KEY     46
#define PLAIN_END     78

_Static_assert(PLAIN_END == PACKET_HEADERS_IP4, "Ethernet, IPv4, UDP and message header");
_Static_assert(SESSD_INLINE_MAX <= PACKET_HEADROOM, "an inline value has room at the head");

#define PLAIN_REQUEST (sizeof(struct udp_header) + SESSD_HEADER_SIZE)

/* The request's headers, but for the key. */
struct plain {
	__u64 eth;	 /* destination, two bytes of the source */
	__u64 eth_rest;	 /* source, type */
	__u64 ip;	 /* version to fragment offset */
	__u32 ttl;	 /* TTL, protocol, checksum */
	__u64 addresses; /* source, destination */
	__u32 ports;	 /* source, destination */
	__u32 udp;	 /* length, checksum */
	__u32 message;	 /* version, type, timeout */
};

#define PLAIN_AT(type, base, offset) (*(type *)((void *)(base) + (offset)))

INLINE __u64 plain_halves(__u64 word)
{
	return (__u32)word + (word >> 32);
}

/* Reads the headers; true if it is such a request. The access cache says the rest: that it is for
 * this host and may be answered. */
INLINE bool plain_read(struct plain *plain, const void *data)
{
	plain->eth = PLAIN_AT(const __u64, data, 0);
	plain->eth_rest = PLAIN_AT(const __u64, data, 6);
	plain->ip = PLAIN_AT(const __u64, data, PLAIN_IP);
	plain->ttl = PLAIN_AT(const __u32, data, PLAIN_IP + 8);
	plain->addresses = PLAIN_AT(const __u64, data, PLAIN_IP + 12);
	plain->ports = PLAIN_AT(const __u32, data, PLAIN_UDP);
	plain->udp = PLAIN_AT(const __u32, data, PLAIN_UDP + 4);
	plain->message = PLAIN_AT(const __u32, data, PLAIN_MESSAGE);
	/* IPv4, from and to one host. */
	if ((plain->eth_rest & 0xffff000000000001) != 0x0008000000000000 || plain->eth & 1)
		return false;
	/* No options, no fragment; the length is that of the message header. */
	if ((plain->ip & 0xff3f0000ffff00ff) !=
		(0x45 | (__u64)bpf_htons(sizeof(struct ip4_header) + PLAIN_REQUEST) << 16))
		return false;
	if ((plain->ttl & 0xff00) != IPPROTO_UDP << 8 || !(plain->ports & 0xffff))
		return false;
	/* With a checksum. */
	if ((plain->udp & 0xffff) != bpf_htons(PLAIN_REQUEST) || !(plain->udp >> 16))
		return false;
	/* GET or TAKE: they differ in one bit. */
	if ((plain->message & 0xfdff) != (SESSD_VERSION | SESSD_GET << 8))
		return false;
	return checksum_right(
		plain_halves(plain->ip) + plain->ttl + plain_halves(plain->addresses));
}

/* The one's complement sum of the key. */
INLINE __u64 plain_key_sum(const void *data)
{
	return checksum_words(data + PLAIN_KEY, SESSD_KEY_SIZE / 4);
}

INLINE bool plain_checksum_right(const struct plain *plain, __u64 key_sum)
{
	return checksum_right(key_sum + plain->message + plain->udp + plain->ports +
			      plain_halves(plain->addresses) + bpf_htons(IPPROTO_UDP) +
			      (plain->udp & 0xffff));
}

/* Writes the reply's headers, all but the key. `length`: bytes of the value. `sum`: of key and
 * value. */
INLINE void plain_reply(void *data, const struct plain *plain, __u8 type, __u32 length, __u64 sum)
{
	__u64 swapped = plain->addresses >> 32 | plain->addresses << 32;
	__u32 ports = plain->ports >> 16 | plain->ports << 16;
	__u32 message = (plain->message & 0xffff00ff) | type << 8;
	__u64 udp_length = bpf_htons(PLAIN_REQUEST + length);
	__u64 ip_length = bpf_htons(sizeof(struct ip4_header) + PLAIN_REQUEST + length);
	__u64 address_sum = plain_halves(swapped);
	__u64 ttl = REPLY_TTL | IPPROTO_UDP << 8, fragment = bpf_htons(REPLY_DONT_FRAGMENT);
	__u16 check;

	PLAIN_AT(__u64, data, 0) = (plain->eth_rest & 0x0000ffffffffffff) | plain->eth << 48;
	PLAIN_AT(__u64, data, 8) = (__u32)(plain->eth >> 16) | 0x0045000800000000;
	PLAIN_AT(__u64, data, 16) = ip_length | fragment << 32 | ttl << 48;
	check = ~checksum_fold(0x45 + (ip_length << 16) + (fragment << 16) + ttl + address_sum);
	PLAIN_AT(__u64, data, 24) = check | swapped << 16;
	PLAIN_AT(__u64, data, 32) = swapped >> 48 | (__u64)ports << 16 | udp_length << 48;
	sum += address_sum + message + ports + bpf_htons(IPPROTO_UDP) + 2 * udp_length;
	check = ~checksum_fold(sum);
	PLAIN_AT(__u16, data, 40) = check ? check : 0xffff; /* 0 means no checksum */
	PLAIN_AT(__u32, data, PLAIN_MESSAGE) = message;
}

/* Writes the request's headers again, all but the key. */
INLINE void plain_restore(void *data, const struct plain *plain)
{
	PLAIN_AT(__u64, data, 0) = plain->eth;
	PLAIN_AT(__u64, data, 6) = plain->eth_rest;
	PLAIN_AT(__u64, data, PLAIN_IP) = plain->ip;
	PLAIN_AT(__u32, data, PLAIN_IP + 8) = plain->ttl;
	PLAIN_AT(__u64, data, PLAIN_IP + 12) = plain->addresses;
	PLAIN_AT(__u32, data, PLAIN_UDP) = plain->ports;
	PLAIN_AT(__u32, data, PLAIN_UDP + 4) = plain->udp;
	PLAIN_AT(__u32, data, PLAIN_MESSAGE) = plain->message;
}

/* Moves the key from the old frame, `from`, and returns its part of the guard. The frames may
 * overlap: each word is read before it is overwritten. */
INLINE __u64 plain_move_key(void *data, const void *from, const __u64 *secret)
{
	__u64 guard = 0;

#pragma unroll
	for (int i = 0; i < SESSD_KEY_SIZE / 8; i++)
		guard += copy_word(data + PLAIN_KEY + 8 * i, from + PLAIN_KEY + 8 * i, secret + i);
	return guard;
}

/* Another TAKE was faster. The frame has `length` bytes of a value. */
INLINE int plain_lost(struct xdp_md *ctx, const struct plain *plain,
	struct sessd_xdp_counters *counters, __u32 length, __u64 sum)
{
	void *data;

	if (bpf_xdp_adjust_tail(ctx, -(int)length))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if (data + PLAIN_END > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	counters->take_lost_race++;
	plain_reply(data, plain, SESSD_ERR, 0, sum);
	return XDP_TX;
}

/* A verdict, or PLAIN_NO. Inline, because a call of a BPF function costs as much as these ways
 * differ: returns are slow on CPUs with mitigations. */
INLINE int plain_answer(struct xdp_md *ctx)
{
	const struct sessd_config *settings;
	struct sessd_xdp_counters *counters;
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct sessd_entry *entry;
	struct session session;
	struct percpu *own;
	struct plain plain;
	struct mark mark;
	__u64 sum, guard;
	__u32 zero = 0, len;
	const void *from;
	bool take;

	if (!PLAIN_POSSIBLE || packet_span(data, end) != PLAIN_END || data + PLAIN_END > end)
		return PLAIN_NO;
	if (!plain_read(&plain, data))
		return PLAIN_NO;
	settings = bpf_map_lookup_elem(&config, &zero);
	own = bpf_map_lookup_elem(&percpu, &zero);
	counters = bpf_map_lookup_elem(&stats, &zero);
	if (!settings || !counters || !own || settings->abi != SESSD_ABI)
		return PLAIN_NO;
	if (!access_cache_known4(
		    own, plain.addresses, access_cache_tag(settings, plain.ports >> 16)))
		return PLAIN_NO;
	take = plain.message & (SESSD_TAKE ^ SESSD_GET) << 8;
	if ((take && !take_answered) || limit_get_interval || talkers_on())
		return PLAIN_NO;
	sum = plain_key_sum(data);
	if (!plain_checksum_right(&plain, sum))
		return PLAIN_NO;

	entry = bpf_map_lookup_elem(&sessions, data + PLAIN_KEY);
	if (!entry) {
		++*(take ? &counters->take_misses : &counters->get_misses);
		plain_reply(data, &plain, SESSD_ERR, 0, sum);
		return XDP_TX;
	}
	session_read(&session, entry);
	session_touch(entry);
	if (session_expired(&session, clock_tick(own))) {
		++*(take ? &counters->take_misses : &counters->get_expired);
		plain_reply(data, &plain, SESSD_ERR, 0, sum);
		return XDP_TX;
	}
	len = session.len;
	if (len < 8 || len > SESSD_INLINE_MAX || len > value_max)
		return PLAIN_NO;
	if (!mark_read(&mark, &session))
		return PLAIN_NO;
	if (take && sessd_life_slot(session.life) >= settings->capacity) /* no session */
		return PLAIN_NO;
	if (bpf_xdp_adjust_head(ctx, -(int)len))
		return PLAIN_NO;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	barrier_var(len);
	from = data + len % 256; /* a bound that the verifier sees */
	barrier_var(from);
	if (from + PLAIN_END > end || data + PLAIN_END > end)
		return XDP_ABORTED;
	guard = session.life * settings->secret[0] +
		(len | (__u64)session.sum << 16) * settings->secret[1] +
		plain_move_key(data, from, settings->secret + 2);
	guard += session_copy_inline(&session, entry, data + PLAIN_END, end, settings);
	if (!session_guarded(&session, guard)) {
		plain_restore(data, &plain);
		return PLAIN_NO; /* a request with bytes behind it; looks up again */
	}
	if (take) {
		if (!claim_guard(entry, session.guard))
			return plain_lost(ctx, &plain, counters, len, sum);
		claim_tell(sessd_life_slot(session.life));
		counters->take_hits++;
	} else {
		mark_visited(&mark);
		counters->get_hits++;
	}
	plain_reply(data, &plain, SESSD_OK, len, sum + session.sum);
	return XDP_TX;
}

#endif
