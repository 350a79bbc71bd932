/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/program_time.h"

#include "common/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

struct program_time {
	int program_fd;
	int stats_fd; /* the kernel measures while it is open */
	uint64_t ns, frames;

	/* program_time_skip */
	uint64_t skip;
	cpu_set_t senders;
	pthread_t thread;
	bool started, ended; /* `ended`: atomic */
};

/* 0 or a negative errno. */
static int program_on(const char *interface, uint32_t *id)
{
	unsigned ifindex = if_nametoindex(interface);

	if (ifindex == 0)
		return error_set(ENODEV, "--program-time: there is no interface %s", interface);
	if (bpf_xdp_query_id((int)ifindex, 0, id) < 0 || *id == 0)
		return error_set(ENOENT, "--program-time: %s has no XDP program", interface);
	return 0;
}

static int program_in(const char *netns, const char *interface, uint32_t *id)
{
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there, ret;
	char path[256];

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (here < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0) {
		ret = error_set(
			errno, "--program-time: network namespace %s: %s", netns, strerror(errno));
	} else {
		ret = program_on(interface, id);
		if (setns(here, CLONE_NEWNET) < 0)
			ret = error_set(
				errno, "leaving network namespace %s: %s", netns, strerror(errno));
	}
	if (here >= 0)
		close(here);
	if (there >= 0)
		close(there);
	return ret;
}

static int find_program(const char *what, uint32_t *id)
{
	const char *slash = strchr(what, '/');
	char netns[128], *end;

	if (strncmp(what, "id:", 3) == 0) {
		*id = (uint32_t)strtoul(what + 3, &end, 10);
		if (*id == 0 || *end != '\0')
			return error_set(EINVAL, "--program-time: %s names no program", what);
		return 0;
	}
	if (!slash)
		return program_on(what, id);
	snprintf(netns, sizeof(netns), "%.*s", (int)(slash - what), what);
	return program_in(netns, slash + 1, id);
}

int program_time_open(struct program_time **out, const char *what)
{
	struct program_time *time = calloc(1, sizeof(*time));
	uint32_t id;
	int ret;

	*out = time;
	if (!time)
		return error_set(ENOMEM, "no memory");
	time->program_fd = time->stats_fd = -1;
	ret = find_program(what, &id);
	if (ret < 0)
		return ret;
	time->program_fd = bpf_prog_get_fd_by_id(id);
	if (time->program_fd < 0)
		return error_set(errno, "--program-time: program %u: %s", id, strerror(errno));
	time->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (time->stats_fd < 0)
		return error_set(
			errno, "--program-time: enabling BPF statistics: %s", strerror(errno));
	return 0;
}

static int read_info(const struct program_time *time, struct bpf_prog_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	if (bpf_obj_get_info_by_fd(time->program_fd, info, &len) < 0)
		return error_set(errno, "reading the program's time: %s", strerror(errno));
	return 0;
}

/* On a CPU that sends no frames, also if taskset(1) forbids it. */
static void leave_senders(const cpu_set_t *senders)
{
	cpu_set_t set;

	for (int cpu = get_nprocs_conf() - 1; cpu >= 0; cpu--) {
		if (CPU_ISSET(cpu, senders))
			continue;
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0)
			return;
	}
}

/* Spins: a frame takes less time than to wake up. */
static void *skip_main(void *arg)
{
	struct program_time *time = arg;
	uint64_t until = time->frames + time->skip;
	struct bpf_prog_info info;

	leave_senders(&time->senders);
	while (!__atomic_load_n(&time->ended, __ATOMIC_RELAXED) && read_info(time, &info) == 0) {
		if (info.run_cnt < until)
			continue;
		time->ns = info.run_time_ns;
		time->frames = info.run_cnt;
		break;
	}
	return NULL;
}

int program_time_skip(struct program_time *time, uint64_t frames, const cpu_set_t *senders)
{
	int ret;

	time->skip = frames;
	time->senders = *senders;
	time->ended = false;
	ret = -pthread_create(&time->thread, NULL, skip_main, time);
	if (ret < 0)
		return error_set(ret, "starting a thread: %s", strerror(-ret));
	time->started = true;
	return 0;
}

static void end_skip(struct program_time *time)
{
	if (!time->started)
		return;
	__atomic_store_n(&time->ended, true, __ATOMIC_RELAXED);
	pthread_join(time->thread, NULL);
	time->started = false;
}

int program_time_read(struct program_time *time, uint64_t *ns, uint64_t *frames)
{
	struct bpf_prog_info info;
	int ret;

	end_skip(time);
	ret = read_info(time, &info);
	if (ret < 0)
		return ret;
	*ns = info.run_time_ns - time->ns;
	*frames = info.run_cnt - time->frames;
	time->ns = info.run_time_ns;
	time->frames = info.run_cnt;
	return 0;
}

void program_time_close(struct program_time *time)
{
	if (!time)
		return;
	end_skip(time);
	if (time->stats_fd >= 0)
		close(time->stats_fd);
	if (time->program_fd >= 0)
		close(time->program_fd);
	free(time);
}
