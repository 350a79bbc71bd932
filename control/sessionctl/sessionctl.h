/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * sessionctl's command line, and its commands. Each command returns an exit code; what it failed at
 * is already told, in one line on stderr.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_SESSIONCTL_H
#define SESSIOND_CONTROL_SESSIONCTL_SESSIONCTL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/cli.h"
#include "common/control_path.h"
#include "common/log.h"
#include "dataplane/engine.h"

struct ctl {
	char control_path[CONTROL_PATH_SIZE];
	const char *pin_root;
	uint16_t port;	       /* 0: not said */
	const char *interface; /* NULL: not said */
	bool json;
	bool once;			/* top: one look and no terminal */
	unsigned interval_ms;		/* top */
	const char *command, *argument; /* NULL if not said */
};

/* Tells error_message() and returns `code`. */
int ctl_fail(int code);

/* admin_commands.c: what the daemon is asked over its admin socket. */
int ctl_stats(const struct ctl *ctl);
int ctl_list(const struct ctl *ctl);
int ctl_show(const struct ctl *ctl);
/* A request that is the command and its argument; prints the reply as it comes. */
int ctl_ask(const struct ctl *ctl);

/* doctor_rounds.c: is this host fit? The exit code says how bad it is. */
int ctl_doctor(const struct ctl *ctl);

/* check.c: whether a cache is ready, asked as its clients ask. */
int ctl_check(const struct ctl *ctl);

/* top.c: the live view, or one look where there is no terminal. */
int ctl_top(const struct ctl *ctl);

/* detach.c: removes pins, which takes the program off its interfaces. */
int ctl_detach(const struct ctl *ctl);

/* The names of instances in a pin folder are their ports: 1 to 65535, or 0 if it is none. */
uint16_t ctl_instance_port(const char *name);

/* pinned.c: reads the XDP program's counters without a daemon, from the pins of --port or of the
 * only instance that there is. 0, or a negative errno with error_message() set: -ENOENT if nothing
 * is pinned, or this build is without xdp mode. */
int ctl_pinned_stats(const struct ctl *ctl, stats_emit emit, void *emit_ctx);

#endif
