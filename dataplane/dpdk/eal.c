/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/eal_log.h"

#include "common/locked_memory.h"
#include "common/log.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_memory.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* EAL's thread executes one request at a time. */
enum request {
	REQUEST_NONE,
	REQUEST_INIT,
	REQUEST_LAUNCH,
	REQUEST_CLEANUP,
};

static struct {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	enum request request; /* REQUEST_NONE: the last request is done */
	unsigned holders;

	const struct dpdk_args *args;
	int err;
	char message[512];

	int (*function)(void *);
	void *arg;
} eal = {
	.mutex = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static void init_failed(int err, const char *reason)
{
	const char *hint = "";

	/* EAL's message for a host without hugepages is "Cannot get hugepage information." */
	if (strcasestr(reason, "hugepage"))
		hint = "; reserve hugepages (sysctl vm.nr_hugepages=512) or add --no-huge";
	eal.err = err;
	snprintf(eal.message, sizeof(eal.message), "--dpdk-args: %s%s",
		*reason ? reason : rte_strerror(err), hint);
}

static char runtime_dir[PATH_MAX];

/* Telemetry removes its socket at exit; the folder then is empty, unless EAL was asked for files in
 * it. */
static void remove_runtime_dir(void)
{
	if (*runtime_dir)
		rmdir(runtime_dir);
}

static void init(void)
{
	const char *reason;
	char *argv[ARGS_MAX + 1];
	int argc = eal.args->argc, parsed;

	/* getopt_long reorders argv. */
	memcpy(argv, eal.args->argv, sizeof(argv));
	atexit(remove_runtime_dir); /* registered before EAL's handlers, so it runs after them */
	eal_log_open();
	eal_log_hold();
	parsed = rte_eal_init(argc, argv);
	reason = eal_log_resume();
	snprintf(runtime_dir, sizeof(runtime_dir), "%s", rte_eal_get_runtime_dir());
	if (parsed < 0) {
		init_failed(rte_errno ? rte_errno : EIO, reason);
	} else if (parsed + 1 < argc) {
		eal.err = EINVAL;
		snprintf(eal.message, sizeof(eal.message),
			"--dpdk-args: EAL does not know what to do with '%s'", argv[parsed + 1]);
	} else {
		eal.err = 0;
		snprintf(eal.message, sizeof(eal.message), "%s", reason);
	}
}

static void launch(void)
{
	rte_eal_mp_remote_launch(eal.function, eal.arg, CALL_MAIN);
	rte_eal_mp_wait_lcore();
}

static void *run(void *arg)
{
	bool end = false;

	(void)arg;
	pthread_mutex_lock(&eal.mutex);
	while (!end) {
		while (eal.request == REQUEST_NONE)
			pthread_cond_wait(&eal.changed, &eal.mutex);
		pthread_mutex_unlock(&eal.mutex);
		switch (eal.request) {
		case REQUEST_INIT:
			init();
			break;
		case REQUEST_LAUNCH:
			launch();
			break;
		case REQUEST_CLEANUP:
			rte_eal_cleanup();
			end = true;
			break;
		case REQUEST_NONE:
			break;
		}
		pthread_mutex_lock(&eal.mutex);
		eal.request = REQUEST_NONE;
		pthread_cond_broadcast(&eal.changed);
	}
	pthread_mutex_unlock(&eal.mutex);
	return NULL;
}

/* Waits for the last request to end, then makes another. */
static void ask(enum request request)
{
	pthread_mutex_lock(&eal.mutex);
	while (eal.request != REQUEST_NONE)
		pthread_cond_wait(&eal.changed, &eal.mutex);
	eal.request = request;
	pthread_cond_broadcast(&eal.changed);
	pthread_mutex_unlock(&eal.mutex);
}

/* Lcores and service cores never sleep: a thread that shares a CPU with one gets half of it at
 * best. */
static void leave_lcores(const cpu_set_t *had)
{
	cpu_set_t rest = *had;

	for (unsigned lcore = 0; lcore < RTE_MAX_LCORE; lcore++) {
		enum rte_lcore_role_t role = rte_eal_lcore_role(lcore);
		cpu_set_t taken;

		if (role != ROLE_RTE && role != ROLE_SERVICE)
			continue;
		taken = rte_lcore_cpuset(lcore);
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (CPU_ISSET(cpu, &taken))
				CPU_CLR(cpu, &rest);
		}
	}
	if (CPU_COUNT(&rest) == 0)
		log_warning("the lcores use every CPU this process may use, so the writer shares "
			    "one; choose fewer with -l in --dpdk-args");
	else if (sched_setaffinity(0, sizeof(rest), &rest) < 0)
		log_warning("cannot move the writer off the lcores' CPUs: %s", strerror(errno));
}

static int lock_list(const struct rte_memseg_list *list, void *ctx)
{
	(void)ctx;
	if (!list->external && list->base_va && list->len > 0) {
		madvise(list->base_va, list->len, MADV_DONTDUMP);
		memory_lock(list->base_va, list->len);
	}
	return 0;
}

/* Locks DPDK's heap in RAM: without hugepages, sessions are in normal pages (packet buffers, rings
 * to the writer), which could be swapped. The daemon reports a refusal later. */
static void lock_heap(void)
{
	if (!rte_eal_has_hugepages())
		rte_memseg_list_walk(lock_list, NULL);
}

int eal_open(const struct dpdk_args *args)
{
	cpu_set_t had;
	int err;

	if (sched_getaffinity(0, sizeof(had), &had) < 0)
		return error_set(errno, "cannot read the CPU affinity: %s", strerror(errno));
	eal.args = args;
	err = pthread_create(&eal.thread, NULL, run, NULL);
	if (err)
		return error_set(err, "cannot start a thread for DPDK: %s", strerror(err));
	eal.holders = 1;
	ask(REQUEST_INIT);
	eal_join();
	if (eal.err) {
		/* After a failure EAL can be neither cleaned up nor initialised again. */
		pthread_detach(eal.thread);
		return error_set(eal.err, "%s", eal.message);
	}
	if (*eal.message)
		log_warning("dpdk: %s", eal.message);
	lock_heap();
	leave_lcores(&had);
	return 0;
}

void eal_launch(int (*function)(void *), void *arg)
{
	eal.function = function;
	eal.arg = arg;
	ask(REQUEST_LAUNCH);
}

void eal_join(void)
{
	pthread_mutex_lock(&eal.mutex);
	while (eal.request != REQUEST_NONE)
		pthread_cond_wait(&eal.changed, &eal.mutex);
	pthread_mutex_unlock(&eal.mutex);
}

void eal_hold(void)
{
	__atomic_add_fetch(&eal.holders, 1, __ATOMIC_ACQ_REL);
}

void eal_release(void)
{
	if (__atomic_sub_fetch(&eal.holders, 1, __ATOMIC_ACQ_REL) == 0) {
		ask(REQUEST_CLEANUP);
		pthread_join(eal.thread, NULL);
	}
}
