/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Plain requests, which nearly all are: a GET or TAKE without trailing bytes, a NEW or a REMOVE,
 * over untagged IPv4 without options, in one buffer. Any other frame takes the general path
 * (general_path.c), with the same result; here all offsets are known, and the checks are few and in
 * one place.
 *
 * A reply's checksums are computed here even if the port could: the value's sum is stored with it,
 * and a port configured to compute checksums does so only for packets that request it.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_FAST_PATH_H
#define SESSIOND_DATAPLANE_DPDK_FAST_PATH_H

#include "dataplane/dpdk/burst.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

typedef uint8_t fast_bytes __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t fast_words __attribute__((vector_size(16), aligned(1), may_alias));
#ifdef __AVX2__
typedef uint64_t fast_wide __attribute__((vector_size(32), aligned(1), may_alias));
#endif

/* 16 bytes in another order; -1 for a zero. */
#ifdef __SSSE3__
#define FAST_SHUFFLE(from, ...) \
	((fast_bytes)_mm_shuffle_epi8( \
		(__m128i) * (const fast_bytes *)(from), _mm_setr_epi8(__VA_ARGS__)))
#else
#define FAST_SHUFFLE(from, ...) fast_shuffle(from, (const int8_t[16]){__VA_ARGS__})
FRAME_INLINE fast_bytes fast_shuffle(const uint8_t *from, const int8_t order[16])
{
	fast_bytes to;

	for (unsigned i = 0; i < 16; i++)
		to[i] = order[i] < 0 ? 0 : from[order[i]];
	return to;
}
#endif

/* Bytes that may be read past the end of a NEW: its buffer has them. */
#define FAST_BEYOND 32

#define FAST_LIKELY(condition) __builtin_expect(!!(condition), 1)

/* A template in registers. */
struct fast_match {
#ifdef __AVX2__
	fast_wide value[FAST_TEMPLATE / 32], mask[FAST_TEMPLATE / 32];
#else
	const struct fast_template *template;
#endif
};

FRAME_INLINE struct fast_match fast_match(const struct fast_template *template)
{
#ifdef __AVX2__
	const fast_wide *value = (const fast_wide *)template->value;
	const fast_wide *mask = (const fast_wide *)template->mask;

	return (struct fast_match){{value[0], value[1]}, {mask[0], mask[1]}};
#else
	return (struct fast_match){template};
#endif
}

/* Whether a frame matches the template: buffer; MAC address; 20 bytes of IPv4 header; lengths; no
 * fragment; UDP; version and type. */
FRAME_INLINE bool fast_matches(
	const struct fast_match *match, const struct rte_mbuf *mbuf, const uint8_t *data)
{
	const uint8_t *buffer = (const uint8_t *)&mbuf->rearm_data;
#ifdef __AVX2__
	fast_wide first = *(const fast_wide *)data, last;

	last = (fast_wide)_mm256_inserti128_si256(
		_mm256_castsi128_si256((__m128i) * (const fast_words *)(data + 32)),
		(__m128i) * (const fast_words *)buffer, 1);
	first = (first ^ match->value[0]) & match->mask[0];
	first |= (last ^ match->value[1]) & match->mask[1];
	return _mm256_testz_si256((__m256i)first, (__m256i)first);
#else
	const struct fast_template *template = match->template;
	fast_words differ = {0, 0};

	for (unsigned i = 0; i < FAST_TEMPLATE; i += 16)
		differ |= (*(const fast_words *)(i < 48 ? data + i : buffer) ^
				  *(const fast_words *)(template->value + i)) &
			  *(const fast_words *)(template->mask + i);
	return !(differ[0] | differ[1]);
#endif
}

/* Sum of the IPv4 header; unfolded, 64 bits. */
FRAME_INLINE uint64_t fast_ip_sum(const uint8_t *data)
{
	const uint8_t *ip = data + FAST_IP;

	return checksum_add2(load64(ip), ip + 8, load32(ip + 16));
}

/* Sum of addresses, protocol, UDP header, request and `more` (the pseudo header's length and the
 * value), which is below 2^63. Unfolded, 64 bits. */
FRAME_INLINE uint64_t fast_udp_sum(const uint8_t *data, uint64_t more)
{
	uint64_t rest = load32(data + FAST_UDP) + (htons(IPPROTO_UDP) + more);

	return checksum_add6(
		load64(data + FAST_SOURCE), data + FAST_UDP + 4, data + FAST_REQUEST + 4, rest);
}

/* Nearly all requests come from one allowed range: try the last request's range first. */
FRAME_INLINE bool fast_source(struct burst *burst, const uint8_t *data)
{
	return __builtin_expect(
		       ntohl(load32(data + FAST_SOURCE)) - burst->recent.first < burst->recent.size,
		       1) ||
	       source_search(burst, data + FAST_SOURCE);
}

FRAME_INLINE bool fast_is_get(struct burst *burst, const struct fast_match *match, bool whole,
	const struct rte_mbuf *mbuf, const uint8_t *data)
{
	const struct frame frame = {.l3 = FAST_IP, .l4 = FAST_UDP, .data = (uint8_t *)data};

	/* fast_replies are for little-endian machines. */
	return RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN && FAST_LIKELY(mbuf->data_len >= FAST_END) &&
	       FAST_LIKELY(mbuf->buf_len >= FAST_BUFFER) &&
	       FAST_LIKELY(fast_matches(match, mbuf, data)) &&
	       FAST_LIKELY(checksum_right(fast_ip_sum(data))) &&
	       (whole || local_endpoints_match(burst->neighbour.local, &frame)) &&
	       FAST_LIKELY(load16(data + FAST_UDP)) && fast_source(burst, data) &&
	       FAST_LIKELY(checksum_right(fast_udp_sum(data, htons(FAST_UDP_LENGTH))));
}

#ifdef __AVX2__
/* Adds the 32-bit halves of each 8 bytes to `sum`. */
FRAME_INLINE __m256i fast_add_halves(__m256i sum, __m256i words)
{
	sum = _mm256_add_epi64(sum, _mm256_and_si256(words, _mm256_set1_epi64x(UINT32_MAX)));
	return _mm256_add_epi64(sum, _mm256_srli_epi64(words, 32));
}
#endif

/* Sum of the `len` bytes behind a NEW's request header, below 2^41. Reads up to FAST_BEYOND bytes
 * past them. */
FRAME_INLINE uint64_t fast_value_sum(const uint8_t *at, uint32_t len)
{
#ifdef __AVX2__
	static const uint8_t edge[64] = {[0 ... 31] = 0xff};
	__m256i sum = _mm256_setzero_si256(), last;
	__m128i half;

	for (; len >= 32; len -= 32, at += 32)
		sum = fast_add_halves(sum, (__m256i) * (const fast_wide *)at);
	last = _mm256_and_si256((__m256i) * (const fast_wide *)at,
		(__m256i) * (const fast_wide *)(edge + 32 - len));
	sum = fast_add_halves(sum, last);
	half = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
	return (uint64_t)_mm_cvtsi128_si64(half) + (uint64_t)_mm_extract_epi64(half, 1);
#else
	return checksum_bytes(at, len);
#endif
}

FRAME_INLINE bool fast_is_update(struct burst *burst, const struct fast_template *template,
	const struct rte_mbuf *mbuf, const uint8_t *data)
{
	const struct frame frame = {.l3 = FAST_IP, .l4 = FAST_UDP, .data = (uint8_t *)data};
	const struct fast_match match = fast_match(template);
	uint32_t length;
	uint64_t sum;

	/* lcore.c returns the buffer to the port's pool. A virtual port may receive buffers of
	 * another pool: a ring passes on what another port sent. */
	if (mbuf->data_len < FAST_END || mbuf->pool != burst->port->pool ||
		mbuf->data_off + mbuf->data_len + FAST_BEYOND > mbuf->buf_len ||
		!fast_matches(&match, mbuf, data))
		return false;
	length = ntohs(load16(data + FAST_UDP + 4));
	if (length < FAST_UDP_LENGTH || FAST_UDP + length > mbuf->data_len ||
		ntohs(load16(data + FAST_IP + 2)) != 20 + length ||
		!checksum_right(fast_ip_sum(data)) ||
		!(template->whole || local_endpoints_match(burst->neighbour.local, &frame)) ||
		!load16(data + FAST_UDP) || !fast_source(burst, data))
		return false;
	sum = load16(data + FAST_UDP + 4) +
	      fast_value_sum(data + FAST_END, length - FAST_UDP_LENGTH);
	return checksum_right(fast_udp_sum(data, sum));
}

/* Swaps the addresses and the ports. Else the headers are the same in all replies of one length;
 * this leaves out the checksums. */
FRAME_INLINE void fast_rewrite(uint8_t *data, const struct fast_reply *reply)
{
	const uint8_t *same = (const uint8_t *)reply;
	const unsigned at = FAST_SOURCE - 16;
	/* Read before its last bytes are overwritten; clears the type of service. */
	fast_bytes ethernet =
		FAST_SHUFFLE(data, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, -1);
#ifdef __AVX2__
	const __m256i swap = _mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
		-1, -1, -1, 4, 5, 6, 7, 0, 1, 2, 3, 10, 11, 8, 9, -1, -1, -1, -1);
	__m256i swapped = _mm256_shuffle_epi8((__m256i) * (fast_wide *)(data + at), swap);

	*(fast_wide *)(data + at) = (fast_wide)swapped | *(const fast_wide *)(same + at);
#else
	fast_bytes swapped = FAST_SHUFFLE(
		data + FAST_SOURCE, 4, 5, 6, 7, 0, 1, 2, 3, 10, 11, 8, 9, -1, -1, -1, -1);

	*(fast_bytes *)(data + at) = *(const fast_bytes *)(same + at);
	*(fast_bytes *)(data + FAST_SOURCE) = swapped | *(const fast_bytes *)(same + FAST_SOURCE);
#endif
	*(fast_bytes *)data = ethernet;
}

/* Turns a request into a reply whose payload is in place and has the length that `reply` is for.
 * `sum`: the value's. */
FRAME_INLINE void fast_reply(struct rte_mbuf *mbuf, uint8_t *data, const struct fast_reply *reply,
	uint32_t sum, bool take)
{
	/* The request's checksum was right: update it for what has changed. */
	uint32_t check = load16(data + FAST_UDP + 6) + reply->udp_change - sum +
			 take * (uint32_t)htons(SESSD_TAKE - SESSD_GET);
	uint64_t ip_sum = (uint64_t)load32(data + FAST_SOURCE) + load32(data + FAST_SOURCE + 4) +
			  reply->ip_sum;

	fast_rewrite(data, reply);
	store16(data + FAST_IP + 10, (uint16_t)~checksum_fold(ip_sum));
	store32(data + FAST_UDP + 6, checksum_fold(check) | load32(reply->tail));
	*(fast_bytes *)&mbuf->packet_type = *(const fast_bytes *)reply->mbuf;
}

#endif
