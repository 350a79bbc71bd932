/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A farm: several sessionds that hold the same sessions. Each node publishes what its clients store
 * and remove to streams of one or two independent engines (Redis or Valkey), and reads the streams
 * of its peers. All of it runs on one thread, which never waits for an engine.
 *
 * The farm keeps tombstones: it never passes on a NEW of a key that was removed afterwards,
 * whatever the order of arrival, if less than FARM_TOMBSTONE_SECONDS are between the two, and
 * during the warm-up without that limit. The same holds for a flush.
 */
#ifndef SESSIOND_CONTROL_FARM_FARM_H
#define SESSIOND_CONTROL_FARM_FARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/farm/record.h"

#define FARM_ENGINES_MAX       2
#define FARM_NODES_MAX	       64 /* peers; more are refused and counted */
#define FARM_NAME_MAX	       32 /* bytes of a farm's or a node's name: letters, digits, . _ and - */
#define FARM_URL_MAX	       256
#define FARM_TOMBSTONE_SECONDS 60
#define FARM_READY_SECONDS     30 /* farm_ready after this, whatever the warm-up does */
#define FARM_PORT	       6379
/* An arbiter that restarted has forgotten who took what: it is asked once it has been up for so
 * long. By then every cache has read what was taken before. */
#define FARM_TAKE_WINDOW_SECONDS 60
#define FARM_BUILT_WITHOUT	 "this sessiond was built without a farm of caches"

struct take_queues; /* dataplane/take_queue.h */

/* Strings need to live only during the call. */
struct farm_config {
	/* redis://[USER:PASSWORD@]HOST[:PORT], rediss:// (TLS), unix://[USER:PASSWORD@]/PATH. HOST
	 * is an address, [IPv6] or a name. USER may be empty. USER and PASSWORD may have %XX. */
	const char *engines[FARM_ENGINES_MAX];
	unsigned engine_count; /* 1 or 2; they must not replicate each other */
	const char *key_file;  /* see common/key_file.h */
	const char *ca_file; /* rediss://: certificates to trust (PEM); NULL: those of the system */
	const char *name;    /* the farm's; all its nodes have the same */
	const char *node;    /* this node's; unique in the farm */
	uint32_t capacity;   /* sessions; an engine keeps the history of so many per node */
	uint16_t value_max;  /* bytes; longer values of peers are refused */
	void (*on_thread)(void); /* called first on each thread that the farm starts; or NULL */
	/* TAKEs that the farm decides, from farm_start to farm_stop; NULL: they ask nobody. */
	struct take_queues *takes;
	bool takes_local; /* this cache gives sessions to TAKEs without asking: those that ask then
			   * give none */
	uint32_t take_window; /* seconds; 0: FARM_TAKE_WINDOW_SECONDS */
};

/* The daemon's end. The farm calls it on its thread only; no function may wait. */
struct farm_side {
	void *ctx;
	/* Passes at most `max` records, which clients made here, to `take`; returns how many. The
	 * farm does not call it while no engine accepts anything and its own buffer is full. */
	unsigned (*outgoing)(void *ctx, unsigned max,
		void (*take)(void *to, const struct farm_record *record), void *to);
	/* A peer's record. False: no room now; the same record comes again in about 1 ms. A
	 * FARM_FLUSH that is not live concerns only sessions that a former daemon left or missed,
	 * unless a record that is newer than the flush has come for them. */
	bool (*incoming)(void *ctx, const struct farm_record *record, enum farm_age age);
	/* Somebody lost something: pass all sessions that clients made here through outgoing()
	 * again, from the start, at any pace, besides new ones. At most once in
	 * FARM_RESEND_SECONDS. */
	void (*resend)(void *ctx);
	/* Keeps these bytes beside the sessions, once all that was passed to incoming() before is
	 * stored: the next daemon that adopts the sessions gives them as `kept`. Nothing secret.
	 * False: not now, or not at all. */
	bool (*keep)(void *ctx, const void *bytes, size_t size);
	const void *kept; /* of the last daemon; NULL: nothing. Valid during farm_create. */
	size_t kept_size;
	/* There are sessions of a former daemon: history is read to a flush or to its end, because
	 * what ended any of them may be in it. */
	bool taken_over;
};
#define FARM_NOTES_MAX	    8064 /* bytes that keep() gets */
#define FARM_RESEND_SECONDS 10

struct farm;

/* Reads the key file, parses the URLs; needs no engine. NULL with error_message() set. `side` is
 * copied. */
struct farm *farm_create(const struct farm_config *config, const struct farm_side *side);
/* Checks a configuration as farm_create does, and changes nothing. 0 or a negative errno with
 * error_message() set. */
int farm_check(const struct farm_config *config);
/* Connects to the engines of a configuration that farm_check accepts, and calls `tell` for each
 * fault, and for an engine that does not answer within `wait_ms`. All are asked at once. */
void farm_check_engines(const struct farm_config *config, unsigned wait_ms,
	void (*tell)(void *ctx, const char *line), void *ctx);
/* 0 or a negative errno with error_message() set. */
int farm_start(struct farm *farm);
/* Publishes what outgoing() still has, for at most 200 ms, and ends the thread. Safe if it was not
 * started. */
void farm_stop(struct farm *farm);
void farm_destroy(struct farm *farm);

/* The producer of outgoing() says that there is something. One thread, any; never waits; a system
 * call only if the farm's thread sleeps. */
void farm_wake(struct farm *farm);

/* Any thread, never waits: the producer had to drop a record that outgoing() would have passed. The
 * farm calls resend() once engines accept something. */
void farm_lost(struct farm *farm);

/* Main thread: takes new engines, keys and ca_file; name, node, capacity and value_max stay as they
 * were. An engine whose URL did not change keeps its connection, unless it uses TLS. Waits until
 * the farm's thread uses them, a second at most; if it takes longer, it does so later. 0 or a
 * negative errno with error_message() set, and then nothing changed. */
int farm_reload(struct farm *farm, const struct farm_config *config);

/* Any thread, never waits: warmed up, or FARM_READY_SECONDS passed since farm_start, or no engine
 * answered within 3 s. Once true it stays true. */
bool farm_ready(const struct farm *farm);

enum farm_warm_up {
	FARM_WARM_UP_WAITING, /* for an engine */
	FARM_WARM_UP_READING,
	FARM_WARM_UP_DONE,
};

/* Why an entry of an engine was refused. */
enum farm_refused {
	FARM_REFUSED_KEY,	/* sealed by a key that this node does not have */
	FARM_REFUSED_SEAL,	/* does not open: a bit flipped, or forged */
	FARM_REFUSED_VERSION,	/* a format that this sessiond does not know */
	FARM_REFUSED_SEQUENCE,	/* seen before on the same engine: replayed, or sent twice around a
				 * reconnect */
	FARM_REFUSED_TRUNCATED, /* shorter than it says, or no entry at all */
	FARM_REFUSED_FOREIGN,	/* of another node than the stream is of, or of one node too many */
	FARM_REFUSED_COUNT
};
/* "key", "seal", ... */
extern const char *const farm_refused_names[FARM_REFUSED_COUNT];

/* TAKEs that were put to an arbiter, and what became of them. All but the winners are misses. */
struct farm_takes {
	uint64_t asked;	    /* won, lost, failed, most of late and some of down */
	uint64_t won;	    /* no other cache had taken the session, and none can */
	uint64_t lost;	    /* it was taken before */
	uint64_t late;	    /* no answer within 20 ms */
	uint64_t refused;   /* the arbiter, or what it knew, is younger than the window */
	uint64_t down;	    /* no connection to the arbiter, or to its streams */
	uint64_t disagreed; /* another cache has other engines, another key, or takes_local */
	uint64_t full;	    /* too many at once */
	uint64_t failed;    /* the arbiter answered with an error */
};

enum farm_take_state {
	FARM_TAKE_LOCAL, /* TAKEs ask nobody */
	FARM_TAKE_READY,
	FARM_TAKE_WAITING,   /* until the engine has been up for the window */
	FARM_TAKE_DISAGREED, /* another cache has other engines, another key, or takes_local */
	FARM_TAKE_DOWN,
	FARM_TAKE_STATES
};
/* "local", "ready", ... */
extern const char *const farm_take_states[FARM_TAKE_STATES];

/* Why records did not go out. Those that outgoing() dropped are the caller's to count. */
enum farm_dropped {
	FARM_DROPPED_TOO_LONG,	  /* a value above value_max */
	FARM_DROPPED_ENGINE_SLOW, /* not published to one engine, which lags behind the other */
	FARM_DROPPED_ENGINE_FULL, /* the engine is out of memory */
	FARM_DROPPED_STOPPED,	  /* still unpublished at farm_stop */
	FARM_DROPPED_COUNT
};
extern const char *const farm_dropped_names[FARM_DROPPED_COUNT];

/* What is wrong with an engine's settings, as far as it tells. */
enum farm_engine_fault {
	FARM_ENGINE_SAVES,    /* it writes snapshots to a disk, or has written one */
	FARM_ENGINE_APPENDS,  /* it logs each change to a disk */
	FARM_ENGINE_EVICTS,   /* another policy than noeviction */
	FARM_ENGINE_ENDLESS,  /* no maxmemory */
	FARM_ENGINE_COMMANDS, /* its user may read the configuration */
	FARM_ENGINE_KEYS,     /* its user may read keys that are not of a farm */
	FARM_ENGINE_PLAIN,    /* reached through a network without TLS */
	FARM_ENGINE_FAULTS
};
/* "saves", ...; what is wrong, of "the engine"; and what to do. */
struct farm_fault_text {
	const char *name, *text, *advice;
};
extern const struct farm_fault_text farm_faults[FARM_ENGINE_FAULTS];

struct farm_engine_status {
	char url[FARM_URL_MAX]; /* without user and password */
	bool up;
	bool checked;	   /* it was asked since it is up */
	uint32_t faults;   /* bits 1 << enum farm_engine_fault, as it answered last */
	char error[192];   /* the last one, why it is down; "" if there was none since it is up */
	char version[32];  /* the engine's */
	uint32_t since;	   /* seconds up or down */
	uint32_t rtt_us;   /* of the last ping; 0: none yet */
	uint32_t queued;   /* batches that it has not acknowledged */
	uint64_t connects; /* times that it came up */
	uint64_t restarts; /* times that it came back as another process, or without its streams */
	uint64_t batches_out; /* acknowledged */
	uint64_t batches_in;  /* read, second copies and refused ones included */
	uint64_t bytes_out, bytes_in;
	uint64_t dropped[FARM_DROPPED_COUNT]; /* records */
	enum farm_take_state take;
	uint32_t take_wait; /* seconds until it is asked; FARM_TAKE_WAITING only */
};

struct farm_node_status {
	char name[FARM_NAME_MAX + 1];
	bool alive;	 /* heard of in the last 5 s */
	uint32_t lag_ms; /* from the engine's acceptance of its last entry until it was read here */
	uint32_t heard_ms; /* since it was last heard of */
	uint64_t sequence; /* of its last batch */
	uint64_t gaps;	   /* batches that no engine had */
	uint64_t resends;  /* times that this node asked it to publish its sessions again */
	uint64_t sessions; /* received, live and history, without second copies */
	uint64_t sessions_live;
	uint64_t removes; /* REMOVE, TAKEN and FLUSH received */
};

struct farm_status {
	unsigned engine_count;
	struct farm_engine_status engines[FARM_ENGINES_MAX];
	unsigned node_count; /* peers, and this node if an earlier run of it left a history */
	struct farm_node_status nodes[FARM_NODES_MAX];
	/* Published here. */
	uint64_t sequence; /* of the last batch */
	uint64_t batches, records, sessions;
	uint64_t dropped[FARM_DROPPED_COUNT]; /* records: on every engine */
	uint64_t resends;		      /* times that resend() was called */
	/* Read here. */
	enum farm_warm_up warm_up;
	uint64_t warm_up_sessions; /* passed to incoming() */
	unsigned warm_up_percent;
	uint32_t warm_up_ms; /* how long it took, or takes so far */
	uint64_t received;   /* records passed to incoming() */
	uint64_t copies;     /* batches that came by the other engine already */
	uint64_t expired;    /* sessions whose time was over */
	uint64_t tombstoned; /* sessions that were removed before they arrived */
	uint64_t unknown;    /* records of a type that this sessiond does not know */
	uint64_t too_long;   /* sessions above value_max */
	uint64_t held_up;    /* times that incoming() had no room */
	uint64_t refused[FARM_REFUSED_COUNT]; /* entries */
	bool name_clash;		      /* another live node has this node's name */
	struct farm_takes takes;
};

/* Main thread: a copy, at most 100 ms old. */
void farm_status(struct farm *farm, struct farm_status *status);

#endif
