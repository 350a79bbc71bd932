/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The counters of the fast path. Names are stable: `sessionctl stats` prints them. Each is a 64-bit
 * count of packets since the fast path was loaded. COUNTER or LOSS: whether it counts lost
 * requests.
 */
#ifndef SESSIOND_COUNTERS_H
#define SESSIOND_COUNTERS_H

/* The results of a request, the same in every mode. */
#define SESSD_REQUEST_COUNTERS(X) \
	X(get_hits, COUNTER, "GETs answered OK") \
	X(get_misses, COUNTER, "GETs answered ERR: no such session") \
	X(get_expired, COUNTER, "GETs answered ERR: the session has expired") \
	X(get_retries, COUNTER, "lookups repeated: the session changed during the read") \
	X(get_torn, COUNTER, "GETs answered ERR: the session changed during every retry") \
	X(take_hits, COUNTER, "TAKEs answered OK: the session is gone") \
	X(take_misses, COUNTER, "TAKEs answered ERR: no such session, or it has expired") \
	X(take_lost_race, COUNTER, \
		"TAKEs answered ERR: another TAKE got the session, or it ended, at that moment") \
	X(drop_short, LOSS, "dropped: shorter than the header") \
	X(drop_version, LOSS, "dropped: unknown protocol version") \
	X(drop_type, LOSS, "dropped: unknown message type") \
	X(drop_not_allowed, LOSS, "dropped: the source is not in the allow list") \
	X(drop_limit_get, LOSS, "dropped: GETs and TAKEs over --rate-limit") \
	X(drop_limit_new, LOSS, "dropped: NEWs and REMOVEs over --rate-limit")

/* The other results in the XDP program. Passed packets continue, unchanged, to the kernel's stack;
 * the daemon answers those that are for sessiond. NEWs and REMOVEs are handed to it in a ring, or
 * by AF_XDP, if there is an AF_XDP socket at their receive queue. */
#define SESSD_XDP_COUNTERS(X) \
	X(pass_other_vlan, COUNTER, "passed: a VLAN that this host has no interface in") \
	X(pass_not_ip, COUNTER, "passed: neither IPv4 nor IPv6") \
	X(pass_not_udp, COUNTER, "passed: not UDP") \
	X(pass_other_port, COUNTER, "passed: UDP for another port") \
	X(pass_not_local, COUNTER, "passed: our port, but not an address served here") \
	X(pass_ip_options, COUNTER, "passed: IPv4 header with options") \
	X(pass_ipv6_extension, COUNTER, "passed: IPv6 extension header") \
	X(pass_fragment, COUNTER, "passed: IP fragment") \
	X(pass_truncated, COUNTER, "passed: frame shorter than its headers say") \
	X(pass_bad_length, COUNTER, "passed: IP and UDP lengths disagree") \
	X(pass_bad_checksum, COUNTER, \
		"passed: IP header or UDP checksum is wrong, or (generic XDP) not computed yet") \
	X(pass_bad_source, COUNTER, "passed: no reply to this source is possible") \
	X(pass_new, COUNTER, "passed to the daemon: NEW") \
	X(pass_remove, COUNTER, "passed to the daemon: REMOVE") \
	X(pass_no_room, COUNTER, \
		"passed to the daemon: no room in the frame for the reply, or (--take farm) a " \
		"TAKE")

#endif
