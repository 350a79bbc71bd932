/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the files of the farm's thread share. Only that thread uses it, but for what struct farm
 * says otherwise. Times are microseconds of CLOCK_MONOTONIC.
 *
 * Streams on an engine:
 *   sd:FARM:NODE:0  the sessions of a node. It alone writes to it.
 *   sd:FARM:nodes   once a second each node says that it lives, which streams it knows, and which
 *                   entry is its last; and nodes ask each other to publish their sessions again.
 * Strings, of the arbiter of TAKEs: see arbiter.h.
 */
#ifndef SESSIOND_CONTROL_FARM_FARM_PRIVATE_H
#define SESSIOND_CONTROL_FARM_FARM_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "control/farm/arbiter.h"
#include "control/farm/engine_check.h"
#include "control/farm/engine_link.h"
#include "control/farm/publisher.h"
#include "control/farm/sequence_window.h"
#include "control/farm/tombstones.h"

#define FARM_PEERS	(FARM_NODES_MAX + 1) /* this node is the first */
#define FARM_RUNS	160
#define FARM_KEY_TEXT	96
#define FARM_TICK_US	100000
#define FARM_HELLO_US	1000000
#define FARM_ALIVE_US	5000000
#define FARM_RECENT_US	10000000 /* older HELLOs only tell which streams there are */
#define FARM_RETRY_US	1000	 /* after incoming() had no room */
#define FARM_REFRESH_US 30000000
#define FARM_FORGET_US	600000000

/* Entries of a stream's history, newest first, copied out of a reply. */
struct history_slice {
	uint8_t *bytes;
	size_t size, at;
};

/* A stream of sessions on one engine, as this node reads it. */
struct farm_stream {
	enum {
		STREAM_UNKNOWN,
		STREAM_ASKED,
		STREAM_READ,
	} state;
	bool exists;
	struct entry_id tail; /* the live end is read up to it */
	/* A former daemon had read up to where `tail` began: up to here it is what was missed. */
	struct entry_id missed;
	bool skipped;	    /* an entry could not be read: another sessiond or key may */
	uint64_t refreshed; /* when the engine was last asked about it */
	/* History, read backwards from where the live end began. */
	bool history_done, history_asked, history_last;
	struct entry_id history_next; /* newest entry that was not fetched */
	struct entry_id history_end;  /* this one and older ones are stored already */
	uint64_t history_length, history_read;
	struct history_slice slice;
};

struct farm_run;

struct farm_peer {
	bool used;
	uint32_t generation; /* grows when the place gets another peer */
	char name[FARM_NAME_MAX + 1];
	struct farm_stream streams[FARM_ENGINES_MAX];
	struct farm_run *current; /* the run that it was last heard of */
	bool heard_ever;
	bool takes_local;
	uint64_t said; /* when it last said how it takes; 0: never */
	uint64_t heard;
	uint32_t lag_ms;
	uint64_t gaps, resends, sessions, sessions_live, removes;
};

/* One run of a node, from its start to its end. */
struct farm_run {
	struct farm_peer *peer; /* NULL: a free place */
	uint32_t number;	/* never used again */
	unsigned in_use;
	uint64_t touched;
	uint8_t boot[ENTRY_BOOT];
	struct sequence_window window;
	struct farm_subkey subkey;
	uint64_t engine_high[FARM_ENGINES_MAX]; /* of the live end */
	uint64_t announced;			/* it published so many */
	uint64_t progress;			/* when something new came, or was given up */
	uint64_t asked;				/* when it was asked to publish again */
	/* Gaps are looked for once it has said how far it is: a former daemon, whose notes this one
	 * has, read up to some place that is not known by its number. */
	bool resumes;
	/* Our clock minus its clock, and the way to the engine, by the quickest of its entries: in
	 * this minute and in the one before. */
	int64_t ahead, ahead_before;
	uint64_t ahead_since; /* 0: not known yet */
	bool ahead_live;      /* known by entries that were read as they came */
};

/* An entry that is open and whose records are being passed on. */
struct farm_delivery {
	bool active, live;
	bool missed; /* live, and from before this daemon */
	bool noted;  /* history, and older than the notes of the former daemon */
	struct farm_run *run;
	uint64_t sequence;
	int64_t time;		     /* when it was sealed */
	struct record_cursor cursor; /* what is left of it */
	size_t size;		     /* of the body */
	uint8_t body[ENTRY_BODY_MAX];
};

struct farm_engine {
	struct farm *farm;
	unsigned index;
	bool used;
	struct engine_url url;
	SSL_CTX *ssl_ctx;
	struct engine_link out; /* all commands but XREAD */
	struct engine_link in;	/* XREAD, which blocks */
	bool ready;		/* run id and clock are known */
	bool run_known, clock_known;
	bool was_ready;
	char run_id[48];
	int64_t offset; /* its TIME minus CLOCK_MONOTONIC, microseconds */
	uint32_t rtt;
	uint64_t clock_set, next_time, next_hello, next_expire, changed;
	uint64_t connects, restarts;
	char note[128]; /* what it refused */
	struct engine_check check;

	uint64_t sent, acked; /* sequences of the publisher */
	uint64_t before;      /* entries of earlier runs in this node's stream */
	bool missed;	      /* it lacks something that was published */
	uint64_t batches_out, batches_in;
	uint64_t dropped[FARM_DROPPED_COUNT];

	struct arbiter_engine take;
	struct farm_stream control;
	bool reading;		   /* an XREAD is on its way */
	const struct reply *reply; /* of XREAD, being passed on; NULL: none */
	uint32_t reply_stream, reply_entry;
	bool advanced; /* something in the reply was new */
	struct farm_delivery delivery;
};

/* Up to which entry the sessions of a stream are stored. */
struct farm_mark {
	struct entry_id id;
	uint32_t engine;
	char node[FARM_NAME_MAX + 4];
};

/* What side.keep() gets. No byte lies between members. */
struct farm_marks {
	uint32_t version, count;
	uint32_t capacity, value_max;
	char farm[FARM_NAME_MAX + 8];
	char run_ids[FARM_ENGINES_MAX][48]; /* of engines */
	struct farm_mark marks[FARM_PEERS * FARM_ENGINES_MAX];
};

struct farm {
	/* Constant after farm_create. */
	char name[FARM_NAME_MAX + 1], node[FARM_NAME_MAX + 1];
	uint32_t capacity;
	uint16_t value_max;
	bool takes_local;
	void (*on_thread)(void);
	struct farm_side side;
	uint8_t boot[ENTRY_BOOT];

	/* Shared. */
	int wake_fd;
	atomic_bool asleep;
	atomic_bool stop;
	atomic_bool ready;
	atomic_bool lost;     /* the daemon dropped something */
	pthread_mutex_t lock; /* of the three below */
	struct farm_status snapshot;
	struct farm_pending *pending; /* a new configuration */
	bool reloaded;		      /* it was applied */
	pthread_cond_t changed;	      /* signals `reloaded` */
	atomic_bool reload;	      /* look at `pending` */
	pthread_t thread;
	bool started;

	/* The thread's. */
	struct farm_ring ring;
	struct farm_seal_tools tools;
	struct publisher publisher;
	struct farm_engine engines[FARM_ENGINES_MAX];
	struct farm_peer peers[FARM_PEERS];
	struct farm_run runs[FARM_RUNS];
	uint32_t next_run;
	struct farm_marks kept; /* of the last daemon, as far as they were not used yet */
	bool resumes;		/* there were some */
	struct entry_id kept_end[FARM_ENGINES_MAX]; /* the newest of them, of each of its engines */
	struct farm_marks marked;		    /* what was kept last */
	struct tombstones tombstones;
	uint64_t next_rotate;
	/* The last flush; sessions from before are not passed on. */
	bool flushed;
	int64_t flush_time;
	uint32_t flush_run;
	uint64_t flush_sequence;
	struct farm_delivery history;
	struct farm_subkey scratch, control_subkey;
	uint64_t control_sequence;
	struct batch control_batch;
	uint64_t begun, now, next_tick, retry;
	bool resend_wanted;
	uint64_t resent;
	enum farm_warm_up warm_up;
	uint64_t warm_up_sessions, warm_up_begun, warm_up_took;
	uint64_t history_sessions; /* passed on since there was history to read */
	uint64_t resends, received, copies, expired, tombstoned, unknown, too_long, held_up;
	uint64_t dropped[FARM_DROPPED_COUNT];
	uint64_t refused[FARM_REFUSED_COUNT];
	struct arbiter arbiter;
	uint64_t clashed; /* when another node of this name was heard of; 0: never */
	uint64_t stalled; /* since when no batch fits; 0: it does */
};

/* What a configuration is made into. Secret. */
struct farm_pending {
	unsigned engine_count;
	struct engine_url urls[FARM_ENGINES_MAX];
	SSL_CTX *ssl_ctx; /* NULL: no engine needs one */
	struct farm_ring ring;
};
/* NULL with *ret, a negative errno, and error_message() set. */
struct farm_pending *pending_make(const struct farm_config *config, int *ret);
void pending_free(struct farm_pending *pending); /* NULL is allowed */

static inline uint64_t farm_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000U;
}

/* farm_peers.c */
struct farm_peer *peer_find(struct farm *farm, const char *name);
/* Finds or adds; NULL: there are too many. */
struct farm_peer *peer_get(struct farm *farm, const char *name);
/* Names a peer in the argument of a command, because the answer may come after it is gone. Bits 8
 * to 31 are free. */
uint64_t peer_handle(const struct farm *farm, const struct farm_peer *peer);
struct farm_peer *peer_of_handle(struct farm *farm, uint64_t handle);
struct farm_run *run_find(
	struct farm *farm, const struct farm_peer *peer, const uint8_t boot[ENTRY_BOOT]);
/* Takes the place of the one that was not touched for longest; NULL: no memory. */
struct farm_run *run_add(struct farm *farm, struct farm_peer *peer, const uint8_t boot[ENTRY_BOOT]);
/* How long an entry waited at its node before an engine took it, in microseconds; negative if the
 * engine's clock was set since. `time`: when the engine did; `sealed`: of its header. Entries that
 * did not wait tell what its clock is; those of history only as long as there is no live one,
 * because an engine's clock may have been set between. */
int64_t run_waited(struct farm_run *run, uint64_t now, int64_t time, uint64_t sealed, bool live);
/* Gives up peers that neither live nor left a stream. */
void peers_forget(struct farm *farm);
void peers_close(struct farm *farm);
/* Begins again with all streams of an engine. */
void peers_reset_engine(struct farm *farm, unsigned engine);
char *peer_key(const struct farm *farm, const char *node, char key[FARM_KEY_TEXT]);
char *control_key(const struct farm *farm, char key[FARM_KEY_TEXT]);

/* farm_engine.c */
int engine_open(struct farm *farm, unsigned index, const struct engine_url *url, SSL_CTX *ssl_ctx);
void engine_close(struct farm_engine *engine);
/* Connections, the clock, streams to look at, batches to send. */
void engine_run(struct farm_engine *engine, short out_events, short in_events);
bool engine_send(struct farm_engine *engine, int count, const char *const *args,
	const size_t *sizes, link_answer answer, uint64_t arg);
/* As engine_send, for arguments that are texts. */
bool engine_send_texts(
	struct farm_engine *engine, const char *const *args, link_answer answer, uint64_t arg);
/* Asks about a stream soon, because something does not fit. */
void engine_doubt(struct farm_engine *engine, struct farm_peer *peer);
uint64_t engine_deadline(const struct farm_engine *engine);
/* The blob of an entry of a reply; NULL if it is no entry. */
const struct reply *engine_entry(const struct reply *entry, struct entry_id *id);
#define FARM_STEP_US 1000000 /* so far off, an engine's clock was set */
/* When the engine accepted it. Not in the future: if an engine's clock was set back, its ids stay
 * what they were. */
static inline int64_t engine_entry_time(const struct farm_engine *engine, struct entry_id id)
{
	int64_t time = (int64_t)(id.ms * 1000U) - engine->offset;
	int64_t now = (int64_t)engine->farm->now;

	return time > now + FARM_STEP_US ? now : time;
}

/* farm_publish.c */
void publish_collect(struct farm *farm);
/* When the batch must be sealed; UINT64_MAX: there is none, or no room. */
uint64_t publish_deadline(const struct farm *farm);
void publish_send(struct farm_engine *engine);
/* Frees batches that all engines have, and lets a slow engine lose some. */
void publish_release(struct farm *farm);
bool publish_pending(const struct farm *farm);

/* farm_tail.c */
void tail_read(struct farm_engine *engine);
/* Passes on what was read. */
void tail_deliver(struct farm_engine *engine);
void tail_forget(struct farm_engine *engine);

/* farm_marks.c */
void marks_load(struct farm *farm);
/* Up to which entry the last daemon stored a stream. Each mark is found once. */
bool marks_find(struct farm_engine *engine, const struct farm_peer *peer, struct entry_id *id);
/* The newest mark on an engine: the last daemon knew what is older. 0-0: there is none. */
struct entry_id marks_end(const struct farm_engine *engine);
/* Notes how far this one is. */
void marks_keep(struct farm *farm);

/* warm_up.c */
/* Reads history, a bounded piece of it. Returns true if more can be done at once. */
bool warm_up_run(struct farm *farm);
void warm_up_forget(struct farm_stream *stream);
void warm_up_check(struct farm *farm);
unsigned warm_up_percent(const struct farm *farm);

/* intake.c */
/* Opens an entry of a peer's stream. True if there are records to pass on. */
bool intake_open(struct farm_engine *engine, struct farm_peer *peer, struct farm_delivery *delivery,
	const uint8_t *entry, size_t size, struct entry_id id, bool live);
/* Passes records on. True: all of them; false: no room now. */
bool intake_pass(struct farm *farm, struct farm_delivery *delivery);
void intake_drop(struct farm_delivery *delivery);
/* Records that clients made here. */
void intake_own(struct farm *farm, const struct farm_record *record);

/* farm_control.c */
void control_hello(struct farm_engine *engine);
/* An entry of the control stream. */
void control_entry(
	struct farm_engine *engine, const uint8_t *entry, size_t size, struct entry_id id);
/* Sees what is missing, and asks for it. */
void control_gaps(struct farm *farm);
/* Calls side.resend if somebody asked for it, and not too often. */
void control_resend(struct farm *farm);

/* arbiter.c */
/* Puts the questions that came to the engines, and ends those that wait too long. */
void arbiter_run(struct farm *farm);
/* When arbiter_run must run at the latest. */
uint64_t arbiter_deadline(const struct farm *farm);
/* No answer of this engine comes any more. */
void arbiter_forget(struct farm *farm, unsigned engine);
/* The thread ends. */
void arbiter_stop(struct farm *farm);

/* arbiter_lease.c */
/* After each change of engines or keys. */
void arbiter_configure(struct farm *farm);
/* 0, or -ENOMEM. */
int arbiter_open(struct farm_engine *engine);
void arbiter_close(struct farm_engine *engine);
void arbiter_engine_run(struct farm_engine *engine, short events);
/* The key of the ring that names sessions now. */
unsigned arbiter_key(const struct farm *farm);
/* FARM_TAKE_READY, or why TAKEs whose arbiter is this engine are misses. */
enum farm_take_state arbiter_state(const struct farm_engine *engine, uint64_t now);

/* farm_report.c */
/* Makes the copy that farm_status gives. */
void report_update(struct farm *farm);

#endif
