/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Finds the process that uses a UDP port, as far as /proc shows it.
 */
#ifndef SESSIOND_COMMON_PORT_HOLDER_H
#define SESSIOND_COMMON_PORT_HOLDER_H

#include "common/address.h"

#define PORT_HOLDER_TEXT 128

/* Looks for a socket of `family` that prevents binding the endpoint, and writes its process,
 * "stunnel4 (process 1234)", or its user if the process is not visible. `root` is put before /proc:
 * "" except in tests. Returns false, with "" in `text`, if no such socket is visible. Takes
 * milliseconds, or seconds with very many processes: only for an error message. */
bool port_holder(
	const char *root, const struct endpoint *endpoint, int family, char text[PORT_HOLDER_TEXT]);

#endif
