/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Follows a part of the kernel's network configuration by rtnetlink: reads it once, then again
 * after each change. Its users are local_addresses.c, vlans.c and interfaces.c. It runs on the main
 * thread and never blocks it for long: a list of any length is read and reported in steps.
 */
#ifndef SESSIOND_CONTROL_HOST_FOLLOWER_H
#define SESSIOND_CONTROL_HOST_FOLLOWER_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct follower;

/* Returned by a step that is unfinished. */
#define FOLLOWER_MORE 1
/* Changes reported in one step. */
#define FOLLOWER_TELL_MAX 256

struct follower_ops {
	const char *what; /* what is followed, for error texts: "the local addresses" */
	unsigned groups;  /* RTMGRP_*: their messages are events */
	/* Handles an event; event NULL: some were lost. If this is NULL, any event starts a
	 * reading. */
	void (*event)(void *ctx, const struct nlmsghdr *event);
	/* One step of asking the kernel and reporting changes. FOLLOWER_MORE, or 0 when everything
	 * is reported. -EAGAIN if a list changed while it was read, or another negative errno, both
	 * with error_message() set: the next step starts over. */
	int (*read)(void *ctx, struct follower *follower);
	void (*close)(void *ctx); /* frees ctx */
};

/* Joins the groups, then does all steps of the first reading, so that no change is missed. A list
 * that keeps changing is accepted as it is, and read again soon. The follower owns `ctx` from here
 * on. NULL with error_message() set and ctx freed. */
struct follower *follower_open(const struct follower_ops *ops, void *ctx);
void follower_close(struct follower *follower);

/* Readable when something changed, or a step is unfinished. Then call follower_follow, which does
 * one step and returns 0 or a negative errno with error_message() set. */
int follower_fd(const struct follower *follower);
int follower_follow(struct follower *follower);
/* Starts a new reading if the last one failed; call it about once a second. 0, or a negative errno
 * with error_message() set. */
int follower_retry(struct follower *follower);

/* For follower_ops.read. Begins a request: `type` is RTM_GET*, `flags` NLM_F_*, `size` the bytes of
 * the zeroed message after the header. Attributes may be added to it. */
struct nlmsghdr *follower_request(
	struct follower *follower, uint16_t type, uint16_t flags, size_t size);
/* Sends the request and calls `each` with `data` for the message of the reply. 0, or a negative
 * errno. */
int follower_ask(struct follower *follower, mnl_cb_t each, void *data);
/* Sends the request for a list: 0, or a negative errno. */
int follower_begin_list(struct follower *follower);
/* Whether a list is begun and not read to its end. */
bool follower_in_list(const struct follower *follower);
/* Calls `each` with `data` for some messages of the list. FOLLOWER_MORE; at the end of the list 0,
 * or -EAGAIN if it changed while it was read; or another negative errno. */
int follower_read_list(struct follower *follower, mnl_cb_t each, void *data);

#endif
