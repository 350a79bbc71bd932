/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "admin_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <sessiond/log.h>

#include "text.h"

#define BACKLOG	   64
#define GROUPS_MAX 1024
#define LOCK_TRIES 100 /* of 10 ms */

/* Two daemons that start at once must not both take a stale file away, each the other's new one
 * too. The folder is locked meanwhile. */
static int lock_folder(const char *path)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	char folder[CONTROL_PATH_SIZE], quoted[TEXT_QUOTE], *slash;
	int fd, err;

	strcpy(folder, path);
	slash = strrchr(folder, '/');
	if (!slash)
		strcpy(folder, ".");
	else
		slash[slash == folder] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set(errno, "admin socket: folder %s: %s: make it, or choose --control",
			text_quote(folder, quoted), strerror(errno));
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		nanosleep(&pause, NULL);
	}
	err = errno;
	close(fd);
	return error_set(err, "admin socket: folder %s is locked by another program: try again",
		text_quote(folder, quoted));
}

/* Takes a stale socket file away; a live one, or a file of another kind, is an error. */
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
	/* EAGAIN is a full backlog: somebody is there. */
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
	char quoted[TEXT_QUOTE];
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
	lock_fd = lock_folder(path);
	if (lock_fd < 0) {
		ret = lock_fd;
		goto err;
	}
	ret = clear_path(&addr);
	if (ret < 0)
		goto err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* The mode of the unbound socket is the file's, less the umask: it is never wider than
	 * it is to be. */
	if (fd < 0 || fchmod(fd, 0660) < 0 ||
		bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		ret = error_set(errno, "admin socket %s: %s: choose another with --control", quoted,
			strerror(errno));
		goto err;
	}
	if (chmod(path, 0660) < 0 || lstat(path, &st) < 0 || listen(fd, BACKLOG) < 0) {
		ret = error_set(errno, "admin socket %s: %s: choose another with --control", quoted,
			strerror(errno));
		unlink(path);
		goto err;
	}
	sock->fd = fd;
	sock->dev = st.st_dev;
	sock->ino = st.st_ino;
	close(lock_fd);
	return 0;
err:
	if (fd >= 0)
		close(fd);
	if (lock_fd >= 0)
		close(lock_fd);
	if (sock->made_folder)
		rmdir(CONTROL_DIR_SYSTEM);
	return ret;
}

int admin_socket_give(const struct admin_socket *sock, uid_t uid, gid_t gid)
{
	char quoted[TEXT_QUOTE];

	if (fchownat(AT_FDCWD, sock->path, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
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
	/* Its other groups. One that is in more than there is room for is refused. */
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
		rmdir(CONTROL_DIR_SYSTEM); /* fails, as it should, if others use it */
}
