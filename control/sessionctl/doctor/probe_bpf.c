/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Probes of BPF programs and maps.
 */
#include "control/sessionctl/doctor/probe.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int program_info(uint32_t id, struct bpf_prog_info *info)
{
	int fd = bpf_prog_get_fd_by_id(id), err;
	__u32 size = sizeof(*info);

	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, info, &size);
	close(fd);
	return err;
}

int probe_program(void *ctx, uint32_t id, struct doctor_program *program)
{
	struct bpf_prog_info info = {
		.map_ids = (__u64)(uintptr_t)program->maps, .nr_map_ids = DOCTOR_MAPS_MAX};
	int err;

	(void)ctx;
	memset(program, 0, sizeof(*program));
	err = program_info(id, &info);
	if (err)
		return err;
	snprintf(program->name, sizeof(program->name), "%.15s", info.name);
	program->map_count = info.nr_map_ids < DOCTOR_MAPS_MAX ? info.nr_map_ids : DOCTOR_MAPS_MAX;
	return 0;
}

int probe_pinned_map(void *ctx, const char *path, uint32_t *id)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	int fd = bpf_obj_get(path), err;

	(void)ctx;
	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	*id = info.id;
	return err;
}

/* The kernel counts runs while kernel.bpf_stats_enabled is 1, or while this descriptor is open. */
int probe_runs(void *ctx, uint32_t id, unsigned milliseconds, uint64_t *runs)
{
	struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
	struct bpf_prog_info before = {0}, after = {0};
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME), err;

	(void)ctx;
	if (fd < 0)
		return fd;
	err = program_info(id, &before);
	if (!err) {
		nanosleep(&pause, NULL);
		err = program_info(id, &after);
	}
	close(fd);
	*runs = after.run_cnt - before.run_cnt;
	return err;
}
