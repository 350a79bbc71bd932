/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What every data plane is to the daemon. An engine answers GETs from its readers and hands NEWs
 * and REMOVEs to the one writer; no type of a mode leaks out of its folder.
 *
 * Threads. The daemon has a main thread (administration) and a writer thread (which alone changes
 * the table). The main thread calls open, table_config, adopt and start (before the writer thread
 * does anything), give, set_allow, set_local, set_vlan, set_interface, describe, stats, events and
 * close; the writer thread calls poll, put, del and commit; any thread calls wake.
 *
 * Functions return 0 or a negative errno; on failure error_message() (sessiond/log.h) is one clear
 * line.
 */
#ifndef SESSIOND_DATAPLANE_ENGINE_H
#define SESSIOND_DATAPLANE_ENGINE_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sessiond/answer_times.h>

#include "common/address.h"
#include "common/latency.h"
#include "dataplane/table/table.h"
#include "dataplane/talkers.h"

#define ENGINE_INTERFACES_MAX 16
#define ENGINE_LISTEN_MAX     64
#define ENGINE_ARGS_SIZE      1024
#define ENGINE_PIN_DIR_SIZE   (PATH_MAX - 56) /* leaves room for the names of pins */

enum xdp_mode {
	XDP_MODE_AUTO, /* native; generic, announced loudly, where the driver has no XDP */
	XDP_MODE_NATIVE,
	XDP_MODE_GENERIC,
};

/* What is asked of an engine, which keeps a copy. */
struct engine_config {
	struct endpoint listen[ENGINE_LISTEN_MAX];
	size_t listen_count; /* at least 1 */
	char interfaces[ENGINE_INTERFACES_MAX][IF_NAMESIZE];
	size_t interface_count;
	enum xdp_mode xdp_mode;
	uint32_t capacity;
	uint16_t value_max;
	bool take;	  /* TAKEs are answered */
	unsigned threads; /* socket mode; 0: one a CPU */
	char dpdk_args[ENGINE_ARGS_SIZE];
	uint32_t limit_gets, limit_news; /* a second and source; 0: none */
	bool measure;			 /* times of the daemon's own answers: latency, below */
	bool xdp_histogram;		 /* xdp mode: times of the program's: answer_times, below */
	size_t address_count;		 /* that this host has now: xdp mode has room for more */
	char pin_dir[ENGINE_PIN_DIR_SIZE]; /* xdp mode: this instance's folder on a bpffs */
	/* Without ever sleeping: xdp mode's writer looks for NEWs, socket mode's readers for
	 * requests. */
	bool busy_poll;
	void (*on_thread)(void); /* first thing on each thread that the engine makes; or NULL */
};

/* Where an engine takes changes. Called from inside poll, on the writer thread. `value` is only
 * valid during the call; `len` may exceed value_max: the sink counts and refuses it. */
struct update_sink {
	void (*on_new)(void *ctx, const uint8_t key[SESSD_KEY_SIZE], uint16_t timeout,
		const void *value, size_t len);
	void (*on_remove)(void *ctx, const uint8_t key[SESSD_KEY_SIZE]);
	/* A TAKE got the session of this key, whose slot is to be freed. There may be another under
	 * the key by now, or none. */
	void (*on_taken)(void *ctx, const uint8_t key[SESSD_KEY_SIZE]);
	void *ctx;
};

/* Called by stats for each figure. Names are stable, lower case with underscores. */
typedef void (*stats_emit)(void *ctx, const char *name, uint64_t value);

struct engine_stale {
	char interfaces[128]; /* names; "": sessions are pinned, but no interface answers */
	bool elsewhere;	      /* not by the pins in pin_dir */
};

enum engine_close {
	ENGINE_CLOSE_REMOVE, /* nothing is left */
	ENGINE_CLOSE_KEEP,   /* what can answer without the daemon goes on */
	/* The start has failed, after `start` or before: what answered before it goes on, and what
	 * it made is removed. */
	ENGINE_CLOSE_FAILED,
};

struct engine;

struct engine_ops {
	const char *name; /* "socket", "xdp", "dpdk" */

	/* Takes what the mode needs (sockets, maps, ports) but answers nothing new yet. */
	int (*open)(struct engine **engine, const struct engine_config *config);

	/* How the daemon must make the table: value_max 0 where the values live elsewhere, marks
	 * where the fast path has its own, memory where it must be special. `capacity` is set. */
	void (*table_config)(struct engine *engine, struct table_config *config);

	/* Calls `found` for each session that outlived the last daemon, in no order, and forgets
	 * those for which it returns false. NULL where nothing outlives. */
	int (*adopt)(struct engine *engine, bool (*found)(void *ctx, const struct session *session),
		void *ctx);

	/* Answers from `table`, delivers changes to `sink` (a copy is taken). The allow list and
	 * the local addresses known so far were set before. */
	int (*start)(struct engine *engine, struct table *table, const struct update_sink *sink);

	/* Waits at most `timeout_ms` (0: not at all) for changes and delivers a bounded number of
	 * them. Returns how many, or a negative errno that ends the daemon. */
	int (*poll)(struct engine *engine, int timeout_ms);
	void (*wake)(struct engine *engine); /* ends a poll at once */

	/* The writer's changes, for a fast path with a table of its own; all three NULL where the
	 * engine reads `table` itself. Between two commits a slot may be put and deleted in any
	 * order; commit makes them visible, deletes before puts, and calls `failed` for each
	 * session that the fast path could not take. */
	void (*put)(struct engine *engine, const struct session *session, const void *value);
	void (*del)(struct engine *engine, const struct session *session);
	void (*commit)(struct engine *engine, void (*failed)(void *ctx, uint32_t slot), void *ctx);

	/* What TAKEs did to a fast path with a table of its own: NULL, all three, where they claim
	 * in `table` itself, and say so to the sink. Writer thread.
	 * Whether the session was taken. */
	bool (*taken)(struct engine *engine, const struct session *session);
	/* Takes it for the daemon itself: true if it was there and nobody had. */
	bool (*claim)(struct engine *engine, const struct session *session);
	/* Writes the slots of sessions that were taken, at most `room`, and returns how many.
	 * `held` says what is in a slot, false for nothing. Looks at a bounded part of the table;
	 * `*more` says that the end was not reached, and the next call goes on there. */
	unsigned (*find_taken)(struct engine *engine,
		bool (*held)(void *ctx, uint32_t slot, struct session *session), void *ctx,
		uint32_t *slots, unsigned room, bool *more);

	/* Replaces the allow list. When it returns, no reader uses the old one; but before the
	 * start of an engine that adopts, the last daemon's goes on being used until the start. */
	int (*set_allow)(struct engine *engine, const struct allow_list *allow);

	/* Gives what it has made on disk to the user that the daemon is about to become, so that
	 * close can remove it, and the next daemon use it. After start. NULL where there is
	 * nothing. */
	int (*give)(struct engine *engine, uid_t uid, gid_t gid);

	/* A local address came or went; NULL where the engine does not care. */
	int (*set_local)(struct engine *engine, const struct address *addr, bool present);

	/* This host came into a VLAN, or left it; NULL where the engine does not care. */
	int (*set_vlan)(struct engine *engine, const struct sessd_vlan *vlan, bool present);

	/* The index that interface `i` of the configuration has now, by its name; 0: there is none.
	 * May be called when nothing has changed. Main thread, after start; NULL where the engine
	 * does not care. */
	int (*set_interface)(struct engine *engine, size_t i, int ifindex);

	/* Looks whether the fast path is still where it was put, and puts it back; the first call
	 * says that nothing of the start can fail any more. Main thread, once a second. NULL where
	 * there is nothing to look after. */
	void (*supervise)(struct engine *engine);

	/* One line on how fast this really is, for the log: "native XDP on eth0, eth1". */
	void (*describe)(struct engine *engine, char *text, size_t size);
	void (*stats)(struct engine *engine, stats_emit emit, void *ctx);

	/* Hands over the malformed and refused packets that were sampled since the last call, at
	 * most one a second and reason: main thread, once a second. */
	void (*drop_samples)(struct engine *engine,
		void (*found)(void *ctx, const struct sessd_drop_sample *event), void *ctx);

	/* Adds the times from a request read to its answer sent, where config->measure is set: the
	 * daemon's answers, not those of a fast path beside it. NULL where there are none. */
	void (*latency)(struct engine *engine, struct latency *into);

	/* Adds the times of the XDP program's answers; false, and nothing added, where it was not
	 * asked to measure them. Main thread. NULL where there is no such program. */
	bool (*answer_times)(struct engine *engine, struct sessd_answer_times *into);

	/* Counts requests by source, one in `one_in` of them; 0 ends it and forgets the counts.
	 * Main thread. NULL, as the next, where the mode cannot. */
	void (*watch)(struct engine *engine, unsigned one_in);
	/* Calls `found` for each source that was seen, in no order; a source may come twice, once
	 * from each of two places that count. Main thread. */
	void (*talkers)(struct engine *engine,
		void (*found)(void *ctx, const struct talker *talker), void *ctx);

	/* Stops the readers. */
	void (*close)(struct engine *engine, enum engine_close how);

	/* What follows needs no open engine and changes nothing on the host. */

	/* Checks of the configuration what needs no port; open checks the rest. 0, or a negative
	 * errno with error_message() set: -ENOMEM where memory is short that may come free, else
	 * -EINVAL. NULL where there is nothing to check. */
	int (*check)(const struct engine_config *config);

	/* Bytes that a start takes at most of the memory that the kernel calls available: for the
	 * table, a fast path's copy of it and buffers of megabytes, beside what a daemon that is
	 * gone has left pinned. NULL: the table, with the values in it. */
	uint64_t (*memory_needed)(const struct engine_config *config);

	/* Whether a start would take over what is pinned in pin_dir; false where it cannot tell.
	 * NULL, as the next, where nothing outlives the daemon. */
	bool (*would_adopt)(const struct engine_config *config);

	/* What a fast path that is not this daemon's answers, or keeps, where `config` listens: 1
	 * and `*stale`, or 0 where there is nothing, where a daemon lives that has the pin folder
	 * in use, and where the folder cannot be read; a negative errno where the pins in it
	 * cannot. */
	int (*stale_pins)(const struct engine_config *config, struct engine_stale *stale);

	/* Takes a fast path's program off an interface, whoever put it there and wherever it is
	 * pinned: 0, or a negative errno with error_message() set; -ENOENT where there is none. */
	int (*take_off)(const char *interface);
};

enum engine_flags {
	ENGINE_AUTO = 1,       /* --mode auto may come to it */
	ENGINE_INTERFACES = 2, /* answers on --interface, and needs one */
	ENGINE_PINS = 4,       /* may leave pins in pin_dir, and answer on after the daemon */
	ENGINE_OWN_PORTS = 8,  /* its ports are its only links: no address needs an interface */
	ENGINE_DPDK_ARGS = 16, /* takes --dpdk-args; open returns -EINVAL if they are wrong */
	ENGINE_DRIVERS = 32,   /* has drivers in this process: control/privileges.h */
};

/* What is known of a mode, whether it is built in or not. */
struct engine_mode {
	const char *name;
	const struct engine_ops *ops; /* NULL: this build is without it */
	const char *build;	      /* what to build with, where it may be without */
	unsigned flags;		      /* of enum engine_flags */
	const char *path; /* metrics' name for who answers, where `stats` does not say */
};

/* engines.c: the table, in the order in which auto tries them. */
extern const struct engine_mode engine_modes[];
extern const size_t engine_mode_count;

/* False for auto, NULL. */
static inline bool engine_mode_has(const struct engine_mode *mode, unsigned flag)
{
	return mode && mode->flags & flag;
}

/* NULL: there is none of that name. */
const struct engine_mode *engines_find(const char *name);
/* The mode that auto tries after `failed`, or first if that is NULL; NULL: none is left. */
const struct engine_mode *engines_auto(
	const struct engine_mode *failed, const struct engine_config *config);
uint64_t engines_memory_needed(const struct engine_mode *mode, const struct engine_config *config);
/* As stale_pins, for what other modes than `mode` have left; -ENOSYS where there may be something,
 * and this build is without the mode that could tell. */
int engines_stale_pins(const struct engine_mode *mode, const struct engine_config *config,
	struct engine_stale *stale);
/* As take_off, of all modes that have it. */
int engines_take_off(const char *interface);

/* The engines that are built in. */
extern const struct engine_ops engine_socket, engine_xdp, engine_dpdk;

#endif
