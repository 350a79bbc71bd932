/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Makes calls of the kernel and of libbpf fail on demand: a test that links this wraps them all
 * (fault_wraps in meson.build).
 */
#ifndef TESTS_BPF_FAULTS_H
#define TESTS_BPF_FAULTS_H

#include "tests/bpf/engine_world.h"

struct fault {
	const char *call;
	const char *where; /* in its path, or the name of its map; NULL: anywhere */
	int error;
	const char *message; /* a part of the start's message */
	int expected;	     /* of the start, if it is not `error` */
	unsigned times;	     /* number of failures; 0: always */
};

/* Sets what fails from now on; NULL: nothing. */
void fault_set(const struct fault *fault);
/* How often it has failed since. */
unsigned fault_count(void);

/* Opens, adopts and starts with the fault, and checks its expected result; then closes. */
void fault_start(struct world *world, const struct fault *fault);

/* The same for a start that adopts one session: the old program keeps answering, and the next start
 * adopts that session and ends cleanly. */
void fault_next_start(struct world *world, const struct fault *fault);

/* Captured log: the last warning that begins with `heard_prefix` (initially any), and the first
 * notice since this was emptied. */
extern char heard_warning[256], heard_notice[256];
extern const char *heard_prefix;

#endif
