/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The daemon's state, shared by its files. All of it is the main thread's.
 */
#ifndef SESSIOND_CONTROL_DAEMON_PRIVATE_H
#define SESSIOND_CONTROL_DAEMON_PRIVATE_H

#include "control/admin/admin.h"
#include "control/config/options.h"
#include "control/host/interfaces.h"
#include "control/host/local_addresses.h"
#include "control/host/vlans.h"
#include "control/privileges.h"
#include "control/sessions/writer.h"
#include "control/stats/metrics.h"
#include "control/stats/watch.h"
#include "dataplane/engine.h"

#include <event2/event.h>

#define DAEMON_EVENTS_MAX    16
#define DAEMON_FOLLOWERS_MAX 3

struct daemon {
	struct identity identity;
	struct options options; /* as they are now, after reloads */
	int argc;
	char **argv;
	const struct engine_mode *mode; /* that was asked for, or that auto came to */
	const struct engine_ops *ops;	/* its */
	struct engine *engine;
	struct writer *writer;
	/* Of what the engine wants to know of this host: addresses, VLANs, interfaces. */
	struct follower *followers[DAEMON_FOLLOWERS_MAX];
	unsigned follower_count;
	bool local_ready; /* the first list of addresses is in; from here on changes are news */
	struct admin *admin;
	uint64_t started; /* tick */
	struct watch watch;
	struct metrics *metrics;
	struct event_base *base;
	struct watchdog *watchdog;
	struct event *events[DAEMON_EVENTS_MAX];
	unsigned event_count;
	bool failed;	    /* while running */
	bool stale_unknown; /* whether an earlier daemon's pins answer still could not be told */
	int exit_code;
};

/* daemon_reload.c: takes over what may change while running. `line`, if not NULL, is told what
 * takes a restart. 0, or a negative errno with error_message() set and nothing changed. */
int daemon_reload(
	struct daemon *daemon, void (*line)(void *line_ctx, const char *text), void *line_ctx);

/* daemon_mode.c. Sets the mode to start in. 0, or a negative errno with error_message() set. */
int daemon_first_mode(struct daemon *daemon);
/* After a start that failed with `err`: sets the next mode that auto comes to, and says so. 0, or a
 * negative errno with error_message() set: it is `err` if there is none. */
int daemon_next_mode(struct daemon *daemon, int err);
/* Log how fast this is and what it serves, and what an operator had better know. */
void daemon_announce(const struct daemon *daemon);
void daemon_warn_of_stale_pins(const struct daemon *daemon);

/* daemon_host.c. Tells the engine, which is open, of this host's addresses and VLANs from now on.
 * 0, or a negative errno with error_message() set. */
int daemon_follow_addresses(struct daemon *daemon);
/* Tells the engine, which is started, of interfaces that come anew. A failure is logged. */
void daemon_follow_interfaces(struct daemon *daemon);
void daemon_unfollow(struct daemon *daemon);

/* daemon_events.c. From the first on signals wait for the loop, which ends by one of them. 0, or a
 * negative errno with error_message() set. */
int daemon_watch_signals(struct daemon *daemon);
int daemon_loop(struct daemon *daemon);
/* From here on a signal ends the daemon at once: a close that hangs can be interrupted. */
void daemon_unwatch(struct daemon *daemon);

/* daemon_admin.c: what the admin socket asks for; ctx is the struct daemon. */
extern const struct admin_ops daemon_admin_ops;

/* daemon_metrics.c: begins to serve metrics, if they were asked for. 0, or a negative errno with
 * error_message() set. */
int daemon_open_metrics(struct daemon *daemon);

#endif
