/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Follows a part of the kernel's network configuration by rtnetlink: reads it once, then again
 * after each change. What is followed, and what becomes of it, is in local_addresses.c, vlans.c and
 * interfaces.c. All of it is the main thread's, which is never held up for long: a list of any
 * length is read and told of in steps.
 */
#ifndef SESSIOND_CONTROL_HOST_FOLLOWER_H
#define SESSIOND_CONTROL_HOST_FOLLOWER_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct follower;

/* What a step returns that has left something. */
#define FOLLOWER_MORE 1
/* Changes told in one step. */
#define FOLLOWER_TELL_MAX 256

struct follower_ops {
	const char *what; /* is followed, for error texts: "the local addresses" */
	unsigned groups;  /* RTMGRP_*: their messages are events */
	/* Looks at an event; NULL: some were lost. Without it, any event is a reason to read. */
	void (*event)(void *ctx, const struct nlmsghdr *event);
	/* Asks the kernel, and tells what has changed: a step of it. FOLLOWER_MORE, or 0 when all
	 * is told. -EAGAIN if a list changed while it was read, or another negative errno, both
	 * with error_message() set: the next step begins anew. */
	int (*read)(void *ctx, struct follower *follower);
	void (*close)(void *ctx); /* frees ctx */
};

/* Joins the groups, then reads for the first time, all steps of it: no change is missed between.
 * A list that never stands still is taken as it is, and read again soon. `ctx` is the follower's
 * from here on. NULL with error_message() set and ctx freed. */
struct follower *follower_open(const struct follower_ops *ops, void *ctx);
void follower_close(struct follower *follower);

/* Readable when something changed, or a step has left something; then call follower_follow, which
 * does a step and returns 0 or a negative errno with error_message() set. */
int follower_fd(const struct follower *follower);
int follower_follow(struct follower *follower);
/* Begins to read again if the last reading failed; once a second, say. 0, or a negative errno with
 * error_message() set. */
int follower_retry(struct follower *follower);

/* For follower_ops.read. Begins a request: `type` is RTM_GET*, `flags` NLM_F_*, `size` the bytes of
 * the message behind the header, all of it zero. Attributes may be added to it. */
struct nlmsghdr *follower_request(
	struct follower *follower, uint16_t type, uint16_t flags, size_t size);
/* Sends the request and calls `each` with `data` for the one message that is the answer. 0, or a
 * negative errno. */
int follower_ask(struct follower *follower, mnl_cb_t each, void *data);
/* Sends the request for a list: 0, or a negative errno. */
int follower_begin_list(struct follower *follower);
/* Whether a list was begun that is not read to its end. */
bool follower_in_list(const struct follower *follower);
/* Calls `each` with `data` for some messages of the list. FOLLOWER_MORE; or, with the list ended,
 * 0; -EAGAIN if it changed while it was read; or another negative errno. */
int follower_read_list(struct follower *follower, mnl_cb_t each, void *data);

#endif
