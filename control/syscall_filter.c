/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The system call filter of a running daemon, by libseccomp.
 *
 * A call that is not in the list fails with EPERM and the kernel logs it: a C library that starts
 * to use a new call must not take the cache down. Calls that no version of the daemon could need
 * kill it: running programs, inspecting other processes, mounting, loading code into the kernel.
 */
#include "control/privileges.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"

/* No filter with sanitizers: they make other system calls, such as ptrace. */
#if defined(HAVE_SECCOMP) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <linux/bpf.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* Checked by number alone, so that the kernel keeps a bitmap of them and runs no filter. */
static const char *const allowed[] = {
	/* input and output */
	"read",
	"readv",
	"pread64",
	"write",
	"writev",
	"pwrite64",
	"lseek",
	"_llseek",
	"close",
	"close_range",
	"poll",
	"ppoll",
	"ppoll_time64",
	"select",
	"pselect6",
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"eventfd2",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_gettime",
	"signalfd4",
	"pipe2",
	"dup",
	"dup2",
	"dup3",
	"fcntl",
	"fcntl64",
	/* network */
	"bind",
	"connect",
	"listen",
	"accept",
	"accept4",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"shutdown",
	"sendto",
	"recvfrom",
	"sendmsg",
	"recvmsg",
	"sendmmsg",
	"recvmmsg",
	"recvmmsg_time64",
	"send",
	"recv",
	"socketpair",
	/* files: the configuration, /proc and /sys, and at the end the admin socket and the pins */
	"open",
	"openat",
	"stat",
	"lstat",
	"fstat",
	"newfstatat",
	"fstatat64",
	"statx",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getcwd",
	"getdents64",
	"statfs",
	"fstatfs",
	"statfs64",
	"fstatfs64",
	"flock",
	"ftruncate",
	"unlink",
	"unlinkat",
	"rmdir",
	"umask", /* a reload may open a socket file */
	/* memory; memfd_create for the sessions that the next daemon gets */
	"memfd_create",
	"brk",
	"munmap",
	"mremap",
	"madvise",
	"mlock",
	"mlock2",
	"munlock",
	"mincore",
	/* threads, signals and time */
	"exit",
	"exit_group",
	"futex",
	"futex_time64",
	"futex_waitv",
	"futex_wait",
	"futex_wake",
	"set_robust_list",
	"get_robust_list",
	"set_tid_address",
	"rseq",
	"membarrier",
	"sched_yield",
	"sched_getaffinity",
	"sched_setaffinity",
	"sched_getparam",
	"sched_getscheduler",
	"sched_get_priority_max",
	"sched_get_priority_min",
	"getcpu",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"rt_sigsuspend",
	"rt_sigpending",
	"sigaltstack",
	"sigreturn",
	"tgkill",
	"restart_syscall",
	"nanosleep",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"clock_getres_time64",
	"gettimeofday",
	"time",
	/* identity of process and host */
	"getpid",
	"gettid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getresuid",
	"getresgid",
	"getgroups",
	"getrusage",
	"getrlimit",
	"sysinfo",
	"uname",
	"times",
	"getrandom",
	"capget",
	"capset",
	"arch_prctl",
	"riscv_hwprobe",
};

/* Calls that DPDK's drivers need as well. */
static const char *const allowed_drivers[] = {"socket", "mmap", "mprotect", "ioctl", "bpf",
	"fallocate", "fchmod", "mkdir", "mkdirat", "rename", "fsync", "prlimit64",
	"sched_setscheduler", "sched_setparam", "get_mempolicy", "set_mempolicy", "mbind",
	"move_pages", "setpriority", "getpriority", "inotify_init1", "inotify_add_watch",
	"inotify_rm_watch"};

static const char *const deadly[] = {"execve", "execveat", "fork", "vfork", "ptrace",
	"process_vm_readv", "process_vm_writev", "pidfd_getfd", "kexec_load", "kexec_file_load",
	"init_module", "finit_module", "delete_module", "mount", "umount2", "move_mount", "fsopen",
	"fsmount", "open_tree", "pivot_root", "chroot", "setns", "unshare", "open_by_handle_at",
	"perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "swapon", "swapoff",
	"reboot", "iopl", "ioperm", "modify_ldt", "personality", "io_uring_setup", "acct",
	"settimeofday", "clock_settime", "adjtimex"};

/* Open maps and links may be used; making maps or links and loading programs is refused. */
static const unsigned bpf_commands[] = {BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM,
	BPF_MAP_DELETE_ELEM, BPF_MAP_GET_NEXT_KEY, BPF_MAP_LOOKUP_AND_DELETE_ELEM,
	BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH, BPF_MAP_UPDATE_BATCH,
	BPF_MAP_DELETE_BATCH, BPF_OBJ_GET_INFO_BY_FD, BPF_OBJ_PIN, BPF_OBJ_GET, BPF_LINK_CREATE,
	BPF_LINK_UPDATE, BPF_LINK_DETACH, BPF_PROG_TEST_RUN};

static const unsigned socket_families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
/* SIOCETHTOOL: to read. To set anything takes CAP_NET_ADMIN. */
static const unsigned ioctls[] = {TCGETS, FIONBIO, FIONREAD, FIOCLEX, SIOCETHTOOL};
static const unsigned prctls[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_SET_TIMERSLACK};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Skips a name that this architecture or libseccomp does not know. */
static int add_names(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int number = seccomp_syscall_resolve_name(names[i]), err;

		if (number == __NR_SCMP_ERROR)
			continue;
		err = seccomp_rule_add(ctx, action, number, 0);
		if (err)
			return err;
	}
	return 0;
}

/* Allows a call where its argument `index` is one of `values`. */
static int add_values(
	scmp_filter_ctx ctx, int number, unsigned index, const unsigned *values, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = seccomp_rule_add(
			ctx, SCMP_ACT_ALLOW, number, 1, SCMP_CMP32(index, SCMP_CMP_EQ, values[i]));
	return err;
}

/* No mapping may be executable. */
static int add_memory(scmp_filter_ctx ctx)
{
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		SCMP_CMP32(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap2), 1,
			SCMP_CMP32(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
			SCMP_CMP32(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* Limits may be read, not set. */
	if (!err)
		err = seccomp_rule_add(
			ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_CMP64(2, SCMP_CMP_EQ, 0));
	return err;
}

/* Threads, no processes. A filter cannot read the flags of clone3, which are behind a pointer:
 * clone3 fails with ENOSYS, so that the C library uses clone. */
static int add_threads(scmp_filter_ctx ctx)
{
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));

	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return err;
}

static int fill(scmp_filter_ctx ctx, bool drivers)
{
	int err = add_names(ctx, SCMP_ACT_ALLOW, allowed, COUNT(allowed));

	if (!err)
		err = add_names(ctx, SCMP_ACT_KILL_PROCESS, deadly, COUNT(deadly));
	if (!err)
		err = add_threads(ctx);
	if (!err)
		err = add_values(ctx, SCMP_SYS(prctl), 0, prctls, COUNT(prctls));
	if (err)
		return err;
	if (drivers)
		return add_names(ctx, SCMP_ACT_ALLOW, allowed_drivers, COUNT(allowed_drivers));
	err = add_memory(ctx);
	if (!err)
		err = add_values(ctx, SCMP_SYS(bpf), 0, bpf_commands, COUNT(bpf_commands));
	if (!err)
		err = add_values(ctx, SCMP_SYS(socket), 0, socket_families, COUNT(socket_families));
	if (!err)
		err = add_values(ctx, SCMP_SYS(ioctl), 1, ioctls, COUNT(ioctls));
	return err;
}

int syscall_filter_install(bool drivers)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err;

	if (!ctx)
		return error_set(ENOMEM, "no memory for the system call filter");
	err = fill(ctx, drivers);
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (err) {
		seccomp_release(ctx);
		return error_set(-err, "cannot set up the system call filter: %s", strerror(-err));
	}
	/* Optional, so errors are ignored: logging, a tree instead of a list, and no speculative
	 * store bypass mitigation, since the threads of this process trust each other. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_SSB, 1);
	err = seccomp_load(ctx);
	seccomp_release(ctx);
	if (err == -EINVAL || err == -ENOSYS || err == -ECANCELED)
		return error_set(ENOSYS, "this kernel has no filters (CONFIG_SECCOMP_FILTER)");
	return err ? error_set(-err, "cannot filter system calls: %s", strerror(-err)) : 0;
}

#else

int syscall_filter_install(bool drivers)
{
	(void)drivers;
	return error_set(
		ENOSYS, "this build has no filter (libseccomp, or built with a sanitizer)");
}

#endif
