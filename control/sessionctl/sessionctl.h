/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * sessionctl's command line, and its commands. Each command returns an exit code and has printed
 * its error, one line on stderr.
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
	bool pin_root_given;
	uint16_t port;			    /* 0: not given */
	const char *interface;		    /* NULL: not given */
	const char *id, *outcome;	    /* watch */
	const char *context, *tls, *source; /* filters; NULL: not given */
	bool json, metrics;
	bool diff;			/* config: only what differs */
	bool once;			/* top: print once, without a terminal */
	unsigned interval_ms;		/* top */
	const char *command, *argument; /* NULL if not given */
	const char *file;		/* key: the second argument */
};

/* Prints error_message() and returns `code`. */
int ctl_fail(int code);

/* admin_commands.c: requests to the daemon's admin socket. */
int ctl_stats(const struct ctl *ctl);
int ctl_list(const struct ctl *ctl);
int ctl_show(const struct ctl *ctl);
int ctl_contexts(const struct ctl *ctl);
int ctl_sources(const struct ctl *ctl);
int ctl_watch(const struct ctl *ctl);
int ctl_remove(const struct ctl *ctl);
/* Sends the command and its argument as the request, and prints the reply unchanged. */
int ctl_ask(const struct ctl *ctl);

/* What the daemon runs with, or how that differs from its file. */
int ctl_config(const struct ctl *ctl);
/* farm_view.c: the state of the farm of caches. */
int ctl_farm(const struct ctl *ctl);

/* doctor_rounds.c: checks this host. The exit code gives the worst finding. */
int ctl_doctor(const struct ctl *ctl);

/* check.c: whether a cache is ready, asked as its clients ask. */
int ctl_check(const struct ctl *ctl);

/* clients.c: the counters of libsessiond's clients on this host. */
int ctl_clients(const struct ctl *ctl);

/* top.c: the live view; without a terminal it prints once. */
int ctl_top(const struct ctl *ctl);

/* detach.c: removes pins, which detaches the program from its interfaces. */
int ctl_detach(const struct ctl *ctl);

/* key.c: makes and rotates key files of libsessiond. */
int ctl_key(const struct ctl *ctl);

/* The port of an instance in a pin folder, which is its name: 1 to 65535, or 0 if `name` is not a
 * port. */
uint16_t ctl_instance_port(const char *name);

/* pinned.c: reads the XDP program's counters without a daemon, from the pins of --port or of the
 * only instance. 0, or a negative errno with error_message() set: -ENOENT if nothing is pinned, or
 * this build has no xdp mode. */
int ctl_pinned_stats(const struct ctl *ctl, stats_emit emit, void *emit_ctx);

#endif
