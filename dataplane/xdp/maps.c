/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Loads the program with its maps: the last daemon's pinned ones if they are complete and match
 * this configuration, else new ones.
 */
#include "dataplane/xdp/xdp.h"

#include "common/bpf_skeleton.h"
#include "common/log.h"
#include <sessiond/frame_ring.h>
#include <sessiond/rate_limit.h>

#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int libbpf_log(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[512];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("%s", line);
	return 0;
}

static uint32_t netns_inode(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) == 0 ? (uint32_t)st.st_ino : 0;
}

bool maps_is_pinned(const struct bpf_map *map)
{
	static const char *const names[] = {SESSD_PIN_SESSIONS, SESSD_PIN_OVERFLOW, SESSD_PIN_MARKS,
		SESSD_PIN_TAKEN, SESSD_PIN_CONFIG, SESSD_PIN_STATS, SESSD_PIN_ALLOW4,
		SESSD_PIN_ALLOW6, SESSD_PIN_LOCAL, SESSD_PIN_EVENTS};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(bpf_map__name(map), names[i]) == 0)
			return true;
	}
	return false;
}

void maps_set_reloadable(struct engine *engine, const struct engine_config *config)
{
	struct sessiond_bpf__bss *bss = engine->skel->bss;

	__atomic_store_n(&bss->frames_in_rings, !config->busy_poll, __ATOMIC_RELAXED);
	__atomic_store_n(&bss->answers_timed, config->xdp_histogram, __ATOMIC_RELAXED);
	__atomic_store_n(&bss->limit_get_interval, sessd_limit_interval(config->limit_gets),
		__ATOMIC_RELAXED);
	__atomic_store_n(&bss->limit_new_interval, sessd_limit_interval(config->limit_news),
		__ATOMIC_RELAXED);
}

/* Sets what depends on the configuration. */
static void size_maps(struct engine *engine)
{
	uint32_t capacity = engine->config.capacity;
	uint16_t value_max = engine->config.value_max;
	struct sessiond_bpf *skel = engine->skel;

	bpf_map__set_max_entries(skel->maps.sessions, maps_sessions(capacity));
	bpf_map__set_max_entries(skel->maps.overflow, maps_overflows(capacity, value_max));
	bpf_map__set_value_size(skel->maps.overflow, SESSD_BLOCK_SIZE(value_max));
	bpf_map__set_max_entries(skel->maps.marks, SESSD_MARKS_ELEMS(capacity));
	bpf_map__set_max_entries(skel->maps.taken, SESSD_MARKS_ELEMS(capacity));
	/* Old and new list are both in the map during a change. */
	bpf_map__set_max_entries(skel->maps.allow4, 2 * ALLOW_MAX);
	bpf_map__set_max_entries(skel->maps.allow6, 2 * ALLOW_MAX);
	bpf_map__set_max_entries(skel->maps.local, local_map_entries(&engine->config));
	skel->rodata->value_max = value_max;
	skel->rodata->last_rest = SESSD_LAST_REST(value_max);
	skel->rodata->take_answered = engine->config.take != TAKE_NO;
	skel->rodata->take_passed = engine->config.take == TAKE_FARM;
	/* Also without a limit, which a reload may set: no map can be made then. */
	bpf_map__set_max_entries(skel->maps.limits, maps_limits(&engine->config));
	skel->rodata->frame_ring_size = frame_rings_size(maps_cpus());
	bpf_map__set_max_entries(skel->maps.frames, maps_cpus());
	bpf_map__set_value_size(
		skel->maps.frames, SESSD_FRAME_RING_VALUE(skel->rodata->frame_ring_size));
	maps_set_reloadable(engine, &engine->config);
	_Static_assert(sizeof(skel->rodata->redirect_interfaces) ==
			       ENGINE_INTERFACES_MAX * sizeof(skel->rodata->redirect_interfaces[0]),
		"room for every interface");
	engine->slot_count = redirect_slots(&engine->config, engine->slots);
	/* attach_all reports an interface that does not exist. The program's list ends at the
	 * first 0. */
	for (size_t i = 0; i < engine->slot_count; i++)
		skel->rodata->redirect_interfaces[i] =
			engine->slots[i].ifindex ? engine->slots[i].ifindex : UINT32_MAX;
}

/* Whether a pinned map has the type and sizes that the program needs. Not max_entries of `local`,
 * which the last daemon chose by its addresses; see local_map_too_small. */
static bool same_shape(int fd, const struct bpf_map *map, struct bpf_map_info *info)
{
	bool any_size = strcmp(bpf_map__name(map), SESSD_PIN_LOCAL) == 0;
	__u32 size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &size) == 0 && info->type == bpf_map__type(map) &&
	       info->key_size == bpf_map__key_size(map) &&
	       info->value_size == bpf_map__value_size(map) &&
	       (any_size || (maps_has_room(bpf_map__name(map), info->max_entries,
				     bpf_map__max_entries(map)) &&
				    info->map_flags == bpf_map__map_flags(map)));
}

static const char *why_not_open(int err)
{
	return err == -ENOENT ? "the pin set is incomplete" : "the pinned maps cannot be opened";
}

const char *maps_read_settings(struct engine *engine, struct sessd_config *settings)
{
	struct bpf_map_info info = {0};
	__u32 zero = 0, size = sizeof(info);
	char path[PATH_MAX];
	int fd, err;

	fd = bpf_obj_get(pins_path(engine, SESSD_PIN_CONFIG, path));
	if (fd == -ENOENT && access(pins_path(engine, SESSD_PIN_SESSIONS, path), F_OK) < 0)
		return "";
	if (fd < 0)
		return why_not_open(fd);
	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (!err && (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != sizeof(*settings)))
		err = -EINVAL;
	if (!err)
		err = bpf_map_lookup_elem(fd, &zero, settings);
	close(fd);
	if (err)
		return "the pinned maps are of another version";
	if (settings->abi == 0)
		return "the pin set is incomplete";
	if (settings->abi != SESSD_ABI || settings->value_max == 0 ||
		settings->value_max > SESSD_VALUE_LIMIT)
		return "the pinned maps are of another version";
	if (settings->netns != netns_inode()) {
		engine->foreign = true;
		return "it ran in another network namespace";
	}
	engine->resized = settings->capacity != engine->config.capacity ||
			  settings->value_max != engine->config.value_max;
	return engine->resized ? "capacity or max-session has changed" : NULL;
}

/* Uses the pinned maps instead of new ones. NULL, or the reason why not. */
static const char *reuse_maps(struct engine *engine)
{
	const char *why = maps_read_settings(engine, &engine->settings);
	struct bpf_map_info info;
	struct bpf_map *map;
	char path[PATH_MAX];

	if (why)
		return why;
	bpf_object__for_each_map(map, engine->skel->obj)
	{
		int fd, err;

		if (!maps_is_pinned(map))
			continue;
		fd = bpf_obj_get(pins_path(engine, bpf_map__name(map), path));
		if (fd < 0)
			return why_not_open(fd);
		if (!same_shape(fd, map, &info)) {
			close(fd);
			return "the pinned maps have another shape";
		}
		if (map == engine->skel->maps.local &&
			local_map_too_small(&engine->config, info.max_entries)) {
			engine->local_made = true;
			close(fd);
			continue;
		}
		err = bpf_map__reuse_fd(map, fd);
		close(fd);
		if (err)
			return "the pinned maps cannot be used";
	}
	return NULL;
}

static int open_skeleton(struct engine *engine)
{
	engine->skel = sessiond_bpf__open();
	if (!engine->skel)
		return error_set(errno, "cannot read the XDP program: %s", strerror(errno));
	size_maps(engine);
	return 0;
}

static int new_settings(struct engine *engine)
{
	struct sessd_config *settings = &engine->settings, last = *settings;

	memset(settings, 0, sizeof(*settings));
	settings->capacity = engine->config.capacity;
	settings->value_max = engine->config.value_max;
	/* The guards of sessions that move stay valid. */
	if (engine->moved)
		memcpy(settings->secret, last.secret, sizeof(settings->secret));
	explicit_bzero(&last, sizeof(last));
	if (engine->moved)
		return 0;
	if (getrandom(settings->secret, sizeof(settings->secret), 0) !=
		(ssize_t)sizeof(settings->secret))
		return error_set(EIO, "cannot get random numbers for the guard");
	for (size_t i = 0; i < SESSD_GUARD_KEYS; i++)
		settings->secret[i] |= 1;
	return 0;
}

static int load(struct engine *engine)
{
	int err = sessiond_bpf__load(engine->skel);

	if (err == -EPERM || err == -EACCES)
		return error_set(EPERM,
			"the kernel refused the XDP program: xdp mode needs root, or "
			"CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON");
	if (err == -ENOMEM || err == -E2BIG)
		return error_set(-err,
			"no kernel memory for %u sessions: choose a smaller capacity",
			engine->config.capacity);
	if (err)
		return error_set(-err,
			"the kernel refused the XDP program: %s (it needs Linux 6.1; see "
			"--log-level debug)",
			strerror(-err));
	return 0;
}

static int map_marks(struct engine *engine)
{
	size_t bytes =
		(size_t)bpf_map__max_entries(engine->skel->maps.marks) * SESSD_MARKS_PER_ELEM / 8;
	void *marks, *taken;

	marks = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		bpf_map__fd(engine->skel->maps.marks), 0);
	if (marks == MAP_FAILED)
		return error_set(errno, "cannot map the visited marks: %s", strerror(errno));
	engine->marks = marks;
	engine->marks_bytes = bytes;
	taken = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		bpf_map__fd(engine->skel->maps.taken), 0);
	if (taken == MAP_FAILED)
		return error_set(
			errno, "cannot map the bits of what was taken: %s", strerror(errno));
	engine->taken = taken;
	return 0;
}

int maps_open(struct engine *engine)
{
	const char *why;
	int err;

	libbpf_set_print(libbpf_log);
	err = open_skeleton(engine);
	if (err)
		return err;
	why = reuse_maps(engine);
	engine->adopted = !why;
	if (why) {
		engine->moved = engine->resized && resize_open(engine, &engine->settings);
		if (*why && !engine->moved)
			log_warning("the sessions of the last daemon are lost: %s", why);
		sessiond_bpf__destroy(engine->skel);
		engine->skel = NULL;
		engine->local_made = false;
		err = open_skeleton(engine);
		if (!err)
			err = new_settings(engine);
		if (err)
			return err;
	}
	err = load(engine);
	if (err)
		return err;
	return map_marks(engine);
}

static int write_settings(struct engine *engine)
{
	__u32 zero = 0;
	int err = bpf_map_update_elem(
		bpf_map__fd(engine->skel->maps.config), &zero, &engine->settings, BPF_ANY);

	return err ? error_set(-err, "cannot write the program's settings: %s", strerror(-err)) : 0;
}

int maps_next_generation(struct engine *engine)
{
	engine->settings.generation++;
	return write_settings(engine);
}

static uint64_t port_filter(const struct engine_config *config)
{
	uint64_t filter = 0;

	for (size_t i = 0; config && i < config->listen_count; i++)
		filter |= 1ULL << (config->listen[i].port % 64);
	return filter;
}

int maps_filter_ports(
	struct engine *engine, const struct engine_config *a, const struct engine_config *b)
{
	engine->settings.port_filter = port_filter(a) | port_filter(b);
	return write_settings(engine);
}

int maps_publish(struct engine *engine)
{
	struct sessd_config *settings = &engine->settings;
	int err;

	settings->port_filter = port_filter(&engine->config);
	settings->netns = netns_inode();
	settings->generation++;
	/* Written twice: once the ABI number is set, all else is in place. */
	err = write_settings(engine);
	if (!err && settings->abi != SESSD_ABI) {
		settings->abi = SESSD_ABI;
		err = write_settings(engine);
	}
	return err;
}

void maps_close(struct engine *engine)
{
	if (engine->marks)
		munmap(engine->marks, engine->marks_bytes);
	if (engine->taken)
		munmap(engine->taken, engine->marks_bytes);
	sessiond_bpf__destroy(engine->skel);
	explicit_bzero(engine->settings.secret, sizeof(engine->settings.secret));
}
