/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/farm/engine_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/un.h>
#include <unistd.h>

#include <hiredis.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#define BACKOFF_FIRST_US 50000
#define BACKOFF_MAX_US	 3000000
#define STABLE_US	 5000000 /* up for so long: the next failure is a first one */
#define RESOLVE_US	 15000000
#define READ_CHUNK	 65536
#define READ_ROUNDS	 16 /* chunks in one link_run, so that one engine does not keep the thread */
#define NEVER		 UINT64_MAX

int link_open(struct engine_link *link, const struct engine_url *url, SSL_CTX *ssl_ctx,
	const struct link_events *events, void (*on_thread)(void))
{
	memset(link, 0, sizeof(*link));
	link->url = url;
	link->ssl_ctx = ssl_ctx;
	link->events = *events;
	link->on_thread = on_thread;
	link->fd = -1;
	link->out = malloc(LINK_OUT_MAX);
	link->pending = calloc(LINK_PENDING_MAX, sizeof(*link->pending));
	if (getrandom(&link->random, sizeof(link->random), GRND_NONBLOCK) < 0 || !link->random)
		link->random = 1;
	if (link->out && link->pending)
		return 0;
	link_close(link);
	return -ENOMEM;
}

static void disconnect(struct engine_link *link)
{
	/* Without a close notify: the engine may not read. */
	SSL_free(link->ssl);
	link->ssl = NULL;
	link->ssl_wants_out = false;
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	resolver_drop(link->resolver);
	link->resolver = NULL;
	engine_reader_close(link->reader);
	link->reader = NULL;
	link->held = false;
	link->failing = NULL;
	/* A password may be in it. */
	if (link->out)
		explicit_bzero(link->out, link->out_end);
	link->out_at = link->out_end = 0;
	link->pending_count = 0;
}

void link_close(struct engine_link *link)
{
	disconnect(link);
	free(link->out);
	free(link->pending);
	memset(link, 0, sizeof(*link));
	link->fd = -1;
}

static uint32_t next_random(struct engine_link *link)
{
	link->random ^= link->random << 13;
	link->random ^= link->random >> 17;
	link->random ^= link->random << 5;
	return link->random;
}

/* Ends the connection, and sets the time of the next attempt. link->error is set. */
static void go_down(struct engine_link *link, uint64_t now)
{
	bool was_up = link->state == LINK_UP;
	uint64_t wait = BACKOFF_FIRST_US;

	if (was_up && now - link->up_since > STABLE_US)
		link->failures = 0;
	for (unsigned i = 0; i < link->failures && wait < BACKOFF_MAX_US; i++)
		wait *= 2;
	if (wait > BACKOFF_MAX_US)
		wait = BACKOFF_MAX_US;
	link->failures++;
	disconnect(link);
	link->state = LINK_DOWN;
	/* From half to one and a half of it: nodes must not come back all at once. */
	link->deadline = now + wait / 2 + next_random(link) % wait;
	if (was_up)
		link->events.down(link->events.ctx, now);
}

static void fail(struct engine_link *link, uint64_t now, const char *what, int errnum)
{
	if (errnum)
		snprintf(link->error, sizeof(link->error), "%s: %s", what, strerror(errnum));
	else
		snprintf(link->error, sizeof(link->error), "%s", what);
	go_down(link, now);
}

static void fail_tls(struct engine_link *link, uint64_t now, const char *what)
{
	long verify = link->ssl ? SSL_get_verify_result(link->ssl) : X509_V_OK;
	char text[128] = "the connection was closed";
	unsigned long code = ERR_peek_last_error();

	if (verify != X509_V_OK)
		snprintf(text, sizeof(text), "the engine's certificate: %s",
			X509_verify_cert_error_string(verify));
	else if (code != 0)
		ERR_error_string_n(code, text, sizeof(text));
	ERR_clear_error();
	snprintf(link->error, sizeof(link->error), "%s: %s", what, text);
	go_down(link, now);
}

void link_fail(struct engine_link *link, const char *why)
{
	if (!link->failing) {
		link->failing = why;
		snprintf(link->error, sizeof(link->error), "%s", why);
	}
}

/* Text of the engine for messages: without control characters. */
static void copy_text(char *to, size_t room, const struct reply *reply)
{
	size_t n = 0;

	for (; n < room - 1 && n < reply->size; n++)
		to[n] = reply->text[n] >= ' ' && reply->text[n] < 127 ? reply->text[n] : '?';
	to[n] = '\0';
}

void link_fail_reply(struct engine_link *link, const struct reply *reply)
{
	if (link->failing)
		return;
	if (reply->type != REPLY_ERROR) {
		link_fail(link, "the engine gave an answer that does not fit the question");
		return;
	}
	link->failing = "";
	copy_text(link->error, sizeof(link->error), reply);
}

bool link_room(const struct engine_link *link, size_t size)
{
	return link->state == LINK_UP && !link->failing && link->pending_count < LINK_PENDING_MAX &&
	       link->out_end - link->out_at + size <= LINK_OUT_MAX;
}

static bool enqueue(struct engine_link *link, const void *bytes, size_t size)
{
	size_t waiting = link->out_end - link->out_at;

	if (waiting + size > LINK_OUT_MAX)
		return false;
	if (link->out_end + size > LINK_OUT_MAX) {
		memmove(link->out, link->out + link->out_at, waiting);
		link->out_at = 0;
		link->out_end = waiting;
	}
	memcpy(link->out + link->out_end, bytes, size);
	link->out_end += size;
	return true;
}

static bool send_command(struct engine_link *link, int count, const char *const *args,
	const size_t *sizes, link_answer answer, uint64_t arg, uint64_t deadline)
{
	char *bytes = NULL;
	int size;
	bool ok;

	if (link->pending_count >= LINK_PENDING_MAX)
		return false;
	size = (int)redisFormatCommandArgv(&bytes, count, (const char **)args, sizes);
	if (size < 0)
		return false;
	ok = enqueue(link, bytes, (size_t)size);
	explicit_bzero(bytes, link->state == LINK_HELLO ? (size_t)size : 0);
	redisFreeCommand(bytes);
	if (!ok)
		return false;
	link->pending[(link->pending_first + link->pending_count++) % LINK_PENDING_MAX] =
		(struct link_pending){answer, arg, deadline};
	return true;
}

bool link_command(struct engine_link *link, int count, const char *const *args, const size_t *sizes,
	link_answer answer, uint64_t arg, uint64_t timeout_us, uint64_t now)
{
	return link->state == LINK_UP && !link->failing &&
	       send_command(link, count, args, sizes, answer, arg, now + timeout_us);
}

static void hello_answer(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct engine_link *link = ctx;
	const struct reply *version = reply_field(reply, "version");

	(void)arg;
	if (reply->type != REPLY_ARRAY) {
		link_fail_reply(link, reply);
		return;
	}
	if (version && version->type == REPLY_TEXT)
		copy_text(link->version, sizeof(link->version), version);
	explicit_bzero(link->out, LINK_OUT_MAX);
	link->state = LINK_UP;
	link->up_since = now;
	link->error[0] = '\0';
	link->events.up(link->events.ctx, now);
}

static void say_hello(struct engine_link *link, uint64_t now)
{
	const char *user = link->url->user[0] ? link->url->user : "default";
	const char *args[] = {"HELLO", "2", "AUTH", user, link->url->password};
	int count = link->url->password[0] ? 5 : 2;
	size_t sizes[5];

	for (int i = 0; i < count; i++)
		sizes[i] = strlen(args[i]);
	link->state = LINK_HELLO;
	link->deadline = now + LINK_TIMEOUT_US;
	if (!send_command(link, count, args, sizes, hello_answer, 0, link->deadline))
		fail(link, now, "no memory", 0);
}

static void begin_tls(struct engine_link *link, uint64_t now)
{
	struct sockaddr_storage storage;
	bool ok;

	link->state = LINK_TLS;
	link->deadline = now + LINK_TIMEOUT_US;
	link->ssl = SSL_new(link->ssl_ctx);
	ok = link->ssl && SSL_set_fd(link->ssl, link->fd) == 1;
	if (ok && resolver_address(link->url->host, 0, &storage) > 0)
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(link->ssl), link->url->host) == 1;
	else if (ok)
		ok = SSL_set1_host(link->ssl, link->url->host) == 1 &&
		     SSL_set_tlsext_host_name(link->ssl, link->url->host) == 1;
	if (!ok) {
		fail_tls(link, now, "cannot begin TLS");
		return;
	}
	SSL_set_mode(
		link->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_set_connect_state(link->ssl);
}

static void connected(struct engine_link *link, uint64_t now)
{
	int one = 1, limit_ms = LINK_TIMEOUT_US / 1000;

	if (!link->url->local) {
		(void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		(void)setsockopt(link->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
		(void)setsockopt(
			link->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof(limit_ms));
	}
	link->reader = engine_reader_open();
	if (!link->reader)
		fail(link, now, "no memory", 0);
	else if (link->url->tls)
		begin_tls(link, now);
	else
		say_hello(link, now);
}

static void begin_connect(struct engine_link *link, uint64_t now)
{
	struct sockaddr_storage *to = &link->addresses[link->address_next % link->address_count];
	socklen_t size = to->ss_family == AF_UNIX   ? sizeof(struct sockaddr_un)
			 : to->ss_family == AF_INET ? sizeof(struct sockaddr_in)
						    : sizeof(struct sockaddr_in6);

	link->address_next++;
	link->state = LINK_CONNECTING;
	link->deadline = now + LINK_TIMEOUT_US;
	link->fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (link->fd < 0)
		fail(link, now, "no socket", errno);
	else if (connect(link->fd, (struct sockaddr *)to, size) == 0)
		connected(link, now);
	else if (errno != EINPROGRESS)
		fail(link, now, "cannot connect", errno);
}

static void begin(struct engine_link *link, uint64_t now)
{
	const struct engine_url *url = link->url;

	memset(link->addresses, 0, sizeof(link->addresses));
	if (url->local) {
		struct sockaddr_un *to = (struct sockaddr_un *)&link->addresses[0];

		to->sun_family = AF_UNIX;
		/* The parser of URLs saw to it that the path fits. */
		memcpy(to->sun_path, url->host, sizeof(to->sun_path) - 1);
		link->address_count = 1;
	} else if (resolver_address(url->host, url->port, &link->addresses[0]) > 0) {
		link->address_count = 1;
	} else {
		link->resolver = resolver_start(url->host, url->port, link->on_thread);
		link->state = LINK_RESOLVING;
		link->deadline = now + RESOLVE_US;
		if (!link->resolver)
			fail(link, now, "cannot resolve the name", errno);
		return;
	}
	begin_connect(link, now);
}

static void look_at_resolver(struct engine_link *link, uint64_t now)
{
	char why[96];
	int ret = resolver_result(link->resolver, link->addresses, why, sizeof(why));

	if (ret == 0 && now >= link->deadline) {
		fail(link, now, "cannot resolve the name: no answer", 0);
	} else if (ret < 0) {
		fail(link, now, why, 0);
	} else if (ret > 0) {
		link->address_count = (unsigned)ret;
		resolver_drop(link->resolver);
		link->resolver = NULL;
		begin_connect(link, now);
	}
}

/* Bytes read; 0: nothing now; -1: the link is down. */
static ssize_t read_some(struct engine_link *link, uint8_t *to, size_t room, uint64_t now)
{
	ssize_t n;

	if (link->ssl) {
		ERR_clear_error();
		n = SSL_read(link->ssl, to, (int)room);
		if (n > 0)
			return n;
		switch (SSL_get_error(link->ssl, (int)n)) {
		case SSL_ERROR_WANT_READ:
			return 0;
		case SSL_ERROR_WANT_WRITE:
			link->ssl_wants_out = true;
			return 0;
		default:
			fail_tls(link, now, "TLS");
			return -1;
		}
	}
	n = recv(link->fd, to, room, 0);
	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == 0)
		fail(link, now, "the engine closed the connection", 0);
	else
		fail(link, now, "the connection broke", errno);
	return -1;
}

/* Calls the answers of what has been parsed. False: the link is down. */
static bool answer(struct engine_link *link, uint64_t now)
{
	const struct reply *reply;
	struct link_pending pending;
	int ret;

	while (!link->held) {
		ret = engine_reader_next(link->reader, &reply);
		if (ret == 0)
			return true;
		if (ret < 0) {
			fail(link, now, "this is no reply of Redis, or it is too large", 0);
			return false;
		}
		if (link->pending_count == 0) {
			fail(link, now, "the engine answers without a question", 0);
			return false;
		}
		pending = link->pending[link->pending_first];
		link->pending_first = (link->pending_first + 1) % LINK_PENDING_MAX;
		link->pending_count--;
		pending.answer(link->state == LINK_HELLO ? link : link->events.ctx, pending.arg,
			reply, now);
		if (link->failing) {
			go_down(link, now);
			return false;
		}
	}
	return true;
}

static bool receive(struct engine_link *link, uint64_t now)
{
	uint8_t chunk[READ_CHUNK];

	for (unsigned i = 0; i < READ_ROUNDS && !link->held; i++) {
		ssize_t n = read_some(link, chunk, sizeof(chunk), now);

		if (n <= 0)
			return n == 0;
		link->bytes_in += (uint64_t)n;
		if (engine_reader_feed(link->reader, chunk, (size_t)n) < 0) {
			fail(link, now, "a reply is too large", 0);
			return false;
		}
		if (!answer(link, now))
			return false;
	}
	return true;
}

static bool transmit(struct engine_link *link, uint64_t now)
{
	while (link->out_at < link->out_end) {
		size_t waiting = link->out_end - link->out_at;
		ssize_t n;

		if (link->ssl) {
			ERR_clear_error();
			n = SSL_write(link->ssl, link->out + link->out_at, (int)waiting);
			if (n <= 0) {
				int why = SSL_get_error(link->ssl, (int)n);

				if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
					return true;
				fail_tls(link, now, "TLS");
				return false;
			}
		} else {
			n = send(link->fd, link->out + link->out_at, waiting, MSG_NOSIGNAL);
			if (n < 0) {
				if (errno == EAGAIN || errno == EINTR)
					return true;
				fail(link, now, "the connection broke", errno);
				return false;
			}
		}
		link->out_at += (size_t)n;
		link->bytes_out += (uint64_t)n;
	}
	link->out_at = link->out_end = 0;
	return true;
}

void link_hold(struct engine_link *link)
{
	link->held = true;
}

void link_release(struct engine_link *link)
{
	link->held = false;
}

static void handshake(struct engine_link *link, uint64_t now)
{
	int ret;

	ERR_clear_error();
	ret = SSL_do_handshake(link->ssl);
	link->ssl_wants_out = false;
	if (ret == 1) {
		say_hello(link, now);
		return;
	}
	switch (SSL_get_error(link->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		break;
	case SSL_ERROR_WANT_WRITE:
		link->ssl_wants_out = true;
		break;
	default:
		fail_tls(link, now, "cannot begin TLS");
	}
}

static void finish_connect(struct engine_link *link, uint64_t now)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error)
		fail(link, now, "cannot connect", error);
	else
		connected(link, now);
}

/* Bytes that TLS has read already, which poll does not report. */
static bool buffered(const struct engine_link *link)
{
	return link->ssl && !link->held && SSL_pending(link->ssl) > 0;
}

static void converse(struct engine_link *link, short revents, uint64_t now)
{
	link->ssl_wants_out = false;
	/* What the parser has of before link_release comes first. */
	if (!answer(link, now))
		return;
	if ((revents || buffered(link)) && !receive(link, now))
		return;
	if (!transmit(link, now))
		return;
	if (link->failing) {
		go_down(link, now);
	} else if (!link->held && link->pending_count > 0 &&
		   now >= link->pending[link->pending_first].deadline) {
		fail(link, now, "the engine does not answer", 0);
	}
}

void link_run(struct engine_link *link, short revents, uint64_t now)
{
	if (link->state == LINK_DOWN && now >= link->deadline)
		begin(link, now);
	if (link->state == LINK_RESOLVING)
		look_at_resolver(link, now);
	if (link->state == LINK_CONNECTING && revents)
		finish_connect(link, now);
	if (link->state == LINK_TLS)
		handshake(link, now);
	if (link->state == LINK_HELLO || link->state == LINK_UP)
		converse(link, revents, now);
	if ((link->state == LINK_CONNECTING || link->state == LINK_TLS ||
		    link->state == LINK_HELLO) &&
		now >= link->deadline)
		fail(link, now,
			link->state == LINK_CONNECTING ? "no connection within 2 s"
						       : "the engine does not answer",
			0);
}

short link_poll(const struct engine_link *link, int *fd)
{
	short events = 0;

	*fd = link->fd;
	if (link->fd < 0)
		return 0;
	if (link->state == LINK_CONNECTING)
		return POLLOUT;
	if (!link->held)
		events |= POLLIN;
	if (link->out_at < link->out_end || link->ssl_wants_out)
		events |= POLLOUT;
	if (events == 0)
		*fd = -1;
	return events;
}

uint64_t link_deadline(const struct engine_link *link)
{
	if (link->state != LINK_UP)
		return link->deadline;
	if (link->failing || buffered(link))
		return 0;
	return link->pending_count == 0 || link->held ? NEVER
						      : link->pending[link->pending_first].deadline;
}
