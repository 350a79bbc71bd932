/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * This node's addresses and ports, from --listen. Immutable once made; any thread may read them.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_LOCAL_ENDPOINTS_H
#define SESSIOND_DATAPLANE_PACKET_LOCAL_ENDPOINTS_H

#include "common/address.h"
#include "dataplane/packet/frame.h"

#define LOCAL_ENDPOINTS_MAX 64

struct local_endpoint_ip4 {
	uint32_t addr; /* network byte order, as in the packet */
	uint16_t port; /* likewise */
};

struct local_endpoint_ip6 {
	uint8_t addr[16];
	uint16_t port;
};

/* An address with several ports has an entry for each. */
struct local_endpoints {
	unsigned ip4_count, ip6_count;
	struct local_endpoint_ip4 ip4[LOCAL_ENDPOINTS_MAX];
	struct local_endpoint_ip6 ip6[LOCAL_ENDPOINTS_MAX];
};

enum local_endpoint_match {
	LOCAL_ENDPOINT,
	LOCAL_OTHER_PORT,
	LOCAL_NONE,
};

/* 0, or -EINVAL with error_message() set if an endpoint is "any", names an interface, or is not an
 * address that a host can have on a network: no kernel knows this node's addresses. */
int local_endpoints_init(
	struct local_endpoints *local, const struct endpoint *listen, size_t count);

bool local_endpoints_has_ip4(const struct local_endpoints *local, uint32_t addr);
bool local_endpoints_has_ip6(const struct local_endpoints *local, const uint8_t addr[16]);
/* Distinguishes an unserved port from a foreign address, for the counters. */
enum local_endpoint_match local_endpoints_why_not(
	const struct local_endpoints *local, const struct frame *frame);

FRAME_INLINE bool local_endpoints_match(
	const struct local_endpoints *local, const struct frame *frame)
{
	uint16_t port = frame_udp(frame)->dest;

	if (frame->v6) {
		const uint8_t *dest = frame_ip6(frame)->dest;

		for (unsigned i = 0; i < local->ip6_count; i++) {
			if (local->ip6[i].port == port && memcmp(local->ip6[i].addr, dest, 16) == 0)
				return true;
		}
		return false;
	}
	for (unsigned i = 0; i < local->ip4_count; i++) {
		if (local->ip4[i].port == port && local->ip4[i].addr == frame_ip4(frame)->dest)
			return true;
	}
	return false;
}

#endif
