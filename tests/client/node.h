/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A server of the tests whose context is attached, and the cache of all of them: a fake one, or
 * the one that node_cache names.
 */
#ifndef TESTS_CLIENT_NODE_H
#define TESTS_CLIENT_NODE_H

#include <stdbool.h>

#include <sessiond/client.h>

#include "tests/client/fake_cache.h"
#include "tests/client/key_files.h"
#include "tests/client/tls_pair.h"

extern struct fake_cache node_fake;
extern struct key_folder node_keys;
extern const char *node_cache; /* NULL: the fake one */
extern unsigned node_warnings; /* lines that the nodes' clients told */

struct node {
	sessiond_client *client;
	SSL_CTX *ctx;
};

/* A context that is not attached yet. `seal`: by the key of node_keys, in the scope www. */
void node_open(struct node *node, int version, bool seal, struct sessiond_options options);
void node_attach(struct node *node);
/* Both. The caller frees the context, and with it the client. */
void node_make(struct node *node, int version, bool seal, struct sessiond_options options);
struct sessiond_stats node_stats(const struct node *node);
/* A visit, which must be resumed if it offers something. The caller frees the session. */
SSL_SESSION *node_give(struct node *node, SSL_CTX *client, SSL_SESSION *offer);

int node_set_up(void **state);
int node_tear_down(void **state);

#endif
