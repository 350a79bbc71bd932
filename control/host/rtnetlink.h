/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What following addresses, interfaces and VLANs has in common: sockets of rtnetlink, and lists
 * that are read whole.
 */
#ifndef SESSIOND_CONTROL_HOST_RTNETLINK_H
#define SESSIOND_CONTROL_HOST_RTNETLINK_H

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

#define RTNETLINK_BUFFER 32768 /* bytes: what the kernel fills at most of a dump's buffer */

/* A socket that is joined to `groups` (RTMGRP_*), with SOCK_* flags; NULL with errno. The caller's,
 * to be closed by mnl_socket_close. */
struct mnl_socket *rtnetlink_open(int flags, unsigned groups);

/* Takes away what waits at a non-blocking socket, where what it says does not matter, nor that some
 * was lost (ENOBUFS). */
void rtnetlink_drain(struct mnl_socket *socket, char buffer[RTNETLINK_BUFFER]);

/* Puts the request for a list into the buffer: `type` is RTM_GET*, `size` that of the message that
 * follows the header, all of it zero. Attributes may be added to it. */
struct nlmsghdr *rtnetlink_request(char buffer[RTNETLINK_BUFFER], uint16_t type, size_t size);

/* Sends the request that is in the buffer, and calls `each` with `data` for every message of the
 * list. 0; -EAGAIN if there was a change in the middle of it; or another negative errno. */
int rtnetlink_dump(char buffer[RTNETLINK_BUFFER], mnl_cb_t each, void *data);

#endif
