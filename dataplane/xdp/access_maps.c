/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The program's allow list and VLANs. The list is changed in place while packets pass: new prefixes
 * are added before old ones are deleted, so that a source allowed by both is never refused.
 */
#include "dataplane/xdp/xdp.h"

#include "common/log.h"

#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const __u8 present_value = 1;

/* A prefix as a key of allow4 or allow6. */
union lpm_key {
	struct sessd_lpm4 v4;
	struct sessd_lpm6 v6;
};

static int lpm_key(struct engine *engine, const struct prefix *prefix, union lpm_key *key)
{
	memset(key, 0, sizeof(*key));
	if (address_is_ipv4(&prefix->addr) && prefix->length >= 96) {
		key->v4.prefixlen = prefix->length - 96U;
		memcpy(key->v4.addr, prefix->addr.bytes + 12, 4);
		return bpf_map__fd(engine->skel->maps.allow4);
	}
	key->v6.prefixlen = prefix->length;
	memcpy(key->v6.addr, prefix->addr.bytes, 16);
	return bpf_map__fd(engine->skel->maps.allow6);
}

/* Deletes the keys of a trie that are not a prefix in `allow`. */
static void drop_old_prefixes(struct engine *engine, int fd, const struct allow_list *allow)
{
	static union lpm_key old[2 * ALLOW_MAX]; /* main thread only */
	union lpm_key key = {0}, wanted;
	size_t count = 0;
	size_t size =
		fd == bpf_map__fd(engine->skel->maps.allow4) ? sizeof(key.v4) : sizeof(key.v6);
	int err;

	/* Collect first: get_next_key cannot continue from a deleted key. */
	for (err = bpf_map_get_next_key(fd, NULL, &key); !err && count < 2 * ALLOW_MAX;
		err = bpf_map_get_next_key(fd, &key, &key)) {
		bool keep = false;

		for (size_t i = 0; i < allow->count && !keep; i++)
			keep = lpm_key(engine, &allow->prefixes[i], &wanted) == fd &&
			       memcmp(&wanted, &key, size) == 0;
		if (!keep)
			old[count++] = key;
	}
	while (count > 0)
		bpf_map_delete_elem(fd, &old[--count]);
}

static void drop_all_but(struct engine *engine, const struct allow_list *allow)
{
	drop_old_prefixes(engine, bpf_map__fd(engine->skel->maps.allow4), allow);
	drop_old_prefixes(engine, bpf_map__fd(engine->skel->maps.allow6), allow);
}

/* The writer thread reads this list for the sockets: wait until it has completed a pass before
 * freeing the old one. */
static void swap_slow_list(struct engine *engine, struct allow_list *list)
{
	struct allow_list *old = engine->allow;

	atomic_store(&engine->slow_allow, list);
	engine->allow = list;
	receive_wait_for_writer(engine);
	free(old);
}

int access_set_allow(struct engine *engine, const struct allow_list *allow)
{
	struct allow_list *copy = malloc(sizeof(*copy));

	if (!copy)
		return error_set(ENOMEM, "out of memory for the allow list; the old one stays");
	*copy = *allow;
	if (!engine->allow_ours) {
		swap_slow_list(engine, copy);
		return 0;
	}
	for (size_t i = 0; i < allow->count; i++) {
		union lpm_key key;
		int fd = lpm_key(engine, &allow->prefixes[i], &key);
		int err = bpf_map_update_elem(fd, &key, &present_value, BPF_ANY);

		if (err) {
			/* Before the start, the lists still are the last daemon's. */
			if (engine->started) {
				drop_all_but(engine, engine->allow);
				/* Drop cached decisions of sources that were allowed meanwhile. */
				maps_next_generation(engine);
			}
			free(copy);
			return error_set(-err, "cannot write the allow list: %s", strerror(-err));
		}
	}
	drop_all_but(engine, allow);
	swap_slow_list(engine, copy);
	return maps_next_generation(engine);
}

int access_set_vlan(struct engine *engine, const struct sessd_vlan *vlan, bool present)
{
	int fd = bpf_map__fd(engine->skel->maps.vlans);
	int err = present ? bpf_map_update_elem(fd, vlan, &present_value, BPF_ANY)
			  : bpf_map_delete_elem(fd, vlan);

	if (!err || (!present && err == -ENOENT))
		err = hidden_tags_set_vlan(engine, vlan, present);
	return err ? error_set(-err, "cannot change the XDP program's VLANs: %s", strerror(-err))
		   : 0;
}

int access_publish(struct engine *engine)
{
	if (engine->allow_ours)
		return 0;
	engine->allow_ours = true;
	return access_set_allow(engine, engine->allow);
}
