/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The plainest of requests, which nearly all are: a GET without trailing bytes, a NEW or a REMOVE,
 * over untagged IPv4 without options. Whatever is not one, or is in doubt, takes the general way
 * (sort.c), which comes to the same result; here all offsets are known, and the checks are few and
 * in one place.
 */
#ifndef SESSIOND_DPDK_PLAIN_H
#define SESSIOND_DPDK_PLAIN_H

#include "dpdk/burst.h"
#include "table/table_burst.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

/* Addresses, ports and request: what a request's checksum and its reply's have in common, but for
 * the protocol and the lengths. */
FRAME_INLINE uint64_t plain_sum(const uint8_t *data)
{
	uint64_t sum = checksum_add4(load64(data + PLAIN_IP + 12), data + PLAIN_REQUEST + 4);

	return checksum_halve(sum) + load32(data + PLAIN_UDP) + load32(data + PLAIN_REQUEST) +
	       htons(IPPROTO_UDP);
}

typedef uint8_t plain_bytes __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t plain_words __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t plain_aligned __attribute__((vector_size(16), may_alias));
typedef uint32_t plain_lanes __attribute__((vector_size(16), aligned(1), may_alias));

/* Is what must be the same in all of them: MAC address; IPv4, 20 bytes; lengths; no fragment; UDP;
 * version and type? */
FRAME_INLINE bool plain_matches(const struct plain_template *template, const uint8_t *data)
{
	plain_words differ = {0, 0};

	for (unsigned i = 0; i < PLAIN_TEMPLATE; i += 16)
		differ |= (*(const plain_words *)(data + i) ^
				  *(const plain_aligned *)(template->value + i)) &
			  *(const plain_aligned *)(template->mask + i);
	return !(differ[0] | differ[1]);
}

/* Nearly all requests come from one allowed range: the one that the last came from is tried first.
 */
FRAME_INLINE bool plain_source(struct burst *burst, const uint8_t *data)
{
	uint32_t source = ntohl(load32(data + PLAIN_IP + 12));

	return __builtin_expect(source - burst->recent.first < burst->recent.size, 1) ||
	       source_search(burst, source);
}

/* True if it is one, and was collected. */
FRAME_INLINE bool plain_collect(struct burst *burst, struct rte_mbuf *mbuf)
{
	uint8_t *data = rte_pktmbuf_mtod(mbuf, uint8_t *);
	const struct frame frame = {.data = data, .l3 = PLAIN_IP, .l4 = PLAIN_UDP};
	struct pending_get *get = &burst->gets[burst->get_count];
	uint64_t sum;

	if (mbuf->data_len < PLAIN_END || mbuf->buf_len - mbuf->data_off < burst->plain_room ||
		!plain_matches(&burst->port->plain, data) ||
		!checksum_right(checksum_ip4(frame_ip4(&frame))) ||
		(!burst->port->plain.whole && !served_match(burst->manners.served, &frame)) ||
		!load16(data + PLAIN_UDP) || !plain_source(burst, data))
		return false;
	sum = plain_sum(data);
	if (!checksum_right(sum + 2 * htons(PLAIN_UDP_LENGTH) + load16(data + PLAIN_UDP + 6)))
		return false;
	get->mbuf = mbuf;
	get->frame.data = data;
	get->plain = true;
	get->sum = sum;
	get->hash = table_burst_start(burst->table, data + PLAIN_REQUEST + 4);
	burst->get_count++;
	return true;
}

/* A plain NEW or REMOVE: true if it is one, and was collected. */
FRAME_INLINE bool plain_update(struct burst *burst, struct rte_mbuf *mbuf)
{
	uint8_t *data = rte_pktmbuf_mtod(mbuf, uint8_t *);
	const struct frame frame = {.data = data, .l3 = PLAIN_IP, .l4 = PLAIN_UDP};
	uint32_t length;
	uint64_t sum;

	if (mbuf->data_len < PLAIN_END || !plain_matches(&burst->port->plain_update, data))
		return false;
	length = ntohs(load16(data + PLAIN_UDP + 4));
	if (length < PLAIN_UDP_LENGTH || PLAIN_UDP + length > mbuf->data_len ||
		ntohs(load16(data + PLAIN_IP + 2)) != 20 + length ||
		!checksum_right(checksum_ip4(frame_ip4(&frame))) ||
		(!burst->port->plain_update.whole &&
			!served_match(burst->manners.served, &frame)) ||
		!load16(data + PLAIN_UDP) || !plain_source(burst, data))
		return false;
	sum = plain_sum(data) + 2U * load16(data + PLAIN_UDP + 4) + load16(data + PLAIN_UDP + 6) +
	      checksum_bytes(data + PLAIN_END, length - PLAIN_UDP_LENGTH);
	if (!checksum_right(sum))
		return false;
	burst->updates[burst->update_count++] = (struct update_request){
		.request = (const struct sessd_header *)(data + PLAIN_REQUEST), .len = length - 8};
	burst_drop(burst, mbuf);
	return true;
}

/* Turns the request round; `len` bytes of payload and its sum are in their place. */
FRAME_INLINE void plain_reply(uint8_t *data, uint32_t len, uint64_t sum)
{
	uint16_t udp_length = htons((uint16_t)(8 + len)), check, ip_check;
	uint32_t first = htonl(0x45000000 | (28 + len)), dont = htonl(REPLY_DONT_FRAGMENT);
	uint32_t third = htonl((uint32_t)REPLY_TTL << 24 | IPPROTO_UDP << 16);
	plain_bytes ethernet = *(plain_bytes *)data;
	plain_bytes tail = *(plain_bytes *)(data + PLAIN_IP + 12);
	plain_lanes lanes;

	check = (uint16_t)~checksum_fold(sum + 2U * udp_length);
	check = check ? check : 0xffff;
	ip_check = (uint16_t)~checksum_fold(
		(uint64_t)first + dont + third + checksum_halve(load64(data + PLAIN_IP + 12)));
	*(plain_bytes *)data = __builtin_shufflevector(
		ethernet, ethernet, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15);
	store64(data + PLAIN_IP, first | (uint64_t)dont << 32);
	store32(data + PLAIN_IP + 8, third | (uint32_t)ip_check << 16);
	/* Both addresses, both ports. */
	tail = __builtin_shufflevector(
		tail, tail, 4, 5, 6, 7, 0, 1, 2, 3, 10, 11, 8, 9, 12, 13, 14, 15);
	lanes = (plain_lanes)tail;
	lanes[3] = udp_length | (uint32_t)check << 16;
	*(plain_lanes *)(data + PLAIN_IP + 12) = lanes;
}

#else

FRAME_INLINE bool plain_collect(struct burst *burst, struct rte_mbuf *mbuf)
{
	(void)burst;
	(void)mbuf;
	return false;
}

FRAME_INLINE bool plain_update(struct burst *burst, struct rte_mbuf *mbuf)
{
	(void)burst;
	(void)mbuf;
	return false;
}

FRAME_INLINE void plain_reply(uint8_t *data, uint32_t len, uint64_t sum)
{
	(void)data;
	(void)len;
	(void)sum;
}

#endif

#endif
