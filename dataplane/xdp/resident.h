/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which XDP program an interface has, whoever put it there: asked of the kernel, not of pins. Most
 * answers take CAP_SYS_ADMIN; without it they are "not known". Main thread, before privileges are
 * dropped, or sessionctl.
 */
#ifndef SESSIOND_DATAPLANE_XDP_RESIDENT_H
#define SESSIOND_DATAPLANE_XDP_RESIDENT_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine_config;

struct resident {
	uint32_t program, link; /* ids; 0: none, or not known */
	bool sessiond;		/* it is a sessiond's */
	char name[BPF_OBJ_NAME_LEN];
};

/* What interface `ifindex` of this network namespace has. */
void resident_find(int ifindex, struct resident *resident);

/* Sets error_message() to what the interface has and how it is taken off. Returns -EEXIST. */
int resident_refuse(const char *name, int ifindex);

/* How many interfaces of this namespace have a sessiond's program that answers where `config`
 * listens: their names go to `names`. 0 where it cannot be told. */
int residents_answering(const struct engine_config *config, char *names, size_t size);

/* Takes a sessiond's program off an interface, wherever it is pinned: 0, or a negative errno with
 * error_message() set; -ENOENT where there is none. */
int resident_take_off(const char *name);

#endif
