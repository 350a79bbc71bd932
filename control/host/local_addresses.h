/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The addresses of this host, kept up to date from rtnetlink: a virtual address that moves here is
 * served at once, one that leaves no longer. Tentative IPv6 addresses (duplicate address detection
 * still running) are not ours yet.
 */
#ifndef SESSIOND_CONTROL_HOST_LOCAL_ADDRESSES_H
#define SESSIOND_CONTROL_HOST_LOCAL_ADDRESSES_H

#include <stdbool.h>

#include "common/address.h"

struct local_addresses;

/* Calls `changed` for each address, now and at later changes. Main thread only. NULL with
 * error_message() set. */
struct local_addresses *local_addresses_open(
	void (*changed)(void *ctx, const struct address *addr, bool present), void *ctx);
void local_addresses_close(struct local_addresses *local);

/* Readable when something changed; then call local_addresses_follow, which returns 0 or a negative
 * errno with error_message() set. */
int local_addresses_fd(const struct local_addresses *local);
int local_addresses_follow(struct local_addresses *local);
/* Does again what local_addresses_follow could not, if there is such; once a second, say. 0, or a
 * negative errno with error_message() set. */
int local_addresses_retry(struct local_addresses *local);

#endif
