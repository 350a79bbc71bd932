/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The program's list of addresses and ports at which it answers. It is changed in place while
 * packets pass: old entries are deleted before new ones are added, so that there is room.
 */
#include "dataplane/xdp/xdp.h"

#include "common/log.h"

#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* Room for addresses and ports added while the daemon runs, on top of twice those at start. */
#define ROOM_LEAST 4096

/* Without preallocation an update may fail temporarily, as in mirror.c. */
#define RETRIES 8

/* Addresses retried per call: the main thread must not be held up. */
#define RETRY_MAX 256

static const __u8 present_value = 1;

/* An endpoint bound to one interface is left to the daemon's socket: `local` has no interface, and
 * another link may have the same address. */
static bool answers_at(const struct endpoint *listen, const struct address *addr)
{
	return !listen->scope[0] && endpoint_takes(listen, addr);
}

/* Pairs of address and port, at most. */
static size_t pairs(const struct engine_config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->listen_count; i++)
		count += address_is_wildcard(&config->listen[i].addr) ? config->address_count : 1;
	return count;
}

uint32_t local_map_entries(const struct engine_config *config)
{
	return (uint32_t)(2 * pairs(config) + ROOM_LEAST);
}

/* glibc's bytes per tree node and per allocation. */
#define NODE_BYTES	 48
#define ALLOCATION_BYTES 16

uint64_t local_map_own_bytes(const struct engine_config *config)
{
	/* Besides the tree, the follower keeps a list of reported addresses and one of those being
	 * read; both grow by doubling. */
	return config->address_count *
	       (sizeof(struct local) + ALLOCATION_BYTES + NODE_BYTES + 4 * sizeof(struct address));
}

uint32_t local_map_pairs(const struct engine_config *config)
{
	return (uint32_t)pairs(config);
}

bool local_map_too_small(const struct engine_config *config, uint32_t entries)
{
	return entries < pairs(config) + pairs(config) / 2;
}

void local_map_open(struct engine *engine)
{
	TAILQ_INIT(&engine->missing);
}

void local_map_close(struct engine *engine)
{
	tdestroy(engine->locals, free);
}

static int by_address(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

static struct local *find(const struct engine *engine, const void *addr)
{
	struct local *const *node = tfind(addr, &engine->locals, by_address);

	return node ? *node : NULL;
}

static struct local *find_or_add(struct engine *engine, const struct address *addr)
{
	struct local *local = find(engine, addr);

	if (local)
		return local;
	local = calloc(1, sizeof(*local));
	if (!local)
		return NULL;
	local->addr = *addr;
	if (!tsearch(local, &engine->locals, by_address)) {
		free(local);
		return NULL;
	}
	return local;
}

/* Calls `change` for each port at which `addr` is listened to. */
static int for_each_port(struct engine *engine, const struct address *addr,
	int (*change)(int fd, const struct sessd_local *key))
{
	int fd = bpf_map__fd(engine->skel->maps.local);

	for (size_t i = 0; i < engine->config.listen_count; i++) {
		const struct endpoint *listen = &engine->config.listen[i];
		struct sessd_local key = {.port = htons(listen->port)};
		int err;

		if (!answers_at(listen, addr))
			continue;
		memcpy(key.addr, addr->bytes, sizeof(key.addr));
		err = change(fd, &key);
		if (err)
			return err;
	}
	return 0;
}

static int add_pair(int fd, const struct sessd_local *key)
{
	int err = bpf_map_update_elem(fd, key, &present_value, BPF_ANY);

	for (int i = 0; i < RETRIES && err && err != -E2BIG; i++) {
		sched_yield();
		err = bpf_map_update_elem(fd, key, &present_value, BPF_ANY);
	}
	return err;
}

static int del_pair(int fd, const struct sessd_local *key)
{
	int err = bpf_map_delete_elem(fd, key);

	return err == -ENOENT ? 0 : err;
}

static void set_missing(struct engine *engine, struct local *local, bool missing)
{
	if (missing && !local->missing)
		TAILQ_INSERT_TAIL(&engine->missing, local, link);
	else if (!missing && local->missing)
		TAILQ_REMOVE(&engine->missing, local, link);
	local->missing = missing;
}

static int add(struct engine *engine, struct local *local)
{
	int err = local->withheld ? 0 : for_each_port(engine, &local->addr, add_pair);

	set_missing(engine, local, err != 0);
	return err;
}

void local_map_retry(struct engine *engine)
{
	struct local *local = TAILQ_FIRST(&engine->missing);

	if (!local)
		return;
	for (int i = 0; i < RETRY_MAX && local && add(engine, local) == 0; i++)
		local = TAILQ_FIRST(&engine->missing);
	if (!local)
		log_notice("the program answers at every address of this host again");
}

static void say_full(const struct engine *engine, const struct address *addr)
{
	char text[ADDRESS_TEXT];

	log_tagged(LOG_LEVEL_WARNING, "slow",
		"SLOW: the program's list of addresses and ports is full (%u): sockets answer "
		"requests to %s and to other addresses that do not fit; a restart makes room",
		bpf_map__max_entries(engine->skel->maps.local), address_format(addr, text));
}

static int cannot_tell(const struct address *addr, int err)
{
	char text[ADDRESS_TEXT];

	return error_set(-err, "cannot change the XDP program's address %s: %s",
		address_format(addr, text), strerror(-err));
}

static int come(struct engine *engine, const struct address *addr)
{
	struct local *local = find_or_add(engine, addr);
	bool complete = TAILQ_EMPTY(&engine->missing);
	int err;

	if (!local)
		return error_set(ENOMEM, "out of memory for local addresses");
	local->withheld = hidden_tags_hide(engine, addr);
	if (!engine->locals_ours)
		return 0;
	err = add(engine, local);
	if (err && err != -E2BIG)
		return cannot_tell(addr, err);
	if (err && complete)
		say_full(engine, addr);
	else if (!err)
		local_map_retry(engine);
	return 0;
}

static int go(struct engine *engine, const struct address *addr)
{
	struct local *local = find(engine, addr);
	int err = 0;

	if (engine->locals_ours)
		err = for_each_port(engine, addr, del_pair);
	if (!err && engine->locals_ours)
		err = maps_next_generation(engine);
	if (err)
		return cannot_tell(addr, err);
	if (local) {
		set_missing(engine, local, false);
		tdelete(local, &engine->locals, by_address);
		free(local);
	}
	local_map_retry(engine);
	return 0;
}

int local_map_set(struct engine *engine, const struct address *addr, bool present)
{
	return present ? come(engine, addr) : go(engine, addr);
}

int local_map_withhold(struct engine *engine, const struct address *addr)
{
	struct local *local = find(engine, addr);
	bool withheld = hidden_tags_hide(engine, addr);
	int err;

	if (!local || local->withheld == withheld)
		return 0;
	if (!withheld)
		return come(engine, addr);
	local->withheld = true;
	if (!engine->locals_ours)
		return 0;
	set_missing(engine, local, false);
	err = for_each_port(engine, addr, del_pair);
	if (!err)
		err = maps_next_generation(engine);
	return err ? cannot_tell(addr, err) : 0;
}

static bool is_wanted(const struct engine *engine, const struct sessd_local *key)
{
	const struct local *local = find(engine, key->addr);

	for (size_t i = 0; local && !local->withheld && i < engine->config.listen_count; i++) {
		const struct endpoint *listen = &engine->config.listen[i];

		if (listen->port == ntohs(key->port) && answers_at(listen, &local->addr))
			return true;
	}
	return false;
}

static void forget_strangers(struct engine *engine)
{
	int fd = bpf_map__fd(engine->skel->maps.local);
	struct sessd_local key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (!is_wanted(engine, &key))
			del_pair(fd, &key);
	}
}

static void publish_one(const void *node, VISIT visit, void *ctx)
{
	struct engine *engine = ctx;
	struct local *local = *(struct local *const *)node;

	if (visit != postorder && visit != leaf)
		return;
	/* Log only the first refusal, not one line per address. */
	if (TAILQ_EMPTY(&engine->missing)) {
		if (come(engine, &local->addr) < 0)
			log_error("%s", error_message());
	} else {
		add(engine, local);
	}
}

void local_map_publish(struct engine *engine)
{
	if (engine->locals_ours)
		return;
	engine->locals_ours = true;
	forget_strangers(engine);
	twalk_r(engine->locals, publish_one, engine);
}

static void set_listen(struct engine *engine, const struct engine_config *config)
{
	memcpy(engine->config.listen, config->listen, sizeof(engine->config.listen));
	engine->config.listen_count = config->listen_count;
}

struct listening {
	struct engine *engine;
	int err;
};

static void listen_at(const void *node, VISIT visit, void *ctx)
{
	struct listening *listening = ctx;
	struct local *local = *(struct local *const *)node;

	if ((visit != postorder && visit != leaf) || listening->err)
		return;
	if (TAILQ_EMPTY(&listening->engine->missing))
		listening->err = come(listening->engine, &local->addr);
	else
		add(listening->engine, local);
}

int local_map_listen(struct engine *engine, const struct engine_config *next)
{
	struct listening listening = {.engine = engine};
	struct engine_config *now = malloc(sizeof(*now));

	if (!now)
		return error_set(ENOMEM, "out of memory for --listen");
	*now = engine->config;
	listening.err = maps_filter_ports(engine, now, next);
	if (!listening.err) {
		set_listen(engine, next);
		twalk_r(engine->locals, listen_at, &listening);
	}
	if (listening.err) /* what was written already is taken back */
		set_listen(engine, now);
	forget_strangers(engine);
	local_map_retry(engine);
	if (listening.err)
		maps_filter_ports(engine, now, NULL);
	else
		listening.err = maps_filter_ports(engine, next, NULL);
	/* What was just deleted may be in the access cache. */
	maps_next_generation(engine);
	free(now);
	return listening.err;
}
