/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A connection to an engine that reconnects by itself. Nothing waits: commands go into a buffer of
 * a fixed size, answers come by call-backs. Whoever owns it polls link_fd and calls link_run. Times
 * are microseconds of CLOCK_MONOTONIC. One thread.
 */
#ifndef SESSIOND_CONTROL_FARM_ENGINE_LINK_H
#define SESSIOND_CONTROL_FARM_ENGINE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#include "control/farm/engine_reply.h"
#include "control/farm/engine_url.h"
#include "control/farm/resolver.h"

#define LINK_OUT_MAX	 (256 * 1024) /* bytes of commands that wait for the socket */
#define LINK_PENDING_MAX 1024	      /* commands without an answer */
#define LINK_TIMEOUT_US	 2000000      /* for a connection, and for an answer */
#define LINK_ARGS_MAX	 160

enum link_state {
	LINK_DOWN, /* waits before the next attempt */
	LINK_RESOLVING,
	LINK_CONNECTING,
	LINK_TLS,
	LINK_HELLO,
	LINK_UP,
};

struct engine_link;

/* `arg` is what link_command was given. The reply is valid during the call, or, after link_hold,
 * until link_release. It may call link_fail. */
typedef void (*link_answer)(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now);

struct link_events {
	void *ctx;
	void (*up)(void *ctx, uint64_t now); /* HELLO and AUTH are done */
	/* The connection is gone, and so are all commands without an answer. */
	void (*down)(void *ctx, uint64_t now);
};

struct engine_link {
	const struct engine_url *url; /* the owner's */
	SSL_CTX *ssl_ctx;	      /* the owner's; only for TLS */
	struct link_events events;
	void (*on_thread)(void);

	enum link_state state;
	int fd;
	SSL *ssl;
	bool ssl_wants_out;
	uint64_t deadline; /* of this state; LINK_DOWN: of the next attempt */
	uint64_t up_since;
	unsigned failures; /* in a row */
	uint32_t random;
	struct resolver *resolver;
	struct sockaddr_storage addresses[RESOLVER_ADDRESSES_MAX];
	unsigned address_count, address_next;

	struct engine_reader *reader;
	bool held;
	uint8_t *out;
	size_t out_at, out_end;
	struct link_pending {
		link_answer answer;
		uint64_t arg, deadline;
	} * pending;
	unsigned pending_first, pending_count;

	const char *failing; /* set by link_fail */
	char error[192];     /* why it went down last; "" once it is up */
	char version[32];    /* the engine's */
	uint64_t bytes_out, bytes_in;
};

/* 0, or -ENOMEM. */
int link_open(struct engine_link *link, const struct engine_url *url, SSL_CTX *ssl_ctx,
	const struct link_events *events, void (*on_thread)(void));
/* No events are called. */
void link_close(struct engine_link *link);

/* Sends a command once the link is up. False, and nothing is sent, if it is not up or a buffer is
 * full. timeout_us is for the answer. */
bool link_command(struct engine_link *link, int count, const char *const *args, const size_t *sizes,
	link_answer answer, uint64_t arg, uint64_t timeout_us, uint64_t now);
/* Whether a command of `size` bytes fits. */
bool link_room(const struct engine_link *link, size_t size);

/* During an answer: keep the reply, read nothing more until link_release. */
void link_hold(struct engine_link *link);
void link_release(struct engine_link *link);

/* Closes the connection at the next occasion; `why` is a constant text. */
void link_fail(struct engine_link *link, const char *why);
/* As link_fail, for a reply that is an error: its text is the reason. */
void link_fail_reply(struct engine_link *link, const struct reply *reply);

/* Events of poll(2) to wait for; 0, and then fd is -1, if there are none. */
short link_poll(const struct engine_link *link, int *fd);
/* Does what can be done now: connects, reads, calls answers, writes. `revents`: of poll. */
void link_run(struct engine_link *link, short revents, uint64_t now);
/* When link_run must run at the latest. */
uint64_t link_deadline(const struct engine_link *link);

#endif
