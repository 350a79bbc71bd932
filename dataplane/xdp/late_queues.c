/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Receive queues and ports of bonds that were added after the AF_XDP sockets were opened. New
 * sockets would require CAP_NET_RAW, which the daemon has dropped. NEWs that arrive there take the
 * kernel's stack; the log says so once.
 */
#include "dataplane/xdp/xdp.h"

#include "common/ethtool.h"
#include "common/log.h"
#include "dataplane/xdp/link_state.h"

#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>

#define SLOWER \
	"NEWs that arrive by %s take the kernel's stack, which is slower, until sessiond is " \
	"restarted"

void redirect_forget(struct engine *engine, size_t slot)
{
	struct bpf_map *map = engine->skel->maps.xsks;
	__u32 queues = bpf_map__max_entries(map) / ENGINE_INTERFACES_MAX;

	for (__u32 queue = 0; queue < queues; queue++) {
		__u32 key = (__u32)slot * queues + queue;

		bpf_map_delete_elem(bpf_map__fd(map), &key);
	}
}

static void look_at_queues(struct redirect_slot *slot)
{
	const struct log_fields fields = {.event = "interface", .interface = slot->name};
	uint32_t queues = ethtool_receive_queues(slot->name);

	if (queues > slot->queues)
		log_about(LOG_LEVEL_WARNING, &fields,
			"%s has %u receive queues now, and AF_XDP sockets at %u: " SLOWER,
			slot->name, queues, slot->queues, "the others");
	if (queues > slot->queues)
		slot->queues = queues;
}

static bool has(const struct link_port *ports, int count, uint32_t ifindex)
{
	for (int i = 0; i < count; i++)
		if (ports[i].ifindex == ifindex)
			return true;
	return false;
}

static bool has_slot(const struct engine *engine, uint32_t ifindex)
{
	for (size_t i = 0; i < engine->slot_count; i++)
		if (engine->slots[i].port && engine->slots[i].ifindex == ifindex)
			return true;
	return false;
}

static void look_at_ports(struct engine *engine, size_t i)
{
	struct link_port ports[LINK_PORTS_MAX];
	struct xdp_link *link = &engine->links[i];
	const char *bond = engine->config.interfaces[i];
	int count = link_ports((uint32_t)link->ifindex, ports);

	if (count < 0)
		return;
	for (int k = 0; k < count; k++) {
		const struct log_fields fields = {.event = "interface", .interface = ports[k].name};

		if (!has_slot(engine, ports[k].ifindex) &&
			!has(link->ports, link->port_count, ports[k].ifindex))
			log_about(LOG_LEVEL_WARNING, &fields,
				"%s, a port of %s, has no AF_XDP socket: " SLOWER, ports[k].name,
				bond, "it");
		link->ports[k] = ports[k];
	}
	link->port_count = count;
}

void late_queues_look(struct engine *engine)
{
	uint64_t packets;

	if (xsk_count(engine->xsks) == 0)
		return;
	for (size_t i = 0; i < engine->slot_count; i++) {
		struct redirect_slot *slot = &engine->slots[i];
		const struct xdp_link *link = &engine->links[slot->interface];

		if (link->gone)
			continue;
		if (slot->bond && link->native)
			look_at_ports(engine, slot->interface);
		if (slot->queues == 0)
			continue;
		/* Another interface may get the index of a deleted port: NEWs redirected to the
		 * old socket would be lost. */
		if (slot->port && link_packets((int)slot->ifindex, &packets) < 0) {
			redirect_forget(engine, i);
			slot->queues = slot->ifindex = 0;
		} else if (slot->port || (uint32_t)link->ifindex == slot->ifindex) {
			look_at_queues(slot);
		}
	}
}
