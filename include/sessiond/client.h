/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * libsessiond: share TLS sessions among servers through sessiond. See libsessiond(3).
 *
 * Two ways to use it. sessiond_attach() makes an OpenSSL server context store and find its sessions
 * in sessiond; nothing else is needed. Programs with a TLS library or an event loop of their own
 * call the core: put, get, take, remove.
 *
 * Threads: every function may be called from any thread at any time, except where it says
 * otherwise. Processes: a client survives fork(); the child opens sockets of its own, and shares
 * counters and breakers with its parent. Fork before
 * other threads use the client: OpenSSL has locks that fork() does not take. The library never logs
 * and never starts a thread. Functions that send or look up allocate no memory, apart from a
 * thread's first call; OpenSSL's own routines may.
 *
 * Lengths are in bytes, times in the unit that the name says. All numbers are in host byte order.
 */
#ifndef SESSIOND_CLIENT_H
#define SESSIOND_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ssl_st;	   /* OpenSSL's SSL */
struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

typedef struct sessiond_client sessiond_client;
typedef struct sessiond_lookup sessiond_lookup;

/* Caches of a client, at most. */
#define SESSIOND_CACHES_MAX 16

/* Bytes of the longest session id (RFC 5246 7.4.1.2). */
#define SESSIOND_ID_MAX 32

/* Bytes of the longest context that is bound to a session: OpenSSL's SSL_MAX_SID_CTX_LENGTH. */
#define SESSIOND_CONTEXT_MAX 32

/* Bytes of the longest scope. */
#define SESSIOND_SCOPE_MAX 255

/* Bytes of the longest value on the wire: SESSD_VALUE_LIMIT of <sessiond/protocol.h>. */
#define SESSIOND_VALUE_LIMIT 1400

/* Bytes that sealing adds to a value. */
#define SESSIOND_SEAL_OVERHEAD 33

/* Bytes that hold every message of sessiond_open and sessiond_reload_keys. */
#define SESSIOND_ERROR_SIZE 512

enum sessiond_result {
	SESSIOND_HIT,	  /* the session was found */
	SESSIOND_MISS,	  /* no cache that was asked has it, or the value could not be opened */
	SESSIOND_TIMEOUT, /* no answer before the deadline */
	SESSIOND_OFF,	  /* nothing was asked: every breaker is open, or every cache refuses */
	SESSIOND_AGAIN,	  /* only sessiond_lookup_finish: wait for the descriptor, call again */
};

/* Bits of sessiond_options.flags. */
enum {
	/* TLS 1.3 sessions are used once: looked up by TAKE, stored in one cache. Needed for early
	 * data. A cache that does not answer TAKE is noticed by its status key: look-ups there end
	 * at once, as SESSIOND_OFF. */
	SESSIOND_SINGLE_USE = 1,
	/* Sessions that OpenSSL removes are removed from the cache. OpenSSL also removes a session
	 * whose connection ends without close_notify, so this costs resumptions. */
	SESSIOND_FORWARD_REMOVE = 2,
	/* sessiond_attach switches tickets off (SSL_OP_NO_TICKET). With tickets a TLS 1.3 server
	 * never asks for a session. */
	SESSIOND_NO_TICKETS = 4,
	/* sessiond_attach: a handshake that runs as a job (SSL_MODE_ASYNC) is paused during its
	 * look-up: SSL_accept returns with SSL_ERROR_WANT_ASYNC. The descriptor to poll stays open
	 * until SSL_free. Do not free a connection that waits: OpenSSL leaks its job. After 256 of
	 * these no handshake is paused any more. */
	SESSIOND_ASYNC = 8,
};

enum sessiond_log_level { /* syslog's numbers */
	SESSIOND_LOG_WARNING = 4,
	SESSIOND_LOG_NOTICE = 5,
};

/* Gets a line without a newline: a breaker that opens or closes, a setting that keeps sessions from
 * being shared. Each is reported once, breakers at each change. It is called on the thread that
 * noticed, during a handshake: it must not wait, and must not call this library. A line never
 * contains a session or a key. */
typedef void sessiond_log_fn(void *ctx, enum sessiond_log_level level, const char *text);

/* Zero means the default for every member. sessiond_open copies everything except log and
 * log_ctx. */
struct sessiond_options {
	size_t size; /* sizeof(struct sessiond_options): later versions add members at the end */

	/* ADDR, ADDR:PORT, [V6] or [V6]:PORT, separated by commas or blanks, 1 to
	 * SESSIOND_CACHES_MAX. No host names, because the library must not wait for a resolver.
	 * Default port 54321. The order does not matter, but all servers of a farm must name the
	 * same addresses. */
	const char *caches;

	/* Path of the key file that seals sessions (sessionctl(8), `key new`). NULL: sessions are
	 * stored as they are, as stunnel stores them. Read by sessiond_open and
	 * sessiond_reload_keys only. */
	const char *key_file;

	/* Namespace of the sessions, 1 to SESSIOND_SCOPE_MAX bytes. Sealed sessions never cross
	 * scopes. Required with key_file, and an error without it. */
	const char *scope;

	unsigned deadline_us; /* longest wait of a look-up, 100 to 1000000; default 5000 */
	unsigned copies;      /* caches that store a session, 1 or 2; default 2 if there are two */
	unsigned value_max;   /* bytes, 36 to SESSIOND_VALUE_LIMIT; default 512. As max-session */
	unsigned lifetime_s;  /* most seconds from a full handshake to the last resumption that
				 descends from it, 1 to 604800 (RFC 8446 4.6.1); default 86400. TLS
				 1.3 only, and only where sealed: plain values do not carry it */
	unsigned flags;

	sessiond_log_fn *log; /* NULL: no lines */
	void *log_ctx;

	/* Folder of a file with this client's counters, for sessionctl(8), `clients`. "": no file.
	 * NULL: the environment's SESSIOND_CLIENTS, else /run/sessiond-clients, which is made if
	 * the process is root's. The counters work without a file if it cannot be made. */
	const char *counters_folder;
};

/* A session's id, and what the session is bound to. A binding must be the same when the session is
 * stored and when it is looked up: a sealed session stored with another binding is a miss. Plain
 * sessions are not bound. */
struct sessiond_id {
	const void *bytes; /* 1 to SESSIOND_ID_MAX */
	size_t len;
	uint16_t tls_version; /* as on the wire, 0x0303 or 0x0304; 0: not bound */
	const void *context;  /* up to SESSIOND_CONTEXT_MAX bytes; NULL if context_len is 0 */
	size_t context_len;
};

/* Counts since sessiond_open, in all processes that share the client by fork(). */
struct sessiond_stats {
	uint64_t hits;
	uint64_t misses;	/* every cache that was asked answered ERR */
	uint64_t timeouts;	/* no answer before the deadline */
	uint64_t off;		/* no cache could be asked */
	uint64_t puts;		/* sessions stored, as far as one can know: a NEW has no reply */
	uint64_t puts_too_long; /* over value_max */
	uint64_t puts_dropped;	/* every breaker was open, or the kernel refused it */
	uint64_t puts_skipped;	/* attach: sessions that must not be shared, see sessiond_attach */
	uint64_t removes;
	uint64_t asked_second; /* GETs that the second copy was asked for as well */
	uint64_t second_hits;  /* of those: hits from the second */
	uint64_t unopened;     /* values that the key, the scope or the binding does not open */
	uint64_t undecodable; /* attach: values that OpenSSL does not take, or of another session or
				 server name */
	uint64_t stray;	      /* datagrams that answer no pending look-up */
	uint64_t refused;     /* ECONNREFUSED, and other errors of sending */
	uint64_t opened;      /* times that a breaker opened */
	uint64_t unavailable; /* caches whose breaker is open now */
	uint64_t no_take;     /* of `off`: the cache does not answer TAKE */
};

/* Opens a client. Reads the key file, opens no socket. 0, or a negative errno with one line in
 * `error` (may be NULL) that says what is wrong and what to do: -EINVAL for a wrong option or key
 * file, -EACCES, -ENOENT and the like for a key file that cannot be read, -ENOMEM. On failure
 * *client is NULL. */
int sessiond_open(sessiond_client **client, const struct sessiond_options *options, char *error,
	size_t error_size);

/* Drops the caller's reference; NULL is allowed. The client ends when the last SSL_CTX that it is
 * attached to is freed. No thread may be inside a function of this client, and its look-ups must be
 * freed before. */
void sessiond_close(sessiond_client *client);

/* Reads the key file again. On failure the old keys stay in use. Returns as sessiond_open; 0 if
 * there is no key file. */
int sessiond_reload_keys(sessiond_client *client, char *error, size_t error_size);

/* Store one copy only, whatever `copies` is. */
#define SESSIOND_ONE_COPY 1u

/* Stores a session for `timeout_s` seconds, 1 to 65535. Sends and returns; there is no reply, and
 * the first value of an id wins until it expires. `value` stays the caller's. 0, or a negative
 * errno, counted: -EINVAL for a wrong argument, -EMSGSIZE for a value longer than value_max,
 * -EAGAIN if nothing could be sent to any cache. */
int sessiond_put(sessiond_client *client, const struct sessiond_id *id, const void *value,
	size_t len, unsigned timeout_s, unsigned flags);

/* Looks a session up, and waits at most until the deadline. `value` has room for *len bytes; on
 * SESSIOND_HIT *len is the value's. A longer value is a miss. SESSIOND_VALUE_LIMIT is always
 * enough. A wrong id is a miss. */
enum sessiond_result sessiond_get(
	sessiond_client *client, const struct sessiond_id *id, void *value, size_t *len);

/* As sessiond_get, but also removes the session: of all callers that take it, at most one gets it.
 * Asks one cache, once; after a time-out it is possible that no caller gets it. The first look-up,
 * and one each minute, first asks the cache whether it answers TAKE, within the same deadline. */
enum sessiond_result sessiond_take(
	sessiond_client *client, const struct sessiond_id *id, void *value, size_t *len);

/* Removes a session from every cache that may have it, if the caches honour that. Sends and
 * returns. As sessiond_put. */
int sessiond_remove(sessiond_client *client, const struct sessiond_id *id);

/* The non-blocking form, for event loops. A look-up object is made once and reused, by one thread
 * at a time, for one look-up at a time. Make it after fork(). NULL with errno set. */
sessiond_lookup *sessiond_lookup_new(sessiond_client *client);
/* NULL is allowed, and so is a pending look-up. */
void sessiond_lookup_free(sessiond_lookup *lookup);

enum sessiond_operation {
	SESSIOND_GET,
	SESSIOND_TAKE
};

/* Starts a look-up; a pending one is abandoned. SESSIOND_AGAIN, or the result if it is known at
 * once. */
enum sessiond_result sessiond_lookup_begin(
	sessiond_lookup *lookup, enum sessiond_operation operation, const struct sessiond_id *id);
/* The look-up's epoll descriptor: readable when sessiond_lookup_finish has something to do, for
 * example because the deadline has passed. It never changes. -1 with errno set. Do not close it. */
int sessiond_lookup_fd(sessiond_lookup *lookup);
/* Continues without waiting. Returns as sessiond_get, or SESSIOND_AGAIN. */
enum sessiond_result sessiond_lookup_finish(sessiond_lookup *lookup, void *value, size_t *len);

/* Fills the first `size` bytes of *stats, sizeof(struct sessiond_stats). */
void sessiond_read_stats(const sessiond_client *client, struct sessiond_stats *stats, size_t size);

/* "hit", "miss", "timeout", "off", "again". */
const char *sessiond_result_name(enum sessiond_result result);

/* The library's version. */
const char *sessiond_version(void);

/* Makes `ctx` store its sessions in sessiond and find them there. Call it when `ctx` is set up,
 * before its first connection: callbacks for sessions and for early data that are set later replace
 * the library's. Session callbacks that were set before are still called, and asked first; they do
 * not see single-use sessions. If connections change their context (SSL_set_SSL_CTX), set no info
 * callback later, and none at a connection; one that was set before is still called.
 *
 * Options of `ctx` that it changes: the session cache mode (server, no internal cache) and, with
 * single use, SSL_OP_NO_ANTI_REPLAY; without single use, max_early_data becomes 0.
 *
 * A session is resumed only for the server name (SNI) that it was made for; without a name only one
 * that was made without.
 *
 * Not stored, and counted in puts_skipped: client sessions, stateless tickets, sessions with early
 * data if single use is off, sessions past lifetime_s. The timeout is the session's, at most 65535
 * s. Values are the session in DER; sealed ones start with the time, 8 bytes, big endian, of the
 * full handshake.
 *
 * Two threads must not attach one context at the same time. 0, or a negative errno: -EINVAL for a
 * client's context, -EALREADY if one is attached, -ENOMEM. */
int sessiond_attach(sessiond_client *client, struct ssl_ctx_st *ctx);

/* The result of this connection's last look-up, and its duration in microseconds (`microseconds`
 * may be NULL). A negative value if there was none. */
int sessiond_ssl_result(const struct ssl_st *ssl, uint64_t *microseconds);

#ifdef __cplusplus
}
#endif

#endif
