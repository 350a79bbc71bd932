/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/resident.h"

#include "common/log.h"
#include "dataplane/engine.h"
#include "dataplane/xdp/dispatcher.h"

#include <sessiond/map_abi.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Maps of one program; sessiond's has some 20. */
#define MAPS_MAX 64

/* Entries read at most from another program's map of addresses and ports. */
#define LOCALS_MAX 65536

/* A descriptor of the program's map of this name, or a negative errno. */
static int map_of(const struct bpf_prog_info *program, const __u32 *ids, const char *name)
{
	for (__u32 i = 0; i < program->nr_map_ids && i < MAPS_MAX; i++) {
		struct bpf_map_info info = {0};
		__u32 size = sizeof(info);
		int fd = bpf_map_get_fd_by_id(ids[i]);

		if (fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && strcmp(info.name, name) == 0)
			return fd;
		close(fd);
	}
	return -ENOENT;
}

/* Reads a program's info; `ids` receives the ids of its maps. */
static int read_program(__u32 id, struct bpf_prog_info *info, __u32 ids[MAPS_MAX])
{
	__u32 size = sizeof(*info);
	int fd = bpf_prog_get_fd_by_id(id), err;

	if (fd < 0)
		return fd;
	memset(info, 0, sizeof(*info));
	info->nr_map_ids = MAPS_MAX;
	info->map_ids = (__u64)(uintptr_t)ids;
	err = bpf_obj_get_info_by_fd(fd, info, &size);
	close(fd);
	return err;
}

/* By its name and its `sessions` map, which every version has. */
static bool is_sessiond(const struct bpf_prog_info *info, const __u32 *ids)
{
	int fd;

	if (strncmp(info->name, "sessiond_", strlen("sessiond_")) != 0)
		return false;
	fd = map_of(info, ids, SESSD_PIN_SESSIONS);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Calls `each` for every XDP link of the host until it returns true. */
static bool any_link(bool (*each)(void *ctx, int fd, const struct bpf_link_info *info), void *ctx)
{
	__u32 id = 0;
	bool found = false;

	while (!found && bpf_link_get_next_id(id, &id) == 0) {
		struct bpf_link_info info = {0};
		__u32 size = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
			info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex)
			found = each(ctx, fd, &info);
		close(fd);
	}
	return found;
}

static __u32 program_on(int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query(ifindex, 0, &query) < 0)
		return 0;
	return query.prog_id	   ? query.prog_id
	       : query.drv_prog_id ? query.drv_prog_id
	       : query.hw_prog_id  ? query.hw_prog_id
				   : query.skb_prog_id;
}

struct wanted {
	int ifindex;
	__u32 program, link;
	bool detach;
	int err;
};

/* The same index may exist in another namespace: compare the program, too. */
static bool is_wanted(void *ctx, int fd, const struct bpf_link_info *info)
{
	struct wanted *wanted = ctx;

	if ((int)info->xdp.ifindex != wanted->ifindex || info->prog_id != wanted->program)
		return false;
	wanted->link = info->id;
	if (wanted->detach)
		wanted->err = bpf_link_detach(fd);
	return true;
}

void resident_find(int ifindex, struct resident *resident)
{
	struct wanted wanted = {.ifindex = ifindex};
	struct bpf_prog_info info;
	__u32 ids[MAPS_MAX];

	memset(resident, 0, sizeof(*resident));
	resident->program = wanted.program = program_on(ifindex);
	if (!resident->program || read_program(resident->program, &info, ids) < 0)
		return;
	memcpy(resident->name, info.name, sizeof(resident->name));
	resident->sessiond = is_sessiond(&info, ids);
	any_link(is_wanted, &wanted);
	resident->link = wanted.link;
}

static int refuse_dispatcher(const char *name, int ifindex)
{
	char members[256];
	int count = dispatcher_members(ifindex, members, sizeof(members));

	return error_set(EEXIST,
		"%s already has a dispatcher of libxdp%s%s, which sessiond does not join: "
		"unload %s (xdp-loader unload %s --all), leave %s out of --interface so that "
		"sockets answer there, or use --mode socket",
		name,
		count == 0   ? " (its programs cannot be read)"
		: count == 1 ? " with the XDP program "
			     : " with the XDP programs ",
		members, count == 1 ? "it" : "them", name, name);
}

int resident_refuse(const char *name, int ifindex)
{
	struct resident resident;
	char remedy[96];

	resident_find(ifindex, &resident);
	if (resident.sessiond)
		return error_set(EEXIST,
			"%s already has the XDP program of another sessiond, which is not pinned "
			"in this pin folder: stop that one, or take its program off: sessionctl "
			"detach --interface %s",
			name, name);
	if (strcmp(resident.name, DISPATCHER_NAME) == 0)
		return refuse_dispatcher(name, ifindex);
	if (!resident.name[0])
		return error_set(EEXIST,
			"%s already has an XDP program, number %u: stop what put it there (as "
			"root, "
			"xdp-loader status %s or bpftool prog show id %u names it), or use --mode "
			"socket",
			name, resident.program, name, resident.program);
	/* `ip link` cannot detach a program that a link holds. */
	if (resident.link)
		snprintf(remedy, sizeof(remedy), "bpftool link detach id %u", resident.link);
	else
		snprintf(remedy, sizeof(remedy), "ip link set dev %s xdp off", name);
	return error_set(EEXIST,
		"%s already has an XDP program, %s: stop what put it there, take it off (%s), "
		"or use --mode socket",
		name, resident.name, remedy);
}

/* Whether one of the addresses and ports that a program answers at is one of ours. */
static bool overlaps(const struct engine_config *config, int locals_fd)
{
	struct sessd_local key, next;
	const void *from = NULL;

	for (unsigned n = 0; n < LOCALS_MAX && bpf_map_get_next_key(locals_fd, from, &next) == 0;
		n++) {
		key = next;
		from = &key;
		for (size_t i = 0; i < config->listen_count; i++) {
			const struct endpoint *listen = &config->listen[i];

			if (ntohs(key.port) == listen->port &&
				(listen->any || address_is_wildcard(&listen->addr) ||
					memcmp(key.addr, listen->addr.bytes, sizeof(key.addr)) ==
						0))
				return true;
		}
	}
	return false;
}

struct answering {
	const struct engine_config *config;
	char *names;
	size_t size, used;
	int count;
};

static bool add_answering(void *ctx, int fd, const struct bpf_link_info *link)
{
	struct answering *answering = ctx;
	struct bpf_prog_info info;
	__u32 ids[MAPS_MAX];
	char name[IF_NAMESIZE];
	int locals;

	(void)fd;
	if (read_program(link->prog_id, &info, ids) < 0 || !is_sessiond(&info, ids) ||
		program_on((int)link->xdp.ifindex) != link->prog_id ||
		!if_indextoname(link->xdp.ifindex, name))
		return false;
	locals = map_of(&info, ids, SESSD_PIN_LOCAL);
	if (locals < 0)
		return false;
	if (overlaps(answering->config, locals)) {
		answering->count++;
		if (answering->used < answering->size)
			answering->used += (size_t)snprintf(answering->names + answering->used,
				answering->size - answering->used, "%s%s",
				answering->used ? ", " : "", name);
	}
	close(locals);
	return false;
}

int residents_answering(const struct engine_config *config, char *names, size_t size)
{
	struct answering answering = {.config = config, .names = names, .size = size};

	names[0] = '\0';
	any_link(add_answering, &answering);
	return answering.count;
}

int resident_take_off(const char *name)
{
	int ifindex = (int)if_nametoindex(name);
	struct wanted wanted = {.ifindex = ifindex, .detach = true};
	struct resident resident;

	if (ifindex == 0)
		return error_set(ENODEV, "there is no interface %s", name);
	resident_find(ifindex, &resident);
	if (!resident.program)
		return error_set(ENOENT, "%s has no XDP program", name);
	if (!resident.name[0])
		return error_set(EPERM, "cannot read the XDP program of %s: root is needed", name);
	if (!resident.sessiond)
		return error_set(EINVAL,
			"the XDP program of %s, %s, is not sessiond's: left in place", name,
			resident.name);
	wanted.program = resident.program;
	if (!any_link(is_wanted, &wanted))
		return error_set(ENOENT,
			"the XDP program of %s is not attached by a BPF link; to detach it: ip "
			"link set dev %s xdp off",
			name, name);
	if (wanted.err)
		return error_set(-wanted.err, "cannot take the XDP program off %s: %s", name,
			strerror(-wanted.err));
	return 0;
}
