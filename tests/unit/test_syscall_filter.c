/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The system call filter, each case in a separate process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/privileges.h"

#include "common/ethtool.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_FILTER 77

/* The result of `act` under the filter: 0, the errno it returned, or minus the signal that killed
 * it. */
static int outcome(int (*act)(void), bool dpdk)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall_filter_install(dpdk) < 0)
			_exit(NO_FILTER);
		_exit(act());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void *nothing(void *arg)
{
	return arg;
}

/* Calls of a running daemon, and another thread. */
static int work(void)
{
	char text[16];
	pthread_t thread;
	FILE *file;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0 || write(fds[0], "x", 1) != 1 ||
		read(fds[1], text, sizeof(text)) != 1)
		return errno;
	file = fopen("/dev/null", "re");
	if (!file || fclose(file) != 0 || !calloc(1, 4 << 20))
		return errno;
	if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
		return EAGAIN;
	return socket(AF_INET6, SOCK_DGRAM, 0) < 0 ? errno : 0;
}

static int make_folder(void)
{
	return mkdir("/tmp/sessiond-filter-test", 0700) < 0 ? errno : 0;
}

static int open_raw(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? errno : 0;
}

static int map_code(void)
{
	void *code = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return code == MAP_FAILED ? errno : 0;
}

static int turn_to_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return EIO;
	return mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0 ? errno : 0;
}

static int load_program(void)
{
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_XDP};

	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) < 0 ? errno : 0;
}

/* Allowed by the filter: the kernel returns EBADF for descriptor -1. */
static int update_map(void)
{
	union bpf_attr attr = {.map_fd = (uint32_t)-1};

	return syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)) < 0 ? errno : 0;
}

/* As supervise does. */
static int ask_ethtool(void)
{
	struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};

	return -ethtool_ask("lo", &value);
}

static int raise_limit(void)
{
	struct rlimit core = {0, 0};

	return setrlimit(RLIMIT_CORE, &core) < 0 ? errno : 0;
}

static int make_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

static int run_program(void)
{
	execl("/bin/true", "true", NULL);
	return errno;
}

static int trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0;
}

static int another_namespace(void)
{
	return syscall(SYS_unshare, 0) < 0 ? errno : 0;
}

static const struct {
	const char *name;
	int (*act)(void);
	int plain, dpdk;
} cases[] = {
	{"work", work, 0, 0},
	{"mkdir", make_folder, EPERM, 0},
	{"a raw socket", open_raw, EPERM, 0},
	{"code", map_code, EPERM, 0},
	{"memory turned to code", turn_to_code, EPERM, 0},
	{"a BPF program", load_program, EPERM, EFAULT},
	{"a map's element", update_map, EBADF, EBADF},
	{"ethtool", ask_ethtool, 0, 0},
	{"a limit", raise_limit, EPERM, 0},
	{"fork", make_process, EPERM, EPERM},
	{"exec", run_program, -SIGSYS, -SIGSYS},
	{"ptrace", trace, -SIGSYS, -SIGSYS},
	{"unshare", another_namespace, -SIGSYS, -SIGSYS},
};

static void calls(void **state)
{
	(void)state;
	if (outcome(work, false) == NO_FILTER) {
		printf("skipped: no filter of system calls in this build, or this kernel has "
		       "none\n");
		exit(77);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int plain = outcome(cases[i].act, false), dpdk = outcome(cases[i].act, true);

		print_message("%s: %d, dpdk %d\n", cases[i].name, plain, dpdk);
		assert_int_equal(plain, cases[i].plain);
		/* The filter does not decide about permissions. */
		if (cases[i].dpdk < 0 || cases[i].act == work)
			assert_int_equal(dpdk, cases[i].dpdk);
		rmdir("/tmp/sessiond-filter-test");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
