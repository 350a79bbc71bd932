/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What an lcore counts besides the requests themselves. Names are stable: `sessionctl stats` prints
 * each with "dpdk_" before it, summed over the lcores.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_COUNTERS_H
#define SESSIOND_DATAPLANE_DPDK_COUNTERS_H

#include <stdint.h>

#include "dataplane/packet/neighbour.h"
#include "dataplane/packet/parse.h"
#include "dataplane/request.h"

#define DPDK_COUNTERS(X) \
	X(rx_packets, "frames received") \
	X(tx_packets, "frames sent") \
	X(plain_gets, "GETs that took the shortest way: IPv4, no tag, no options") \
	X(plain_updates, "NEWs and REMOVEs that took it") \
	X(new_queued, "NEWs handed to the writer") \
	X(remove_queued, "REMOVEs handed to the writer") \
	X(arp_replies, "ARP requests answered") \
	X(neighbour_replies, "IPv6 neighbour solicitations answered") \
	X(echo_replies, "ICMP and ICMPv6 echo requests answered") \
	X(announcements, "gratuitous ARPs and unsolicited neighbour advertisements sent") \
	X(address_conflicts, "ARPs and advertisements of others that claim an address of ours") \
	X(drop_ring_full, "dropped: NEW or REMOVE, the ring to the writer is full") \
	X(drop_tx_full, "dropped: reply, the port's transmit ring is full") \
	X(drop_tx_refused, "dropped: reply, the port will not send such a frame") \
	X(drop_other_host, "dropped: another host's MAC address") \
	X(drop_not_ip, "dropped: neither IP nor ARP") \
	X(drop_arp, "dropped: ARP that needs no answer from here, or is malformed") \
	X(drop_icmp, "dropped: ICMP or ICMPv6 that needs no answer from here, or is malformed") \
	X(drop_not_udp, "dropped: IP, but neither UDP nor ICMP") \
	X(drop_other_port, "dropped: UDP for another port of this node") \
	X(drop_not_local, "dropped: an address that is not this node's") \
	X(drop_ip_options, "dropped: malformed or refused IPv4 options or IPv6 extension headers") \
	X(drop_fragment, "dropped: IP fragment") \
	X(drop_truncated, "dropped: frame shorter than its headers say") \
	X(drop_bad_length, "dropped: IP and UDP lengths disagree") \
	X(drop_bad_checksum, "dropped: IP header or UDP checksum is wrong") \
	X(drop_bad_source, "dropped: a source that cannot be answered") \
	X(drop_segmented, "dropped: a frame in several buffers, longer than any request") \
	X(drop_no_room, "dropped: no room in the buffer for the reply")

/* Written by one lcore, read by any thread (counter_add, relaxed atomics). */
struct dpdk_counters {
#define X(name, text) uint64_t name;
	DPDK_COUNTERS(X)
#undef X
} __attribute__((aligned(64)));

/* The counter of a refused frame; NULL if `result` is none. */
uint64_t *counters_of_parse(struct dpdk_counters *counters, enum parse_result result);

/* The counter of what became of an ARP, ICMP or ICMPv6 frame. */
uint64_t *counters_of_neighbour(struct dpdk_counters *counters, enum neighbour_result result);

#endif
