/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the modules for http and stream share: settings, and a client for each set of them. It is
 * included once by each, because two modules in one nginx must not have a symbol in common.
 */
#ifndef NGX_SESSIOND_SETTINGS_H
#define NGX_SESSIOND_SETTINGS_H

#include <ngx_config.h>
#include <ngx_core.h>

#include <sessiond/client.h>

typedef struct {
	ngx_str_t caches; /* separated by blanks; empty: off; data NULL: not set */
	ngx_str_t key, scope;
	ngx_msec_t deadline;
	ngx_uint_t copies;
	ngx_uint_t value_max;
	time_t lifetime;
	ngx_flag_t single_use;
} sessiond_srv_conf_t;

typedef struct {
	sessiond_srv_conf_t *conf;
	sessiond_client *client;
} sessiond_shared_t;

typedef struct {
	ngx_array_t clients; /* sessiond_shared_t */
} sessiond_main_conf_t;

static char *set_caches(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
	sessiond_srv_conf_t *sscf = conf;
	ngx_str_t *words = cf->args->elts;
	size_t len = 0;
	u_char *at;

	(void)command;
	if (sscf->caches.data)
		return "is duplicate";
	if (cf->args->nelts == 2 && ngx_strcmp(words[1].data, "off") == 0) {
		ngx_str_set(&sscf->caches, "");
		return NGX_CONF_OK;
	}
	for (ngx_uint_t i = 1; i < cf->args->nelts; i++)
		len += words[i].len + 1;
	at = sscf->caches.data = ngx_pnalloc(cf->pool, len);
	if (!at)
		return NGX_CONF_ERROR;
	for (ngx_uint_t i = 1; i < cf->args->nelts; i++) {
		at = ngx_cpymem(at, words[i].data, words[i].len);
		*at++ = i + 1 < cf->args->nelts ? ' ' : '\0';
	}
	sscf->caches.len = len - 1;
	return NGX_CONF_OK;
}

/* The directives. SETTINGS_WHERE and SETTINGS_OFFSET are http's or stream's. */
#define SESSIOND_SETTING(directive, set, member) \
	{ \
		ngx_string(directive), SETTINGS_WHERE | NGX_CONF_TAKE1, set, SETTINGS_OFFSET, \
			offsetof(sessiond_srv_conf_t, member), NULL \
	}
#define SESSIOND_SETTINGS \
	{ngx_string("sessiond"), SETTINGS_WHERE | NGX_CONF_1MORE, set_caches, SETTINGS_OFFSET, 0, \
		NULL}, \
		SESSIOND_SETTING("sessiond_key", ngx_conf_set_str_slot, key), \
		SESSIOND_SETTING("sessiond_scope", ngx_conf_set_str_slot, scope), \
		SESSIOND_SETTING("sessiond_deadline", ngx_conf_set_msec_slot, deadline), \
		SESSIOND_SETTING("sessiond_copies", ngx_conf_set_num_slot, copies), \
		SESSIOND_SETTING("sessiond_max_session", ngx_conf_set_num_slot, value_max), \
		SESSIOND_SETTING("sessiond_lifetime", ngx_conf_set_sec_slot, lifetime), \
		{ngx_string("sessiond_single_use"), SETTINGS_WHERE | NGX_CONF_FLAG, \
			ngx_conf_set_flag_slot, SETTINGS_OFFSET, \
			offsetof(sessiond_srv_conf_t, single_use), NULL}, \
		ngx_null_command

static void *create_main_conf(ngx_conf_t *cf)
{
	sessiond_main_conf_t *smcf = ngx_pcalloc(cf->pool, sizeof(*smcf));

	if (!smcf ||
		ngx_array_init(&smcf->clients, cf->pool, 4, sizeof(sessiond_shared_t)) != NGX_OK)
		return NULL;
	return smcf;
}

static void *create_srv_conf(ngx_conf_t *cf)
{
	sessiond_srv_conf_t *sscf = ngx_pcalloc(cf->pool, sizeof(*sscf));

	if (!sscf)
		return NULL;
	sscf->deadline = NGX_CONF_UNSET_MSEC;
	sscf->copies = NGX_CONF_UNSET_UINT;
	sscf->value_max = NGX_CONF_UNSET_UINT;
	sscf->lifetime = NGX_CONF_UNSET;
	sscf->single_use = NGX_CONF_UNSET;
	return sscf;
}

static char *merge_srv_conf(ngx_conf_t *cf, void *parent, void *child)
{
	sessiond_srv_conf_t *before = parent, *sscf = child;

	(void)cf;
	ngx_conf_merge_str_value(sscf->caches, before->caches, "");
	ngx_conf_merge_str_value(sscf->key, before->key, "");
	ngx_conf_merge_str_value(sscf->scope, before->scope, "");
	/* 0 is the library's default, also where somebody writes it. */
	ngx_conf_merge_msec_value(sscf->deadline, before->deadline, 0);
	ngx_conf_merge_uint_value(sscf->copies, before->copies, 0);
	ngx_conf_merge_uint_value(sscf->value_max, before->value_max, 0);
	ngx_conf_merge_sec_value(sscf->lifetime, before->lifetime, 0);
	ngx_conf_merge_value(sscf->single_use, before->single_use, 0);
	return NGX_CONF_OK;
}

/* Whichever cycle runs: a client lives as long as its connections. */
static void on_log(void *ctx, enum sessiond_log_level level, const char *text)
{
	ngx_uint_t nginx_level = level == SESSIOND_LOG_WARNING ? NGX_LOG_WARN : NGX_LOG_NOTICE;

	(void)ctx;
	ngx_log_error(nginx_level, ngx_cycle->log, 0, "sessiond: %s", text);
}

static void on_pool_freed(void *data)
{
	sessiond_close(data);
}

static ngx_int_t is_same(const sessiond_srv_conf_t *a, const sessiond_srv_conf_t *b)
{
	return ngx_strcmp(a->caches.data, b->caches.data) == 0 && a->key.len == b->key.len &&
	       ngx_strncmp(a->key.data, b->key.data, a->key.len) == 0 &&
	       a->scope.len == b->scope.len &&
	       ngx_strncmp(a->scope.data, b->scope.data, a->scope.len) == 0 &&
	       a->deadline == b->deadline && a->copies == b->copies &&
	       a->value_max == b->value_max && a->lifetime == b->lifetime &&
	       a->single_use == b->single_use;
}

static sessiond_client *open_client(ngx_conf_t *cf, sessiond_srv_conf_t *sscf)
{
	struct sessiond_options options = {
		.size = sizeof(options),
		.caches = (char *)sscf->caches.data,
		.scope = sscf->scope.len ? (char *)sscf->scope.data : NULL,
		.deadline_us = (unsigned)ngx_min(sscf->deadline, 1000000) * 1000,
		.copies = (unsigned)sscf->copies,
		.value_max = (unsigned)sscf->value_max,
		.lifetime_s = (unsigned)sscf->lifetime,
		.flags = sscf->single_use ? SESSIOND_SINGLE_USE : 0,
		.log = on_log,
	};
	char error[SESSIOND_ERROR_SIZE];
	ngx_pool_cleanup_t *cleanup;
	sessiond_client *client;

	/* Relative to the folder of nginx.conf, as certificates are. */
	if (sscf->key.len) {
		if (ngx_conf_full_name(cf->cycle, &sscf->key, 1) != NGX_OK)
			return NULL;
		options.key_file = (char *)sscf->key.data;
	}
	if (sessiond_open(&client, &options, error, sizeof(error)) < 0) {
		ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "sessiond: %s", error);
		return NULL;
	}
	cleanup = ngx_pool_cleanup_add(cf->pool, 0);
	if (!cleanup) {
		sessiond_close(client);
		return NULL;
	}
	cleanup->handler = on_pool_freed;
	cleanup->data = client;
	return client;
}

/* The client of a server with these settings; NULL with a line in the log. */
static sessiond_client *client_for(
	ngx_conf_t *cf, sessiond_main_conf_t *smcf, sessiond_srv_conf_t *sscf)
{
	sessiond_shared_t *shared = smcf->clients.elts;

	for (ngx_uint_t i = 0; i < smcf->clients.nelts; i++)
		if (is_same(shared[i].conf, sscf))
			return shared[i].client;
	shared = ngx_array_push(&smcf->clients);
	if (!shared)
		return NULL;
	shared->conf = sscf;
	shared->client = open_client(cf, sscf);
	return shared->client;
}

/* Attaches a server's context. Its callbacks of nginx are set, which the library goes on calling.
 */
static ngx_int_t attach_context(ngx_conf_t *cf, sessiond_main_conf_t *smcf,
	sessiond_srv_conf_t *sscf, SSL_CTX *ctx, const u_char *file, ngx_uint_t line)
{
	sessiond_client *client;

	if (sscf->caches.len == 0 || !ctx)
		return NGX_OK;
	client = client_for(cf, smcf, sscf);
	if (!client)
		return NGX_ERROR;
	if (!(SSL_CTX_get_options(ctx) & SSL_OP_NO_TICKET))
		ngx_log_error(NGX_LOG_WARN, cf->log, 0,
			"sessiond: server in %s:%ui: TLS 1.3 sessions are not shared: set "
			"ssl_session_tickets off",
			file, line);
	if (sessiond_attach(client, ctx) < 0) {
		ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
			"sessiond: cannot attach to the server in "
			"%s:%ui",
			file, line);
		return NGX_ERROR;
	}
	return NGX_OK;
}

/* In the order of `variable->data`: the result in words, the time in seconds. */
static ngx_str_t variable_names[] = {ngx_string("sessiond_status"), ngx_string("sessiond_time")};

/* Sets a variable to what the look-up of a connection gave; not found if there was none. */
static ngx_int_t set_variable(
	ngx_variable_value_t *v, ngx_connection_t *connection, ngx_pool_t *pool, uintptr_t seconds)
{
	uint64_t us = 0;
	int result = -1;
	u_char *end;

	if (connection->ssl)
		result = sessiond_ssl_result(connection->ssl->connection, &us);
	v->no_cacheable = 0;
	v->valid = result >= 0;
	v->not_found = result < 0;
	v->len = 0;
	if (result < 0)
		return NGX_OK;
	v->data = ngx_pnalloc(pool, NGX_INT64_LEN + 8);
	if (!v->data)
		return NGX_ERROR;
	if (seconds)
		end = ngx_sprintf(v->data, "%uL.%06uL", us / 1000000, us % 1000000);
	else
		end = ngx_sprintf(
			v->data, "%s", sessiond_result_name((enum sessiond_result)result));
	v->len = (unsigned)(end - v->data);
	return NGX_OK;
}

#endif
