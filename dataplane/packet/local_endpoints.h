/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The addresses of this node, which are those of --listen, and the ports answered on them.
 * Immutable once made.
 */
#ifndef SESSIOND_DPDK_SERVED_H
#define SESSIOND_DPDK_SERVED_H

#include "dataplane/engine.h"
#include "dataplane/packet/frame.h"

struct served_ip4 {
	uint32_t addr; /* network order, as in the packet */
	uint16_t port; /* likewise */
};

struct served_ip6 {
	uint8_t addr[16];
	uint16_t port;
};

/* An address with several ports stands in the list once for each. */
struct served {
	unsigned ip4_count, ip6_count;
	struct served_ip4 ip4[ENGINE_LISTEN_MAX];
	struct served_ip6 ip6[ENGINE_LISTEN_MAX];
};

enum served_match {
	SERVED,
	SERVED_OTHER_PORT,
	SERVED_NOT_LOCAL,
};

/* -EINVAL with error_message() set if an endpoint is "any", or no address that a host can have on a
 * wire: there is no kernel to ask for this node's addresses. */
int served_init(struct served *served, const struct endpoint *listen, size_t count);

bool served_has_ip4(const struct served *served, uint32_t addr);
bool served_has_ip6(const struct served *served, const uint8_t addr[16]);
/* Tells an unserved port from a foreign address, for the counters. */
enum served_match served_why_not(const struct served *served, const struct frame *frame);

FRAME_INLINE bool served_match(const struct served *served, const struct frame *frame)
{
	uint16_t port = frame_udp(frame)->dest;

	if (frame->v6) {
		const uint8_t *dest = frame_ip6(frame)->dest;

		for (unsigned i = 0; i < served->ip6_count; i++) {
			if (served->ip6[i].port == port &&
				memcmp(served->ip6[i].addr, dest, 16) == 0)
				return true;
		}
		return false;
	}
	for (unsigned i = 0; i < served->ip4_count; i++) {
		if (served->ip4[i].port == port && served->ip4[i].addr == frame_ip4(frame)->dest)
			return true;
	}
	return false;
}

#endif
