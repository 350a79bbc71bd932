/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Whether the program is still where it was put, and runs. Agents take programs off interfaces that
 * they did not put there, and a driver may forget one when it resets its device, while the kernel
 * goes on calling it attached: GETs would go to the sockets, and nobody would know.
 *
 * No privilege is needed for any of this: the programs are loaded.
 */
#include "dataplane/xdp/xdp.h"

#include "common/log.h"
#include "dataplane/xdp/link_packets.h"

#include <bpf/bpf.h>

/* Received packets a second that the program must have met some of, and for how many seconds in a
 * row it may meet none. */
#define PACKETS_LEAST 16
#define IDLE_SECONDS  2

/* Seconds between two tries to put it on again, at most. */
#define WAIT_MAX 64

static void look_at_link(struct engine *engine, size_t i)
{
	struct xdp_link *link = &engine->links[i];
	uint64_t packets;

	/* An interface that is gone has no packets either: set_interface tells of that. */
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

/* To update a link with the program that it has does nothing: the other one is put there first. */
static void update_again(const struct engine *engine, struct xdp_link *link)
{
	bpf_link_update(link->fd, attach_program(engine, !link->native), NULL);
	bpf_link_update(link->fd, attach_program(engine, link->native), NULL);
}

static void revive(struct engine *engine, size_t i)
{
	struct xdp_link *link = &engine->links[i];
	const struct log_fields fields = {
		.event = "interface", .interface = engine->config.interfaces[i]};

	if (link->revived == 0) {
		update_again(engine, link);
		engine->reattached++;
		log_about(LOG_LEVEL_WARNING, &fields,
			"%s receives packets that the XDP program never meets: its driver may have "
			"forgotten the program, which is put on again",
			fields.interface);
	} else if (link->revived == 1) {
		log_tagged(LOG_LEVEL_WARNING, "slow",
			"SLOW: the XDP program on %s still meets no packet, so that sockets "
			"answer: "
			"restart sessiond, or set the interface down and up",
			fields.interface);
	}
	if (link->revived < 2)
		link->revived++;
}

/* The program counts each packet; which interface it came by is not told, so that one which it
 * never meets is found only while it meets none at all. */
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
				link->revived = 0;
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
	look_at_runs(engine);
	local_map_retry(engine);
}
