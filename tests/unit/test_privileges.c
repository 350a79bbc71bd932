/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The state after a change of user, or only of group: each in a child, as root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/privileges.h"

#include "common/log.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int __real_setresuid(uid_t real, uid_t effective, uid_t saved);
int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved);
int __real_setresgid(gid_t real, gid_t effective, gid_t saved);
int __wrap_setresgid(gid_t real, gid_t effective, gid_t saved);

/* Like the kernel with fs.suid_dumpable = 1, which a test must not set. */
int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved)
{
	int ret = __real_setresuid(real, effective, saved);

	prctl(PR_SET_DUMPABLE, 1);
	return ret;
}

int __wrap_setresgid(gid_t real, gid_t effective, gid_t saved)
{
	int ret = __real_setresgid(real, effective, saved);

	prctl(PR_SET_DUMPABLE, 1);
	return ret;
}

static bool has_capabilities(void)
{
	cap_t now = cap_get_proc(), none = cap_init();
	bool has = cap_compare(now, none) != 0;

	cap_free(now);
	cap_free(none);
	return has;
}

static pthread_barrier_t dropped, looked;

static void *other_thread(void *ctx)
{
	privileges_drop_thread();
	pthread_barrier_wait(&dropped);
	pthread_barrier_wait(&looked);
	*(bool *)ctx = has_capabilities();
	return NULL;
}

/* The first failed check after all steps of a start; 0: none. */
static int start_as(const char *user)
{
	struct identity identity;
	pthread_t thread;
	bool other = true;

	privileges_forbid_dumps();
	if (identity_find(&identity, user, false) || privileges_prepare(&identity))
		return 1;
	pthread_barrier_init(&dropped, NULL, 2);
	pthread_barrier_init(&looked, NULL, 2);
	if (pthread_create(&thread, NULL, other_thread, &other))
		return 2;
	pthread_barrier_wait(&dropped);
	if (privileges_drop(&identity, false))
		return 3;
	pthread_barrier_wait(&looked);
	pthread_join(thread, NULL);
	if (geteuid() != identity.uid || getegid() != identity.gid)
		return 4;
	if (has_capabilities())
		return 5;
	if (other)
		return 6;
#if !defined(__SANITIZE_ADDRESS__)
	if (prctl(PR_GET_DUMPABLE) != 0)
		return 7;
#endif
	return 0;
}

static int start_in_child(const char *user)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(start_as(user));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void other_user(void **state)
{
	(void)state;
	assert_int_equal(start_in_child("nobody"), 0);
}

static void other_user_and_group(void **state)
{
	(void)state;
	assert_int_equal(start_in_child("nobody:daemon"), 0);
}

static void other_group(void **state)
{
	(void)state;
	assert_int_equal(start_in_child("root:daemon"), 0);
}

static void same_user(void **state)
{
	(void)state;
	assert_int_equal(start_in_child("root"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_user),
		cmocka_unit_test(other_user_and_group),
		cmocka_unit_test(other_group),
		cmocka_unit_test(same_user),
	};

	if (geteuid() != 0) {
		printf("skipped: only root can become another user\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
