/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A client's options, life and counters.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "client/async.h"
#include "client/client_private.h"
#include "client/page.h"
#include "client/placement.h"
#include "client/threads.h"
#include "common/locked_memory.h"
#include "common/log.h"
#include "common/text.h"

#define DEADLINE_US	5000
#define DEADLINE_US_MIN 100
#define DEADLINE_US_MAX 1000000
#define VALUE_MIN	36 /* the shortest sealed value that says something */
#define LIFETIME_S	86400
#define LIFETIME_S_MAX	604800 /* RFC 8446 4.6.1 */

/* Of the first version. */
#define OPTIONS_SIZE_MIN offsetof(struct sessiond_options, counters_folder)

#define FLAGS (SESSIOND_SINGLE_USE | SESSIOND_FORWARD_REMOVE | SESSIOND_NO_TICKETS | SESSIOND_ASYNC)

_Static_assert(SESSIOND_VALUE_LIMIT == SESSD_VALUE_LIMIT, "one limit");
_Static_assert(SESSIOND_ID_MAX == SESSD_KEY_SIZE, "an id fits a key");

void client_log(
	const sessiond_client *client, enum sessiond_log_level level, const char *format, ...)
{
	char text[256];
	va_list args;

	if (!client->log)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	client->log(client->log_ctx, level, text);
}

static int number_option(const char *name, unsigned value, unsigned fallback, unsigned min,
	unsigned max, unsigned *out)
{
	*out = value ? value : fallback;
	if (*out < min || *out > max)
		return error_set(EINVAL, "%s %u: expected %u to %u", name, value, min, max);
	return 0;
}

static int add_cache(sessiond_client *client, const char *text)
{
	struct client_cache *cache = &client->caches[client->cache_count];
	char quoted[TEXT_QUOTE];

	text_quote(text, quoted);
	if (client->cache_count == SESSIOND_CACHES_MAX)
		return error_set(EINVAL, "caches: %s is one too many: at most %d", quoted,
			SESSIOND_CACHES_MAX);
	if (endpoint_parse(text, SESSD_PORT, &cache->endpoint) < 0 || cache->endpoint.any ||
		cache->endpoint.port == 0 || address_is_wildcard(&cache->endpoint.addr) ||
		address_is_group(&cache->endpoint.addr))
		return error_set(EINVAL,
			"caches: %s: expected ADDR, ADDR:PORT, [V6] or [V6]:PORT, one host's "
			"address and no name",
			quoted);
	client->placement[client->cache_count] = placement_cache(&cache->endpoint);
	endpoint_format(&cache->endpoint, cache->text);
	for (unsigned i = 0; i < client->cache_count; i++)
		if (client->placement[i] == client->placement[client->cache_count])
			return error_set(EINVAL, "caches: %s is there twice: leave one", quoted);
	client->cache_count++;
	return 0;
}

static int add_caches(sessiond_client *client, const char *list)
{
	static const char between[] = ", \t\n";
	char text[ADDRESS_TEXT];
	int ret;

	for (const char *at = list ? list : ""; *(at += strspn(at, between));) {
		size_t len = strcspn(at, between);

		snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text)),
			at);
		ret = add_cache(client, text);
		if (ret < 0)
			return ret;
		at += len;
	}
	if (client->cache_count == 0)
		return error_set(EINVAL, "caches: expected at least one, as 10.0.0.1:54321");
	return 0;
}

static int set_numbers(sessiond_client *client, const struct sessiond_options *options)
{
	unsigned deadline_us, most = client->cache_count > 1 ? 2 : 1;
	int ret;

	ret = number_option("deadline_us", options->deadline_us, DEADLINE_US, DEADLINE_US_MIN,
		DEADLINE_US_MAX, &deadline_us);
	if (ret == 0)
		ret = number_option("copies", options->copies, most, 1, 2, &client->copies);
	if (ret == 0)
		ret = number_option("value_max", options->value_max, SESSD_VALUE_DEFAULT_MAX,
			VALUE_MIN, SESSD_VALUE_LIMIT, &client->value_max);
	if (ret == 0)
		ret = number_option("lifetime_s", options->lifetime_s, LIFETIME_S, 1,
			LIFETIME_S_MAX, &client->lifetime_s);
	if (ret == 0 && options->flags & ~(unsigned)FLAGS)
		ret = error_set(
			EINVAL, "flags %#x: this version knows %#x only", options->flags, FLAGS);
	if (client->copies > most)
		client->copies = most;
	client->deadline_ns = deadline_us * 1000ULL;
	client->flags = options->flags;
	return ret;
}

static int set_scope(sessiond_client *client, const struct sessiond_options *options)
{
	size_t len = options->scope ? strlen(options->scope) : 0;

	if (!options->key_file && options->scope)
		return error_set(
			EINVAL, "scope: it needs a key file: plain sessions have no scope");
	if (!options->key_file)
		return 0;
	if (len < 1 || len > SESSIOND_SCOPE_MAX)
		return error_set(EINVAL,
			"scope: expected 1 to %d bytes: sealed sessions need one, the same on all "
			"servers that share them",
			SESSIOND_SCOPE_MAX);
	client->scope = strdup(options->scope);
	client->key_file = strdup(options->key_file);
	if (!client->scope || !client->key_file)
		return error_set(ENOMEM, "out of memory");
	return 0;
}

static int read_keys(sessiond_client *client)
{
	struct seal_ring ring = {0};
	struct key_file keys;
	int ret;

	if (!client->key_file)
		return 0;
	ret = key_file_read(client->key_file, &keys);
	if (ret < 0)
		return ret;
	ret = seal_ring_make(&ring, &keys, client->scope);
	OPENSSL_cleanse(&keys, sizeof(keys));
	if (ret < 0) {
		ret = error_set(-ret, "OpenSSL has no AES-256-GCM, HKDF or HMAC for sealing");
	} else {
		threads_lock();
		*client->ring = ring;
		atomic_fetch_add(&client->ring_generation, 1);
		threads_unlock();
	}
	OPENSSL_cleanse(&ring, sizeof(ring));
	return ret;
}

static void destroy(sessiond_client *client)
{
	threads_forget(client);
	async_forget(client);
	page_close(client);
	if (client->ring) {
		OPENSSL_cleanse(client->ring, sizeof(*client->ring));
		memory_release(client->ring, sizeof(*client->ring));
	}
	free(client->key_file);
	free(client->scope);
	free(client);
}

static int told(int ret, char *error, size_t error_size)
{
	if (error && error_size > 0)
		snprintf(error, error_size, "%s", ret < 0 ? error_message() : "");
	return ret;
}

static const char *counters_folder(const struct sessiond_options *options)
{
	const char *named = secure_getenv("SESSIOND_CLIENTS");

	if (options->counters_folder)
		return options->counters_folder;
	return named ? named : CLIENT_PAGE_FOLDER;
}

static int make(sessiond_client **out, const struct sessiond_options *options)
{
	sessiond_client *client;
	int ret;

	ret = threads_prepare();
	if (ret < 0)
		return error_set(-ret, "no thread-specific data: %s", strerror(-ret));
	client = calloc(1, sizeof(*client));
	if (!client)
		return error_set(ENOMEM, "out of memory");
	atomic_init(&client->references, 1);
	client->ring = memory_reserve(sizeof(*client->ring), true);
	if (!client->ring) {
		ret = error_set(ENOMEM, "out of memory");
		goto err;
	}
	/* Out of swap space if the host allows it. */
	memory_lock(client->ring, sizeof(*client->ring));
	client->log = options->log;
	client->log_ctx = options->log_ctx;
	ret = add_caches(client, options->caches);
	if (ret == 0)
		ret = set_numbers(client, options);
	if (ret == 0)
		ret = set_scope(client, options);
	if (ret == 0)
		ret = read_keys(client);
	if (ret == 0 && page_open(client, counters_folder(options)) < 0)
		ret = error_set(ENOMEM, "out of memory");
	if (ret < 0)
		goto err;
	*out = client;
	return 0;
err:
	destroy(client);
	return ret;
}

int sessiond_open(sessiond_client **client, const struct sessiond_options *options, char *error,
	size_t error_size)
{
	struct sessiond_options all = {0};

	*client = NULL;
	if (options->size < OPTIONS_SIZE_MIN || options->size > sizeof(all))
		return told(
			error_set(EINVAL, "size: expected %zu, the size of struct sessiond_options",
				sizeof(all)),
			error, error_size);
	/* What an older caller does not know is zero. */
	memcpy(&all, options, options->size);
	return told(make(client, &all), error, error_size);
}

int sessiond_reload_keys(sessiond_client *client, char *error, size_t error_size)
{
	return told(read_keys(client), error, error_size);
}

sessiond_client *client_hold(sessiond_client *client)
{
	atomic_fetch_add(&client->references, 1);
	return client;
}

void sessiond_close(sessiond_client *client)
{
	if (client && atomic_fetch_sub(&client->references, 1) == 1)
		destroy(client);
}

void sessiond_read_stats(const sessiond_client *client, struct sessiond_stats *stats, size_t size)
{
	struct sessiond_stats all = {0};

#define X(name, help) \
	all.name = atomic_load_explicit( \
		&client->page->counters[CLIENT_##name], memory_order_relaxed);
	SESSIOND_CLIENT_COUNTERS(X)
#undef X
	for (unsigned i = 0; i < client->cache_count; i++)
		all.unavailable += breaker_is_open(client_breaker(client, i));
	if (size > sizeof(all)) {
		memset((char *)stats + sizeof(all), 0, size - sizeof(all));
		size = sizeof(all);
	}
	memcpy(stats, &all, size);
}

const char *sessiond_result_name(enum sessiond_result result)
{
	static const char *const names[] = {"hit", "miss", "timeout", "off", "again"};

	return (unsigned)result < sizeof(names) / sizeof(names[0]) ? names[result] : "unknown";
}

const char *sessiond_version(void)
{
	return SESSIOND_VERSION;
}
