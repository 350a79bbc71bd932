/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/bpf/faults.h"

#include "common/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct fault *now;
static unsigned count;

void fault_set(const struct fault *fault)
{
	now = fault;
	count = 0;
}

unsigned fault_count(void)
{
	return count;
}

static bool fails(const char *call, const char *where)
{
	if (!now || strcmp(now->call, call) != 0 || (now->where && !strstr(where, now->where)))
		return false;
	if (now->times && count == now->times)
		return false;
	count++;
	errno = now->error;
	return true;
}

static const char *map_name(int fd)
{
	static struct bpf_map_info info;
	__u32 size = sizeof(info);

	memset(&info, 0, sizeof(info));
	return now && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 ? info.name : "";
}

/* Return type, call, parameters, arguments, place, and the result of a failure. */
#define WRAP(type, name, parameters, arguments, where, failure) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return fails(#name, where) ? (failure) : __real_##name arguments; \
	}

#define WRAP_BPF(name, parameters, arguments, where) \
	WRAP(int, name, parameters, arguments, where, -now->error)

WRAP_BPF(bpf_object__open_skeleton,
	(struct bpf_object_skeleton * skeleton, const struct bpf_object_open_opts *opts),
	(skeleton, opts), "")
WRAP_BPF(bpf_object__load_skeleton, (struct bpf_object_skeleton * skeleton), (skeleton), "")
WRAP_BPF(bpf_map__reuse_fd, (struct bpf_map * map, int fd), (map, fd), bpf_map__name(map))
WRAP_BPF(bpf_obj_pin, (int fd, const char *path), (fd, path), path)
WRAP_BPF(bpf_obj_get, (const char *path), (path), path)
WRAP_BPF(bpf_xdp_query, (int ifindex, int flags, struct bpf_xdp_query_opts *opts),
	(ifindex, flags, opts), "")
WRAP_BPF(bpf_map_update_elem, (int fd, const void *key, const void *value, __u64 flags),
	(fd, key, value, flags), map_name(fd))
WRAP_BPF(bpf_map_delete_elem, (int fd, const void *key), (fd, key), map_name(fd))
WRAP_BPF(
	bpf_map_lookup_elem, (int fd, const void *key, void *value), (fd, key, value), map_name(fd))
WRAP_BPF(bpf_map_lookup_batch,
	(int fd, void *in, void *out, void *keys, void *values, __u32 *number,
		const struct bpf_map_batch_opts *opts),
	(fd, in, out, keys, values, number, opts), map_name(fd))
WRAP_BPF(bpf_link_create,
	(int prog, int target, enum bpf_attach_type type, const struct bpf_link_create_opts *opts),
	(prog, target, type, opts), "")
WRAP(unsigned, if_nametoindex, (const char *name), (name), name, 0)
WRAP(ssize_t, getrandom, (void *to, size_t size, unsigned flags), (to, size, flags), "", -1)
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), path, -1)
WRAP(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), "", -1)
WRAP(int, fchownat, (int dir, const char *path, uid_t uid, gid_t gid, int flags),
	(dir, path, uid, gid, flags), path, -1)
WRAP(DIR *, fdopendir, (int fd), (fd), "", NULL)
/* By their names with large file support. No open here creates a file. */
WRAP(void *, mmap64, (void *at, size_t size, int prot, int flags, int fd, off_t offset),
	(at, size, prot, flags, fd, offset), flags &MAP_SHARED ? "shared" : "", MAP_FAILED)
WRAP(int, open64, (const char *path, int flags), (path, flags), path, -1)
WRAP(int, openat64, (int dir, const char *path, int flags), (dir, path, flags), path, -1)

WRAP(int, poll, (struct pollfd * fds, nfds_t number, int timeout_ms), (fds, number, timeout_ms), "",
	-1)

void fault_start(struct world *world, const struct fault *fault)
{
	int err;

	fault_set(fault);
	err = world_open(world);
	if (!err)
		err = world_start(world);
	fault_set(NULL);
	print_message("%s: %s\n", fault->call, error_message());
	assert_int_equal(err, -(fault->expected ? fault->expected : fault->error));
	assert_non_null(strstr(error_message(), fault->message));
	if (world->engine)
		world_close(world, false);
}

void fault_next_start(struct world *world, const struct fault *fault)
{
	world_keep_one(world);
	fault_start(world, fault);
	assert_int_not_equal(world_program("t0"), 0);
	world_run(world);
	assert_true(world->engine->adopted);
	assert_int_equal(world->found_count, 1);
	world_close(world, false);
}

char heard_warning[256], heard_notice[256];
const char *heard_prefix = "";

void __wrap_log_write(enum log_level level, const char *format, ...);
void __wrap_log_write(enum log_level level, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (level == LOG_LEVEL_WARNING && strncmp(text, heard_prefix, strlen(heard_prefix)) == 0)
		memcpy(heard_warning, text, sizeof(heard_warning));
	else if (level == LOG_LEVEL_NOTICE && !heard_notice[0])
		memcpy(heard_notice, text, sizeof(heard_notice));
}
