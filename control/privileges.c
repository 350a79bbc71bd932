/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/privileges.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/log.h"

/* Capabilities that drivers in this process may need on the main thread when ports stop: to detach
 * an XDP program, remove a tap interface, unmap a device. */
static const cap_value_t drivers_keep[] = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF, CAP_SYS_RAWIO};

/* If true, threads must keep CAP_SETUID until the change: glibc changes the user on every thread,
 * and aborts if one fails. Set before there are threads. */
static bool user_will_change;

void privileges_forbid_dumps(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) /* LeakSanitizer attaches to its own process */
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

static int become_group(const struct identity *identity)
{
	if (initgroups(identity->name, identity->gid) < 0 ||
		setresgid(identity->gid, identity->gid, identity->gid) < 0)
		return error_set(
			errno, "cannot become user %s: %s", identity->name, strerror(errno));
	return 0;
}

int privileges_prepare(const struct identity *identity)
{
	user_will_change = identity->uid != geteuid();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* With the same user and another group, the kernel removes no capabilities. Each thread
	 * drops its own, and cannot change its group afterwards: change it now. */
	return identity->change && !user_will_change ? become_group(identity) : 0;
}

/* Reduces the calling thread's capabilities to those of `keep` that it has. */
static int keep_only(const cap_value_t *keep, int count)
{
	cap_t now = cap_get_proc(), next = cap_init();
	int ret = now && next ? 0 : -ENOMEM;

	for (int i = 0; i < count && !ret; i++) {
		cap_flag_value_t has = CAP_CLEAR;

		/* cap_get_flag fails for a capability that this kernel does not know. */
		if (cap_get_flag(now, keep[i], CAP_PERMITTED, &has) < 0 || has != CAP_SET)
			continue;
		if (cap_set_flag(next, CAP_PERMITTED, 1, &keep[i], CAP_SET) < 0 ||
			cap_set_flag(next, CAP_EFFECTIVE, 1, &keep[i], CAP_SET) < 0)
			ret = -errno;
	}
	if (!ret && cap_set_proc(next) < 0)
		ret = -errno;
	cap_free(now);
	cap_free(next);
	return ret;
}

void privileges_drop_thread(void)
{
	int err = user_will_change ? 0 : keep_only(NULL, 0);

	if (err)
		log_warning("a thread keeps its capabilities: %s", strerror(-err));
}

/* glibc changes every thread of the process. */
static int become(const struct identity *identity)
{
	int err = become_group(identity);

	if (err)
		return err;
	if (setresuid(identity->uid, identity->uid, identity->uid) < 0)
		return error_set(
			errno, "cannot become user %s: %s", identity->name, strerror(errno));
	if (identity->uid != 0 && setresuid(0, 0, 0) == 0)
		return error_set(EPERM, "user %s can become root again", identity->name);
	return 0;
}

int privileges_drop(const struct identity *identity, bool drivers)
{
	int err;

	if (user_will_change) {
		if (drivers)
			prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0); /* until keep_only */
		err = become(identity);
		if (err)
			return err;
	}
	if (identity->change) {
		log_info("running as user %s", identity->name);
	} else if (geteuid() == 0 && !identity->named) {
		log_warning("running as root: make a system user " IDENTITY_DEFAULT_USER
			    ", or name one with --user");
	}
	err = drivers ? keep_only(drivers_keep, sizeof(drivers_keep) / sizeof(drivers_keep[0]))
		      : keep_only(NULL, 0);
	if (err)
		return error_set(-err, "cannot give up capabilities: %s", strerror(-err));
	/* A change of user or group resets the dumpable flag to fs.suid_dumpable. */
	privileges_forbid_dumps();
	return 0;
}
