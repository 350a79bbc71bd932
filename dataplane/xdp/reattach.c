/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Attaches the program again to an interface that was deleted and created anew under its configured
 * name (a bond, a virtual function, a container's veth), or renamed. The daemon has dropped its
 * privileges by then; linking a loaded program to an interface needs none.
 *
 * AF_XDP sockets are bound to the interface of the start and cannot be opened again without
 * CAP_NET_RAW: until a restart, the new interface's NEWs take the kernel's stack.
 */
#include "dataplane/xdp/xdp.h"

#include "common/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLOWER \
	"until sessiond is restarted, its NEWs take the slower way through the kernel's " \
	"stack"

/* Changes of an interface that lead to another try, at most: a refusing driver may change it
 * itself. */
#define TRIES 10

static bool tried_enough(const struct xdp_link *link, int ifindex)
{
	return link->refused == ifindex && link->tries >= TRIES;
}

/* Reports the reason once. */
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
			"SLOW: the XDP program was taken off %s, not by sessiond; sockets answer "
			"there, because it cannot be attached again: %s",
			name, why);
	return error_set(-err,
		"%s is another interface now (index %d), and SLOW: sockets answer there, because "
		"%s; fix that, or restart sessiond",
		name, ifindex, why);
}

/* The next daemon finds the link by the interface index in its pin's name. */
static void pin_anew(struct engine *engine, const char *name, struct xdp_link *link, int ifindex)
{
	char pin[32];
	int err;

	snprintf(pin, sizeof(pin), "link-%d", link->ifindex);
	pins_remove_late(engine, pin);
	link->ifindex = ifindex;
	snprintf(pin, sizeof(pin), "link-%d", ifindex);
	pins_remove_late(engine, pin); /* left by another network namespace */
	err = pins_add_late(engine, link->fd, pin);
	if (err)
		log_warning("XDP on %s ends with this daemon: it cannot be pinned: %s", name,
			strerror(-err));
}

/* The program is still attached: the interface was renamed, or was in another namespace, where it
 * may have got another index. */
static void came_back(struct engine *engine, const char *name, struct xdp_link *link, int ifindex)
{
	if (link->ifindex != ifindex)
		pin_anew(engine, name, link, ifindex);
	if (link->gone)
		log_notice("the interface %s is back; " SLOWER, name);
	link->gone = false;
}

int attach_generic(struct engine *engine, size_t i)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);
	const char *name = engine->config.interfaces[i];
	struct xdp_link *link = &engine->links[i];
	int fd;

	/* The kernel does not allow both modes at once: sockets answer for a moment. */
	bpf_link_detach(link->fd);
	fd = bpf_link_create(attach_program(engine, false), link->ifindex, BPF_XDP, &opts);
	if (fd < 0)
		return error_set(
			-fd, "cannot change to generic XDP on %s: %s", name, strerror(-fd));
	close(link->fd);
	link->fd = fd;
	link->native = false;
	link->created = true;
	pin_anew(engine, name, link, link->ifindex);
	return 0;
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
			redirect_forget(engine, i);
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
	/* The old interface may still exist under another name. */
	bpf_link_detach(link->fd);
	close(link->fd);
	link->fd = fd;
	link->native = native;
	link->created = true;
	link->gone = false;
	link->refused = 0;
	if (!taken_off)
		redirect_forget(engine, i);
	pin_anew(engine, name, link, ifindex);
	engine->reattached++;
	if (taken_off) {
		log_about(LOG_LEVEL_WARNING, &fields,
			"the XDP program was taken off %s, not by sessiond: attached again", name);
		return 0;
	}
	log_about(native ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING, &fields,
		"%s is another interface now (index %d): %s XDP on it; " SLOWER, name, ifindex,
		native ? "native" : "GENERIC");
	return 0;
}
