/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which XDP program an interface has, whatever attached it: asked of the kernel, not taken from
 * pins. Most answers need CAP_SYS_ADMIN; without it they are "not known". For the main thread
 * before privileges are dropped, and sessionctl.
 */
#ifndef SESSIOND_DATAPLANE_XDP_RESIDENT_H
#define SESSIOND_DATAPLANE_XDP_RESIDENT_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine_config;

struct resident {
	uint32_t program, link; /* kernel ids; 0: none, or not known */
	bool sessiond;		/* it is sessiond's program */
	char name[BPF_OBJ_NAME_LEN];
};

/* Fills in what interface `ifindex` of this network namespace has. */
void resident_find(int ifindex, struct resident *resident);

/* Sets error_message() to what the interface has and how to detach it. Returns -EEXIST. */
int resident_refuse(const char *name, int ifindex);

/* How many interfaces of this namespace have a sessiond program that answers where `config`
 * listens. Their names, separated by ", ", go to `names` of `size` bytes. 0 if that cannot be
 * determined. */
int residents_answering(const struct engine_config *config, char *names, size_t size);

/* Detaches sessiond's program from an interface, wherever it is pinned: 0, or a negative errno with
 * error_message() set; -ENOENT if there is none. */
int resident_take_off(const char *name);

#endif
