/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A folder for key files of a test.
 */
#ifndef TESTS_CLIENT_KEY_FILES_H
#define TESTS_CLIENT_KEY_FILES_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct key_folder {
	char folder[64], path[80];
};

/* With no file in it. */
static inline void key_folder_make(struct key_folder *keys)
{
	strcpy(keys->folder, "/tmp/sessiond-keys.XXXXXX");
	assert_non_null(mkdtemp(keys->folder));
	snprintf(keys->path, sizeof(keys->path), "%s/key", keys->folder);
}

static inline void key_folder_write(const struct key_folder *keys, const char *text, mode_t mode)
{
	int fd = open(keys->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static inline void key_folder_remove(const struct key_folder *keys)
{
	unlink(keys->path);
	assert_int_equal(rmdir(keys->folder), 0);
}

#define KEY_A "1111111111111111111111111111111111111111111111111111111111111111"
#define KEY_B "2222222222222222222222222222222222222222222222222222222222222222"

#endif
