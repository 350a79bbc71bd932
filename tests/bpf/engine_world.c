/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/bpf/engine_world.h"

#include "dataplane/xdp/link_state.h"

#include "common/clock.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CAPACITY  200
#define VALUE_MAX 512
#define PORT	  7300

static void lack(const char *why)
{
	printf("skipped: %s\n", why);
	exit(77);
}

bool world_shows_veth;

int __real_link_state(int ifindex, int ns, struct link_state *state);
int __wrap_link_state(int ifindex, int ns, struct link_state *state);
int __wrap_link_state(int ifindex, int ns, struct link_state *state)
{
	int err = __real_link_state(ifindex, ns, state);

	state->veth &= world_shows_veth;
	return err;
}

void world_sh(const char *command)
{
	assert_int_equal(system(command), 0);
}

void world_make_veth(void)
{
	world_sh("ip link add t0 type veth peer name t1 && ip link set t0 up && ip link set t1 up");
}

void world_require(struct world *world)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	struct statfs fs;
	int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "probe", 8, 1, 1, &opts);

	if (fd < 0)
		lack("BPF maps cannot be made here");
	close(fd);
	if (statfs("/sys/fs/bpf", &fs) < 0 || (unsigned long)fs.f_type != BPF_FS_MAGIC)
		lack("there is no bpffs on /sys/fs/bpf");
	if (unshare(CLONE_NEWNET) < 0)
		lack("no network namespace can be made");
	if (system("ip link set lo up && ip link add t0 type veth peer name t1"
		   " && ip link set t0 up && ip link set t1 up") != 0)
		lack("no veth pair can be made");
	memset(world, 0, sizeof(*world));
	snprintf(world->root, sizeof(world->root), "/sys/fs/bpf/sessiond-test-%d", (int)getpid());
	snprintf(world->pin_dir, sizeof(world->pin_dir), "%s/%d", world->root, PORT);
}

void world_reset(struct world *world)
{
	world->config = (struct engine_config){
		.listen = {{.port = PORT}},
		.listen_count = 1,
		.interfaces = {"t0", "t1"},
		.interface_count = 1,
		.xdp_mode = XDP_MODE_AUTO,
		.capacity = CAPACITY,
		.value_max = VALUE_MAX,
	};
	assert_int_equal(address_parse("127.0.0.1", &world->config.listen[0].addr), 0);
	strcpy(world->config.pin_dir, world->pin_dir);
	world->skip_slot = UINT32_MAX;
	world->keep_each = 1;
	world->failed = 0;
}

void world_clean(struct world *world)
{
	char command[512];

	if (world->engine)
		world_close(world, false);
	snprintf(command, sizeof(command),
		"rm -f %s/* && for d in %s %s; do [ ! -d $d ] || rmdir $d; done", world->pin_dir,
		world->pin_dir, world->root);
	world_sh(command);
}

int world_after(void **state)
{
	world_clean(*state);
	return 0;
}

bool world_found(void *ctx, const struct session *session)
{
	struct world *world = ctx;

	if (session->slot == world->skip_slot || session->slot % world->keep_each)
		return false;
	/* As the writer: a slot has one session. */
	for (unsigned i = 0; i < world->found_count; i++) {
		if (world->found[i].slot == session->slot)
			return false;
	}
	assert_true(world->found_count < WORLD_FOUND_MAX);
	world->found[world->found_count++] = *session;
	return true;
}

int world_open(struct world *world)
{
	struct table_config table = {.capacity = world->config.capacity, .value_max = 1};
	int err = engine_xdp.open(&world->engine, &world->config);

	if (err) {
		world->engine = NULL;
		return err;
	}
	engine_xdp.table_config(world->engine, &table);
	assert_int_equal(table.value_max, 0);
	assert_non_null(table.marks);
	world->found_count = 0;
	return engine_xdp.adopt(
		world->engine, &(struct adoption){.found = world_found, .ctx = world});
}

int world_start(struct world *world)
{
	static struct allow_list allow;
	struct update_sink none = {0};
	int err;

	allow_list_default(&allow);
	err = engine_xdp.set_allow(world->engine, &allow);
	return err ? err : engine_xdp.start(world->engine, NULL, &none);
}

void world_run(struct world *world)
{
	assert_int_equal(world_open(world), 0);
	assert_int_equal(world_start(world), 0);
	engine_xdp.supervise(world->engine);
}

void world_close(struct world *world, enum engine_close how)
{
	engine_xdp.close(world->engine, how);
	world->engine = NULL;
}

void world_keep_one(struct world *world)
{
	world_reset(world);
	world_run(world);
	world_put(world, 1, 100000, 100);
	world_commit(world);
	world_close(world, true);
}

void world_clean_start(struct world *world)
{
	world_run(world);
	assert_false(world->engine->adopted);
	assert_int_equal(world->found_count, 0);
	world_close(world, false);
	assert_int_equal(world_program("t0"), 0);
	assert_int_not_equal(access(world->root, F_OK), 0);
}

void world_key(uint32_t slot, uint8_t key[SESSD_KEY_SIZE])
{
	memset(key, (int)slot, SESSD_KEY_SIZE);
	memcpy(key, &slot, sizeof(slot));
}

uint8_t world_value(uint32_t slot, unsigned i)
{
	return (uint8_t)(7 * slot + i + 1);
}

void world_put(struct world *world, uint32_t slot, int64_t life, unsigned len)
{
	struct session session = {.slot = slot, .len = (uint16_t)len, .sum = (uint16_t)len};
	uint8_t value[VALUE_MAX];

	for (unsigned i = 0; i < len; i++)
		value[i] = world_value(slot, i);
	world_key(slot, session.key);
	session.expires = clock_tick() + (uint64_t)life;
	engine_xdp.put(world->engine, &session, value);
}

static void on_failed(void *ctx, uint32_t slot)
{
	struct world *world = ctx;

	(void)slot;
	world->failed++;
}

void world_commit(struct world *world)
{
	engine_xdp.commit(world->engine, on_failed, world);
	assert_int_equal(world->failed, 0);
}

int world_pin(const struct world *world, const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", world->pin_dir, name);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}

bool world_has_pin(const struct world *world, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", world->pin_dir, name);
	return access(path, F_OK) == 0;
}

unsigned world_elements(int fd)
{
	uint8_t key[64];
	unsigned n = 0;

	for (int err = bpf_map_get_next_key(fd, NULL, key); !err;
		err = bpf_map_get_next_key(fd, key, key))
		n++;
	return n;
}

uint32_t world_program(const char *interface)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	assert_int_equal(bpf_xdp_query((int)if_nametoindex(interface), 0, &query), 0);
	return query.prog_id ? query.prog_id : query.skb_prog_id;
}

unsigned world_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	if (!dir)
		lack("/proc is not mounted");
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

bool world_serves(const struct world *world, const char *address)
{
	struct sessd_local key = {.port = htons(PORT)};
	struct address addr;
	uint8_t value;
	int fd = world_pin(world, "local"), err;

	assert_int_equal(address_parse(address, &addr), 0);
	memcpy(key.addr, addr.bytes, 16);
	err = bpf_map_lookup_elem(fd, &key, &value);
	close(fd);
	return err == 0;
}
