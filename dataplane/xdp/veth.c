/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * veth, as containers use it. Its driver accepts the program. Replies of native XDP arrive only if
 * the other end also has an XDP program in its driver. Without one the kernel drops them, or, if
 * GRO is on at that end, leaves them in a queue until other traffic wakes it (Linux 6.18,
 * veth_xdp_xmit and veth_xdp_flush). Replies of generic XDP always arrive.
 */
#include "dataplane/xdp/xdp.h"

#include "common/log.h"
#include "dataplane/xdp/link_state.h"

/* Seconds in a row with lost replies, before anything is done. */
#define LOSSY_SECONDS 3

#define REMEDY "attach an XDP program there that passes everything"

enum veth_replies veth_replies(int ifindex)
{
	struct link_state state, peer;

	if (link_state(ifindex, LINK_HERE, &state) < 0 || !state.veth)
		return VETH_NONE;
	if (!state.peer || link_state(state.peer, state.peer_ns, &peer) < 0)
		return VETH_UNKNOWN;
	return peer.native ? VETH_ARRIVE : VETH_LOST;
}

void veth_announce(const struct xdp_link *link, const char *name)
{
	if (!link->veth_lost)
		return;
	if (link->native)
		log_tagged(LOG_LEVEL_WARNING, "slow",
			"SLOW: the other end of the veth %s has no XDP program, so the kernel "
			"loses the replies of native XDP: " REMEDY ", or use --xdp-mode generic",
			name);
	else
		log_notice("the other end of the veth %s has no XDP program and would lose the "
			   "replies of native XDP: to use native XDP, " REMEDY
			   " and start with --xdp-mode native",
			name);
}

static void lose(struct engine *engine, size_t i)
{
	struct xdp_link *link = &engine->links[i];
	const char *name = engine->config.interfaces[i];

	if (link->veth_lost)
		return;
	link->veth_lost = true;
	if (engine->config.xdp_mode == XDP_MODE_NATIVE) {
		veth_announce(link, name);
		return;
	}
	if (attach_generic(engine, i) < 0)
		log_error("%s", error_message());
	else
		log_tagged(LOG_LEVEL_WARNING, "slow",
			"SLOW: GENERIC XDP on %s from now on: the other end of this veth no longer "
			"has an XDP program, and replies of native XDP were lost; to use native "
			"XDP, " REMEDY " and start with --xdp-mode native",
			name);
}

/* Whether replies were lost in this second: nearly all that the program sent. The program counts
 * for all interfaces together; with several, a quarter of the received packets is the limit, which
 * allows for NEWs. A peer that is only slow loses less. */
static bool loses(
	const struct engine *engine, uint64_t received, uint64_t replies, uint64_t dropped)
{
	uint64_t least = engine->link_count == 1 ? replies - replies / 10 : received / 4;

	return dropped > 0 && dropped >= least;
}

void veth_look(struct engine *engine, size_t i)
{
	struct xdp_link *link = &engine->links[i];
	uint64_t received, dropped, replies;
	enum veth_replies known;
	struct link_state state;

	if (link->gone || !link->native || link_state(link->ifindex, LINK_HERE, &state) < 0 ||
		!state.veth)
		return;
	replies = stats_xdp_replies(engine);
	received = state.received - link->veth_received;
	dropped = state.dropped_going - link->veth_dropped;
	link->veth_received += received;
	link->veth_dropped += dropped;
	replies -= link->veth_replies;
	link->veth_replies += replies;
	known = veth_replies(link->ifindex);
	if (known == VETH_ARRIVE) {
		link->veth_lost = false;
		link->lossy = 0;
	} else if (known == VETH_LOST || loses(engine, received, replies, dropped)) {
		if (++link->lossy >= LOSSY_SECONDS)
			lose(engine, i);
	} else if (replies > 0) {
		link->lossy = 0;
	}
}
