/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A dispatcher of libxdp, which runs several XDP programs on one interface.
 */
#ifndef SESSIOND_DATAPLANE_XDP_DISPATCHER_H
#define SESSIOND_DATAPLANE_XDP_DISPATCHER_H

#include <stddef.h>

/* The kernel's name of the program that runs the others. */
#define DISPATCHER_NAME "xdp_dispatcher"

/* The programs that the dispatcher on an interface runs, in their order. Their names, separated by
 * ", ", go to `names` of `size` bytes. Returns how many there are; 0 if that cannot be read, for
 * example because libxdp's pins are in another mount namespace. Main thread, before privileges are
 * dropped. */
int dispatcher_members(int ifindex, char *names, size_t size);

#endif
