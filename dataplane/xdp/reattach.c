/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * An interface of a configured name that came back as another: deleted and made anew (a bond, a
 * virtual function, a veth of a container), or renamed. The program is put on it as well. The
 * daemon has no rights any more then; the kernel asks for none where a program that is loaded is
 * linked to an interface.
 *
 * AF_XDP sockets are bound to the interface that was there at the start and cannot be made anew
 * without CAP_NET_RAW: until a restart, NEWs that come by the new one take the kernel's stack.
 */
#include "dataplane/xdp/xdp.h"

#include "common/log.h"

#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLOWER \
	"NEWs that come by it take the kernel's stack, which is slower, until sessiond is " \
	"restarted"

/* Into the socket of an interface that has left, NEWs would vanish, should it come back with the
 * index that it had. */
static void forget_sockets(struct engine *engine, size_t i)
{
	struct bpf_map *map = engine->skel->maps.xsks;
	__u32 queues = bpf_map__max_entries(map) / ENGINE_INTERFACES_MAX;

	for (__u32 queue = 0; queue < queues; queue++) {
		__u32 key = (__u32)i * queues + queue;

		bpf_map_delete_elem(bpf_map__fd(map), &key);
	}
}

/* Changes of an interface that are answered by another try: a driver may change it by refusing. */
#define TRIES 10

static bool tried_enough(const struct xdp_link *link, int ifindex)
{
	return link->refused == ifindex && link->tries >= TRIES;
}

/* The reason is told once. */
static int refuse(struct xdp_link *link, const char *name, int ifindex, bool taken_off, int err)
{
	char why[256];

	if (link->refused == ifindex) {
		link->tries++;
		return 0;
	}
	link->refused = ifindex;
	link->tries = 1;
	snprintf(why, sizeof(why), "%s", error_message());
	if (taken_off)
		return error_set(-err,
			"SLOW: the XDP program was taken off %s, not by sessiond, and sockets "
			"answer "
			"there, because %s",
			name, why);
	return error_set(-err,
		"%s is another interface now (index %d), and SLOW: sockets answer there, because "
		"%s; put that right, or restart sessiond",
		name, ifindex, why);
}

/* The pin's name tells the next daemon where to look. */
static void pin_anew(struct engine *engine, const char *name, struct xdp_link *link, int ifindex)
{
	char pin[32];
	int err;

	snprintf(pin, sizeof(pin), "link-%d", link->ifindex);
	pins_remove_late(engine, pin);
	link->ifindex = ifindex;
	snprintf(pin, sizeof(pin), "link-%d", ifindex);
	pins_remove_late(engine, pin); /* left by a namespace that is gone */
	err = pins_add_late(engine, link->fd, pin);
	if (err)
		log_warning("XDP on %s ends with this daemon: it cannot be pinned: %s", name,
			strerror(-err));
}

/* The program is on it still: it was renamed, or in another namespace, where it may have got
 * another index. */
static void came_back(struct engine *engine, const char *name, struct xdp_link *link, int ifindex)
{
	if (link->ifindex != ifindex)
		pin_anew(engine, name, link, ifindex);
	if (link->gone)
		log_notice("the interface %s is back; " SLOWER, name);
	link->gone = false;
}

int attach_again(struct engine *engine, size_t i, int ifindex)
{
	const char *name = engine->config.interfaces[i];
	const struct log_fields fields = {.event = "interface", .interface = name};
	struct xdp_link *link = &engine->links[i];
	int on = attach_index(link), fd;
	bool native, taken_off;

	if (ifindex == 0) {
		if (!link->gone) {
			log_about(LOG_LEVEL_WARNING, &fields, "no interface is named %s any more",
				name);
			forget_sockets(engine, i);
		}
		link->gone = true;
		return 0;
	}
	if (on == ifindex) {
		came_back(engine, name, link, ifindex);
		return 0;
	}
	taken_off = on == 0 && link->ifindex == ifindex && !link->gone;
	if (on < 0 || (!taken_off && tried_enough(link, ifindex)))
		return 0;
	fd = attach_link(engine, name, ifindex, &native);
	if (fd < 0)
		return refuse(link, name, ifindex, taken_off, fd);
	/* The old one may live on under another name. */
	bpf_link_detach(link->fd);
	close(link->fd);
	link->fd = fd;
	link->native = native;
	link->created = true;
	link->gone = false;
	link->refused = 0;
	if (!taken_off)
		forget_sockets(engine, i);
	pin_anew(engine, name, link, ifindex);
	engine->reattached++;
	if (taken_off) {
		log_about(LOG_LEVEL_WARNING, &fields,
			"the XDP program was taken off %s, not by sessiond: it is on again", name);
		return 0;
	}
	log_about(native ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING, &fields,
		"%s is another interface now (index %d): %s XDP on it; " SLOWER, name, ifindex,
		native ? "native" : "GENERIC");
	return 0;
}
