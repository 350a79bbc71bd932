/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Who has a UDP port, as far as /proc shows it.
 */
#ifndef SESSIOND_COMMON_PORT_HOLDER_H
#define SESSIOND_COMMON_PORT_HOLDER_H

#include "common/address.h"

#define PORT_HOLDER_TEXT 128

/* Looks for a socket of `family` that keeps others from the endpoint, and writes its process,
 * "stunnel4 (process 1234)", or its user if the process cannot be seen. `root` is before /proc: "".
 * Returns false, with "" in `text`, if no such socket is seen. Takes milliseconds, and up to
 * seconds where there are very many processes: for an error's text. */
bool port_holder(
	const char *root, const struct endpoint *endpoint, int family, char text[PORT_HOLDER_TEXT]);

#endif
