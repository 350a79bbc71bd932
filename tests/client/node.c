/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/client/node.h"

#include <errno.h>

struct fake_cache node_fake;
struct key_folder node_keys;
const char *node_cache;
unsigned node_warnings;

static void on_log(void *ctx, enum sessiond_log_level level, const char *text)
{
	(void)ctx, (void)level;
	print_message("log: %s\n", text);
	node_warnings++;
}

void node_open(struct node *node, int version, bool seal, struct sessiond_options options)
{
	char error[SESSIOND_ERROR_SIZE];

	options.size = sizeof(options);
	options.caches = node_cache ? node_cache : node_fake.text;
	options.log = on_log;
	/* Where it must succeed, on a busy machine. */
	if (!options.deadline_us)
		options.deadline_us = 1000000;
	if (seal) {
		options.key_file = node_keys.path;
		options.scope = "www";
	}
	if (sessiond_open(&node->client, &options, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	node->ctx = tls_server(version);
}

void node_attach(struct node *node)
{
	assert_int_equal(sessiond_attach(node->client, node->ctx), 0);
	assert_int_equal(sessiond_attach(node->client, node->ctx), -EALREADY);
	/* The context holds it. */
	sessiond_close(node->client);
}

void node_make(struct node *node, int version, bool seal, struct sessiond_options options)
{
	node_open(node, version, seal, options);
	node_attach(node);
}

struct sessiond_stats node_stats(const struct node *node)
{
	struct sessiond_stats stats;

	sessiond_read_stats(node->client, &stats, sizeof(stats));
	return stats;
}

SSL_SESSION *node_give(struct node *node, SSL_CTX *client, SSL_SESSION *offer)
{
	struct tls_visit visit = {.client = client, .server = node->ctx, .offer = offer};

	tls_visit(&visit);
	assert_true(visit.ok);
	assert_int_equal(visit.resumed, offer != NULL);
	assert_non_null(visit.made ? visit.made : offer);
	return visit.made;
}

int node_set_up(void **state)
{
	(void)state;
	fake_open(&node_fake);
	key_folder_make(&node_keys);
	key_folder_write(&node_keys, "1:" KEY_A "\n", 0600);
	node_warnings = 0;
	return 0;
}

int node_tear_down(void **state)
{
	(void)state;
	fake_close(&node_fake);
	key_folder_remove(&node_keys);
	return 0;
}
