/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Makes netlink requests fail on demand: -Wl,--wrap=mnl_socket_sendto.
 */
#ifndef TESTS_UNIT_UNSENDABLE_H
#define TESTS_UNIT_UNSENDABLE_H

#include <stdbool.h>

/* They fail, with ENOBUFS, while this is true. */
extern bool unsendable;

#endif
