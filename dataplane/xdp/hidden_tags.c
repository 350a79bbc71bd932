/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Interfaces whose hardware removes VLAN tags before native XDP (rxvlan, on by default in most
 * drivers). The program would reply without a tag, and the reply would be lost. Only the
 * destination address distinguishes such a request. The program therefore leaves the addresses that
 * the host has in these VLANs to the daemon's sockets.
 */
#include "dataplane/xdp/xdp.h"

#include "common/ethtool.h"
#include "common/log.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the parts of a log line, for up to LINK_PORTS_MAX ports. */
#define NAMES_SIZE    256
#define REMEDIES_SIZE 512

/* VLANs on an interface. */
struct vlan_count {
	uint32_t ifindex;
	unsigned count;
};

/* An address that the host has in a VLAN on an interface. */
struct tagged_address {
	uint32_t ifindex;
	struct address addr;
};

struct hidden_tags {
	struct vlan_count *vlans; /* an array */
	size_t vlan_count;
	void *addresses; /* a tree of tsearch(3) of struct tagged_address */
	/* Per element of engine->links: its interface index if it hides tags, else 0. */
	uint32_t hidden[ENGINE_INTERFACES_MAX];
	bool any;
};

struct hidden_tags *hidden_tags_new(void)
{
	return calloc(1, sizeof(struct hidden_tags));
}

void hidden_tags_free(struct hidden_tags *tags)
{
	if (!tags)
		return;
	tdestroy(tags->addresses, free);
	free(tags->vlans);
	free(tags);
}

static struct vlan_count *find(const struct hidden_tags *tags, uint32_t ifindex)
{
	for (size_t i = 0; i < tags->vlan_count; i++)
		if (tags->vlans[i].ifindex == ifindex)
			return &tags->vlans[i];
	return NULL;
}

int hidden_tags_set_vlan(struct engine *engine, const struct sessd_vlan *vlan, bool present)
{
	struct hidden_tags *tags = engine->hidden_tags;
	struct vlan_count *count = find(tags, vlan->ifindex), *more;

	if (!present) {
		if (count && --count->count == 0)
			*count = tags->vlans[--tags->vlan_count];
		return 0;
	}
	if (count) {
		count->count++;
		return 0;
	}
	more = reallocarray(tags->vlans, tags->vlan_count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	tags->vlans = more;
	more[tags->vlan_count++] = (struct vlan_count){.ifindex = vlan->ifindex, .count = 1};
	/* Now, not within a second: requests may arrive at once. */
	hidden_tags_look(engine);
	return 0;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct tagged_address));
}

bool hidden_tags_hide(const struct engine *engine, const struct address *addr)
{
	const struct hidden_tags *tags = engine->hidden_tags;
	struct tagged_address key = {.addr = *addr};

	for (size_t i = 0; tags->any && i < ENGINE_INTERFACES_MAX; i++) {
		key.ifindex = tags->hidden[i];
		if (key.ifindex && tfind(&key, &tags->addresses, by_bytes))
			return true;
	}
	return false;
}

int hidden_tags_set_address(
	struct engine *engine, uint32_t ifindex, const struct address *addr, bool present)
{
	struct hidden_tags *tags = engine->hidden_tags;
	struct tagged_address key = {ifindex, *addr}, *address;
	struct tagged_address *const *node = tfind(&key, &tags->addresses, by_bytes);

	address = node ? *node : NULL;
	if (!present && address) {
		tdelete(&key, &tags->addresses, by_bytes);
		free(address);
	} else if (present && !address) {
		address = malloc(sizeof(*address));
		if (address)
			*address = key;
		if (!address || !tsearch(address, &tags->addresses, by_bytes)) {
			free(address);
			return error_set(ENOMEM, "out of memory for the addresses of VLANs");
		}
	}
	return local_map_withhold(engine, addr);
}

static void on_address(const void *node, VISIT visit, void *ctx)
{
	const struct tagged_address *address = *(struct tagged_address *const *)node;

	if ((visit == postorder || visit == leaf) && local_map_withhold(ctx, &address->addr) < 0)
		log_error("%s", error_message());
}

/* Appends the name of an interface that removes tags, and the remedy. */
static void add_stripping(const char *interface, char names[], char remedies[])
{
	size_t named = strlen(names), told = strlen(remedies);
	uint32_t offloads;
	char driver[32];

	if (ethtool_offloads(interface, &offloads) < 0 || !(offloads & ETH_FLAG_RXVLAN))
		return;
	if (ethtool_driver(interface, driver) < 0)
		driver[0] = '\0';
	snprintf(names + named, NAMES_SIZE - named, "%s%s", named ? ", " : "", interface);
	if (told)
		told += (size_t)snprintf(remedies + told, REMEDIES_SIZE - told, "; ");
	if (told < REMEDIES_SIZE)
		ethtool_tags_remedy(interface, driver, remedies + told, REMEDIES_SIZE - told);
}

/* Checks link `i`, or each port if it is a bond. */
static void find_stripping(
	const struct engine *engine, size_t i, char names[NAMES_SIZE], char remedies[REMEDIES_SIZE])
{
	struct link_port ports[LINK_PORTS_MAX];
	int count;

	names[0] = remedies[0] = '\0';
	if (!engine->slots[i].bond) {
		add_stripping(engine->config.interfaces[i], names, remedies);
		return;
	}
	count = link_ports((uint32_t)engine->links[i].ifindex, ports);
	for (int k = 0; k < count; k++)
		add_stripping(ports[k].name, names, remedies);
}

/* Returns whether the state is unchanged. */
static bool look_at_link(struct engine *engine, size_t i)
{
	struct hidden_tags *tags = engine->hidden_tags;
	const struct xdp_link *link = &engine->links[i];
	const char *name = engine->config.interfaces[i];
	struct log_fields fields = {.event = "interface", .interface = name};
	char names[NAMES_SIZE] = "", remedies[REMEDIES_SIZE];
	uint32_t hidden;

	/* In generic XDP the kernel's buffer keeps the tag, also for the reply. */
	if (!link->gone && link->native && find(tags, (uint32_t)link->ifindex))
		find_stripping(engine, i, names, remedies);
	hidden = names[0] ? (uint32_t)link->ifindex : 0;
	if (hidden == tags->hidden[i])
		return true;
	tags->hidden[i] = hidden;
	if (!hidden) {
		log_about(LOG_LEVEL_NOTICE, &fields,
			"no VLAN tag of %s is hidden from XDP any longer", name);
		return false;
	}
	fields.event = "slow";
	log_about(LOG_LEVEL_WARNING, &fields,
		"SLOW: %s has VLANs, and their tags are removed before XDP sees them (rxvlan of "
		"%s): sockets answer requests for the addresses of the VLANs, and requests for "
		"other addresses in these VLANs get no reply; run: %s",
		name, names, remedies);
	return false;
}

void hidden_tags_look(struct engine *engine)
{
	struct hidden_tags *tags = engine->hidden_tags;
	bool same = true;

	for (size_t i = 0; i < engine->link_count; i++)
		same &= look_at_link(engine, i);
	if (same)
		return;
	tags->any = false;
	for (size_t i = 0; i < ENGINE_INTERFACES_MAX; i++)
		tags->any |= tags->hidden[i] != 0;
	twalk_r(tags->addresses, on_address, engine);
}
