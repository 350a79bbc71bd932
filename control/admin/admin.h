/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#ifndef SESSIOND_CONTROL_ADMIN_ADMIN_H
#define SESSIOND_CONTROL_ADMIN_ADMIN_H

/* clang-format off: it would fill the lines of the table.
 *
 * The admin socket: a Unix stream socket that takes one request a line.
 *
 *   stats              name value            a line for each figure
 *   list [FILTER...]   ID SECONDS BYTES AGE TLS SOURCE CONTEXT
 *                                            a line for each live session that every filter
 *                                            selects, in no order
 *   show ID            id ID, remaining SECONDS, length BYTES, age SECONDS, tls TLS,
 *                      source SOURCE, context CONTEXT, used 0 or 1: a line each
 *   remove ID
 *   remove FILTER...   removed COUNT         sent when every session that the filters select was
 *                                            deleted; it ends if the client leaves
 *   contexts           CONTEXT TLS SESSIONS STORED USED
 *                                            a line for each context and TLS version, most
 *                                            sessions first: sessions stored now, stored since the
 *                                            start, and of these used at least once
 *   take ID            as remove, by the rule of TAKE: an error if a client has taken it
 *   flush              flushed COUNT         sent when every session that existed at the request
 *                                            is deleted, some 5 s for a million. It continues if the
 *                                            client leaves. A flush requested during another begins
 *                                            when that ends; its COUNT includes the other's rest
 *   reload             TEXT                  a line for each change, and what a restart costs if
 *                                            one is needed
 *   config             NAME = VALUE # WHERE  a configuration file of what runs, with where each value
 *                                            comes from
 *   config-diff        TEXT                  what differs from the file: - NAME = VALUE # WHERE for
 *                                            what runs, + NAME = VALUE # WHERE for the file
 *   log-level LEVEL
 *   talkers            ADDRESS GETS NEWS REMOVES HITS DROPS
 *                                            estimates: a line for each source, those that send most
 *                                            first, at most 64; counting starts with the first
 *                                            `talkers` and ends 5 seconds after the last. HITS are of
 *                                            the GETs, DROPS of all: over --rate-limit
 *   sources            SOURCE SESSIONS STORED USED ELSEWHERE HOME
 *                                            a line for each source that stored sessions, most stored
 *                                            first, at most 256; - for those that are unknown or found
 *                                            no place: sessions stored now, stored since the start, and
 *                                            of these used at least once. ELSEWHERE and HOME are
 *                                            estimates: how often other sources, and this one, were
 *                                            given its sessions by GETs while somebody looked, that is
 *                                            during a `watch` and for 5 seconds after each `sources`
 *   farm               KIND NAME=VALUE...   the state of the farm of caches: a line each for this
 *                                            cache, each engine and each node. Texts are in double
 *                                            quotes
 *   watch [FILTER...]  TYPE OUTCOME SOURCE ID TLS CONTEXT
 *                                            a line for each event that every filter selects, until
 *                                            the client leaves. GETs and TAKEs are sampled; a line
 *                                            that begins with # says one in how many, or how many
 *                                            were left out because the client read too slowly. One
 *                                            more filter: outcome=hit,miss,expired,torn,drop,stored,
 *                                            exists,refused,removed
 *   version            sessiond VERSION
 *   ping
 *
 * The reply is `OK`, the lines above and a line with a single dot; or the one line `ERR MESSAGE`. A
 * line of the body that starts with a dot gets a second dot in front. Lines end with LF; CRLF is
 * accepted too. A connection may send any number of requests without waiting for replies. An ID is
 * 1 to 32 bytes in hex digits, padded with zeros on the right; it is printed in full. Values of
 * sessions are never sent.
 *
 * TLS is 1.3, 1.2, other, sealed (by libsessiond) or opaque. AGE is in seconds. SOURCE is who made
 * the session, - if unknown. CONTEXT is the session id context: as it is if it is printable, else
 * 0x and hex digits; - if it is empty or not readable; (other) for those over the 64 that are
 * counted separately. A FILTER is id=HEX, a prefix of ids in hex digits, context=CONTEXT, tls=TLS
 * or source=CIDR.
 *
 * Access is limited by the socket's mode, 0660, and by a check of the client's credentials: root,
 * the daemon's user, or a member of its group. Everything runs on the thread of the event
 * base; a slow client does not block it: replies are produced as they are read.
 */
/* clang-format on */

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include "common/log.h"

#include "control/sessions/writer.h"
#include "dataplane/engine.h"

/* What the daemon does for a request; no member may be NULL. */
struct admin_ops {
	void (*stats)(void *ctx, stats_emit emit, void *emit_ctx);
	bool (*find)(void *ctx, const uint8_t key[SESSD_KEY_SIZE], struct session *session,
		struct session_info *info);
	bool (*del)(void *ctx, const uint8_t key[SESSD_KEY_SIZE]);
	/* As writer_take. */
	bool (*take)(void *ctx, const uint8_t key[SESSD_KEY_SIZE]);
	/* As writer_flush_start and writer_flush_done: flush_start does not wait; flush_done is
	 * called until it does not return 0. */
	void (*flush_start)(void *ctx, struct writer_flush *flush);
	int (*flush_done)(void *ctx, const struct writer_flush *flush, uint64_t *deleted);
	/* As writer_list: a page from slot `*next` on; at the end `*next` is `capacity`. */
	unsigned (*list)(void *ctx, const struct session_filter *filter, uint32_t *next,
		struct session *sessions, struct session_info *infos, unsigned room);
	/* As writer_remove, writer_contexts and writer_sources. */
	unsigned (*remove)(void *ctx, const struct session_filter *filter, uint32_t *next);
	unsigned (*contexts)(void *ctx, struct census_row rows[CENSUS_ROWS]);
	unsigned (*sources)(void *ctx, struct source_place rows[SOURCE_LIST_SIZE]);
	/* Calls `line` for what the administrator should know. 0, or a negative errno with
	 * error_message() set. */
	int (*reload)(void *ctx, void (*line)(void *line_ctx, const char *text), void *line_ctx);
	/* Calls `line` for each line of the configuration that runs; with `diff`, for what differs
	 * from the file. 0, or a negative errno with error_message() set. */
	int (*config)(void *ctx, bool diff, void (*line)(void *line_ctx, const char *text),
		void *line_ctx);
	void (*set_log_level)(void *ctx, enum log_level level);
	/* The sources that send most, at most `room`, most first; counting continues for a while.
	 * Returns how many, or a negative errno with error_message() set if the mode does not count
	 * sources. */
	int (*talkers)(void *ctx, struct talker *talkers, unsigned room);
	/* Calls `line` for each line of the reply. 0, or a negative errno with error_message() set
	 * if there is no farm. */
	int (*farm)(void *ctx, void (*line)(void *line_ctx, const char *text), void *line_ctx);
	/* Calls `found` for the events since the last call; they are gathered for some seconds
	 * more. Returns how many GETs one event stands for; 0 if the mode shows none. */
	unsigned (*watch)(void *ctx,
		void (*found)(void *found_ctx, const struct session_event *event), void *found_ctx);
};

struct admin_config {
	const char *path;	     /* of the socket */
	const struct admin_ops *ops; /* kept by the caller */
	void *ctx;		     /* for ops */
	uint32_t capacity;	     /* slots of the table */
	unsigned connections_max;    /* 0: 64 */
	unsigned idle_ms;	     /* a connection without traffic is closed; 0: a minute */
};

struct admin;

/* Listens. A stale socket file is replaced; the folder of the default path is created if it is
 * missing. Ignores SIGPIPE from now on. 0, or a negative errno with error_message() set:
 * -EADDRINUSE where another daemon answers. */
int admin_open(struct admin **admin, struct event_base *base, const struct admin_config *config);

/* Gives the socket file, and its folder if admin_open made it, to another user and group. 0, or a
 * negative errno with error_message() set. */
int admin_give(struct admin *admin, uid_t uid, gid_t gid);

/* Closes all connections and removes the socket file. NULL is allowed. */
void admin_close(struct admin *admin);

#endif
