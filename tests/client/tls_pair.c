/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/client/tls_pair.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include <sessiond/client.h>

#define STEPS_MAX 20

static EVP_PKEY *key;
static X509 *certificate;

static X509 *signed_certificate(size_t padding)
{
	ASN1_OCTET_STRING *comment;
	X509 *made = X509_new();
	X509_NAME *name;
	X509_EXTENSION *extension;
	uint8_t *bytes = calloc(1, padding + 1);

	if (!key)
		key = EVP_EC_gen("P-256");
	assert_non_null(key);
	assert_non_null(made);
	name = X509_get_subject_name(made);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"test", -1, -1, 0);
	X509_set_issuer_name(made, name);
	X509_gmtime_adj(X509_getm_notBefore(made), -60);
	X509_gmtime_adj(X509_getm_notAfter(made), 3600);
	X509_set_pubkey(made, key);
	if (padding) {
		/* Nobody looks into it. */
		comment = ASN1_OCTET_STRING_new();
		assert_int_equal(ASN1_OCTET_STRING_set(comment, bytes, (int)padding), 1);
		extension =
			X509_EXTENSION_create_by_NID(NULL, NID_subject_key_identifier, 0, comment);
		assert_int_equal(X509_add_ext(made, extension, -1), 1);
		X509_EXTENSION_free(extension);
		ASN1_OCTET_STRING_free(comment);
	}
	free(bytes);
	assert_true(X509_sign(made, key, EVP_sha256()) > 0);
	return made;
}

static int any_certificate(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

void tls_server_asks(SSL_CTX *ctx)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, any_certificate);
}

void tls_client_certificate(SSL_CTX *ctx, size_t padding)
{
	X509 *padded = signed_certificate(padding);

	assert_int_equal(SSL_CTX_use_certificate(ctx, padded), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	X509_free(padded);
}

SSL_CTX *tls_server(int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (!certificate)
		certificate = signed_certificate(0);
	assert_non_null(ctx);
	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	assert_int_equal(SSL_CTX_use_certificate(ctx, certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_id_context(ctx, (const uint8_t *)"test", 4);
	return ctx;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_visit *visit = SSL_get_app_data(ssl);

	SSL_SESSION_free(visit->made);
	visit->made = session;
	return 1;
}

SSL_CTX *tls_client(int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	assert_non_null(ctx);
	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_session_cache_mode(
		ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	return ctx;
}

static bool goes_on(SSL *ssl, int ret)
{
	int error = SSL_get_error(ssl, ret);

	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static bool serve(SSL *server, bool *early)
{
	char data[64];
	size_t len = 0;
	int ret;

	/* Early data is read before the handshake goes on. */
	while (*early) {
		ret = SSL_read_early_data(server, data, sizeof(data), &len);
		if (ret == SSL_READ_EARLY_DATA_ERROR)
			return goes_on(server, ret);
		if (ret == SSL_READ_EARLY_DATA_FINISH)
			*early = false;
	}
	ret = SSL_accept(server);
	return ret == 1 || goes_on(server, ret);
}

void tls_visit(struct tls_visit *visit)
{
	SSL *client = SSL_new(visit->client), *server = SSL_new(visit->server);
	BIO *to_server, *to_client;
	SSL_SESSION *copy;
	bool good = true, early = visit->early != NULL;
	char byte;
	size_t written;

	visit->made = NULL;
	visit->ok = visit->resumed = visit->early_accepted = visit->certified = false;
	assert_int_equal(BIO_new_bio_pair(&to_server, 65536, &to_client, 65536), 1);
	SSL_set_bio(client, to_server, to_server);
	SSL_set_bio(server, to_client, to_client);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	SSL_set_app_data(client, visit);
	if (visit->sni)
		SSL_set_tlsext_host_name(client, visit->sni);
	if (visit->offer) {
		/* OpenSSL's client offers a TLS 1.3 session once. */
		copy = SSL_SESSION_dup(visit->offer);
		assert_int_equal(SSL_set_session(client, copy), 1);
		SSL_SESSION_free(copy);
	}
	if (visit->early)
		SSL_write_early_data(client, visit->early, strlen(visit->early), &written);
	for (int i = 0; i < STEPS_MAX && good && !(visit->abort && i == 1); i++) {
		int ret = SSL_connect(client);

		good = (ret == 1 || goes_on(client, ret)) && serve(server, &early);
		if (ret == 1 && SSL_is_init_finished(server))
			break;
	}
	if (good && SSL_is_init_finished(client) && SSL_is_init_finished(server)) {
		/* TLS 1.3 tickets come with the first data. */
		visit->ok = SSL_write(server, "x", 1) == 1 && SSL_read(client, &byte, 1) == 1;
		visit->resumed = SSL_session_reused(client) && SSL_session_reused(server);
		visit->early_accepted =
			SSL_get_early_data_status(server) == SSL_EARLY_DATA_ACCEPTED;
		visit->certified = SSL_get0_peer_certificate(server) != NULL;
		SSL_shutdown(client);
		SSL_shutdown(server);
		SSL_shutdown(client);
	}
	visit->result = sessiond_ssl_result(server, NULL);
	SSL_free(client);
	SSL_free(server);
	if (!visit->ok && !visit->abort)
		ERR_print_errors_fp(stderr);
	ERR_clear_error();
}
