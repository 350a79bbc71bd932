/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Key files: what is refused and in which words, and how they rotate.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/key_file.h"
#include "common/log.h"
#include "tests/client/key_files.h"

#include <errno.h>

static struct key_folder folder;

static int set_up(void **state)
{
	(void)state;
	key_folder_make(&folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	key_folder_remove(&folder);
	return 0;
}

static void refused(int expected, const char *says)
{
	struct key_file keys;

	assert_int_equal(key_file_read(folder.path, &keys), expected);
	if (!strstr(error_message(), says) || !strstr(error_message(), folder.path))
		fail_msg("%s\nis not like: %s", error_message(), says);
	/* No key is in it. */
	assert_null(strstr(error_message(), "1111"));
	assert_null(strstr(error_message(), "2222"));
}

static void texts(void **state)
{
	static const struct {
		const char *text, *says; /* NULL: it is good */
	} cases[] = {
		{"1:" KEY_A, NULL},
		{"1:" KEY_A "\r\n", NULL},
		{"# A comment\n\n4294967295:" KEY_A "\n2:" KEY_B "\n\n", NULL},
		{"", "there is no key in it"},
		{"# only this\n", "there is no key in it"},
		{"1:" KEY_A "\n2:" KEY_B "\n3:" KEY_A "\n", "line 3: a third key"},
		{"1:" KEY_A "\n1:" KEY_B "\n", "line 2: the number or the key of the line before"},
		{"1:" KEY_A "\n2:" KEY_A "\n", "line 2: the number or the key of the line before"},
		{KEY_A "\n", "line 1: expected NUMBER:KEY"},
		{"1:" KEY_A "0\n", "line 1: expected NUMBER:KEY"},
		{"1:1111\n", "line 1: expected NUMBER:KEY"},
		{"0:" KEY_A "\n", "line 1: expected NUMBER:KEY"},
		{"4294967296:" KEY_A "\n", "line 1: expected NUMBER:KEY"},
		{"-1:" KEY_A "\n", "line 1: expected NUMBER:KEY"},
		{" 1:" KEY_A "\n", "line 1: expected NUMBER:KEY"},
		{"1:g" KEY_A "\n", "line 1: expected NUMBER:KEY"},
		{"1:0000000000000000000000000000000000000000000000000000000000000000\n",
			"line 1: the key is all zero"},
	};
	struct key_file keys;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		key_folder_write(&folder, cases[i].text, 0600);
		if (cases[i].says)
			refused(-EINVAL, cases[i].says);
		else
			assert_int_equal(key_file_read(folder.path, &keys), 0);
	}
	assert_int_equal(key_file_parse("x", "1:" KEY_A "\n2:" KEY_B, 133, &keys), 0);
	assert_int_equal(keys.count, 2);
	assert_int_equal(keys.keys[0].number, 1);
	assert_int_equal(keys.keys[0].key[31], 0x11);
	assert_int_equal(keys.keys[1].key[0], 0x22);
	/* A zero byte within. */
	assert_int_equal(key_file_parse("x", "1:" KEY_A "\0\n", 68, &keys), -EINVAL);
}

static void files(void **state)
{
	struct key_file keys;
	char big[5000];

	(void)state;
	assert_int_equal(key_file_read(folder.path, &keys), -ENOENT);
	assert_int_equal(key_file_read("/dev/null", &keys), -EINVAL);
	assert_int_equal(key_file_read("/tmp", &keys), -EINVAL);
	key_folder_write(&folder, "1:" KEY_A "\n", 0640);
	refused(-EPERM, "others may read or write it: chmod 600");
	key_folder_write(&folder, "1:" KEY_A "\n", 0604);
	refused(-EPERM, "others may read or write it");
	key_folder_write(&folder, "1:" KEY_A "\n", 0400);
	assert_int_equal(key_file_read(folder.path, &keys), 0);
	memset(big, '\n', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	key_folder_write(&folder, big, 0600);
	refused(-EINVAL, "more than 4096 bytes");
	if (geteuid() == 0) {
		key_folder_write(&folder, "1:" KEY_A "\n", 0600);
		assert_int_equal(chown(folder.path, 1, 1), 0);
		refused(-EPERM, "belongs to user 1");
	}
}

/* Each step is what the ones before it need, and a reader at any moment has a whole file. */
static void rotation(void **state)
{
	struct key_file one, added, promoted, dropped, again;
	enum key_file_step step;
	struct stat st;

	(void)state;
	assert_int_equal(key_file_create(folder.path), 0);
	assert_int_equal(stat(folder.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(key_file_create(folder.path), -EEXIST);
	assert_int_equal(key_file_read(folder.path, &one), 0);
	assert_int_equal(one.count, 1);

	assert_int_equal(key_file_rotate(folder.path, &step), 0);
	assert_int_equal(step, KEY_FILE_ADDED);
	assert_int_equal(key_file_read(folder.path, &added), 0);
	assert_int_equal(added.count, 2);
	assert_memory_equal(&added.keys[0], &one.keys[0], sizeof(one.keys[0]));

	assert_int_equal(key_file_rotate(folder.path, &step), 0);
	assert_int_equal(step, KEY_FILE_PROMOTED);
	assert_int_equal(key_file_read(folder.path, &promoted), 0);
	assert_memory_equal(&promoted.keys[0], &added.keys[1], sizeof(one.keys[0]));
	assert_memory_equal(&promoted.keys[1], &added.keys[0], sizeof(one.keys[0]));

	assert_int_equal(key_file_rotate(folder.path, &step), 0);
	assert_int_equal(step, KEY_FILE_DROPPED);
	assert_int_equal(key_file_read(folder.path, &dropped), 0);
	assert_int_equal(dropped.count, 1);
	assert_memory_equal(&dropped.keys[0], &added.keys[1], sizeof(one.keys[0]));

	assert_int_equal(key_file_rotate(folder.path, &step), 0);
	assert_int_equal(step, KEY_FILE_ADDED);
	assert_int_equal(key_file_read(folder.path, &again), 0);
	assert_int_equal(again.keys[1].number, 3);
	assert_memory_not_equal(again.keys[1].key, one.keys[0].key, KEY_FILE_KEY_SIZE);
}

static void a_rotation_that_fails_changes_nothing(void **state)
{
	char temporary[sizeof(folder.path) + 4];
	struct key_file before, after;
	enum key_file_step step;

	(void)state;
	assert_int_equal(key_file_rotate(folder.path, &step), -ENOENT);
	assert_int_equal(key_file_create(folder.path), 0);
	assert_int_equal(key_file_read(folder.path, &before), 0);
	snprintf(temporary, sizeof(temporary), "%s.new", folder.path);
	assert_int_equal(symlink("/tmp/sessiond-nowhere", temporary), 0);
	assert_int_equal(key_file_rotate(folder.path, &step), -EEXIST);
	assert_non_null(strstr(error_message(), "delete it if no other rotation runs"));
	assert_int_equal(access("/tmp/sessiond-nowhere", F_OK), -1);
	unlink(temporary);
	assert_int_equal(key_file_read(folder.path, &after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
	key_folder_write(&folder, "4294967295:" KEY_A "\n", 0600);
	assert_int_equal(key_file_rotate(folder.path, &step), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(texts),
		T(files),
		T(rotation),
		T(a_rotation_that_fails_changes_nothing),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
