/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/admin/admin_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"

#include "common/text.h"
#include "control/host/socket_file.h"

#define BACKLOG	   64
#define GROUPS_MAX 1024
#define LOCK_TRIES 100 /* of 10 ms */

#define LOCK_PATH_SIZE (CONTROL_PATH_SIZE + 8)

/* Whether the open file is still the one at the path: the previous holder removes it. */
static bool is_at(const char *path, const struct stat *held)
{
	struct stat there;

	return lstat(path, &there) == 0 && there.st_dev == held->st_dev &&
	       there.st_ino == held->st_ino;
}

/* Two daemons that start at once must not both remove a stale socket file: the later would remove
 * the other's new one. The lock is on a file of the daemon's own, because any user who may read the
 * folder could lock that, for any time. */
static int lock_path(const char *path, char lock[LOCK_PATH_SIZE])
{
	const struct timespec pause = {.tv_nsec = 10000000};
	char quoted[TEXT_QUOTE];
	struct stat st;
	int fd;

	snprintf(lock, LOCK_PATH_SIZE, "%s.lock", path);
	text_quote(lock, quoted);
	for (int i = 0; i < LOCK_TRIES; i++) {
		fd = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
		if (fd < 0 || fstat(fd, &st) < 0) {
			int err = errno;

			if (fd >= 0)
				close(fd);
			return error_set(err,
				"admin socket: cannot make %s: %s: make its folder, or choose "
				"--control",
				quoted, strerror(err));
		}
		if (!S_ISREG(st.st_mode) || st.st_size != 0) {
			close(fd);
			return error_set(EEXIST,
				"admin socket: %s is not a lock file: remove it, or choose another "
				"with "
				"--control",
				quoted);
		}
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_at(lock, &st))
			return fd;
		close(fd);
		nanosleep(&pause, NULL);
	}
	return error_set(
		EAGAIN, "admin socket: %s is locked by another sessiond: try again", quoted);
}

static void unlock_path(int fd, const char *lock)
{
	unlink(lock);
	close(fd);
}

/* Removes a stale socket file; a live one, or a file of another kind, is an error. */
static int clear_path(const struct sockaddr_un *addr)
{
	char quoted[TEXT_QUOTE];
	struct stat st;
	int fd, err;

	if (lstat(addr->sun_path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		return error_set(errno, "admin socket %s: %s: choose another with --control",
			text_quote(addr->sun_path, quoted), strerror(errno));
	}
	if (!S_ISSOCK(st.st_mode))
		return error_set(EEXIST,
			"admin socket %s: a file that is not a socket is there: remove it, or "
			"choose another with --control",
			text_quote(addr->sun_path, quoted));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(errno, "admin socket: %s", strerror(errno));
	err = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ? errno : 0;
	close(fd);
	/* EAGAIN is a full backlog: a daemon listens. */
	if (err == 0 || err == EAGAIN)
		return error_set(EADDRINUSE,
			"another sessiond answers on %s: stop it, or give this one a socket of "
			"its own with --control PATH",
			text_quote(addr->sun_path, quoted));
	if (err != ECONNREFUSED && err != ENOENT)
		return error_set(err, "admin socket %s: %s: choose another with --control",
			text_quote(addr->sun_path, quoted), strerror(err));
	if (unlink(addr->sun_path) < 0 && errno != ENOENT)
		return error_set(errno, "admin socket %s: cannot replace it: %s",
			text_quote(addr->sun_path, quoted), strerror(errno));
	return 0;
}

int admin_socket_open(struct admin_socket *sock, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = -1, lock_fd, ret;
	char quoted[TEXT_QUOTE], lock[LOCK_PATH_SIZE];
	bool bound = false;
	struct stat st;

	memset(sock, 0, sizeof(*sock));
	text_quote(path, quoted);
	if (strlen(path) >= sizeof(sock->path))
		return error_set(ENAMETOOLONG,
			"admin socket %s: the path is too long: choose a "
			"shorter one with --control",
			quoted);
	strcpy(sock->path, path);
	strcpy(addr.sun_path, path);
	if (strcmp(path, CONTROL_PATH_SYSTEM) == 0 && mkdir(CONTROL_DIR_SYSTEM, 0755) == 0)
		sock->made_folder = true;
	lock_fd = lock_path(path, lock);
	if (lock_fd < 0) {
		ret = lock_fd;
		goto err;
	}
	ret = clear_path(&addr);
	if (ret < 0)
		goto err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && socket_file_bind(fd, &addr, &st) == 0)
		bound = true;
	if (!bound || listen(fd, BACKLOG) < 0) {
		ret = error_set(errno, "admin socket %s: %s: choose another with --control", quoted,
			strerror(errno));
		if (bound)
			unlink(path);
		goto err;
	}
	sock->fd = fd;
	sock->dev = st.st_dev;
	sock->ino = st.st_ino;
	unlock_path(lock_fd, lock);
	return 0;
err:
	if (fd >= 0)
		close(fd);
	if (lock_fd >= 0)
		unlock_path(lock_fd, lock);
	if (sock->made_folder)
		rmdir(CONTROL_DIR_SYSTEM);
	return ret;
}

int admin_socket_give(const struct admin_socket *sock, uid_t uid, gid_t gid)
{
	char quoted[TEXT_QUOTE];

	if (socket_file_give(sock->path, sock->dev, sock->ino, uid, gid) < 0 ||
		(sock->made_folder && chown(CONTROL_DIR_SYSTEM, uid, gid) < 0))
		return error_set(errno, "admin socket %s: cannot give it to the new user: %s",
			text_quote(sock->path, quoted), strerror(errno));
	return 0;
}

bool admin_socket_trusts(int fd, uid_t *uid)
{
	struct ucred peer = {.uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t len = sizeof(peer);
	gid_t groups[GROUPS_MAX];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	*uid = peer.uid;
	if (peer.uid == 0 || peer.uid == geteuid() || peer.gid == getegid())
		return true;
	/* The peer's supplementary groups. A peer with more than GROUPS_MAX is refused. */
	len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == getegid())
			return true;
	return false;
}

void admin_socket_remove(const struct admin_socket *sock)
{
	struct stat st;

	if (lstat(sock->path, &st) == 0 && st.st_dev == sock->dev && st.st_ino == sock->ino)
		unlink(sock->path);
	if (sock->made_folder)
		rmdir(CONTROL_DIR_SYSTEM); /* fails if it is not empty, as intended */
}
