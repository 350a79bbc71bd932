/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Attaches the program to the interfaces. A link that the last daemon left is updated in place, so
 * that no interface is without a program at any time.
 */
#include "dataplane/xdp/xdp.h"

#include "dataplane/xdp/link_state.h"
#include "dataplane/xdp/resident.h"

#include "common/log.h"

#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static char *link_path(const struct engine *engine, int ifindex, char path[PATH_MAX])
{
	char name[32];

	snprintf(name, sizeof(name), "link-%d", ifindex);
	return pins_path(engine, name, path);
}

static int ask_native(const char *name, int ifindex, bool *native)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	int err = bpf_xdp_query(ifindex, 0, &query);

	if (err)
		return error_set(-err, "cannot query the XDP mode of %s: %s", name, strerror(-err));
	*native = query.attach_mode != XDP_ATTACHED_SKB;
	return 0;
}

/* Returns the link pinned for this interface if it is still attached to it; otherwise removes the
 * pin and returns -ENOENT. Other errors leave the pin alone: its link may be answering. */
static int pinned_link(struct engine *engine, int ifindex)
{
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);
	char path[PATH_MAX];
	int fd = bpf_obj_get(link_path(engine, ifindex, path));

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == BPF_LINK_TYPE_XDP &&
		info.xdp.ifindex == (__u32)ifindex)
		return fd;
	unlink(path);
	close(fd);
	return -ENOENT;
}

int attach_index(const struct xdp_link *link)
{
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);
	int err = bpf_obj_get_info_by_fd(link->fd, &info, &size);

	return err ? err : (int)info.xdp.ifindex;
}

int attach_program(const struct engine *engine, bool native)
{
	return bpf_program__fd(
		native ? engine->skel->progs.sessiond_xdp : engine->skel->progs.sessiond_skb);
}

/* Mode auto takes generic XDP if native XDP's replies would be lost. */
static enum xdp_mode wanted_mode(const struct engine *engine, int ifindex)
{
	enum xdp_mode wanted = engine->config.xdp_mode;

	return wanted == XDP_MODE_AUTO && veth_replies(ifindex) == VETH_LOST ? XDP_MODE_GENERIC
									     : wanted;
}

static bool mode_fits(enum xdp_mode wanted, bool native)
{
	return wanted == XDP_MODE_NATIVE ? native : wanted == XDP_MODE_GENERIC ? !native : true;
}

/* An external tunnel takes its destination from the route of each packet. XDP's replies have none,
 * and the kernel drops them. */
static int refuse_external(const char *name, int ifindex)
{
	struct link_state state;

	if (link_state(ifindex, LINK_HERE, &state) < 0 || !state.external)
		return 0;
	return error_set(EOPNOTSUPP,
		"the tunnel %s takes its destination from routes (external) and would lose XDP's "
		"replies: remove it from --interface; sockets answer there",
		name);
}

/* vmxnet3 gives the same reason for an MTU that is too large. */
static int refuse_native(const char *name, int ifindex)
{
	struct link_state state;

	if (link_state(ifindex, LINK_HERE, &state) == 0 && state.mtu > ETH_DATA_LEN)
		return error_set(EOPNOTSUPP,
			"the driver of %s has no native XDP, or not with an MTU of %u: use a "
			"smaller MTU, --xdp-mode generic (slower) or --mode socket",
			name, state.mtu);
	return error_set(EOPNOTSUPP,
		"the driver of %s has no native XDP: use --xdp-mode generic (slower) or "
		"--mode socket",
		name);
}

int attach_link(struct engine *engine, const char *name, int ifindex, bool *native)
{
	enum xdp_mode wanted = wanted_mode(engine, ifindex);
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int fd = refuse_external(name, ifindex);

	if (fd < 0)
		return fd;
	*native = wanted != XDP_MODE_GENERIC;
	opts.flags = *native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	fd = bpf_link_create(attach_program(engine, *native), ifindex, BPF_XDP, &opts);
	if (fd == -EOPNOTSUPP && wanted == XDP_MODE_AUTO) {
		*native = false;
		opts.flags = XDP_FLAGS_SKB_MODE;
		fd = bpf_link_create(attach_program(engine, false), ifindex, BPF_XDP, &opts);
	}
	if (fd >= 0)
		return fd;
	if (fd == -EBUSY || fd == -EEXIST)
		return resident_refuse(name, ifindex);
	if (fd == -EOPNOTSUPP)
		return refuse_native(name, ifindex);
	if (fd == -EPERM)
		return error_set(EPERM,
			"not allowed to attach to %s: xdp mode needs root, or "
			"CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON",
			name);
	return error_set(-fd,
		"cannot attach to %s: %s (is its MTU too large for XDP, or are GRO or channels "
		"set so that its driver refuses?)",
		name, strerror(-fd));
}

/* A descriptor of the program of a link, or negative: not to be had. */
static int attached_program(int link_fd)
{
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(link_fd, &info, &size) == 0
		       ? bpf_prog_get_fd_by_id(info.prog_id)
		       : -1;
}

/* The last daemon's link has another mode, which only detaching can change. Its program is kept for
 * put_back until the start has succeeded. Detached explicitly: after a close alone, the kernel
 * detaches at some later time. */
static void take_off(struct xdp_link *link, const char *path)
{
	link->before = attached_program(link->fd);
	link->before_native = link->native;
	bpf_link_detach(link->fd);
	unlink(path);
	close(link->fd);
}

static void forget_before(struct xdp_link *link)
{
	if (link->before >= 0)
		close(link->before);
	link->before = -1;
}

/* Attaches the last daemon's program again after a failed start that had detached it. */
static void put_back(struct xdp_link *link, const char *name, const char *path)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		.flags = link->before_native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	int fd;

	if (link->before < 0)
		return;
	fd = bpf_link_create(link->before, link->ifindex, BPF_XDP, &opts);
	if (fd < 0 || bpf_obj_pin(fd, path) < 0)
		log_error("cannot attach the last daemon's XDP program to %s again: %s", name,
			strerror(fd < 0 ? -fd : errno));
	if (fd >= 0)
		close(fd);
	forget_before(link);
}

static int attach_one(struct engine *engine, const char *name, struct xdp_link *link)
{
	char path[PATH_MAX];
	int err;

	link->ifindex = (int)if_nametoindex(name);
	if (!link->ifindex && errno != ENODEV)
		return error_set(errno, "cannot look up interface %s: %s", name, strerror(errno));
	if (!link->ifindex)
		return error_set(ENODEV, "there is no interface %s", name);
	err = refuse_external(name, link->ifindex);
	if (err)
		return err;
	link_path(engine, link->ifindex, path);
	link->fd = pinned_link(engine, link->ifindex);
	if (link->fd < 0 && link->fd != -ENOENT)
		return error_set(
			-link->fd, "cannot open the pin %s: %s", path, strerror(-link->fd));
	if (link->fd >= 0) {
		err = ask_native(name, link->ifindex, &link->native);
		if (!err && mode_fits(wanted_mode(engine, link->ifindex), link->native)) {
			/* If the start fails, the last daemon's program answers on from its own
			 * maps. */
			if (engine->old)
				link->before = attached_program(link->fd);
			err = bpf_link_update(link->fd, attach_program(engine, link->native), NULL);
			if (!err)
				return 0;
			forget_before(link);
			/* The last daemon's program stays and answers. */
			error_set(-err, "cannot replace the last daemon's XDP program on %s: %s",
				name, strerror(-err));
		}
		if (err) {
			close(link->fd);
			return err;
		}
		take_off(link, path);
	}
	link->fd = attach_link(engine, name, link->ifindex, &link->native);
	if (link->fd < 0) {
		put_back(link, name, path);
		return link->fd;
	}
	link->created = true;
	err = bpf_obj_pin(link->fd, path);
	if (err) {
		error_set(-err, "cannot pin %s: %s", path, strerror(-err));
		bpf_link_detach(link->fd);
		close(link->fd);
		put_back(link, name, path);
	}
	return err;
}

void attach_settle(struct engine *engine)
{
	int fd = openat(engine->lock_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *file;

	for (size_t i = 0; i < engine->link_count; i++)
		forget_before(&engine->links[i]);
	if (fd >= 0 && !dir)
		close(fd);
	while (dir && (file = readdir(dir))) {
		bool wanted = false;
		int ifindex;

		if (sscanf(file->d_name, "link-%d", &ifindex) != 1)
			continue;
		for (size_t i = 0; i < engine->link_count; i++)
			wanted |= engine->links[i].ifindex == ifindex;
		if (!wanted)
			unlinkat(engine->lock_fd, file->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

/* Warns of what makes XDP slower than expected. */
static void warn_of_link(struct xdp_link *link, const char *name)
{
	struct link_state state;

	link->veth_lost = veth_replies(link->ifindex) == VETH_LOST;
	link->no_ethernet = link_state(link->ifindex, LINK_HERE, &state) == 0 &&
			    state.type != ARPHRD_ETHER && state.type != ARPHRD_LOOPBACK;
	if (link->no_ethernet) {
		log_tagged(LOG_LEVEL_WARNING, "slow",
			"SLOW: packets on %s have no Ethernet header, so XDP answers none of them "
			"and sockets answer all: remove it from --interface",
			name);
		return;
	}
	if (!link->native)
		log_warning("GENERIC XDP on %s: the kernel copies each packet first; expect a "
			    "fraction of native speed",
			name);
	veth_announce(link, name);
}

/* The program does not fragment replies. 40: IPv6, the longest header. */
static void warn_of_mtu(const struct engine *engine, const char *name)
{
	const int around = 40 + 8 + SESSD_HEADER_SIZE;
	struct ifreq request = {0};

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (engine->sockets->count == 0 ||
		ioctl(engine->sockets->fds[0], SIOCGIFMTU, &request) < 0 ||
		request.ifr_mtu >= around + engine->config.value_max)
		return;
	log_warning("the MTU of %s is %d: replies with sessions of more than %d bytes do not "
		    "fit and may be lost: raise the MTU, or lower --max-session",
		name, request.ifr_mtu, request.ifr_mtu - around);
}

static int attach_and_warn(struct engine *engine, size_t i)
{
	const char *name = engine->config.interfaces[i];
	int err = attach_one(engine, name, &engine->links[i]);

	if (err) {
		engine->links[i].fd = -1;
		return err;
	}
	warn_of_link(&engine->links[i], name);
	warn_of_mtu(engine, name);
	return 0;
}

static bool has_pin(const struct engine *engine, size_t i)
{
	char path[PATH_MAX];
	int ifindex = (int)if_nametoindex(engine->config.interfaces[i]);

	return ifindex && access(link_path(engine, ifindex, path), F_OK) == 0;
}

/* First the interfaces that may fail because they are new: without CAP_SYS_ADMIN the last daemon's
 * program cannot be put back on the others, where it answers from maps that ours does not know. */
int attach_all(struct engine *engine)
{
	size_t count = engine->config.interface_count;
	int err = 0;

	for (size_t i = 0; i < count; i++)
		engine->links[i].fd = engine->links[i].before = -1;
	engine->link_count = count;
	for (size_t i = 0; !err && i < count; i++)
		if (!has_pin(engine, i))
			err = attach_and_warn(engine, i);
	for (size_t i = 0; !err && i < count; i++)
		if (engine->links[i].fd < 0)
			err = attach_and_warn(engine, i);
	return err;
}

void attach_undo(struct engine *engine)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < engine->link_count; i++) {
		struct xdp_link *link = &engine->links[i];

		if (!link->created && link->before >= 0 &&
			bpf_link_update(link->fd, link->before, NULL) < 0)
			log_error("cannot put back the last daemon's XDP program on %s",
				engine->config.interfaces[i]);
		if (!link->created)
			continue;
		bpf_link_detach(engine->links[i].fd);
		unlink(link_path(engine, engine->links[i].ifindex, path));
		put_back(&engine->links[i], engine->config.interfaces[i], path);
	}
}

void attach_remove(struct engine *engine)
{
	for (size_t i = 0; i < engine->link_count; i++)
		bpf_link_detach(engine->links[i].fd);
}
