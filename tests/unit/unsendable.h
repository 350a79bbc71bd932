/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Requests to the kernel's netlink that fail when a test wants it: -Wl,--wrap=mnl_socket_sendto.
 */
#ifndef TESTS_UNIT_UNSENDABLE_H
#define TESTS_UNIT_UNSENDABLE_H

#include <stdbool.h>

/* They fail, with ENOBUFS, while this is true. */
extern bool unsendable;

#endif
