/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/text.h"

#define FILE_MAX 4096
#define ADVICE	 "make one with: sessionctl key new FILE"

_Static_assert(KEY_FILE_KEY_SIZE == 32, "text_key reads 32 bytes");

static bool is_blank(const char *line, size_t size)
{
	return size == 0 || line[0] == '#';
}

/* Parses a line without its newline; false unless it is NUMBER:KEY. */
static bool parse_line(const char *line, size_t size, uint32_t *number, uint8_t *key)
{
	const char *colon = memchr(line, ':', size);
	size_t digits = colon ? (size_t)(colon - line) : 0;
	char text[TEXT_KEY_SIZE];
	uint64_t value;
	bool ok;

	if (digits < 1 || digits > 10 || size - digits - 1 != sizeof(text) - 1)
		return false;
	memcpy(text, line, digits);
	text[digits] = '\0';
	if (!text_number(text, 1, UINT32_MAX, &value))
		return false;
	*number = (uint32_t)value;
	memcpy(text, colon + 1, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ok = memchr(text, '\0', sizeof(text) - 1) == NULL && text_key(text, key);
	explicit_bzero(text, sizeof(text));
	return ok;
}

int key_file_parse(const char *path, const char *text, size_t size, struct key_file *keys)
{
	static const uint8_t zero[KEY_FILE_KEY_SIZE];
	char quoted[TEXT_QUOTE];
	unsigned number = 0;
	int ret = 0;

	memset(keys, 0, sizeof(*keys));
	text_quote(path, quoted);
	while (size > 0 && ret == 0) {
		const char *end = memchr(text, '\n', size);
		size_t length = end ? (size_t)(end - text) : size;
		size_t line = length > 0 && text[length - 1] == '\r' ? length - 1 : length;
		unsigned at = keys->count;

		number++;
		if (is_blank(text, line)) {
			/* Nothing. */
		} else if (at == KEY_FILE_KEYS_MAX) {
			ret = error_set(EINVAL, "%s, line %u: a third key: leave at most %d",
				quoted, number, KEY_FILE_KEYS_MAX);
		} else if (!parse_line(text, line, &keys->keys[at].number, keys->keys[at].key)) {
			ret = error_set(EINVAL,
				"%s, line %u: expected NUMBER:KEY, the key in 64 hex "
				"digits; " ADVICE,
				quoted, number);
		} else if (memcmp(keys->keys[at].key, zero, sizeof(zero)) == 0) {
			ret = error_set(EINVAL, "%s, line %u: the key is all zero; " ADVICE, quoted,
				number);
		} else if (at == 1 && (keys->keys[0].number == keys->keys[1].number ||
					      memcmp(keys->keys[0].key, keys->keys[1].key,
						      KEY_FILE_KEY_SIZE) == 0)) {
			ret = error_set(EINVAL,
				"%s, line %u: the number or the key of the line before: leave one "
				"of them",
				quoted, number);
		} else {
			keys->count++;
		}
		length += end != NULL;
		text += length;
		size -= length;
	}
	if (ret == 0 && keys->count == 0)
		ret = error_set(EINVAL, "%s: there is no key in it; " ADVICE, quoted);
	if (ret < 0)
		explicit_bzero(keys, sizeof(*keys));
	return ret;
}

static int check_owner(const char *quoted, const struct stat *st, uid_t also)
{
	if (!S_ISREG(st->st_mode))
		return error_set(EINVAL, "%s: it is not a regular file", quoted);
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return error_set(EPERM,
			"%s: others may read or write it: chmod 600 it, and make a "
			"new key if others could read this one",
			quoted);
	if (st->st_uid != 0 && st->st_uid != geteuid() && st->st_uid != also)
		return error_set(EPERM,
			"%s: it belongs to user %u: let it belong to root or to "
			"the user that reads it",
			quoted, (unsigned)st->st_uid);
	return 0;
}

/* `any_owner`: of whatever user the file is. */
static int read_file(const char *path, struct key_file *keys, struct stat *st, bool any_owner)
{
	char quoted[TEXT_QUOTE], text[FILE_MAX + 1];
	size_t size = 0;
	ssize_t n = 0;
	int fd, ret;

	text_quote(path, quoted);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, st) < 0) {
		ret = error_set(errno, "%s: cannot read it: %s", quoted, strerror(errno));
		goto out;
	}
	ret = check_owner(quoted, st, any_owner ? st->st_uid : 0);
	if (ret < 0)
		goto out;
	while (size < sizeof(text) && (n = read(fd, text + size, sizeof(text) - size)) > 0)
		size += (size_t)n;
	if (n < 0)
		ret = error_set(errno, "%s: cannot read it: %s", quoted, strerror(errno));
	else if (size > FILE_MAX)
		ret = error_set(EINVAL, "%s: it has more than %d bytes; " ADVICE, quoted, FILE_MAX);
	else
		ret = key_file_parse(path, text, size, keys);
	explicit_bzero(text, sizeof(text));
out:
	if (fd >= 0)
		close(fd);
	return ret;
}

int key_file_read(const char *path, struct key_file *keys)
{
	struct stat st;

	return read_file(path, keys, &st, false);
}

static int random_key(uint8_t key[KEY_FILE_KEY_SIZE])
{
	if (getrandom(key, KEY_FILE_KEY_SIZE, 0) != KEY_FILE_KEY_SIZE)
		return error_set(errno, "cannot get random bytes: %s", strerror(errno));
	return 0;
}

/* Writes to a new file and syncs it to disk. */
static int write_keys(int fd, const char *quoted, const struct key_file *keys)
{
	char text[FILE_MAX], hex[TEXT_KEY_SIZE];
	size_t size;
	int ret = 0;

	size = (size_t)snprintf(text, sizeof(text),
		"# Key of sessiond's clients, NUMBER:KEY. The first seals, all open. Keep it "
		"secret.\n");
	for (unsigned i = 0; i < keys->count; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%" PRIu32 ":%s\n",
			keys->keys[i].number, text_key_format(keys->keys[i].key, hex));
	errno = EIO; /* for a short write */
	if (write(fd, text, size) != (ssize_t)size || fsync(fd) < 0)
		ret = error_set(errno, "%s: cannot write it: %s", quoted, strerror(errno));
	explicit_bzero(text, sizeof(text));
	explicit_bzero(hex, sizeof(hex));
	return ret;
}

int key_file_create(const char *path)
{
	struct key_file keys = {.count = 1, .keys[0].number = 1};
	char quoted[TEXT_QUOTE];
	int fd, ret;

	text_quote(path, quoted);
	ret = random_key(keys.keys[0].key);
	if (ret < 0)
		return ret;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		ret = error_set(EEXIST, "%s: it exists: rotate it, or choose another name", quoted);
	else if (fd < 0)
		ret = error_set(errno, "%s: cannot make it: %s", quoted, strerror(errno));
	else
		ret = write_keys(fd, quoted, &keys);
	explicit_bzero(&keys, sizeof(keys));
	if (fd >= 0 && close(fd) < 0 && ret == 0)
		ret = error_set(errno, "%s: cannot write it: %s", quoted, strerror(errno));
	if (fd >= 0 && ret < 0)
		unlink(path);
	return ret;
}

static int next_step(struct key_file *keys, const char *quoted, enum key_file_step *step)
{
	struct key_file old = *keys;
	int ret = 0;

	if (old.count == 1) {
		*step = KEY_FILE_ADDED;
		if (old.keys[0].number == UINT32_MAX)
			ret = error_set(ERANGE, "%s: no number is left: make a new file", quoted);
		keys->count = 2;
		keys->keys[1].number = old.keys[0].number + 1;
		if (ret == 0)
			ret = random_key(keys->keys[1].key);
	} else if (old.keys[0].number < old.keys[1].number) {
		*step = KEY_FILE_PROMOTED;
		keys->keys[0] = old.keys[1];
		keys->keys[1] = old.keys[0];
	} else {
		*step = KEY_FILE_DROPPED;
		keys->count = 1;
	}
	explicit_bzero(&old, sizeof(old));
	return ret;
}

int key_file_rotate(const char *path, enum key_file_step *step)
{
	char quoted[TEXT_QUOTE], temporary[PATH_MAX];
	struct key_file keys;
	struct stat st;
	int fd = -1, ret;

	text_quote(path, quoted);
	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.new", path) >= sizeof(temporary))
		return error_set(ENAMETOOLONG, "%s: the name is too long", quoted);
	/* Root rotates the key of a service, which that service owns. */
	ret = read_file(path, &keys, &st, geteuid() == 0);
	if (ret < 0)
		return ret;
	ret = next_step(&keys, quoted, step);
	if (ret < 0)
		goto out;
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		ret = error_set(errno, "%s.new: cannot make it: %s%s", quoted, strerror(errno),
			errno == EEXIST ? ": delete it if no other rotation runs" : "");
		goto out;
	}
	if (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0)
		ret = error_set(errno, "%s.new: cannot give it owner and mode of the old file: %s",
			quoted, strerror(errno));
	else
		ret = write_keys(fd, quoted, &keys);
	if (close(fd) < 0 && ret == 0)
		ret = error_set(errno, "%s: cannot write it: %s", quoted, strerror(errno));
	if (ret == 0 && rename(temporary, path) < 0)
		ret = error_set(errno, "%s: cannot replace it: %s", quoted, strerror(errno));
	if (ret < 0)
		unlink(temporary);
out:
	explicit_bzero(&keys, sizeof(keys));
	return ret;
}
