/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The XDP program's counters from its pinned map. Builds without xdp mode have pinned_none.c
 * instead.
 */
#include "control/sessionctl/sessionctl.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <sessiond/map_abi.h>

#include "common/text.h"
#include "dataplane/xdp/percpu_values.h"

/* The port of the only instance under the pin folder. */
static int only_instance(const char *root, uint16_t *port)
{
	DIR *dir = opendir(root);
	char quoted[TEXT_QUOTE];
	struct dirent *file;
	unsigned count = 0;

	text_quote(root, quoted);
	if (!dir)
		return error_set(errno, "pin folder %s: %s", quoted, strerror(errno));
	while ((file = readdir(dir)))
		if (ctl_instance_port(file->d_name)) {
			*port = ctl_instance_port(file->d_name);
			count++;
		}
	closedir(dir);
	if (count == 0)
		return error_set(ENOENT, "nothing is pinned in %s", quoted);
	if (count > 1)
		return error_set(EINVAL, "%u instances are pinned in %s: choose one with --port",
			count, quoted);
	return 0;
}

/* The pinned map as a descriptor, or a negative errno with error_message() set. */
static int open_map(
	const struct ctl *ctl, uint16_t port, const char *name, struct bpf_map_info *info)
{
	__u32 size = sizeof(*info);
	char path[PATH_MAX], quoted[TEXT_QUOTE];
	int fd, err;

	if (snprintf(path, sizeof(path), "%s/%u/%s", ctl->pin_root, port, name) >=
		(int)sizeof(path))
		return error_set(ENAMETOOLONG, "--pin-dir %s: the path is too long",
			text_quote(ctl->pin_root, quoted));
	fd = bpf_obj_get(path);
	if (fd < 0) {
		err = errno;
		return error_set(err, "cannot open the pinned map %s: %s", path,
			err == EPERM || err == EACCES ? "run as root" : strerror(err));
	}
	memset(info, 0, sizeof(*info));
	err = bpf_obj_get_info_by_fd(fd, info, &size);
	if (err) {
		close(fd);
		return error_set(-err, "cannot read the pinned map %s: %s", path, strerror(-err));
	}
	return fd;
}

static int check_abi(const struct ctl *ctl, uint16_t port)
{
	struct sessd_config *settings = NULL;
	struct bpf_map_info info;
	__u32 zero = 0;
	int fd, ret;

	fd = open_map(ctl, port, SESSD_PIN_CONFIG, &info);
	if (fd < 0)
		return fd;
	ret = error_set(EPROTO,
		"the pins of port %u belong to another version of sessiond: use its sessionctl, or "
		"`sessionctl detach`",
		port);
	if (info.type == BPF_MAP_TYPE_ARRAY && info.value_size == sizeof(*settings))
		settings = calloc(1, sizeof(*settings));
	if (settings && bpf_map_lookup_elem(fd, &zero, settings) == 0 && settings->abi == SESSD_ABI)
		ret = 0;
	/* It has the guard's secrets. */
	if (settings)
		explicit_bzero(settings, sizeof(*settings));
	free(settings);
	close(fd);
	return ret;
}

/* Uses the same names as a running daemon. */
int ctl_pinned_stats(const struct ctl *ctl, stats_emit emit, void *emit_ctx)
{
	struct sessd_xdp_counters total = {0};
	struct bpf_map_info info;
	uint16_t port = ctl->port;
	int fd, ret = 0;

	if (!port)
		ret = only_instance(ctl->pin_root, &port);
	if (ret == 0)
		ret = check_abi(ctl, port);
	if (ret < 0)
		return ret;
	fd = open_map(ctl, port, SESSD_PIN_STATS, &info);
	if (fd < 0)
		return fd;
	if (info.type != BPF_MAP_TYPE_PERCPU_ARRAY || info.value_size != sizeof(total) ||
		percpu_sum(fd, sizeof(total) / sizeof(__u64), (__u64 *)&total) < 0)
		ret = error_set(EIO, "the pinned counters of port %u cannot be read", port);
	close(fd);
	if (ret < 0)
		return ret;
#define X(name, ...) emit(emit_ctx, "xdp_" #name, total.name);
	SESSD_REQUEST_COUNTERS(X)
	SESSD_XDP_COUNTERS(X)
#undef X
	return 0;
}
