/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Checks that the program is still attached and runs. Other agents detach programs that are not
 * theirs, and a driver may lose its program at a reset while the kernel still calls it attached:
 * without this check, sockets would answer the GETs unnoticed.
 *
 * None of this needs privileges: the programs are loaded.
 */
#include "dataplane/xdp/xdp.h"

#include "common/log.h"
#include "dataplane/xdp/link_state.h"

#include <bpf/bpf.h>

/* If an interface receives at least so many packets in a second, the program must have run; and for
 * how many seconds in a row it may not have. */
#define PACKETS_LEAST 16
#define IDLE_SECONDS  2

/* Seconds between two tries to attach again, at most. */
#define WAIT_MAX 64

static void look_at_link(struct engine *engine, size_t i)
{
	struct xdp_link *link = &engine->links[i];
	uint64_t packets;

	/* set_interface reports an interface that is gone. */
	if (link->gone || attach_index(link) != 0 || link_packets(link->ifindex, &packets) < 0) {
		link->wait = link->waited = 0;
		return;
	}
	if (link->waited++ < link->wait)
		return;
	link->waited = 0;
	link->wait = link->wait ? link->wait * 2 : 1;
	if (link->wait > WAIT_MAX)
		link->wait = WAIT_MAX;
	if (attach_again(engine, i, link->ifindex) < 0)
		log_tagged(LOG_LEVEL_WARNING, "slow", "%s", error_message());
}

/* Updating a link with its own program does nothing, so switch to the other program and back. */
static void update_again(const struct engine *engine, struct xdp_link *link)
{
	bpf_link_update(link->fd, attach_program(engine, !link->native), NULL);
	bpf_link_update(link->fd, attach_program(engine, link->native), NULL);
}

/* Rounds of idle seconds between two tries, at most: a power of two. */
#define ROUNDS_MAX 64

/* A driver may be unable to run the program as long as the interface has a large MTU, for example.
 * So the tries go on, at doubling distances. */
static void revive(struct engine *engine, size_t i)
{
	struct xdp_link *link = &engine->links[i];
	const struct log_fields fields = {
		.event = "interface", .interface = engine->config.interfaces[i]};

	if (link->revived == 0) {
		update_again(engine, link);
		engine->reattached++;
		log_about(LOG_LEVEL_WARNING, &fields,
			"%s receives packets that the XDP program does not see: "
			"its driver may have lost the program; attaching it again",
			fields.interface);
	} else if (link->revived == 1) {
		log_tagged(LOG_LEVEL_WARNING, "slow",
			"SLOW: the XDP program on %s still sees no packet, and sockets "
			"answer: restart sessiond, or set the interface down and up",
			fields.interface);
	} else if ((link->revived & (link->revived - 1)) == 0) {
		update_again(engine, link);
	}
	if (++link->revived == 2 * ROUNDS_MAX)
		link->revived = ROUNDS_MAX;
}

static void revived(struct engine *engine, size_t i)
{
	struct xdp_link *link = &engine->links[i];

	if (link->revived > 1)
		log_notice(
			"the XDP program on %s sees packets again", engine->config.interfaces[i]);
	link->revived = 0;
}

/* The program counts packets, but not by interface: one that it does not see is found only while it
 * sees no packet at all. */
static void look_at_runs(struct engine *engine)
{
	uint64_t runs = stats_xdp_packets(engine);
	bool ran = runs != engine->runs_seen;

	engine->runs_seen = runs;
	for (size_t i = 0; i < engine->link_count; i++) {
		struct xdp_link *link = &engine->links[i];
		uint64_t packets = link->packets_seen;

		if (link->gone || link_packets(link->ifindex, &packets) < 0 || ran ||
			packets - link->packets_seen < PACKETS_LEAST) {
			link->idle = 0;
			if (ran)
				revived(engine, i);
		} else if (++link->idle > IDLE_SECONDS) {
			link->idle = 0;
			revive(engine, i);
		}
		link->packets_seen = packets;
	}
}

void supervise(struct engine *engine)
{
	if (!engine->settled)
		attach_settle(engine);
	engine->settled = true;
	for (size_t i = 0; i < engine->link_count; i++)
		look_at_link(engine, i);
	for (size_t i = 0; i < engine->link_count; i++)
		veth_look(engine, i);
	look_at_runs(engine);
	local_map_retry(engine);
	late_queues_look(engine);
	hidden_tags_look(engine);
}
