/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * sessiond_attach: two servers, A and B, that share nothing but a cache. With an address as its
 * argument it uses that cache, a real daemon, and runs only what that can do; a second
 * argument says that the daemon knows TAKE.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/client/node.h"

#include <errno.h>
#include <stdbool.h>

#include <openssl/err.h>

#include <sessiond/client.h>

static bool real_takes;

static void resume_many(int version, bool seal, unsigned flags, int count)
{
	struct sessiond_options options = {.flags = flags};
	SSL_CTX *client = tls_client(version);
	struct node a, b;

	print_message("TLS %s, %s, %s\n", version == TLS1_3_VERSION ? "1.3" : "1.2",
		seal ? "sealed" : "plain", flags ? "used once" : "used again");
	node_make(&a, version, seal, options);
	node_make(&b, version, seal, options);
	for (int i = 0; i < count; i++) {
		SSL_SESSION *session = node_give(&a, client, NULL), *next;

		/* A NEW has no reply. The real daemon stores it at its leisure. */
		for (int wait = 0; node_cache && wait < 1000; wait++) {
			struct sessiond_stats stats = node_stats(&b);
			struct tls_visit visit = {
				.client = client, .server = b.ctx, .offer = session};

			tls_visit(&visit);
			assert_true(visit.ok);
			next = visit.made;
			if (visit.resumed)
				break;
			SSL_SESSION_free(next);
			assert_int_equal(node_stats(&b).misses, stats.misses + 1);
			usleep(1000);
			next = NULL;
			assert_true(wait < 999);
		}
		if (!node_cache)
			next = node_give(&b, client, session);
		/* TLS 1.3 has made another, TLS 1.2 goes on with the same. */
		assert_true(version == TLS1_3_VERSION ? next != NULL : next == NULL || node_cache);
		SSL_SESSION_free(next);
		SSL_SESSION_free(session);
	}
	assert_true(node_stats(&b).hits == (uint64_t)count);
	assert_int_equal(node_stats(&b).undecodable + node_stats(&b).unopened, 0);
	SSL_CTX_free(a.ctx);
	SSL_CTX_free(b.ctx);
	SSL_CTX_free(client);
}

static void made_at_a_resumed_at_b(void **state)
{
	int count = node_cache ? 1000 : 20;

	(void)state;
	for (int seal = 0; seal < 2; seal++) {
		resume_many(TLS1_2_VERSION, seal, 0, count);
		resume_many(TLS1_3_VERSION, seal, 0, count);
		if (!node_cache || real_takes)
			resume_many(TLS1_3_VERSION, seal, SESSIOND_SINGLE_USE, count);
	}
	/* No context that was freed, and no connection, removed anything. */
	assert_int_equal(node_fake.removes, 0);
}

static void single_use_is_once(void **state)
{
	struct sessiond_options options = {.flags = SESSIOND_SINGLE_USE};
	SSL_CTX *client = tls_client(TLS1_3_VERSION);
	struct node a, b;
	unsigned all = 0;

	(void)state;
	node_make(&a, TLS1_3_VERSION, true, options);
	node_make(&b, TLS1_3_VERSION, true, options);
	for (int i = 0; i < 20; i++) {
		SSL_SESSION *session = node_give(&a, client, NULL);
		unsigned resumed = 0;

		for (int again = 0; again < 4; again++) {
			struct tls_visit visit = {.client = client,
				.server = again % 2 ? a.ctx : b.ctx,
				.offer = session};

			if (node_cache)
				usleep(1000); /* until it is stored */
			tls_visit(&visit);
			assert_true(visit.ok);
			resumed += visit.resumed;
			SSL_SESSION_free(visit.made);
		}
		/* A daemon on a busy machine may not have stored it yet. */
		assert_true(resumed == 1 || (node_cache && resumed == 0));
		all += resumed;
		SSL_SESSION_free(session);
	}
	assert_true(all >= 10);
	if (!node_cache)
		assert_int_equal(node_fake.gets, 2); /* of the status, by each client */
	SSL_CTX_free(a.ctx);
	SSL_CTX_free(b.ctx);
	SSL_CTX_free(client);
}

/* One ticket with early data to two nodes: never accepted by both. */
static void early_data_is_accepted_once(void **state)
{
	struct sessiond_options options = {.flags = SESSIOND_SINGLE_USE};
	SSL_CTX *client = tls_client(TLS1_3_VERSION);
	struct node a, b;
	unsigned all = 0;

	(void)state;
	node_open(&a, TLS1_3_VERSION, true, options);
	node_open(&b, TLS1_3_VERSION, true, options);
	SSL_CTX_set_max_early_data(a.ctx, 16384);
	SSL_CTX_set_max_early_data(b.ctx, 16384);
	node_attach(&a);
	node_attach(&b);
	for (int i = 0; i < (node_cache ? 250 : 20); i++) {
		SSL_SESSION *session = node_give(&a, client, NULL);
		unsigned accepted = 0;

		assert_true(SSL_SESSION_get_max_early_data(session) > 0);
		for (int again = 0; again < 4; again++) {
			struct tls_visit visit = {.client = client,
				.server = again % 2 ? a.ctx : b.ctx,
				.early = "GET / HTTP/1.0\r\n",
				.offer = session};

			if (node_cache)
				usleep(1000); /* until it is stored */
			tls_visit(&visit);
			assert_true(visit.ok);
			accepted += visit.early_accepted;
			SSL_SESSION_free(visit.made);
		}
		/* A daemon on a busy machine may not have stored it yet. */
		assert_true(accepted == 1 || (node_cache && accepted == 0));
		all += accepted;
		SSL_SESSION_free(session);
	}
	assert_true(all >= 10);
	/* With tickets on, a session may come out of a ticket: no early data. */
	SSL_CTX_clear_options(a.ctx, SSL_OP_NO_TICKET);
	for (int i = 0; i < 5; i++) {
		SSL_SESSION *session = node_give(&a, client, NULL);
		struct tls_visit visit = {.client = client,
			.server = a.ctx,
			.early = "GET / HTTP/1.0\r\n",
			.offer = session};

		tls_visit(&visit);
		assert_true(visit.ok);
		assert_false(visit.early_accepted);
		SSL_SESSION_free(visit.made);
		SSL_SESSION_free(session);
	}
	SSL_CTX_free(a.ctx);
	SSL_CTX_free(b.ctx);
	SSL_CTX_free(client);
}

static void without_single_use_there_is_no_early_data(void **state)
{
	SSL_CTX *client = tls_client(TLS1_3_VERSION);
	struct sessiond_options options = {0};
	SSL_SESSION *session;
	struct node a;

	(void)state;
	node_open(&a, TLS1_3_VERSION, true, options);
	SSL_CTX_set_max_early_data(a.ctx, 16384);
	node_attach(&a);
	assert_int_equal(SSL_CTX_get_max_early_data(a.ctx), 0);
	assert_int_equal(node_warnings, 1);
	/* Set again behind our back: such sessions are not stored. */
	SSL_CTX_set_max_early_data(a.ctx, 16384);
	session = node_give(&a, client, NULL);
	assert_true(node_stats(&a).puts_skipped > 0);
	assert_int_equal(node_stats(&a).puts, 0);
	assert_int_equal(node_warnings, 1);
	SSL_SESSION_free(session);
	SSL_CTX_free(a.ctx);
	SSL_CTX_free(client);
}

/* Whatever the cache says, the handshake ends well, resumed or not. */
static void a_cache_that_lies_costs_a_full_handshake(void **state)
{
	static const struct {
		enum fake_mischief mischief;
		bool plain; /* told even where not sealed */
	} cases[] = {{FAKE_FORGED, false}, {FAKE_SWAPPED, true}, {FAKE_TRUNCATED, true},
		{FAKE_REPLAYED, true}, {FAKE_VERSION, true}, {FAKE_KEY, true}, {FAKE_SILENT, true}};
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	(void)state;
	for (size_t i = 0; i < 4 * sizeof(cases) / sizeof(cases[0]); i++) {
		int version = versions[i / 2 % 2], seal = i % 2;
		struct sessiond_options options = {.deadline_us = 20000};
		enum fake_mischief mischief = cases[i / 4].mischief;
		SSL_CTX *client = tls_client(version);
		SSL_SESSION *sessions[2];
		struct tls_visit visit;
		struct node a;

		if (seal || cases[i / 4].plain) {
			atomic_store(&node_fake.mischief, FAKE_HONEST);
			fake_forget(&node_fake);
			node_make(&a, version, seal, options);
			sessions[0] = node_give(&a, client, NULL);
			sessions[1] = node_give(&a, client, NULL);
			fake_wait_news(&node_fake, 1);
			atomic_store(&node_fake.mischief, mischief);
			visit = (struct tls_visit){
				.client = client, .server = a.ctx, .offer = sessions[0]};
			tls_visit(&visit);
			print_message("mischief %d, version %x, sealed %d: %d\n", mischief, version,
				seal, visit.result);
			assert_true(visit.ok);
			assert_false(visit.resumed);
			assert_true(
				visit.result == SESSIOND_MISS || visit.result == SESSIOND_TIMEOUT);
			SSL_SESSION_free(visit.made);
			SSL_SESSION_free(sessions[0]);
			SSL_SESSION_free(sessions[1]);
			SSL_CTX_free(a.ctx);
		}
		SSL_CTX_free(client);
	}
}

static unsigned new_before, get_before, remove_before, info_before;

/* As HAProxy: it takes the id out for its own copy. */
static int count_new(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	new_before++;
	SSL_SESSION_set1_id(session, (const uint8_t *)"", 0);
	return 0;
}

static SSL_SESSION *count_get(SSL *ssl, const unsigned char *id, int len, int *copy)
{
	(void)ssl, (void)id, (void)len, (void)copy;
	get_before++;
	return NULL;
}

static void count_remove(SSL_CTX *ctx, SSL_SESSION *session)
{
	(void)ctx, (void)session;
	remove_before++;
}

static void count_info(const SSL *ssl, int where, int ret)
{
	(void)ssl, (void)ret;
	info_before += where == SSL_CB_HANDSHAKE_DONE;
}

static void callbacks_that_were_there_go_on(void **state)
{
	SSL_CTX *client = tls_client(TLS1_2_VERSION);
	struct sessiond_options options = {0};
	SSL_SESSION *session;
	struct node a;

	(void)state;
	new_before = get_before = remove_before = info_before = 0;
	node_open(&a, TLS1_2_VERSION, true, options);
	SSL_CTX_sess_set_new_cb(a.ctx, count_new);
	SSL_CTX_sess_set_get_cb(a.ctx, count_get);
	SSL_CTX_sess_set_remove_cb(a.ctx, count_remove);
	SSL_CTX_set_info_callback(a.ctx, count_info);
	node_attach(&a);
	session = node_give(&a, client, NULL);
	SSL_SESSION_free(node_give(&a, client, session));
	assert_int_equal(new_before, 1);
	assert_int_equal(get_before, 1);
	assert_int_equal(info_before, 2);
	assert_int_equal(node_stats(&a).hits, 1);
	SSL_CTX_remove_session(a.ctx, session);
	assert_int_equal(remove_before, 1);
	assert_int_equal(node_fake.removes, 0);
	SSL_SESSION_free(session);
	SSL_CTX_free(a.ctx);
	SSL_CTX_free(client);
}

static void removes_are_forwarded_only_if_asked(void **state)
{
	struct sessiond_options options = {.flags = SESSIOND_FORWARD_REMOVE};
	SSL_CTX *client = tls_client(TLS1_2_VERSION);
	SSL_SESSION *session;
	struct node a;

	(void)state;
	node_make(&a, TLS1_2_VERSION, true, options);
	session = node_give(&a, client, NULL);
	assert_int_equal(node_stats(&a).puts, 1);
	SSL_CTX_remove_session(a.ctx, session);
	assert_int_equal(node_stats(&a).removes, 1);
	SSL_SESSION_free(session);
	SSL_CTX_free(a.ctx);
	SSL_CTX_free(client);
}

static SSL_CTX *host;

static int on_servername(SSL *ssl, int *alert, void *arg)
{
	(void)alert, (void)arg;
	SSL_set_SSL_CTX(ssl, host);
	return SSL_TLSEXT_ERR_OK;
}

static int on_hello(SSL *ssl, int *alert, void *arg)
{
	(void)alert, (void)arg;
	SSL_set_SSL_CTX(ssl, host);
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* The host's context is not attached, or by another client: the connection remembers the one that
 * it began with. The host's info callback is called, as without the library. */
static void host_of_its_own_context(int version, bool early, bool attached)
{
	SSL_CTX *client = tls_client(version);
	struct sessiond_options options = {0};
	struct tls_visit visit = {.client = client, .sni = "www.example"};
	SSL_SESSION *session;
	struct node a, b;

	node_make(&a, version, true, options);
	node_open(&b, version, true, options);
	host = b.ctx;
	SSL_CTX_set_info_callback(host, count_info);
	if (attached)
		node_attach(&b);
	if (early)
		SSL_CTX_set_client_hello_cb(a.ctx, on_hello, NULL);
	else
		SSL_CTX_set_tlsext_servername_callback(a.ctx, on_servername);
	info_before = 0;
	visit.server = a.ctx;
	tls_visit(&visit);
	assert_true(visit.ok);
	session = visit.offer = visit.made;
	assert_true(node_stats(&a).puts > 0);
	tls_visit(&visit);
	assert_true(visit.resumed);
	assert_int_equal(visit.result, SESSIOND_HIT);
	assert_int_equal(node_stats(&b).puts + node_stats(&b).hits, 0);
	assert_int_equal(info_before, 2);
	SSL_SESSION_free(visit.made);
	SSL_SESSION_free(session);
	SSL_CTX_free(host);
	if (!attached)
		sessiond_close(b.client);
	SSL_CTX_free(a.ctx);
	SSL_CTX_free(client);
}

static void a_host_of_its_own_context(void **state)
{
	(void)state;
	for (int attached = 0; attached < 2; attached++)
		for (int early = 0; early < 2; early++) {
			host_of_its_own_context(TLS1_2_VERSION, early, attached);
			host_of_its_own_context(TLS1_3_VERSION, early, attached);
		}
}

static void tickets_are_told_and_not_stored(void **state)
{
	SSL_CTX *client = tls_client(TLS1_3_VERSION);
	struct sessiond_options options = {0};
	struct node a;

	(void)state;
	node_open(&a, TLS1_3_VERSION, true, options);
	SSL_CTX_clear_options(a.ctx, SSL_OP_NO_TICKET);
	node_attach(&a);
	assert_int_equal(node_warnings, 1);
	SSL_SESSION_free(node_give(&a, client, NULL));
	assert_int_equal(node_stats(&a).puts, 0);
	assert_true(node_stats(&a).puts_skipped > 0);
	SSL_CTX_free(a.ctx);
	/* Switched off, as the flag asks. */
	options.flags = SESSIOND_NO_TICKETS;
	node_open(&a, TLS1_3_VERSION, true, options);
	SSL_CTX_clear_options(a.ctx, SSL_OP_NO_TICKET);
	node_attach(&a);
	SSL_SESSION_free(node_give(&a, client, NULL));
	assert_true(node_stats(&a).puts > 0);
	SSL_CTX_free(a.ctx);
	SSL_CTX_free(client);
}

/* Resumption after resumption, a TLS 1.3 session ends when its first handshake is lifetime_s old.
 */
static void lifetime_counts_from_the_full_handshake(void **state)
{
	struct sessiond_options options = {.lifetime_s = 100};
	SSL_CTX *client = tls_client(TLS1_3_VERSION);
	SSL_SESSION *session, *next;
	struct node a;
	unsigned last;

	(void)state;
	node_make(&a, TLS1_3_VERSION, true, options);
	session = node_give(&a, client, NULL);
	fake_wait_news(&node_fake, 2);
	assert_int_equal(node_fake.sessions[0].timeout, 100);
	for (int i = 0; i < 2; i++) {
		sleep(1);
		last = fake_count(&node_fake);
		next = node_give(&a, client, session);
		SSL_SESSION_free(session);
		session = next;
		fake_wait_news(&node_fake, last + 1);
		assert_in_range(node_fake.sessions[last].timeout, 1, 99 - i);
	}
	SSL_SESSION_free(session);
	SSL_CTX_free(a.ctx);
	SSL_CTX_free(client);
}

static void limits(void **state)
{
	struct sessiond_options options = {.value_max = 100};
	SSL_CTX *client = tls_client(TLS1_2_VERSION), *other = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *session;
	struct node a;

	(void)state;
	node_make(&a, TLS1_2_VERSION, true, options);
	SSL_CTX_set_timeout(a.ctx, 100000);
	session = node_give(&a, client, NULL);
	assert_int_equal(node_stats(&a).puts_too_long, 1);
	assert_int_equal(node_warnings, 1);
	assert_int_equal(sessiond_attach(a.client, other), -EINVAL);
	SSL_SESSION_free(session);
	SSL_CTX_free(other);
	SSL_CTX_free(a.ctx);
	/* More than 65535 s is 65535 s. */
	options.value_max = 0;
	node_make(&a, TLS1_2_VERSION, true, options);
	SSL_CTX_set_timeout(a.ctx, 100000);
	session = node_give(&a, client, NULL);
	fake_wait_news(&node_fake, 1);
	assert_int_equal(node_fake.sessions[0].timeout, 65535);
	SSL_SESSION_free(session);
	SSL_CTX_free(a.ctx);
	SSL_CTX_free(client);
}

static void aborted_handshakes(void **state)
{
	SSL_CTX *client = tls_client(TLS1_3_VERSION);
	struct sessiond_options options = {0};
	struct node a;

	(void)state;
	node_make(&a, TLS1_3_VERSION, true, options);
	for (int i = 0; i < 500; i++) {
		struct tls_visit visit = {.client = client, .server = a.ctx, .abort = true};

		tls_visit(&visit);
		assert_false(visit.ok);
		assert_null(visit.made);
	}
	SSL_SESSION_free(node_give(&a, client, NULL));
	SSL_CTX_free(a.ctx);
	SSL_CTX_free(client);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, node_set_up, node_tear_down)
		T(made_at_a_resumed_at_b),
		T(single_use_is_once),
		T(early_data_is_accepted_once),
		T(without_single_use_there_is_no_early_data),
		T(a_cache_that_lies_costs_a_full_handshake),
		T(callbacks_that_were_there_go_on),
		T(removes_are_forwarded_only_if_asked),
		T(a_host_of_its_own_context),
		T(tickets_are_told_and_not_stored),
		T(lifetime_counts_from_the_full_handshake),
		T(limits),
		T(aborted_handshakes),
	};
	const struct CMUnitTest with_daemon[] = {T(made_at_a_resumed_at_b)};
	const struct CMUnitTest with_takes[] = {
		T(made_at_a_resumed_at_b), T(single_use_is_once), T(early_data_is_accepted_once)};

	node_cache = argc > 1 ? argv[1] : NULL;
	real_takes = argc > 2;
	if (real_takes)
		return cmocka_run_group_tests(with_takes, NULL, NULL);
	if (node_cache)
		return cmocka_run_group_tests(with_daemon, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
