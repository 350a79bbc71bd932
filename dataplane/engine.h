/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The interface between the daemon and a data plane (mode). An engine answers GETs from its readers
 * and passes NEWs and REMOVEs to the one writer. Types of one mode stay in that mode's folder.
 *
 * Threads. The daemon has a main thread (administration) and a writer thread (which alone changes
 * the table). The main thread calls every operation except: poll, put, del and commit, which the
 * writer thread calls; and wake, which any thread may call. Until start has returned, the writer
 * thread does nothing.
 *
 * Functions that return int return 0 or a negative errno; on failure error_message() (common/log.h)
 * is one clear line.
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
#include "dataplane/take_queue.h"
#include "dataplane/talkers.h"

#define ENGINE_INTERFACES_MAX 16
#define ENGINE_LISTEN_MAX     64
#define ENGINE_ARGS_SIZE      1024
#define ENGINE_PIN_DIR_SIZE   (PATH_MAX - 56) /* leaves room for pin names */

/* A value, and padding to whole words where it is read from a map. */
#define ENGINE_VALUE_ROOM (SESSD_VALUE_LIMIT + 64)

enum xdp_mode {
	XDP_MODE_AUTO, /* native; generic, with a warning, if the driver has no XDP */
	XDP_MODE_NATIVE,
	XDP_MODE_GENERIC,
};

enum take_mode {
	TAKE_NO,    /* TAKEs are messages of unknown type */
	TAKE_LOCAL, /* of all TAKEs of a session at this cache, one gets it */
	TAKE_FARM,  /* at all caches of a farm: the arbiter is asked, see take_queue.h */
};

/* Configuration of an engine, which keeps a copy. */
struct engine_config {
	struct endpoint listen[ENGINE_LISTEN_MAX];
	size_t listen_count; /* at least 1 */
	char interfaces[ENGINE_INTERFACES_MAX][IF_NAMESIZE];
	size_t interface_count;
	enum xdp_mode xdp_mode;
	uint32_t capacity;
	uint16_t value_max;
	enum take_mode take;
	unsigned threads; /* socket mode; 0: one per CPU */
	char dpdk_args[ENGINE_ARGS_SIZE];
	uint32_t limit_gets, limit_news; /* requests per second and source; 0: no limit */
	bool measure;			 /* measure the daemon's own answers: see latency */
	bool xdp_histogram;   /* xdp mode: measure the program's answers: see answer_times */
	size_t address_count; /* addresses of this host at start: xdp mode reserves room for more */
	char pin_dir[ENGINE_PIN_DIR_SIZE]; /* xdp mode: this instance's folder on a bpffs */
	/* Poll without sleeping: in xdp mode the writer, in socket mode the readers. */
	bool busy_poll;
	void (*on_thread)(void); /* called first on each thread that the engine makes; or NULL */
};

/* Whether both listen at the same addresses, in the same order. */
static inline bool engine_same_listen(const struct engine_config *a, const struct engine_config *b)
{
	for (size_t i = 0; i < a->listen_count && i < b->listen_count; i++)
		if (!endpoint_equal(&a->listen[i], &b->listen[i]))
			return false;
	return a->listen_count == b->listen_count;
}

/* Receives changes from an engine. Called from inside poll, on the writer thread. `timeout`:
 * seconds, host byte order. `value` is valid during the call only; `len`, in bytes, may exceed
 * value_max: the sink counts and refuses such a NEW. `source` is who sent it; NULL if unknown. */
struct update_sink {
	void (*on_new)(void *ctx, const uint8_t key[SESSD_KEY_SIZE], uint16_t timeout,
		const void *value, size_t len, const struct address *source);
	void (*on_remove)(void *ctx, const uint8_t key[SESSD_KEY_SIZE]);
	/* A TAKE got the session of this key, whose slot is to be freed. There may be another under
	 * the key by now, or none. */
	void (*on_taken)(void *ctx, const uint8_t key[SESSD_KEY_SIZE]);
	void *ctx;
};

/* Called by stats for each figure. Names are stable: lower case with underscores. */
typedef void (*stats_emit)(void *ctx, const char *name, uint64_t value);

struct engine_stale {
	char interfaces[128]; /* interface names, separated by ", "; "": sessions are pinned, but no
				 interface answers */
	bool elsewhere;	      /* found on an interface, not through the pins in pin_dir */
};

enum engine_close {
	ENGINE_CLOSE_REMOVE, /* leave nothing behind */
	ENGINE_CLOSE_KEEP,   /* the fast path keeps answering if it can */
	/* The start has failed, before or after `start`: what answered before goes on answering,
	 * and what the failed start made is removed. */
	ENGINE_CLOSE_FAILED,
};

struct engine;

/* What is told of the sessions that outlived the last daemon. */
struct adoption {
	/* False: it is not adopted, and to be deleted. */
	bool (*found)(void *ctx, const struct session *session);
	/* A session that is probably found soon, so that what it touches can be fetched; or NULL.
	 * The slot is within the capacity. */
	void (*soon)(void *ctx, const uint8_t key[SESSD_KEY_SIZE], uint32_t slot);
	void *ctx;
};

struct engine_ops {
	const char *name; /* "socket", "xdp", "dpdk" */

	/* Acquires what the mode needs (sockets, maps, ports); answers nothing new yet. */
	int (*open)(struct engine **engine, const struct engine_config *config);

	/* Fills in how the daemon must make the table: value_max 0 if the values live elsewhere,
	 * marks if the fast path has its own, memory if it must be special. `capacity` is set by
	 * the caller. */
	void (*table_config)(struct engine *engine, struct table_config *config);

	/* Calls `found` for each session that outlived the last daemon, in no order, and deletes
	 * those for which it returns false. NULL if no session can outlive the daemon. */
	int (*adopt)(struct engine *engine, const struct adoption *adoption);

	/* Starts to answer from `table` and to deliver changes to `sink` (copied). The allow list
	 * and the local addresses known so far were set before. */
	int (*start)(struct engine *engine, struct table *table, const struct update_sink *sink);

	/* Waits at most `timeout_ms` milliseconds (0: not at all) for changes and delivers a
	 * bounded number of them. Returns how many, or a negative errno that ends the daemon. */
	int (*poll)(struct engine *engine, int timeout_ms);
	void (*wake)(struct engine *engine); /* makes a waiting poll return at once */

	/* The writer's changes, for a fast path with a table of its own; all three NULL if the
	 * engine reads `table` itself. Between two commits a slot may be put and deleted in any
	 * order. commit makes the changes visible, deletes before puts, and calls `failed` for each
	 * session that the fast path could not store. */
	void (*put)(struct engine *engine, const struct session *session, const void *value);
	void (*del)(struct engine *engine, const struct session *session);
	void (*commit)(struct engine *engine, void (*failed)(void *ctx, uint32_t slot), void *ctx);

	/* Reads the value of a stored session and returns its length; `value` has room for
	 * ENGINE_VALUE_ROOM bytes. 0 if the fast path no longer has it. Sets no mark. NULL where
	 * `table` has the values. Writer thread. */
	uint16_t (*value)(struct engine *engine, const struct session *session, void *value);
	/* The same without the value. */
	uint16_t (*length)(struct engine *engine, const struct session *session);

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

	/* The queues of TAKEs, after open; NULL without config->take == TAKE_FARM. */
	struct take_queues *(*take_queues)(struct engine *engine);

	/* Replaces the allow list. When it returns, no reader uses the old one; but an engine that
	 * adopts uses the last daemon's list until its start. */
	int (*set_allow)(struct engine *engine, const struct allow_list *allow);

	/* Applies what `next` says otherwise of limit_gets, limit_news, measure, and, in modes
	 * that use them, of busy_poll, xdp_histogram and (ENGINE_LISTENS_AGAIN) listen. The rest of
	 * `next` is as at the start. On failure nothing has changed. Call after start. */
	int (*reload)(struct engine *engine, const struct engine_config *next);

	/* Gives the files and sockets that it made to the user that the daemon is about to become,
	 * so that close can remove them and the next daemon can use them. Call after start. NULL if
	 * it makes none. */
	int (*give)(struct engine *engine, uid_t uid, gid_t gid);

	/* A local address was added or removed; NULL if the engine needs no addresses. */
	int (*set_local)(struct engine *engine, const struct address *addr, bool present);

	/* This host joined or left a VLAN; NULL if the engine needs no VLANs. */
	int (*set_vlan)(struct engine *engine, const struct sessd_vlan *vlan, bool present);

	/* This host got or lost an address in a VLAN on interface `ifindex`, in addition to
	 * set_local. NULL if the engine needs no VLANs. */
	int (*set_vlan_address)(
		struct engine *engine, uint32_t ifindex, const struct address *addr, bool present);

	/* Interface `port` joined or left the VRF `vrf`, both by index; a VRF is a port of itself.
	 * Departures are reported before arrivals. NULL if no reply of the engine takes the
	 * kernel's routing. */
	int (*set_vrf)(struct engine *engine, uint32_t port, uint32_t vrf, bool present);

	/* The present index of interface `i` of the configuration, looked up by name; 0: no such
	 * interface. May be called when nothing has changed. Call after start. NULL if the engine
	 * needs no interfaces. */
	int (*set_interface)(struct engine *engine, size_t i, int ifindex);

	/* Checks that the fast path is still attached, and attaches it again. Call once a second;
	 * the first call says that the start cannot fail any more. NULL if there is nothing to
	 * supervise. */
	void (*supervise)(struct engine *engine);

	/* One line for the log on how fast this mode runs: "native XDP on eth0, eth1". */
	void (*describe)(struct engine *engine, char *text, size_t size);
	void (*stats)(struct engine *engine, stats_emit emit, void *ctx);

	/* Calls `found` for the samples of malformed and refused packets since the last call, at
	 * most one per second, reason and reader. Call once a second. */
	void (*drop_samples)(struct engine *engine,
		void (*found)(void *ctx, const struct sessd_drop_sample *event), void *ctx);

	/* Adds, if config->measure is set, the times from receiving a request to sending its
	 * answer: of the daemon's answers, not of a separate fast path. NULL if the mode measures
	 * none. */
	void (*latency)(struct engine *engine, struct latency *into);

	/* Adds the times of the XDP program's answers; false, with nothing added, if they are not
	 * measured. NULL if there is no such program. */
	bool (*answer_times)(struct engine *engine, struct sessd_answer_times *into);

	/* Starts counting requests by source, one of `one_in`; 0 stops it and discards the counts.
	 * NULL, like talkers, if the mode cannot count. */
	void (*watch)(struct engine *engine, unsigned one_in);
	/* Counts a NEW of this source that the writer refused, if somebody watches. NULL where
	 * watch is. [writer thread] */
	void (*lost)(struct engine *engine, const struct address *source);
	/* Whether samples of `watch` are also events, and calls `found` for the events of GETs and
	 * TAKEs since the last call; more than fit are dropped. NULL, both, where watch is. */
	void (*observe)(struct engine *engine, bool on);
	void (*events)(struct engine *engine,
		void (*found)(void *ctx, const struct sessd_request_event *event), void *ctx);
	/* Calls `found` for each source that was counted, in no order; a source may come twice,
	 * once from each of two counters. */
	void (*talkers)(struct engine *engine,
		void (*found)(void *ctx, const struct talker *talker), void *ctx);

	/* Memory that lasts as long as the pinned sessions, for what the daemon notes of them: all
	 * zero if nothing was noted yet. `*size`: bytes. Aligned to 64 bytes. Call after start;
	 * only the writer thread writes. Returns NULL if it could not be made. NULL where no
	 * session can outlive the daemon. */
	void *(*notes)(struct engine *engine, size_t *size);

	/* How many of `sessions` sessions the next daemon will have that starts with `next`, after
	 * a stop that keeps them; the same port and pin folder are given. NULL: none. */
	uint64_t (*restart_keeps)(
		struct engine *engine, const struct engine_config *next, uint64_t sessions);

	/* Stops the readers and frees the engine. */
	void (*close)(struct engine *engine, enum engine_close how);

	/* The rest needs no open engine and changes nothing on the host, except take_off. */

	/* Checks what needs no port; open checks the rest. 0, or a negative errno with
	 * error_message() set: -ENOMEM if memory is short but may become free, else -EINVAL. NULL
	 * if there is nothing to check. */
	int (*check)(const struct engine_config *config);

	/* Bytes that a start takes at most of the memory that the kernel calls available: the
	 * table, a fast path's copy of it and large buffers, minus what is pinned and can be
	 * adopted. NULL: the table with its values. */
	uint64_t (*memory_needed)(const struct engine_config *config);

	/* Whether a start would adopt what is pinned in pin_dir; false if that is unknown. NULL,
	 * like stale_pins, if nothing outlives the daemon. */
	bool (*would_adopt)(const struct engine_config *config);

	/* What a start does to the sessions that are pinned in pin_dir, as a sentence for the
	 * administrator; false: there are none, or that is unknown. NULL, like stale_pins. */
	bool (*start_cost)(const struct engine_config *config, char *text, size_t size);

	/* Finds a fast path, not this daemon's, that answers or holds sessions where `config`
	 * listens: 1 with `*stale` set. 0 if there is none, if a running daemon uses the pin
	 * folder, or if the folder cannot be read; a negative errno if its pins cannot. */
	int (*stale_pins)(const struct engine_config *config, struct engine_stale *stale);

	/* Detaches sessiond's program from an interface, whatever attached it and wherever it is
	 * pinned. -ENOENT if there is none. */
	int (*take_off)(const char *interface);
};

enum engine_flags {
	ENGINE_AUTO = 1,       /* --mode auto may choose it */
	ENGINE_INTERFACES = 2, /* answers on --interface, and requires one */
	ENGINE_PINS = 4,      /* may leave pins in pin_dir, and keep answering without the daemon */
	ENGINE_OWN_PORTS = 8, /* its ports are its only links: addresses need no interface */
	ENGINE_DPDK_ARGS = 16,	/* takes --dpdk-args; open returns -EINVAL if they are invalid */
	ENGINE_DRIVERS = 32,	/* runs drivers in this process: see control/privileges.h */
	ENGINE_THREADS = 64,	/* has reader threads: uses --threads */
	ENGINE_BUSY_POLL = 128, /* may poll or sleep: uses --busy-poll */
	/* Its table can be read after close: the sessions can be handed to the next daemon. */
	ENGINE_HANDS_OVER = 256,
	ENGINE_LISTENS_AGAIN = 512, /* --listen may change while it runs */
};

/* A mode, built in or not. */
struct engine_mode {
	const char *name;
	const struct engine_ops *ops; /* NULL: not in this build */
	const char *build;	      /* build option that includes it; NULL if always built in */
	unsigned flags;		      /* of enum engine_flags */
	const char *path; /* value of the metrics' label `path` where `stats` does not say */
};

/* engines.c: all modes, in the order in which auto tries them. */
extern const struct engine_mode engine_modes[];
extern const size_t engine_mode_count;

/* False for NULL (auto). */
static inline bool engine_mode_has(const struct engine_mode *mode, unsigned flag)
{
	return mode && mode->flags & flag;
}

/* NULL if there is no mode of that name. */
const struct engine_mode *engines_find(const char *name);
/* The mode that auto tries after `failed`, or first if that is NULL; NULL if none is left. */
const struct engine_mode *engines_auto(
	const struct engine_mode *failed, const struct engine_config *config);
uint64_t engines_memory_needed(const struct engine_mode *mode, const struct engine_config *config);
/* As stale_pins, for modes other than `mode`; -ENOSYS if there may be something, but the mode that
 * could tell is not in this build. */
int engines_stale_pins(const struct engine_mode *mode, const struct engine_config *config,
	struct engine_stale *stale);
/* As take_off, for all modes that have it. */
int engines_take_off(const char *interface);

/* The engines; only those in this build are defined. */
extern const struct engine_ops engine_socket, engine_xdp, engine_dpdk;

#endif
