/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Looks at what a daemon that has ended left pinned, before an engine of any mode is opened.
 */
#include "dataplane/xdp/xdp.h"

#include "dataplane/xdp/resident.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum stale_pins stale_pins_look(
	const struct engine_config *config, struct stale_shape *shape, const char **why)
{
	struct engine engine = {.config = *config};
	struct sessd_config settings = {0};
	const char *reason = maps_read_settings(&engine, &settings);

	shape->capacity = settings.capacity;
	shape->value_max = settings.value_max;
	explicit_bzero(&settings, sizeof(settings));
	if (why)
		*why = reason ? reason : "";
	return !reason		? STALE_PINS_FIT
	       : engine.resized ? STALE_PINS_RESIZED
	       : *reason	? STALE_PINS_USELESS
				: STALE_PINS_NONE;
}

bool stale_pins_would_adopt(const struct engine_config *config)
{
	struct stale_shape shape;
	enum stale_pins pins = stale_pins_look(config, &shape, NULL);

	return pins == STALE_PINS_FIT || pins == STALE_PINS_RESIZED;
}

static void count_session(void *ctx, const uint8_t *key, const struct sessd_entry *entry)
{
	uint64_t *count = ctx;

	(void)key;
	*count += entry->guard != 0;
}

/* Ended ones that nobody has deleted yet included; 0 if the map cannot be read. */
static uint64_t count_sessions(const struct engine_config *config)
{
	char path[PATH_MAX];
	uint64_t count = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", config->pin_dir, SESSD_PIN_SESSIONS);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	adopt_each(fd, &(struct entry_visitor){.each = count_session, .ctx = &count});
	close(fd);
	return count;
}

bool stale_pins_cost(const struct engine_config *config, char *text, size_t size)
{
	struct stale_shape shape;
	const char *why;
	enum stale_pins pins = stale_pins_look(config, &shape, &why);
	unsigned long long count = count_sessions(config);

	if (pins == STALE_PINS_NONE || count == 0)
		return false;
	if (pins == STALE_PINS_FIT)
		snprintf(text, size, "a start keeps the %llu sessions in %s", count,
			config->pin_dir);
	else if (pins == STALE_PINS_USELESS)
		snprintf(text, size, "a start ends the %llu sessions in %s: %s", count,
			config->pin_dir, why);
	else
		snprintf(text, size,
			"a start moves %s%llu of the %llu sessions in %s into new maps (capacity "
			"%u "
			"to %u, max-session %u to %u) and needs memory for both until it is done: "
			"%llu MiB",
			config->capacity < count || config->value_max < shape.value_max ? "at most "
											: "",
			count < config->capacity ? count : config->capacity, count, config->pin_dir,
			shape.capacity, config->capacity, shape.value_max, config->value_max,
			(unsigned long long)maps_memory_needed(config) >> 20);
	return true;
}

/* The interface on which the pinned link's program answers: 0 if there is none here, or a
 * negative errno. Also compares the program: a link of another namespace may have the same
 * interface index. */
static int answers_on(int dir_fd, const char *pin)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%.30s", dir_fd, pin);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	if (err)
		return err;
	if (info.type != BPF_LINK_TYPE_XDP || info.xdp.ifindex == 0 ||
		bpf_xdp_query((int)info.xdp.ifindex, 0, &query) < 0)
		return 0;
	if (info.prog_id != query.prog_id && info.prog_id != query.skb_prog_id &&
		info.prog_id != query.drv_prog_id)
		return 0;
	return (int)info.xdp.ifindex;
}

/* Whether sessions are pinned that xdp mode could adopt here. */
static bool has_sessions(const struct engine_config *config, int dir_fd)
{
	struct engine engine = {.config = *config};
	struct sessd_config settings;
	bool foreign;

	if (faccessat(dir_fd, SESSD_PIN_SESSIONS, F_OK, 0) < 0)
		return false;
	maps_read_settings(&engine, &settings);
	explicit_bzero(&settings, sizeof(settings));
	foreign = engine.foreign;
	return !foreign;
}

static int look_at_links(DIR *dir, int dir_fd, struct engine_stale *stale)
{
	char name[IF_NAMESIZE];
	struct dirent *file;
	size_t used = 0;
	int err = 0;

	while ((file = readdir(dir))) {
		int on = strncmp(file->d_name, "link-", 5) == 0 ? answers_on(dir_fd, file->d_name)
								: 0;

		if (on < 0)
			err = on;
		if (on <= 0 || !if_indextoname((unsigned)on, name))
			continue;
		if (used < sizeof(stale->interfaces))
			used += (size_t)snprintf(stale->interfaces + used,
				sizeof(stale->interfaces) - used, "%s%s", used ? ", " : "", name);
	}
	return used ? 1 : err;
}

static int look_elsewhere(const struct engine_config *config, struct engine_stale *stale)
{
	stale->elsewhere =
		residents_answering(config, stale->interfaces, sizeof(stale->interfaces)) > 0;
	return stale->elsewhere;
}

int stale_pins_find(const struct engine_config *config, struct engine_stale *stale)
{
	int fd = open(config->pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	DIR *dir;

	memset(stale, 0, sizeof(*stale));
	if (fd < 0)
		return look_elsewhere(config, stale);
	/* A running daemon holds the lock and serves its pins. Whether two can run is decided by
	 * the port. */
	if (flock(fd, LOCK_SH | LOCK_NB) < 0) {
		close(fd);
		return 0;
	}
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	ret = look_at_links(dir, fd, stale);
	if (ret == 0)
		ret = look_elsewhere(config, stale);
	if (ret == 0)
		ret = has_sessions(config, fd);
	closedir(dir);
	return ret;
}
