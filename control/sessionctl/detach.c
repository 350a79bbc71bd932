/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Removes what a daemon left pinned: ROOT/PORT with a link-IFINDEX for each interface and the maps.
 * The kernel detaches a link when its pin is removed, so this needs no BPF call.
 */
#include "control/sessionctl/sessionctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/text.h"

uint16_t ctl_instance_port(const char *name)
{
	uint64_t port;

	return name[0] != '0' && text_number(name, 1, 65535, &port) ? (uint16_t)port : 0;
}

static bool is_bpffs(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

/* Opens a folder of pins. -ENOENT without a message if there is none. */
static int open_folder(int at, const char *name, const char *path)
{
	/* The root may be a symbolic link, an instance may not. */
	int fd = openat(
		at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (at == AT_FDCWD ? 0 : O_NOFOLLOW));
	char quoted[TEXT_QUOTE];

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return error_set(
			errno, "pin folder %s: %s", text_quote(path, quoted), strerror(errno));
	if (!is_bpffs(fd)) {
		close(fd);
		return error_set(EMEDIUMTYPE,
			"pin folder %s is not on a BPF file system: check --pin-dir",
			text_quote(path, quoted));
	}
	return fd;
}

/* Unlinks the pinned links, or all other pins. Returns how many, or a negative errno with
 * error_message() set. */
static int unlink_pins(DIR *dir, bool links, const char *path)
{
	struct dirent *file;
	int count = 0;

	rewinddir(dir);
	while ((file = readdir(dir))) {
		bool is_link = strncmp(file->d_name, "link-", 5) == 0;

		if (strcmp(file->d_name, ".") == 0 || strcmp(file->d_name, "..") == 0 ||
			is_link != links)
			continue;
		if (unlinkat(dirfd(dir), file->d_name, 0) < 0)
			return error_set(errno, "cannot remove the pin %s/%s: %s", path,
				file->d_name, strerror(errno));
		count++;
	}
	return count;
}

static int detach(int root_fd, const struct ctl *ctl, uint16_t port)
{
	char name[8], path[PATH_MAX];
	int fd, ret, links, maps;
	DIR *dir;

	snprintf(name, sizeof(name), "%u", port);
	if (snprintf(path, sizeof(path), "%s/%s", ctl->pin_root, name) >= (int)sizeof(path))
		return error_set(ENAMETOOLONG, "--pin-dir: the path is too long");
	fd = open_folder(root_fd, name, path);
	if (fd < 0)
		return fd;
	/* A running daemon holds this lock, and none can start while we hold it. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return error_set(EBUSY,
			"a running sessiond holds %s: stop it, which detaches it unless --keep is "
			"set",
			path);
	}
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return error_set(ENOMEM, "out of memory");
	}
	/* Links first, so that no attached program remains if unpinning the maps fails. */
	links = ret = unlink_pins(dir, true, path);
	if (ret < 0)
		goto end;
	maps = ret = unlink_pins(dir, false, path);
	if (ret < 0)
		goto end;
	ret = 0;
	if (unlinkat(root_fd, name, AT_REMOVEDIR) < 0)
		ret = error_set(errno, "cannot remove %s: %s", path, strerror(errno));
	else
		printf("detached port %u: removed %d link%s and %d map%s from %s\n", port, links,
			links == 1 ? "" : "s", maps, maps == 1 ? "" : "s", path);
end:
	closedir(dir);
	return ret;
}

/* The ports of all instances. Returns how many, or a negative errno with error_message() set. */
static int all_instances(int root_fd, const char *root, uint16_t **ports)
{
	int fd = dup(root_fd), count = 0, room = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	char quoted[TEXT_QUOTE];
	struct dirent *file;

	*ports = NULL;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return error_set(
			errno, "pin folder %s: %s", text_quote(root, quoted), strerror(errno));
	}
	while ((file = readdir(dir))) {
		uint16_t port = ctl_instance_port(file->d_name), *more;

		if (!port)
			continue;
		if (count == room) {
			room = room ? 2 * room : 16;
			more = realloc(*ports, (size_t)room * sizeof(*more));
			if (!more) {
				closedir(dir);
				free(*ports);
				return error_set(ENOMEM, "out of memory");
			}
			*ports = more;
		}
		(*ports)[count++] = port;
	}
	closedir(dir);
	return count;
}

/* Detaches the program wherever it is pinned, or if it is not pinned. */
static int detach_interface(const struct ctl *ctl)
{
	if (engines_take_off(ctl->interface) < 0)
		return ctl_fail(EXIT_RUNTIME);
	printf("detached the XDP program from %s\n", ctl->interface);
	return EXIT_SUCCESS;
}

int ctl_detach(const struct ctl *ctl)
{
	int code = EXIT_SUCCESS, count = 1, detached = 0, root_fd;
	uint16_t one = ctl->port, *ports = NULL;
	char quoted[TEXT_QUOTE];

	if (ctl->interface)
		return detach_interface(ctl);
	text_quote(ctl->pin_root, quoted);
	root_fd = open_folder(AT_FDCWD, ctl->pin_root, ctl->pin_root);
	if (root_fd == -ENOENT) {
		printf("nothing to detach: there is no %s\n", quoted);
		return EXIT_SUCCESS;
	}
	if (root_fd < 0)
		return ctl_fail(EXIT_RUNTIME);
	if (!one)
		count = all_instances(root_fd, ctl->pin_root, &ports);
	if (count < 0)
		code = ctl_fail(EXIT_RUNTIME);
	for (int i = 0; i < count; i++) {
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there are `count` of them */
		int ret = detach(root_fd, ctl, one ? one : ports[i]);

		if (ret == 0)
			detached++;
		else if (ret != -ENOENT) /* another detach was faster, or it never existed */
			code = ctl_fail(EXIT_RUNTIME);
	}
	if (detached == 0 && code == EXIT_SUCCESS) {
		if (one)
			printf("nothing to detach: there is no %s/%u\n", quoted, one);
		else
			printf("nothing to detach: no instance is pinned in %s\n", quoted);
	}
	free(ports);
	close(root_fd);
	/* Remove the root too, if it is empty and not a mount point. */
	if (detached > 0)
		rmdir(ctl->pin_root);
	return code;
}
