/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Where metrics are served: the value of --metrics.
 */
#ifndef SESSIOND_CONTROL_HOST_METRICS_ADDRESS_H
#define SESSIOND_CONTROL_HOST_METRICS_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Where to listen: `/PATH` is a Unix socket, `PORT` and `ADDR:PORT` are TCP, loopback unless an
 * address is given. */
struct metrics_address {
	socklen_t size;
	struct sockaddr_storage storage;
};

/* 0 or -EINVAL. */
int metrics_address_parse(const char *text, struct metrics_address *address);
/* Whether both mean the same address; false if one is wrong. */
bool metrics_address_same(const char *a, const char *b);

#endif
