/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the daemon notes of the pinned sessions, in a map beside them: it is kept, moved and removed
 * with them, whatever ends the daemon. The program does not use it.
 */
#include "dataplane/xdp/xdp.h"

#include "common/log.h"
#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIN_NOTES "notes"
#define SIZE	  16384
#define HEAD	  64

struct head {
	uint32_t sessions; /* the kernel's id of the map that holds them */
};

_Static_assert(sizeof(struct head) <= HEAD, "the notes begin after it");

static int open_pinned(const struct engine *engine)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	char path[PATH_MAX];
	int fd = bpf_obj_get(pins_path(engine, PIN_NOTES, path));

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == BPF_MAP_TYPE_ARRAY &&
		info.value_size == SIZE && info.map_flags == BPF_F_MMAPABLE)
		return fd;
	close(fd);
	return -EINVAL;
}

static int make(const struct engine *engine)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, PIN_NOTES, sizeof(__u32), SIZE, 1, &opts), err;
	char path[PATH_MAX];

	if (fd < 0)
		return fd;
	unlink(pins_path(engine, PIN_NOTES, path));
	err = bpf_obj_pin(fd, path);
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* 0 if the kernel does not tell it. */
static uint32_t sessions_id(const struct engine *engine)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_map__fd(engine->skel->maps.sessions), &info, &size) == 0
		       ? info.id
		       : 0;
}

/* NULL with errno set. */
static struct head *map_notes(const struct engine *engine)
{
	int fd = open_pinned(engine);
	void *notes;

	if (fd < 0)
		fd = make(engine);
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	notes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return notes == MAP_FAILED ? NULL : notes;
}

void notes_open(struct engine *engine)
{
	uint32_t id = sessions_id(engine);
	struct head *head = map_notes(engine);

	if (!head) {
		log_info("nothing can be noted beside the pinned sessions: %s", strerror(errno));
		return;
	}
	engine->notes = head;
	if (head->sessions == id && id != 0)
		return;
	memset(head, 0, SIZE);
	head->sessions = id;
}

void *notes_of(struct engine *engine, size_t *size)
{
	*size = SIZE - HEAD;
	return engine->notes ? (uint8_t *)engine->notes + HEAD : NULL;
}

void notes_close(struct engine *engine)
{
	if (engine->notes)
		munmap(engine->notes, SIZE);
	engine->notes = NULL;
}
