/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * LD_PRELOAD=libsessiond-preload.so: a server that knows nothing of sessiond and uses OpenSSL 3 as
 * a shared library shares its sessions. A context is attached when its first connection accepts: by
 * then the server has set it up, and a context that only connects is never touched.
 *
 * Keys are read when the program starts, before it gives up root or changes its root folder.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "client/preload/settings.h"

static struct settings settings;
static sessiond_client *client;

static void on_log(void *ctx, enum sessiond_log_level level, const char *text)
{
	(void)ctx;
	syslog(LOG_DAEMON | (int)level, "sessiond: %s", text);
}

/* Without a client the server runs as it did: it is not for this to stop it. */
__attribute__((constructor)) static void start(void)
{
	char error[SESSIOND_ERROR_SIZE];
	int ret = settings_read(&settings, error);

	if (ret > 0) {
		if (settings.syslog)
			settings.named.options.log = on_log;
		ret = sessiond_open(&client, &settings.named.options, error, sizeof(error));
	}
	if (ret < 0)
		dprintf(STDERR_FILENO, "sessiond-preload: %s: sessions are not shared\n", error);
}

/* Connections of one context may begin on several threads: one attaches. Later calls find that it
 * is done, which is two reads. */
static void attach(SSL *ssl)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	if (!client)
		return;
	pthread_mutex_lock(&lock);
	sessiond_attach(client, SSL_get_SSL_CTX(ssl));
	pthread_mutex_unlock(&lock);
	/* This connection has the options of before. */
	if (settings.named.options.flags & SESSIOND_NO_TICKETS)
		SSL_set_options(ssl, SSL_OP_NO_TICKET);
}

/* NULL only if the program has no libssl, and then nobody calls. */
static void *original(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

__attribute__((visibility("default"))) void SSL_set_accept_state(SSL *ssl)
{
	static void (*_Atomic next)(SSL *);
	void (*call)(SSL *) = atomic_load_explicit(&next, memory_order_relaxed);

	if (!call) {
		*(void **)&call = original("SSL_set_accept_state");
		atomic_store_explicit(&next, call, memory_order_relaxed);
	}
	attach(ssl);
	call(ssl);
}

__attribute__((visibility("default"))) int SSL_accept(SSL *ssl)
{
	static int (*_Atomic next)(SSL *);
	int (*call)(SSL *) = atomic_load_explicit(&next, memory_order_relaxed);

	if (!call) {
		*(void **)&call = original("SSL_accept");
		atomic_store_explicit(&next, call, memory_order_relaxed);
	}
	attach(ssl);
	return call(ssl);
}
