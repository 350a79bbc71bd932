/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * OpenSSL's session callbacks. What a connection has to remember is packed into its ex_data, as
 * numbers in the place of pointers: nothing to allocate, nothing to free.
 *
 * OpenSSL calls the callbacks of the context that the connection began with, and hands over the
 * connection, whose context may be another by then (SNI). So a connection keeps the first one's
 * attachment. Its first message to the info callback is the earliest chance: OpenSSL 3.2 and later
 * do not tell the context to the callback for new ex_data, and the ClientHello callback, which may
 * change the context, comes later.
 *
 * The session id context is in the session, under the seal, and OpenSSL compares it itself before
 * it resumes. It is not bound a second time: a connection does not tell what it is.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "client/async.h"
#include "client/client_private.h"
#include "client/server_name.h"

#define TIMEOUT_MAX UINT16_MAX
#define BORN_SIZE   8 /* before a sealed session: when its full handshake was */

struct attachment {
	sessiond_client *client;
	int (*new_before)(SSL *, SSL_SESSION *);
	SSL_SESSION *(*get_before)(SSL *, const unsigned char *, int, int *);
	void (*remove_before)(SSL_CTX *, SSL_SESSION *);
	void (*info_before)(const SSL *, int, int);
	atomic_bool told_early, told_tickets, told_long;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int of_context = -1; /* struct attachment, owned */
static int of_ssl = -1;	    /* struct attachment */
static int of_result = -1;  /* what the last look-up came to: RESULT_... */
static int of_born = -1;    /* seconds since 1970; 0: not known */

#define RESULT_SET	  1u
#define RESULT_TAKEN	  2u /* by this connection: nobody else has it */
#define RESULT_CODE_SHIFT 2
#define RESULT_CODE_MASK  7u
#define RESULT_TIME_SHIFT 5
#define RESULT_TIME_MAX	  ((1u << 27) - 1) /* µs: two minutes; fits 32 bits */

static void on_context_freed(
	void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
	struct attachment *attachment = pointer;

	(void)parent, (void)data, (void)index, (void)argl, (void)argp;
	if (!attachment)
		return;
	sessiond_close(attachment->client);
	free(attachment);
}

static void make_indices(void)
{
	of_context = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_freed);
	of_ssl = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	of_result = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	of_born = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static struct attachment *attachment_of(const SSL *ssl)
{
	struct attachment *attachment = SSL_get_ex_data(ssl, of_ssl);

	/* An info callback that was set later has replaced the library's. */
	if (!attachment)
		attachment = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), of_context);
	return attachment;
}

/* What OpenSSL would call: the callback that the connection's first context had, or if it had none,
 * the present context's. */
static void on_info(const SSL *ssl, int where, int ret)
{
	SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
	struct attachment *attachment = SSL_get_ex_data(ssl, of_ssl);
	void (*next)(const SSL *, int, int);

	if (!attachment) {
		attachment = SSL_CTX_get_ex_data(ctx, of_context);
		SSL_set_ex_data((SSL *)ssl, of_ssl, attachment);
	}
	next = attachment ? attachment->info_before : NULL;
	if (!next)
		next = SSL_CTX_get_info_callback(ctx);
	if (next == on_info) {
		attachment = SSL_CTX_get_ex_data(ctx, of_context);
		next = attachment ? attachment->info_before : NULL;
	}
	if (next)
		next(ssl, where, ret);
}

static bool is_single_use(const struct attachment *attachment, int version)
{
	return attachment->client->flags & SESSIOND_SINGLE_USE && version == TLS1_3_VERSION;
}

static void tell_once(struct attachment *attachment, atomic_bool *told, const char *text)
{
	if (!atomic_exchange(told, true))
		client_log(attachment->client, SESSIOND_LOG_WARNING, "%s", text);
}

/* Seconds that a session may be stored; below 1: not at all. */
static long time_left(const struct attachment *attachment, const SSL *ssl,
	const SSL_SESSION *session, uint64_t *born)
{
	uint64_t now = (uint64_t)time(NULL), end;
	long timeout = SSL_SESSION_get_timeout(session);

	*born = SSL_session_reused(ssl) ? (uint64_t)(uintptr_t)SSL_get_ex_data(ssl, of_born) : 0;
	if (*born == 0)
		*born = now;
	end = *born + attachment->client->lifetime_s;
	if (SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION) {
		if (end <= now)
			return 0;
		if ((uint64_t)timeout > end - now)
			timeout = (long)(end - now);
	}
	return timeout > TIMEOUT_MAX ? TIMEOUT_MAX : timeout;
}

/* Whether another server may have this session, and could find it. */
static bool is_shared(struct attachment *attachment, const SSL *ssl, const SSL_SESSION *session)
{
	int version = SSL_SESSION_get_protocol_version(session);

	if (!SSL_SESSION_is_resumable(session))
		return false;
	if (version == TLS1_3_VERSION && !(SSL_get_options(ssl) & SSL_OP_NO_TICKET)) {
		tell_once(attachment, &attachment->told_tickets,
			"tickets are on: TLS 1.3 sessions are in their tickets, not in the cache: "
			"set SSL_OP_NO_TICKET");
		return false;
	}
	if (SSL_SESSION_get_max_early_data(session) > 0 && !is_single_use(attachment, version)) {
		tell_once(attachment, &attachment->told_early,
			"sessions that allow early data are not stored: that needs single use");
		return false;
	}
	return true;
}

static void store(struct attachment *attachment, SSL *ssl, SSL_SESSION *session)
{
	sessiond_client *client = attachment->client;
	uint8_t value[BORN_SIZE + SESSIOND_VALUE_LIMIT], *at = value;
	int version = SSL_SESSION_get_protocol_version(session);
	struct sessiond_id id = {.tls_version = (uint16_t)version};
	unsigned len;
	uint64_t born;
	long timeout;
	int size;

	timeout = time_left(attachment, ssl, session, &born);
	id.bytes = SSL_SESSION_get_id(session, &len);
	id.len = len;
	if (len == 0 || timeout < 1 || !is_shared(attachment, ssl, session)) {
		client_count(client, puts_skipped);
		return;
	}
	if (client->key_file)
		for (int shift = 56; shift >= 0; shift -= 8)
			*at++ = (uint8_t)(born >> shift);
	size = i2d_SSL_SESSION(session, NULL);
	if (size < 1 || size > (int)SESSIOND_VALUE_LIMIT) {
		client_count(client, puts_too_long);
	} else {
		size = i2d_SSL_SESSION(session, &at);
		if (sessiond_put(client, &id, value, (size_t)(at - value), (unsigned)timeout,
			    is_single_use(attachment, version) ? SESSIOND_ONE_COPY : 0) !=
			-EMSGSIZE)
			size = 0;
	}
	OPENSSL_cleanse(value, sizeof(value));
	if (size > 0)
		tell_once(attachment, &attachment->told_long,
			"sessions longer than value_max are not stored: raise it, and max-session "
			"of the caches");
}

static int on_new(SSL *ssl, SSL_SESSION *session)
{
	struct attachment *attachment = attachment_of(ssl);

	if (!attachment)
		return 0;
	if (SSL_is_server(ssl)) {
		server_name_keep(ssl, session);
		/* First: there are callbacks that change the session. */
		store(attachment, ssl, session);
		if (is_single_use(attachment, SSL_SESSION_get_protocol_version(session)))
			return 0;
	}
	return attachment->new_before ? attachment->new_before(ssl, session) : 0;
}

static void remember(SSL *ssl, enum sessiond_result result, bool taken, uint64_t began)
{
	uint64_t us = (client_now() - began) / 1000;
	uintptr_t packed =
		RESULT_SET | (taken ? RESULT_TAKEN : 0) | (uintptr_t)result << RESULT_CODE_SHIFT |
		(uintptr_t)(us < RESULT_TIME_MAX ? us : RESULT_TIME_MAX) << RESULT_TIME_SHIFT;

	SSL_set_ex_data(ssl, of_result, (void *)packed);
}

static SSL_SESSION *decode(struct attachment *attachment, SSL *ssl, const struct sessiond_id *id,
	const uint8_t *value, size_t len)
{
	const unsigned char *at = value;
	SSL_SESSION *session = NULL;
	uint64_t born = 0;
	unsigned id_len = 0;

	if (attachment->client->key_file && len > BORN_SIZE) {
		for (int i = 0; i < BORN_SIZE; i++)
			born = born << 8 | *at++;
		len -= BORN_SIZE;
	}
	/* A later OpenSSL may have stored what this one cannot read: a miss, and no error. */
	ERR_set_mark();
	session = d2i_SSL_SESSION(NULL, &at, (long)len);
	ERR_pop_to_mark();
	if (session) {
		const unsigned char *its = SSL_SESSION_get_id(session, &id_len);

		if (id_len != id->len || memcmp(its, id->bytes, id_len) != 0 ||
			SSL_SESSION_get_protocol_version(session) != id->tls_version ||
			!server_name_matches(ssl, session)) {
			SSL_SESSION_free(session);
			session = NULL;
		}
	}
	if (session)
		SSL_set_ex_data(ssl, of_born, (void *)(uintptr_t)born);
	else
		client_count(attachment->client, undecodable);
	return session;
}

static SSL_SESSION *on_get(SSL *ssl, const unsigned char *bytes, int len, int *copy)
{
	struct attachment *attachment = attachment_of(ssl);
	uint8_t value[SESSIOND_VALUE_LIMIT];
	size_t size = sizeof(value);
	struct sessiond_id id = {.bytes = bytes, .len = (size_t)len};
	SSL_SESSION *session = NULL;
	enum sessiond_result result;
	uint64_t began;
	bool single;

	if (!attachment || len < 1 || len > SESSIOND_ID_MAX)
		return NULL;
	SSL_set_ex_data(ssl, of_born, NULL);
	SSL_set_ex_data(ssl, of_result, NULL);
	id.tls_version = (uint16_t)SSL_version(ssl);
	single = is_single_use(attachment, SSL_version(ssl));
	if (attachment->get_before && !single) {
		session = attachment->get_before(ssl, bytes, len, copy);
		if (session && server_name_matches(ssl, session))
			return session;
		if (session && !*copy)
			SSL_SESSION_free(session);
		session = NULL;
	}
	*copy = 0; /* the reference is OpenSSL's */
	began = client_now();
	if (async_can(attachment->client))
		result = async_look_up(attachment->client, single ? SESSIOND_TAKE : SESSIOND_GET,
			&id, value, &size);
	else if (single)
		result = sessiond_take(attachment->client, &id, value, &size);
	else
		result = sessiond_get(attachment->client, &id, value, &size);
	if (result == SESSIOND_HIT) {
		session = decode(attachment, ssl, &id, value, size);
		OPENSSL_cleanse(value, sizeof(value));
		if (!session)
			result = SESSIOND_MISS;
	}
	remember(ssl, result, session && single, began);
	return session;
}

static void on_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
	struct attachment *attachment = SSL_CTX_get_ex_data(ctx, of_context);
	struct sessiond_id id = {0};
	unsigned len;

	if (!attachment)
		return;
	id.bytes = SSL_SESSION_get_id(session, &len);
	id.len = len;
	if (attachment->client->flags & SESSIOND_FORWARD_REMOVE && len > 0)
		sessiond_remove(attachment->client, &id);
	if (attachment->remove_before)
		attachment->remove_before(ctx, session);
}

/* Early data can be replayed, except to a session that was just taken: nobody can take it again.
 * With tickets on, the session may have come out of one. */
static int on_early_data(SSL *ssl, void *arg)
{
	uintptr_t packed = (uintptr_t)SSL_get_ex_data(ssl, of_result);

	(void)arg;
	return packed & RESULT_TAKEN && SSL_get_options(ssl) & SSL_OP_NO_TICKET;
}

static void set_up(struct attachment *attachment, SSL_CTX *ctx)
{
	long mode = SSL_CTX_get_session_cache_mode(ctx);
	unsigned flags = attachment->client->flags;

	SSL_CTX_set_session_cache_mode(ctx, (mode & SSL_SESS_CACHE_CLIENT) | SSL_SESS_CACHE_SERVER |
						    SSL_SESS_CACHE_NO_INTERNAL |
						    SSL_SESS_CACHE_NO_AUTO_CLEAR);
	SSL_CTX_sess_set_new_cb(ctx, on_new);
	SSL_CTX_sess_set_get_cb(ctx, on_get);
	SSL_CTX_sess_set_remove_cb(ctx, on_remove);
	SSL_CTX_set_info_callback(ctx, on_info);
	if (flags & SESSIOND_NO_TICKETS)
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	if (flags & SESSIOND_SINGLE_USE) {
		/* OpenSSL's own protection needs the internal cache. */
		SSL_CTX_set_options(ctx, SSL_OP_NO_ANTI_REPLAY);
		SSL_CTX_set_allow_early_data_cb(ctx, on_early_data, NULL);
	} else if (SSL_CTX_get_max_early_data(ctx) > 0) {
		SSL_CTX_set_max_early_data(ctx, 0);
		tell_once(attachment, &attachment->told_early,
			"early data is switched off: that needs single use");
	}
	if (!(SSL_CTX_get_options(ctx) & SSL_OP_NO_TICKET) &&
		SSL_CTX_get_max_proto_version(ctx) != TLS1_2_VERSION)
		tell_once(attachment, &attachment->told_tickets,
			"tickets are on: TLS 1.3 sessions are in their tickets, not in the cache: "
			"set SSL_OP_NO_TICKET");
}

int sessiond_attach(sessiond_client *client, struct ssl_ctx_st *ctx)
{
	struct attachment *attachment;

	if (SSL_CTX_get_ssl_method(ctx) == TLS_client_method())
		return -EINVAL;
	pthread_once(&once, make_indices);
	if (of_context < 0 || of_ssl < 0 || of_result < 0 || of_born < 0)
		return -ENOMEM;
	if (SSL_CTX_get_ex_data(ctx, of_context))
		return -EALREADY;
	attachment = calloc(1, sizeof(*attachment));
	if (!attachment)
		return -ENOMEM;
	attachment->client = client_hold(client);
	attachment->new_before = SSL_CTX_sess_get_new_cb(ctx);
	attachment->get_before = SSL_CTX_sess_get_get_cb(ctx);
	attachment->remove_before = SSL_CTX_sess_get_remove_cb(ctx);
	attachment->info_before = SSL_CTX_get_info_callback(ctx);
	if (SSL_CTX_set_ex_data(ctx, of_context, attachment) != 1) {
		sessiond_close(client);
		free(attachment);
		return -ENOMEM;
	}
	set_up(attachment, ctx);
	return 0;
}

int sessiond_ssl_result(const struct ssl_st *ssl, uint64_t *microseconds)
{
	uintptr_t packed = of_result >= 0 ? (uintptr_t)SSL_get_ex_data(ssl, of_result) : 0;

	if (!(packed & RESULT_SET))
		return -1;
	if (microseconds)
		*microseconds = packed >> RESULT_TIME_SHIFT & RESULT_TIME_MAX;
	return (int)(packed >> RESULT_CODE_SHIFT & RESULT_CODE_MASK);
}
