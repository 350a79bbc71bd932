/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What an lcore counts besides the requests themselves. Names are stable: `sessionctl stats` prints
 * each with the prefix "dpdk_", summed over the lcores.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_COUNTERS_H
#define SESSIOND_DATAPLANE_DPDK_COUNTERS_H

#include <stdint.h>

#include "dataplane/packet/neighbour.h"
#include "dataplane/packet/parse.h"
#include "dataplane/request.h"

#define DPDK_COUNTERS(X) \
	X(rx_packets, COUNTER, "frames received") \
	X(tx_packets, COUNTER, "frames sent") \
	X(plain_gets, COUNTER, \
		"GETs and TAKEs on the fast path: IPv4, no VLAN tag, no IP options") \
	X(plain_updates, COUNTER, "NEWs and REMOVEs on the fast path") \
	X(new_queued, COUNTER, "NEWs queued for the writer") \
	X(remove_queued, COUNTER, "REMOVEs queued for the writer") \
	X(arp_replies, COUNTER, "ARP requests answered") \
	X(neighbour_replies, COUNTER, "IPv6 neighbour solicitations answered") \
	X(echo_replies, COUNTER, "ICMP and ICMPv6 echo requests answered") \
	X(announcements, COUNTER, "gratuitous ARPs and unsolicited neighbour advertisements sent") \
	X(address_conflicts, COUNTER, \
		"ARPs and neighbour advertisements in which another host claims our address") \
	X(drop_ring_full, LOSS, "dropped: NEW, REMOVE or TAKE, the ring to the writer is full") \
	X(drop_tx_full, LOSS, "dropped: reply, the port's transmit ring is full") \
	X(drop_tx_refused, LOSS, "dropped: reply, the port refused the frame") \
	X(drop_other_host, COUNTER, "dropped: MAC address of another host") \
	X(drop_not_ip, COUNTER, "dropped: neither IP nor ARP") \
	X(drop_arp, COUNTER, "dropped: ARP that needs no reply from here, or is malformed") \
	X(drop_icmp, COUNTER, \
		"dropped: ICMP or ICMPv6 that needs no reply from here, or is malformed") \
	X(drop_other_vlan, COUNTER, "dropped: VLAN that --dpdk-args does not name (--vlan)") \
	X(drop_echo_refused, COUNTER, "dropped: echo request from a source outside --allow") \
	X(drop_neighbour_limit, COUNTER, \
		"dropped: ARP, neighbour solicitation or echo request above an lcore's limit") \
	X(drop_not_udp, COUNTER, "dropped: IP, but neither UDP nor ICMP") \
	X(drop_other_port, COUNTER, "dropped: UDP for another port of this node") \
	X(drop_not_local, COUNTER, "dropped: not an address of this node") \
	X(drop_ip_options, COUNTER, \
		"dropped: malformed or refused IPv4 options or IPv6 extension headers") \
	X(drop_fragment, COUNTER, "dropped: IP fragment") \
	X(drop_truncated, LOSS, "dropped: frame shorter than its headers say") \
	X(drop_bad_length, LOSS, "dropped: IP and UDP lengths disagree") \
	X(drop_bad_checksum, LOSS, "dropped: wrong IP header or UDP checksum") \
	X(drop_bad_source, LOSS, "dropped: no reply to this source is possible") \
	X(drop_segmented, LOSS, "dropped: frame in several buffers, longer than any request") \
	X(drop_no_room, LOSS, "dropped: no room in the buffer for the reply")

/* Written by one lcore, read by any thread (counter_add, relaxed atomics). */
struct dpdk_counters {
#define X(name, ...) uint64_t name;
	DPDK_COUNTERS(X)
#undef X
} __attribute__((aligned(64)));

/* The counter of a dropped frame; NULL if `result` is no reason to drop. */
uint64_t *counters_of_parse(struct dpdk_counters *counters, enum parse_result result);

/* The counter of the result of an ARP, ICMP or ICMPv6 frame. */
uint64_t *counters_of_neighbour(struct dpdk_counters *counters, enum neighbour_result result);

#endif
