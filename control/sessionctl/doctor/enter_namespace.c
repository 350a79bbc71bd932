/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The namespaces of the daemon, which may run in others than this program.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether a process has another namespace than this one; -1 if this user may not know. */
static int is_other(int pid, const char *namespace)
{
	struct stat own, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, namespace);
	if (stat(path, &its) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/ns/%s", namespace);
	return stat(path, &own) == 0 && (own.st_ino != its.st_ino || own.st_dev != its.st_dev);
}

enum doctor_namespace doctor_enter_namespace(int pid)
{
	int other = is_other(pid, "net"), fd, err;
	char path[64];

	if (other <= 0)
		return other < 0 ? DOCTOR_NAMESPACE_HIDDEN : DOCTOR_NAMESPACE_SAME;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return DOCTOR_NAMESPACE_CLOSED;
	err = setns(fd, CLONE_NEWNET);
	close(fd);
	return err == 0 ? DOCTOR_NAMESPACE_ENTERED : DOCTOR_NAMESPACE_CLOSED;
}

/* No path leads to the mount but through the descriptor, which stays open. */
void doctor_mount_sysfs(char path[DOCTOR_SYSFS_SIZE])
{
	int fs = fsopen("sysfs", FSOPEN_CLOEXEC), fd = -1;

	path[0] = '\0';
	if (fs >= 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	if (fs >= 0)
		close(fs);
	if (fd >= 0)
		snprintf(path, DOCTOR_SYSFS_SIZE, "/proc/self/fd/%d", fd);
}

void doctor_find_pins(int pid, char at[DOCTOR_PINS_AT_SIZE])
{
	at[0] = '\0';
	if (is_other(pid, "mnt") <= 0)
		return;
	snprintf(at, DOCTOR_PINS_AT_SIZE, "/proc/%d/root", pid);
	if (access(at, X_OK) < 0)
		at[0] = '\0';
}
