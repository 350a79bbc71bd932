/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * echo PORT CERTIFICATE CACHES [KEY-FILE]: a TLS server that shares its sessions.
 * Build: cc echo.c $(pkg-config --cflags --libs sessiond openssl) -o echo */
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sessiond/client.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct sessiond_options options = {.size = sizeof(options), .flags = SESSIOND_NO_TICKETS};
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char error[SESSIOND_ERROR_SIZE], data[4096];
	sessiond_client *client;
	BIO *port, *stream;
	int len;

	if (argc < 4 || SSL_CTX_use_certificate_chain_file(ctx, argv[2]) != 1 ||
		SSL_CTX_use_PrivateKey_file(ctx, argv[2], SSL_FILETYPE_PEM) != 1)
		return 2;
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"echo", 4);
	options.caches = argv[3];
	options.key_file = argv[4];
	options.scope = argv[4] ? "echo" : NULL;
	if (sessiond_open(&client, &options, error, sizeof(error)) < 0)
		return fprintf(stderr, "%s\n", error), 1;
	sessiond_attach(client, ctx);
	port = BIO_new_accept(argv[1]);
	BIO_set_bind_mode(port, BIO_BIND_REUSEADDR);
	BIO_set_accept_bios(port, BIO_new_ssl(ctx, 0));
	while (BIO_do_accept(port) == 1) {
		stream = BIO_pop(port);
		while (stream && (len = BIO_read(stream, data, sizeof(data))) > 0)
			BIO_write(stream, data, len);
		BIO_free_all(stream);
	}
	return 1;
}
