/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The daemon's state, shared by its files. Only the main thread uses it.
 */
#ifndef SESSIOND_CONTROL_DAEMON_PRIVATE_H
#define SESSIOND_CONTROL_DAEMON_PRIVATE_H

#include "control/admin/admin.h"
#include "control/config/options.h"
#include "control/farm/farm.h"
#include "control/host/interfaces.h"
#include "control/host/local_addresses.h"
#include "control/host/vlans.h"
#include "control/host/vrfs.h"
#include "control/privileges.h"
#include "control/sessions/writer.h"
#include "control/stats/metrics.h"
#include "control/stats/status_text.h"
#include "control/stats/watch.h"
#include "dataplane/engine.h"

#include <event2/event.h>

#define DAEMON_EVENTS_MAX    16
#define DAEMON_FOLLOWERS_MAX 4

/* What the log was told of an engine of the farm. */
struct engine_news {
	char url[FARM_URL_MAX];
	enum {
		ENGINE_NEWS_NONE,
		ENGINE_NEWS_UP,
		ENGINE_NEWS_DOWN,
	} state;
	uint32_t faults;
};

struct daemon {
	struct identity identity;
	struct options options; /* current, after reloads */
	int argc;
	char **argv;
	const struct engine_mode *mode; /* requested, or chosen by auto */
	const struct engine_ops *ops;	/* its */
	struct engine *engine;
	struct writer *writer;
	struct farm *farm; /* NULL: none */
	struct engine_news engine_news[FARM_ENGINES_MAX];
	/* For what the engine needs of this host: addresses, VLANs, VRFs, interfaces. */
	struct follower *followers[DAEMON_FOLLOWERS_MAX];
	unsigned follower_count;
	bool vrf_seen;	  /* and the log says if sockets get no requests from VRFs */
	bool local_ready; /* the first list of addresses was read; later changes are logged */
	/* Changed addresses since the last summary; the first few were logged. */
	unsigned local_added, local_removed, local_failed;
	struct admin *admin;
	uint64_t started;    /* tick */
	uint64_t configured; /* Unix time of the last reload that succeeded, or of the start */
	bool reload_failed;  /* the last one */
	struct watch watch;
	bool observing;			 /* events are gathered for `sessionctl watch` ... */
	uint64_t observed_until;	 /* ... up to this tick */
	struct resumption_counts judged; /* at the last verdict on resumption */
	uint64_t judge_next;		 /* tick from which there may be another warning */
	struct status_last status_last;
	uint64_t status_next; /* tick from which the service manager is told again */
	struct metrics *metrics;
	struct event_base *base;
	struct watchdog *watchdog;
	struct event *events[DAEMON_EVENTS_MAX];
	unsigned event_count;
	int stored_fd;	    /* sessions of the last daemon, or -1: see daemon_handover.c */
	bool failed;	    /* while running */
	bool stale_unknown; /* the search for an earlier daemon's pins failed */
	int exit_code;
};

/* daemon_reload.c: applies the options that may change while running. `line`, if not NULL, is
 * called for each change, applied or not, and for what a restart costs if one is needed. 0, or a
 * negative errno with error_message() set and nothing changed. */
int daemon_reload(
	struct daemon *daemon, void (*line)(void *line_ctx, const char *text), void *line_ctx);
/* Calls `line` for each option that runs; with `diff`, for each that file and command line now say
 * otherwise. 0, or a negative errno with error_message() set. */
int daemon_show_config(struct daemon *daemon, bool diff,
	void (*line)(void *line_ctx, const char *text), void *line_ctx);

/* daemon_handover.c. Looks for sessions that the last daemon has given to the service manager. Call
 * first. */
void daemon_find_stored(struct daemon *daemon);
/* Stores them with the writer, which has not started. What fails is logged: they are lost. */
void daemon_take_over(struct daemon *daemon);
/* The start has succeeded. */
void daemon_forget_stored(struct daemon *daemon);
/* Whether a restart gives the sessions to the next daemon, if the service manager keeps them. */
bool daemon_hands_over(const struct daemon *daemon);
/* Gives them, once the engine is closed. What fails is logged. */
void daemon_hand_over(struct daemon *daemon);

/* daemon_mode.c. Sets the mode to start in. 0, or a negative errno with error_message() set. */
int daemon_first_mode(struct daemon *daemon);
/* After a start that failed with `err`: sets the next mode that auto tries, and logs it. 0, or a
 * negative errno with error_message() set: `err` if there is no next mode. */
int daemon_next_mode(struct daemon *daemon, int err);
/* Logs the mode, the addresses served, and warnings for the operator. */
void daemon_announce(const struct daemon *daemon);
void daemon_warn_of_stale_pins(const struct daemon *daemon);

/* daemon_farm.c. Starts the farm's thread, if there is a farm: call it once privileges are dropped.
 * 0, or a negative errno with error_message() set. */
int daemon_start_farm(struct daemon *daemon);
/* Checks engines and keys of the options `next`, and passes them to it. 0, or a negative errno with
 * error_message() set and nothing changed. */
int daemon_check_farm(struct daemon *daemon, const struct options *next);
int daemon_reload_farm(struct daemon *daemon, const struct options *next);
/* Publishes what is left and ends it. The writer's thread must have ended. */
void daemon_stop_farm(struct daemon *daemon);
/* The farm's figures; nothing without a farm. */
void daemon_farm_stats(struct daemon *daemon, stats_emit emit, void *emit_ctx);
/* Calls `line` for each line of the admin socket's reply to `farm`. 0, or -ENOENT with
 * error_message() set if there is none. */
int daemon_farm_lines(
	struct daemon *daemon, void (*line)(void *line_ctx, const char *text), void *line_ctx);

/* daemon_engines.c. Logs engines that come and go, and what is wrong with them. Once a second. */
void daemon_tell_engines(struct daemon *daemon);

/* daemon_host.c. Passes this host's addresses, VLANs and VRFs, and their changes, to the open
 * engine. 0, or a negative errno with error_message() set. */
int daemon_follow_addresses(struct daemon *daemon);
/* Tells the running engine of interfaces that are recreated. A failure is logged. */
void daemon_follow_interfaces(struct daemon *daemon);
void daemon_unfollow(struct daemon *daemon);
/* Logs how many addresses changed, if more than those logged. Once a second. */
void daemon_tell_addresses(struct daemon *daemon);

/* daemon_events.c. From daemon_watch_signals on the loop handles signals, and the stop signals end
 * it. 0, or a negative errno with error_message() set. */
int daemon_watch_signals(struct daemon *daemon);
int daemon_loop(struct daemon *daemon);
/* From here on a signal ends the daemon at once: a close that hangs can be interrupted. */
void daemon_unwatch(struct daemon *daemon);

/* daemon_admin.c: carries out requests of the admin socket; ctx is the struct daemon. */
extern const struct admin_ops daemon_admin_ops;

/* daemon_watch.c: as admin_ops.watch. And once a second: ends the gathering if nobody asked. */
unsigned daemon_gather(struct daemon *daemon,
	void (*found)(void *ctx, const struct session_event *event), void *ctx);
void daemon_gather_second(struct daemon *daemon);

/* daemon_resumption.c: logs if sessions are found, but not resumed. Once a second. */
void daemon_judge_resumption(struct daemon *daemon);

/* daemon_status.c: tells the service manager how the daemon is. */
void daemon_tell_status(struct daemon *daemon);
/* The same, every ten seconds. Call once a second. */
void daemon_status_second(struct daemon *daemon);

/* daemon_metrics.c: begins to serve metrics at `where`, an address or "" for none, beside the page
 * that is served, which `*opened` is if it is there already. 0, or a negative errno with
 * error_message() set. */
int daemon_open_metrics(struct daemon *daemon, const char *where, struct metrics **opened);
/* Ends the page that is served, unless it is this one. */
void daemon_use_metrics(struct daemon *daemon, struct metrics *metrics);

#endif
