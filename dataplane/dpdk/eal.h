/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * EAL's lifetime: it is started once per process, on a thread of its own, and cleaned up when the
 * last holder releases it. For the main thread.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_EAL_H
#define SESSIOND_DATAPLANE_DPDK_EAL_H

#include "dataplane/dpdk/args.h"

/* Starts EAL, with one holder. Moves the calling thread, and so the threads it creates later, off
 * the lcores' CPUs if there are others. 0, -EINVAL for arguments that EAL refuses, or another
 * negative errno; on errors error_message() is set. */
int eal_open(const struct dpdk_args *args);

/* Adds a holder: the table's memory is EAL's, and may be freed after the engine has closed. */
void eal_hold(void);
void eal_release(void);

/* Starts `function` on every lcore and returns at once; eal_join waits until all have returned. */
void eal_launch(int (*function)(void *), void *arg);
void eal_join(void);

#endif
