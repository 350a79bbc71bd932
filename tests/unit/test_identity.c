/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Users that exist, that do not exist, and that cannot be looked up now.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/host/identity.h"

#include "common/log.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

static int user_error, group_error; /* 0: there is none; negative: there is */

struct passwd *__wrap_getpwnam(const char *name);
struct passwd *__wrap_getpwnam(const char *name)
{
	static struct passwd passwd = {.pw_uid = 71, .pw_gid = 72};

	(void)name;
	errno = user_error > 0 ? user_error : errno;
	return user_error < 0 ? &passwd : NULL;
}

struct group *__wrap_getgrnam(const char *name);
struct group *__wrap_getgrnam(const char *name)
{
	static struct group group = {.gr_gid = 73};

	(void)name;
	errno = group_error > 0 ? group_error : errno;
	return group_error < 0 ? &group : NULL;
}

uid_t __wrap_geteuid(void);
uid_t __wrap_geteuid(void)
{
	return 0;
}

static void named(void **state)
{
	struct identity identity;

	(void)state;
	user_error = group_error = -1;
	assert_int_equal(identity_find(&identity, "cache", false), 0);
	assert_int_equal(identity.uid, 71);
	assert_int_equal(identity.gid, 72);
	assert_true(identity.change && identity.named);
	assert_int_equal(identity_find(&identity, "cache:farm", false), 0);
	assert_int_equal(identity.gid, 73);
	errno = EIO; /* of an earlier call */
	user_error = 0;
	assert_int_equal(identity_find(&identity, "cache", false), -EINVAL);
	assert_string_equal(
		error_message(), "--user: there is no user cache: make it, or name another");
	user_error = ENOENT;
	assert_int_equal(identity_find(&identity, "cache", false), -EINVAL);
	user_error = -1;
	group_error = 0;
	assert_int_equal(identity_find(&identity, "cache:farm", false), -EINVAL);
}

/* Not a configuration error: it may pass. */
static void database_away(void **state)
{
	struct identity identity;

	(void)state;
	user_error = EIO;
	assert_int_equal(identity_find(&identity, "cache", false), -EAGAIN);
	assert_string_equal(error_message(),
		"--user: cannot look up user cache: Input/output error: try again");
	user_error = -1;
	group_error = EMFILE;
	assert_int_equal(identity_find(&identity, "cache:farm", false), -EAGAIN);
	assert_string_equal(error_message(),
		"--user: cannot look up group farm: Too many open files: try again");
}

/* Root becomes the default user if it exists. A failed lookup is no reason to stay root. */
static void default_user(void **state)
{
	struct identity identity;

	(void)state;
	user_error = -1;
	assert_int_equal(identity_find(&identity, "", false), 0);
	assert_true(identity.change && !identity.named);
	assert_string_equal(identity.name, IDENTITY_DEFAULT_USER);
	assert_int_equal(identity_find(&identity, "", true), 0);
	assert_false(identity.change);
	user_error = 0;
	assert_int_equal(identity_find(&identity, "", false), 0);
	assert_false(identity.change);
	assert_string_equal(identity.name, "");
	user_error = EIO;
	assert_int_equal(identity_find(&identity, "", false), -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(named),
		cmocka_unit_test(database_away),
		cmocka_unit_test(default_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
