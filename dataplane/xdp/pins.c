/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The pin folder ROOT/PORT on a bpffs: the maps, by the names in map_abi.h, and link-IFINDEX for
 * each interface. A daemon holds a lock on it while it runs.
 */
#include "dataplane/xdp/xdp.h"

#include "common/log.h"
#include "common/private_bpffs.h"
#include <sessiond/map_abi.h>

#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BPFFS_DEFAULT "/sys/fs/bpf"

/* Tries: a daemon that ends may remove the folder before it is locked. */
#define LOCK_TRIES 10

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

/* systemd mounts it; without systemd (in a container, in a bare namespace) nothing has. */
static void mount_default_bpffs(const char *dir)
{
	size_t n = strlen(BPFFS_DEFAULT);

	if (strncmp(dir, BPFFS_DEFAULT, n) != 0 || (dir[n] != '/' && dir[n] != '\0') ||
		is_bpffs(BPFFS_DEFAULT))
		return;
	if (mount("bpf", BPFFS_DEFAULT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") == 0)
		log_notice("mounted a bpffs on %s, where there was none", BPFFS_DEFAULT);
}

/* Sets `*made_root` if it made the parent folder, `*made` if it made the folder. */
static int make_folders(const char *dir, bool *made_root, bool *made)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(path, 0700) == 0)
			*made_root = !strchr(slash + 1, '/');
		else if (errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	if (mkdir(path, 0700) == 0)
		*made = true;
	else if (errno != EEXIST)
		return -errno;
	return 0;
}

/* Whether the folder is, or would be, on a bpffs: folders are made nowhere else. */
static bool on_bpffs(const char *dir)
{
	char path[PATH_MAX];
	char *slash;

	snprintf(path, sizeof(path), "%s", dir);
	while (access(path, F_OK) < 0 && (slash = strrchr(path, '/')) && slash > path)
		*slash = '\0';
	return is_bpffs(path);
}

/* Whether the locked folder still is the one at the path: a daemon that ends removes it. */
static bool is_current(const struct engine *engine)
{
	struct stat held, there;

	return fstat(engine->lock_fd, &held) == 0 && lstat(engine->config.pin_dir, &there) == 0 &&
	       held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

static int not_bpffs(const char *dir)
{
	return error_set(ENOTSUP,
		"the pin folder %s is not on a bpffs: mount one (mount -t bpf bpf %s) or choose "
		"another with --pin-dir",
		dir, BPFFS_DEFAULT);
}

static int cannot_open(const char *dir)
{
	return error_set(errno, "cannot open the pin folder %s: %s", dir, strerror(errno));
}

static int lock_folder(struct engine *engine, bool *made)
{
	const char *dir = engine->config.pin_dir;
	struct statfs fs;
	int err;

	err = make_folders(dir, &engine->made_root, made);
	if (err == -EACCES || err == -EPERM)
		return error_set(EPERM,
			"xdp mode cannot make %s: it needs root, or CAP_NET_ADMIN, CAP_BPF and "
			"CAP_PERFMON, and a bpffs that it may write to",
			dir);
	if (err)
		return error_set(-err, "cannot make the pin folder %s: %s", dir, strerror(-err));
	engine->lock_fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (engine->lock_fd < 0)
		return cannot_open(dir);
	/* on_bpffs checked the path; this is the folder itself. */
	if (fstatfs(engine->lock_fd, &fs) < 0 || (unsigned long)fs.f_type != BPF_FS_MAGIC) {
		pins_unlock(engine);
		return not_bpffs(dir);
	}
	if (flock(engine->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		*made = false; /* it belongs to the other daemon now */
		pins_unlock(engine);
		return error_set(EBUSY,
			"another sessiond holds the pin folder %s: stop it, or choose another port "
			"or --pin-dir",
			dir);
	}
	engine->root_fd = openat(engine->lock_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (engine->root_fd < 0) {
		err = cannot_open(dir);
		pins_unlock(engine);
	}
	return err;
}

/* Removes folders made by a failed start. rmdir spares those that are in use by now. */
static void unmake_folders(const struct engine *engine, bool made)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", engine->config.pin_dir);
	if (made)
		rmdir(path);
	*strrchr(path, '/') = '\0';
	if (engine->made_root)
		rmdir(path);
}

void pins_unlock(struct engine *engine)
{
	if (engine->root_fd >= 0)
		close(engine->root_fd);
	if (engine->lock_fd >= 0)
		close(engine->lock_fd);
	engine->root_fd = engine->lock_fd = -1;
}

/* Warns now rather than when the sessions are gone. */
static void warn_of_private_bpffs(const char *dir)
{
	if (bpffs_is_private(dir))
		log_tagged(LOG_LEVEL_WARNING, "private-pins",
			"PRIVATE: the BPF file system of %s belongs to this mount namespace alone: "
			"sessions and XDP program end with it, and no restart from elsewhere finds "
			"them; start with nsenter --net=FILE instead of ip netns exec, and mount "
			"the host's %s into a container",
			dir, BPFFS_DEFAULT);
}

int pins_lock(struct engine *engine)
{
	const char *dir = engine->config.pin_dir;
	bool made = false;
	int err = 0;

	mount_default_bpffs(dir);
	if (!on_bpffs(dir))
		return not_bpffs(dir);
	/* Before folders are made: the check needs an untouched bpffs. */
	warn_of_private_bpffs(dir);
	for (int i = 0; i < LOCK_TRIES; i++) {
		err = lock_folder(engine, &made);
		if (!err && is_current(engine))
			return 0;
		/* -ENOENT: another daemon removed it, or its parent, in between. */
		if (err && err != -ENOENT)
			break;
		made = false;
		pins_unlock(engine);
		if (!err)
			err = error_set(
				EBUSY, "another sessiond keeps removing the pin folder %s", dir);
	}
	unmake_folders(engine, made);
	return err;
}

char *pins_path(const struct engine *engine, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", engine->config.pin_dir, name);
	return path;
}

int pins_add(struct engine *engine)
{
	struct bpf_map *map;
	char path[PATH_MAX];

	bpf_object__for_each_map(map, engine->skel->obj)
	{
		int err;

		if (!maps_is_pinned(map))
			continue;
		err = bpf_obj_pin(bpf_map__fd(map), pins_path(engine, bpf_map__name(map), path));
		if (err)
			return error_set(-err, "cannot pin %s: %s", path, strerror(-err));
	}
	return 0;
}

/* By descriptor: without root, /sys/fs/bpf (mode 0700) cannot be passed. */
static DIR *open_pins(struct engine *engine)
{
	int fd = openat(engine->lock_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

/* BPF_OBJ_PIN accepts a folder's descriptor since Linux 6.5; a path through /proc/self/fd works on
 * all. */
int pins_add_late(struct engine *engine, int fd, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", engine->lock_fd, name);
	return bpf_obj_pin(fd, path);
}

void pins_remove_late(struct engine *engine, const char *name)
{
	unlinkat(engine->lock_fd, name, 0);
}

int pins_replace(struct engine *engine, const struct bpf_map *map)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	int err;

	pins_path(engine, bpf_map__name(map), path);
	pins_path(engine, "fresh", fresh);
	unlink(fresh); /* left by a start that was interrupted */
	err = bpf_obj_pin(bpf_map__fd(map), fresh);
	if (!err && rename(fresh, path) < 0) {
		err = -errno;
		unlink(fresh);
	}
	return err ? error_set(-err, "cannot pin %s: %s", path, strerror(-err)) : 0;
}

void pins_remove(struct engine *engine, bool links)
{
	struct dirent *file;
	DIR *dir = open_pins(engine);

	if (!dir)
		return;
	while ((file = readdir(dir))) {
		if (file->d_name[0] == '.')
			continue;
		if (!links && strncmp(file->d_name, "link-", 5) == 0)
			continue;
		unlinkat(dirfd(dir), file->d_name, 0);
	}
	closedir(dir);
}

/* chown of the folder and its files. Also of the parent if this daemon made it: removing the folder
 * needs write permission there. */
int pins_give(struct engine *engine, uid_t uid, gid_t gid)
{
	struct dirent *file;
	DIR *dir = open_pins(engine);
	int err = 0;

	if (!dir)
		return error_set(errno, "cannot read the pin folder %s: %s", engine->config.pin_dir,
			strerror(errno));
	while (!err && (file = readdir(dir))) {
		if (strcmp(file->d_name, "..") != 0 &&
			fchownat(dirfd(dir), file->d_name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
			err = -errno;
	}
	closedir(dir);
	if (!err && engine->made_root && fchown(engine->root_fd, uid, gid) < 0)
		err = -errno;
	return err ? error_set(-err, "cannot give the pin folder %s to the new user: %s",
			     engine->config.pin_dir, strerror(-err))
		   : 0;
}

void pins_remove_folder(struct engine *engine)
{
	char path[PATH_MAX];

	/* The parent too, if it is empty and we may. */
	unlinkat(engine->root_fd, strrchr(engine->config.pin_dir, '/') + 1, AT_REMOVEDIR);
	snprintf(path, sizeof(path), "%s", engine->config.pin_dir);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}
