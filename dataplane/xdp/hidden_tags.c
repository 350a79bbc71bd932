/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Where native XDP does not see VLAN tags, because the hardware takes them off first (rxvlan, which
 * most drivers switch on): the program answers without a tag, and the reply is lost.
 */
#include "dataplane/xdp/xdp.h"

#include "common/ethtool.h"
#include "common/log.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <stdlib.h>
#include <string.h>

static struct vlan_count *find(const struct engine *engine, uint32_t ifindex)
{
	for (size_t i = 0; i < engine->vlan_count; i++)
		if (engine->vlans[i].ifindex == ifindex)
			return &engine->vlans[i];
	return NULL;
}

int hidden_tags_count(struct engine *engine, const struct sessd_vlan *vlan, bool present)
{
	struct vlan_count *count = find(engine, vlan->ifindex), *more;

	if (!present) {
		if (count && --count->count == 0)
			*count = engine->vlans[--engine->vlan_count];
		return 0;
	}
	if (!count) {
		more = reallocarray(engine->vlans, engine->vlan_count + 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		engine->vlans = more;
		count = &more[engine->vlan_count++];
		*count = (struct vlan_count){.ifindex = vlan->ifindex};
	}
	count->count++;
	return 0;
}

static bool strips(const char *interface)
{
	uint32_t offloads;

	return ethtool_offloads(interface, &offloads) == 0 && offloads & ETH_FLAG_RXVLAN;
}

/* The interface whose hardware strips tags: this one, or a port if it is a bond; NULL if none. */
static const char *stripping(
	const struct engine *engine, size_t i, struct link_port ports[LINK_PORTS_MAX])
{
	int count =
		engine->slots[i].bond ? link_ports((uint32_t)engine->links[i].ifindex, ports) : 0;

	if (!engine->slots[i].bond)
		return strips(engine->config.interfaces[i]) ? engine->config.interfaces[i] : NULL;
	for (int k = 0; k < count; k++)
		if (strips(ports[k].name))
			return ports[k].name;
	return NULL;
}

static void look_at_link(struct engine *engine, size_t i)
{
	struct xdp_link *link = &engine->links[i];
	const char *name = engine->config.interfaces[i], *who = NULL;
	const struct log_fields fields = {.event = "interface", .interface = name};
	struct link_port ports[LINK_PORTS_MAX];
	char driver[32], remedy[128];

	/* Generic XDP works on the kernel's buffers, which keep the tag beside the frame. */
	if (!link->gone && link->native && find(engine, (uint32_t)link->ifindex))
		who = stripping(engine, i, ports);
	if (who && !link->tags_hidden) {
		if (ethtool_driver(who, driver) < 0)
			driver[0] = '\0';
		ethtool_tags_remedy(who, driver, remedy, sizeof(remedy));
		log_about(LOG_LEVEL_WARNING, &fields,
			"%s has VLANs, and their tags are taken off before XDP sees them (rxvlan "
			"of %s): replies leave untagged, and are lost: %s",
			name, who, remedy);
	} else if (!who && link->tags_hidden) {
		log_about(LOG_LEVEL_NOTICE, &fields,
			"no VLAN tag of %s is hidden from XDP any more", name);
	}
	link->tags_hidden = who;
}

void hidden_tags_look(struct engine *engine)
{
	for (size_t i = 0; i < engine->link_count; i++)
		look_at_link(engine, i);
}
