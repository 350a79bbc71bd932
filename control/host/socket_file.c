/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/host/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

int socket_file_bind(int fd, const struct sockaddr_un *addr, struct stat *st)
{
	/* umask, not chmod: chmod would follow a link. */
	mode_t mask = umask(0117);
	int err = bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ? errno : 0;

	umask(mask);
	if (err) {
		errno = err;
		return -1;
	}
	if (lstat(addr->sun_path, st) < 0)
		return -1;
	if (!S_ISSOCK(st->st_mode)) {
		errno = EEXIST; /* not our file */
		return -1;
	}
	return 0;
}

int socket_file_give(const char *path, dev_t dev, ino_t ino, uid_t uid, gid_t gid)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), err = 0;
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_dev != dev || st.st_ino != ino)
		err = EEXIST;
	else if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		err = errno;
	close(fd);
	errno = err;
	return err ? -1 : 0;
}
