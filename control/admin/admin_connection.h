/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Between the admin socket's connections (admin.c) and its commands (admin_command.c).
 */
#ifndef SESSIOND_CONTROL_ADMIN_ADMIN_CONNECTION_H
#define SESSIOND_CONTROL_ADMIN_ADMIN_CONNECTION_H

#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "control/admin/admin.h"

/* What a connection watches. */
struct admin_watch {
	struct session_filter filter;
	unsigned outcomes; /* a bit per enum sessd_outcome; 0: all */
	unsigned one_in;   /* as it was told */
	unsigned shown, left_out;
};

struct admin_connection {
	LIST_ENTRY(admin_connection) link;
	struct admin *admin;
	const struct admin_config *config;
	struct bufferevent *bev;
	struct event *again;	      /* for the next page, flush check or request */
	unsigned uid;		      /* of the peer, for the log */
	bool listing;		      /* the reply to `list` is under way ... */
	bool removing;		      /* the same, of `remove FILTER` */
	uint32_t list_next;	      /* ... and continues with this slot */
	uint64_t removed;	      /* sessions, so far */
	struct session_filter filter; /* of `list` and `remove` */
	bool watching;		      /* the reply to `watch` never ends */
	struct admin_watch watch;
	bool flushing;		   /* the reply to `flush` is pending ... */
	struct writer_flush flush; /* ... for this flush */
	bool eof;		   /* the peer sends no more */
	bool closing;		   /* takes no more requests; closed once all is written */
};

/* Longest line of a request, and of an error. */
#define ADMIN_LINE_SIZE 512

/* The parts of a reply. */
void admin_reply_error(struct evbuffer *out, const char *message);
void admin_reply_begin(struct evbuffer *out);
void admin_reply_end(struct evbuffer *out);

/* admin_sessions.c: requests about sessions. `argument` is the rest of the line, NULL if there is
 * none. */
typedef void admin_request(
	struct admin_connection *connection, struct evbuffer *out, const char *argument);
admin_request admin_do_list, admin_do_show, admin_do_remove, admin_do_take, admin_do_contexts,
	admin_do_sources;

/* Starts to look for events. */
void admin_watch_begin(struct admin_connection *connection);
/* Looks for events for some seconds: `sources` counts by them. */
void admin_gather(struct admin *admin);
/* admin_watch.c. A condition: 0, or -EINVAL with error_message() set. An event, if it is selected.
 * The end of a look. */
int admin_watch_add(struct admin_watch *watch, const char *condition);
void admin_watch_event(
	struct admin_watch *watch, struct evbuffer *out, const struct session_event *event);
void admin_watch_end(struct admin_watch *watch, struct evbuffer *out, unsigned one_in);

/* Runs a request and appends the reply, or its beginning (and sets listing), or nothing yet (and
 * sets flushing). */
void admin_command(struct admin_connection *connection, const char *line);
/* Deletes the next sessions that the filter selects. At the end it replies and clears removing. */
void admin_remove_page(struct admin_connection *connection);
/* Appends the next page of the list. At the end of the list it ends the reply and clears
 * listing. */
void admin_list_page(struct admin_connection *connection);
/* Appends the reply to `flush` and clears flushing, if the flush has ended. */
void admin_flush_look(struct admin_connection *connection);

#endif
