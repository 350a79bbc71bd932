/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/dpdk/burst.h"

#include <rte_cpuflags.h>
#include <rte_vect.h>

struct fast_reply fast_replies[SESSD_VALUE_LIMIT + 1];

/* Adds a byte that must match, under `mask`. */
static void must(struct fast_template *template, unsigned at, uint8_t value, uint8_t mask)
{
	template->value[at] = value;
	template->mask[at] = mask;
}

static void must16(struct fast_template *template, unsigned at, unsigned value)
{
	must(template, at, (uint8_t)(value >> 8), 0xff);
	must(template, at + 1, (uint8_t)value, 0xff);
}

/* One segment, not shared or external, and no tag stripped. Of its flags only those of received
 * frames may be set, which ports ignore when they send: a reply keeps them. */
static void prepare_mbuf(struct fast_template *template)
{
	struct rte_mbuf value = {.nb_segs = 1, .refcnt = 1};
	struct rte_mbuf mask = {.nb_segs = UINT16_MAX, .refcnt = UINT16_MAX};

	mask.data_off = (uint16_t)~FAST_OFFSET_MAX;
	mask.ol_flags = RTE_MBUF_F_RX_VLAN_STRIPPED | ~(RTE_MBUF_F_FIRST_FREE - 1);
	memcpy(template->value + FAST_HEADERS, &value.rearm_data, 16);
	memcpy(template->mask + FAST_HEADERS, &mask.rearm_data, 16);
}

_Static_assert(offsetof(struct rte_mbuf, ol_flags) == offsetof(struct rte_mbuf, rearm_data) + 8,
	"16 bytes have both");
_Static_assert(
	offsetof(struct rte_mbuf, pkt_len) == offsetof(struct rte_mbuf, packet_type) + 4 &&
		offsetof(struct rte_mbuf, data_len) == offsetof(struct rte_mbuf, packet_type) + 8,
	"16 bytes have both");

/* The part common to all requests. */
static void prepare(struct fast_template *template, const uint8_t mac[FRAME_MAC],
	const struct local_endpoints *local)
{
	memset(template, 0, sizeof(*template));
	for (unsigned i = 0; i < FRAME_MAC; i++)
		must(template, i, mac[i], 0xff);
	must(template, FRAME_MAC, 0, 1); /* no multicast MAC address as the source */
	must16(template, 12, ETHERTYPE_IP);
	must(template, FAST_IP, 0x45, 0xff);
	must(template, FAST_IP + 6, 0, 0x3f); /* MF, fragment offset */
	must(template, FAST_IP + 7, 0, 0xff);
	must(template, FAST_IP + 9, IPPROTO_UDP, 0xff);
	if (local->ip4_count == 1) {
		must16(template, FAST_IP + 16, ntohl(local->ip4[0].addr) >> 16);
		must16(template, FAST_IP + 18, ntohl(local->ip4[0].addr));
		must16(template, FAST_UDP + 2, ntohs(local->ip4[0].port));
		template->whole = true;
	}
	must(template, FAST_REQUEST, SESSD_VERSION, 0xff);
	prepare_mbuf(template);
}

/* Fills in what replies of each length have in common; length 0 is a miss. */
static void prepare_replies(void)
{
	for (unsigned len = 0; len <= SESSD_VALUE_LIMIT; len++) {
		struct fast_reply *reply = &fast_replies[len];
		struct frame_ip4 ip = {.version_ihl = 0x45,
			.length = htons((uint16_t)(FAST_END - FAST_IP + len)),
			.fragment = htons(REPLY_DONT_FRAGMENT),
			.ttl = REPLY_TTL,
			.proto = IPPROTO_UDP};
		struct rte_mbuf mbuf = {
			.pkt_len = FAST_END + len, .data_len = (uint16_t)(FAST_END + len)};
		uint16_t udp_length = htons((uint16_t)(FAST_UDP_LENGTH + len));
		uint8_t type[2] = {0, len ? SESSD_OK : SESSD_ERR}, get[2] = {0, SESSD_GET};

		store16(reply->headers, htons(ETHERTYPE_IP));
		memcpy(reply->headers + 2, &ip, 12);
		store16(reply->headers + sizeof(reply->headers) - 2, udp_length);
		memcpy(reply->mbuf, &mbuf.packet_type, sizeof(reply->mbuf));
		reply->tail[2] = SESSD_VERSION;
		reply->tail[3] = type[1];
		reply->ip_sum = checksum_fold(checksum_bytes(&ip, sizeof(ip)));
		/* The change from a GET's length, which counts twice, and type to those of the
		 * reply. Of 0 and 0xffff, equal in one's complement, the one that keeps a checksum
		 * from becoming 0. 0xffff more, so that subtracting a value's sum leaves it
		 * positive. */
		reply->udp_change =
			0xffffU +
			checksum_fold(2ULL * htons(FAST_UDP_LENGTH) + load16(get) +
				      2ULL * (0xffffU - udp_length) + (0xffffU - load16(type)));
	}
}

void fast_prepare(struct port *port, const struct local_endpoints *local, bool take)
{
	prepare(&port->fast_get, port->mac, local);
	must16(&port->fast_get, FAST_IP + 2, 20 + FAST_UDP_LENGTH);
	must16(&port->fast_get, FAST_UDP + 4, FAST_UDP_LENGTH);
	/* GET is 1, TAKE is 3: ignore that bit. */
	must(&port->fast_get, FAST_REQUEST + 1, SESSD_GET,
		(uint8_t) ~(take ? SESSD_GET ^ SESSD_TAKE : 0));
	prepare(&port->fast_update, port->mac, local);
	/* NEW is 0, REMOVE is 2: ignore that bit. */
	must(&port->fast_update, FAST_REQUEST + 1, SESSD_NEW, (uint8_t)~SESSD_REMOVE);
	prepare_replies();
}

_Static_assert((SESSD_NEW | SESSD_REMOVE) == 2, "one bit tells them apart");
_Static_assert((SESSD_GET ^ SESSD_TAKE) == 2, "one bit tells them apart");

bool source_search(struct burst *burst, const uint8_t *at)
{
	uint32_t source = ntohl(load32(at));
	/* Sources that can be answered: not 0/8, loopback, multicast or above. */
	static const struct allow_range4 usable[] = {
		{0x01000000, 0x7effffff},
		{0x80000000, 0xdfffffff},
	};
	const struct allow_ranges *allow = burst->allow;

	for (unsigned i = 0; allow && i < allow->count4; i++) {
		const struct allow_range4 *range = &allow->ip4[i];

		for (unsigned k = 0; k < 2; k++) {
			uint32_t first = RTE_MAX(range->first, usable[k].first);
			uint32_t last = RTE_MIN(range->last, usable[k].last);

			if (source < first || source > last)
				continue;
			burst->recent.first = first;
			burst->recent.size = last - first + 1;
			return true;
		}
	}
	return false;
}

const struct fast_path *fast_choose(void)
{
#ifdef HAVE_FAST_AVX2
	if (rte_vect_get_max_simd_bitwidth() >= RTE_VECT_SIMD_256 &&
		rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) == 1 &&
		rte_cpu_get_flag_enabled(RTE_CPUFLAG_BMI1) == 1 &&
		rte_cpu_get_flag_enabled(RTE_CPUFLAG_BMI2) == 1 &&
		rte_cpu_get_flag_enabled(RTE_CPUFLAG_MOVBE) == 1)
		return &fast_avx2;
#endif
	return &fast_base;
}
