/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Calls of the kernel and of libbpf that fail when a test wants it: a test that links this wraps
 * them all (fault_wraps in meson.build).
 */
#ifndef TESTS_BPF_FAULTS_H
#define TESTS_BPF_FAULTS_H

#include "tests/bpf/engine_world.h"

struct fault {
	const char *call;
	const char *where; /* in its path, or the name of its map; NULL: anywhere */
	int error;
	const char *message; /* a part of what the start says */
	int expected;	     /* of the start, if it is not `error` */
	unsigned times;	     /* that it fails; 0: always */
};

/* What fails from now on; NULL: nothing does. */
void fault_set(const struct fault *fault);
/* How often it has failed since. */
unsigned fault_count(void);

/* Opens, adopts and starts with the fault, which must show as the fault says; then closes. */
void fault_start(struct world *world, const struct fault *fault);

/* The same of a start that adopts one session: what answered answers on, and the start after it
 * adopts that session and ends cleanly. */
void fault_next_start(struct world *world, const struct fault *fault);

/* What was logged: the last warning that begins with `heard_prefix` (at first: any), and the first
 * notice since this was emptied. */
extern char heard_warning[256], heard_notice[256];
extern const char *heard_prefix;

#endif
