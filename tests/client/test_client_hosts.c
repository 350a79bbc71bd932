/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Sessions that must not be resumed, though a cache has them: of another host of the same port. And
 * those of clients with certificates, up to the longest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/client/node.h"

static int on_servername(SSL *ssl, int *alert, void *arg)
{
	(void)ssl, (void)alert, (void)arg;
	return SSL_TLSEXT_ERR_OK;
}

/* What one host of a port gave is not resumed for another, nor without a name: the other may demand
 * a client's certificate. The names of hosts have no case. A host that knows no names is one too.
 */
static void never_across_hosts(void **state)
{
	static const struct {
		const char *made, *offered;
		bool resumed;
	} cases[] = {
		{"a.example", "a.example", true},
		{"a.example", "A.Example", true},
		{"a.example", "b.example", false},
		{"a.example", "a.example.org", false},
		{"a.example", NULL, false},
		{NULL, "a.example", false},
		{NULL, NULL, true},
	};
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct sessiond_options options = {0};

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		int version = versions[i % 2], seal = i / 2 % 2, knows_names = i / 4;
		SSL_CTX *client = tls_client(version);
		struct node a, b;

		node_make(&a, version, seal, options);
		node_make(&b, version, seal, options);
		if (knows_names) {
			SSL_CTX_set_tlsext_servername_callback(a.ctx, on_servername);
			SSL_CTX_set_tlsext_servername_callback(b.ctx, on_servername);
		}
		for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
			struct tls_visit visit = {
				.client = client, .server = a.ctx, .sni = cases[c].made};
			SSL_SESSION *session;

			tls_visit(&visit);
			assert_true(visit.ok);
			session = visit.offer = visit.made;
			visit.server = b.ctx;
			visit.sni = cases[c].offered;
			tls_visit(&visit);
			print_message("version %x, sealed %d, names %d: %s at %s: %d\n", version,
				seal, knows_names, cases[c].made, cases[c].offered, visit.resumed);
			assert_true(visit.ok);
			assert_int_equal(visit.resumed, cases[c].resumed);
			/* A session that was resumed gives others, with the same host. */
			if (visit.resumed && version == TLS1_3_VERSION) {
				SSL_SESSION_free(session);
				session = visit.offer = visit.made;
				visit.sni = "c.example";
				tls_visit(&visit);
				assert_true(visit.ok);
				assert_false(visit.resumed);
			}
			SSL_SESSION_free(visit.made);
			SSL_SESSION_free(session);
		}
		assert_int_equal(node_stats(&b).timeouts, 0);
		SSL_CTX_free(a.ctx);
		SSL_CTX_free(b.ctx);
		SSL_CTX_free(client);
	}
}

static SSL_SESSION *kept;

static SSL_SESSION *give_kept(SSL *ssl, const unsigned char *id, int len, int *copy)
{
	(void)ssl, (void)id, (void)len;
	*copy = 1;
	return kept;
}

/* Nor if another cache of the server has it. */
static void never_across_hosts_from_another_cache(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct sessiond_options options = {0};

	(void)state;
	for (int i = 0; i < 2; i++) {
		SSL_CTX *client = tls_client(versions[i]);
		struct tls_visit visit = {.client = client, .sni = "a.example"};
		SSL_SESSION *session;
		struct node a;

		node_open(&a, versions[i], true, options);
		SSL_CTX_set_tlsext_servername_callback(a.ctx, on_servername);
		SSL_CTX_sess_set_get_cb(a.ctx, give_kept);
		node_attach(&a);
		kept = NULL;
		visit.server = a.ctx;
		tls_visit(&visit);
		session = visit.offer = visit.made;
		/* The server's own: its secrets are the client's. */
		kept = SSL_SESSION_dup(session);
		SSL_SESSION_set1_id_context(kept, (const uint8_t *)"test", 4);
		if (versions[i] == TLS1_2_VERSION) {
			tls_visit(&visit);
			assert_true(visit.resumed);
			assert_int_equal(node_stats(&a).hits, 0);
			SSL_SESSION_free(visit.made);
		}
		visit.sni = "b.example";
		tls_visit(&visit);
		assert_true(visit.ok);
		assert_false(visit.resumed);
		SSL_SESSION_free(visit.made);
		SSL_SESSION_free(session);
		SSL_SESSION_free(kept);
		SSL_CTX_free(a.ctx);
		SSL_CTX_free(client);
	}
	kept = NULL;
}

/* A client's certificate is in the session. Up to the limit it is found again; past it the session
 * is not stored, which is counted and told once. */
static void with_client_certificates(int version)
{
	struct sessiond_options options = {.value_max = SESSIOND_VALUE_LIMIT};
	size_t longest = 0;
	unsigned resumed = 0;
	struct node a, b;

	node_make(&a, version, true, options);
	node_make(&b, version, true, options);
	tls_server_asks(a.ctx);
	tls_server_asks(b.ctx);
	/* Larger steps at first, then each byte. */
	for (size_t padding = 1; node_stats(&a).puts_too_long == 0;
		padding += longest + 200 < SESSIOND_VALUE_LIMIT ? 150 : 1) {
		SSL_CTX *client = tls_client(version);
		struct tls_visit visit = {.client = client, .server = a.ctx};
		unsigned puts = (unsigned)node_stats(&a).puts;
		SSL_SESSION *session;

		tls_client_certificate(client, padding);
		fake_forget(&node_fake);
		tls_visit(&visit);
		assert_true(visit.ok && visit.certified);
		session = visit.offer = visit.made;
		visit.server = b.ctx;
		tls_visit(&visit);
		assert_true(visit.ok && visit.certified);
		/* Of two sessions of a handshake one may be a byte longer. */
		if (node_stats(&a).puts_too_long == 0 || node_stats(&a).puts == puts)
			assert_int_equal(visit.resumed, node_stats(&a).puts_too_long == 0);
		resumed += visit.resumed;
		pthread_mutex_lock(&node_fake.lock);
		for (unsigned i = 0; visit.resumed && i < node_fake.count; i++)
			if (node_fake.sessions[i].len > longest)
				longest = node_fake.sessions[i].len;
		pthread_mutex_unlock(&node_fake.lock);
		SSL_SESSION_free(visit.made);
		SSL_SESSION_free(session);
		SSL_CTX_free(client);
	}
	print_message("version %x: %u resumed, the longest value had %zu bytes\n", version, resumed,
		longest);
	assert_true(longest <= SESSIOND_VALUE_LIMIT && longest + 8 > SESSIOND_VALUE_LIMIT);
	/* By A, and by B if it gave such a session as well. */
	assert_true(node_warnings >= 1 && node_warnings <= 2);
	SSL_CTX_free(a.ctx);
	SSL_CTX_free(b.ctx);
}

static void client_certificates_2(void **state)
{
	(void)state;
	with_client_certificates(TLS1_2_VERSION);
}

static void client_certificates_3(void **state)
{
	(void)state;
	with_client_certificates(TLS1_3_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, node_set_up, node_tear_down)
		T(never_across_hosts),
		T(never_across_hosts_from_another_cache),
		T(client_certificates_2),
		T(client_certificates_3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
