/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * EAL's life: it is started once in a process, on a thread of its own, and ended when the last who
 * holds it lets go.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_EAL_H
#define SESSIOND_DATAPLANE_DPDK_EAL_H

#include "dataplane/dpdk/args.h"

/* Starts EAL, held once. Moves the calling thread, and so those it will make, off the lcores' CPUs
 * if there are others. -EINVAL for arguments that EAL refuses, or another negative errno; both with
 * error_message() set. */
int eal_open(const struct dpdk_args *args);

/* The table's memory is EAL's, and may be given back after the engine has closed. */
void eal_hold(void);
void eal_release(void);

/* Runs `function` on every lcore, and returns at once; eal_join waits for all to return. */
void eal_launch(int (*function)(void *), void *arg);
void eal_join(void);

#endif
