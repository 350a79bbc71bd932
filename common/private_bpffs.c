/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * On a host, mounts of process 1 persist. In a container, process 1 is the container's own, and
 * which mounts came from outside cannot be seen directly; but those are older than process 1, and
 * mounts made in the container are younger.
 */
#include "common/private_bpffs.h"

#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* Inode of the initial PID namespace (PROC_PID_INIT_INO in linux/proc_ns.h). */
#define FIRST_PID_NAMESPACE 0xeffffffcU

#define STAT_FIELD_START 22 /* field of /proc/PID/stat, in clock ticks since boot */

/* The device of `path`, or of its nearest existing parent, if that is a bpffs. */
static bool device_of(const char *path, dev_t *device)
{
	char at[PATH_MAX];
	struct statfs fs;
	struct stat st;
	char *slash;

	if (snprintf(at, sizeof(at), "%s", path) >= (int)sizeof(at))
		return false;
	while (stat(at, &st) < 0) {
		slash = strrchr(at, '/');
		if (!slash || slash == at)
			return false;
		*slash = '\0';
	}
	*device = st.st_dev;
	return statfs(at, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

/* Looks in `mountinfo` for a mount of a device (with `whole`, of its root) and writes its mount
 * point to `folder`. 1 if there is one, 0 if there is none, negative if the file cannot be read. */
static int find_mount(const char *mountinfo, dev_t device, bool whole, char folder[PATH_MAX])
{
	FILE *file = fopen(mountinfo, "re");
	unsigned numbers[2];
	char *line = NULL;
	size_t room = 0;
	int found = 0;

	if (!file)
		return -1;
	_Static_assert(PATH_MAX == 4096, "as in the format");
	while (!found && getline(&line, &room, file) > 0)
		found = sscanf(line, "%*s %*s %u:%u ", &numbers[0], &numbers[1]) == 2 &&
			makedev(numbers[0], numbers[1]) == device &&
			(!whole || sscanf(line, "%*s %*s %*s / %4095s", folder) == 1);
	free(line);
	fclose(file);
	return found;
}

static int64_t nanoseconds(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

/* Start of process 1, in ns, by the clock of file times; 0 if unknown. */
static int64_t container_began(void)
{
	FILE *file = fopen("/proc/1/stat", "re");
	struct timespec now, up;
	long ticks = sysconf(_SC_CLK_TCK);
	char text[1024] = "";
	const char *at;
	int64_t start;

	if (!file)
		return 0;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	at = strrchr(text, ')'); /* end of the second field, a name in parentheses */
	for (int field = 3; at && field <= STAT_FIELD_START; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, "%" SCNd64, &start) != 1 || ticks <= 0 ||
		clock_gettime(CLOCK_REALTIME, &now) < 0 || clock_gettime(CLOCK_BOOTTIME, &up) < 0)
		return 0;
	return nanoseconds(&now) - nanoseconds(&up) + start * (1000000000 / ticks);
}

static bool in_container(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != FIRST_PID_NAMESPACE;
}

/* By the times of its root: the mount's, unless files were created in it and it was listed since
 * the container started. */
static bool younger_than_container(const char *folder, dev_t device)
{
	int64_t began = container_began();
	struct stat st;

	return began && stat(folder, &st) == 0 && st.st_dev == device &&
	       nanoseconds(&st.st_atim) >= began && nanoseconds(&st.st_mtim) >= began;
}

bool bpffs_is_private(const char *path)
{
	char folder[PATH_MAX];
	dev_t device;
	int seen;

	if (!device_of(path, &device))
		return false;
	seen = find_mount("/proc/1/mountinfo", device, false, folder);
	if (!in_container() || seen == 0)
		return seen == 0;
	return find_mount("/proc/self/mountinfo", device, true, folder) == 1 &&
	       younger_than_container(folder, device);
}
