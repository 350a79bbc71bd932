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

bool stale_pins_adoptable(const struct engine_config *config)
{
	struct engine engine = {.config = *config};
	struct sessd_config settings;
	bool would = !maps_read_settings(&engine, &settings);

	explicit_bzero(&settings, sizeof(settings));
	return would;
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
