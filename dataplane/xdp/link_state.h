/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the kernel knows of an interface.
 */
#ifndef SESSIOND_DATAPLANE_XDP_LINK_STATE_H
#define SESSIOND_DATAPLANE_XDP_LINK_STATE_H

#include <stdbool.h>
#include <stdint.h>

#define LINK_HERE (-1) /* the daemon's network namespace */

struct link_state {
	uint64_t received;	/* packets */
	uint64_t dropped_going; /* packets that could not be sent, XDP's replies among them */
	uint32_t mtu;		/* bytes */
	uint16_t type;		/* ARPHRD_ of <net/if_arp.h> */
	bool veth;
	bool external; /* a tunnel whose destination comes with each packet */
	bool native;   /* has an XDP program in its driver */
	int peer;      /* interface index of a veth's other end; 0: unknown */
	int peer_ns;   /* the other end's namespace: LINK_HERE or its id */
};

/* Reads the state of interface `ifindex` in namespace `ns` (LINK_HERE or an id). Another namespace
 * requires CAP_NET_ADMIN there. Does not wait. Any thread. 0, or a negative errno. */
int link_state(int ifindex, int ns, struct link_state *state);

/* Packets that an interface of this network namespace has received, as its driver counts them.
 * Needs no privilege. Any thread. 0, or a negative errno with `*packets` unchanged. */
int link_packets(int ifindex, uint64_t *packets);

#endif
