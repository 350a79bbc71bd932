/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * nginx shares its TLS sessions through sessiond: attaches libsessiond to the SSL context of each
 * server that has the directive. Servers with the same settings share a client, and so a worker's
 * sockets and breakers.
 */
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

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

ngx_module_t ngx_http_sessiond_module;

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

static ngx_command_t commands[] = {
	{ngx_string("sessiond"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_CONF_1MORE,
		set_caches, NGX_HTTP_SRV_CONF_OFFSET, 0, NULL},
	{ngx_string("sessiond_key"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_CONF_TAKE1,
		ngx_conf_set_str_slot, NGX_HTTP_SRV_CONF_OFFSET, offsetof(sessiond_srv_conf_t, key),
		NULL},
	{ngx_string("sessiond_scope"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_CONF_TAKE1,
		ngx_conf_set_str_slot, NGX_HTTP_SRV_CONF_OFFSET,
		offsetof(sessiond_srv_conf_t, scope), NULL},
	{ngx_string("sessiond_deadline"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_CONF_TAKE1,
		ngx_conf_set_msec_slot, NGX_HTTP_SRV_CONF_OFFSET,
		offsetof(sessiond_srv_conf_t, deadline), NULL},
	{ngx_string("sessiond_copies"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_CONF_TAKE1,
		ngx_conf_set_num_slot, NGX_HTTP_SRV_CONF_OFFSET,
		offsetof(sessiond_srv_conf_t, copies), NULL},
	{ngx_string("sessiond_max_session"),
		NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot,
		NGX_HTTP_SRV_CONF_OFFSET, offsetof(sessiond_srv_conf_t, value_max), NULL},
	{ngx_string("sessiond_lifetime"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_CONF_TAKE1,
		ngx_conf_set_sec_slot, NGX_HTTP_SRV_CONF_OFFSET,
		offsetof(sessiond_srv_conf_t, lifetime), NULL},
	{ngx_string("sessiond_single_use"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_CONF_FLAG,
		ngx_conf_set_flag_slot, NGX_HTTP_SRV_CONF_OFFSET,
		offsetof(sessiond_srv_conf_t, single_use), NULL},
	ngx_null_command,
};

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

/* The contexts are complete: nginx's own callbacks are set, which the library goes on calling. */
static ngx_int_t attach_servers(ngx_conf_t *cf)
{
	ngx_http_core_main_conf_t *cmcf =
		ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
	sessiond_main_conf_t *smcf =
		ngx_http_conf_get_module_main_conf(cf, ngx_http_sessiond_module);
	ngx_http_core_srv_conf_t **servers = cmcf->servers.elts;

	for (ngx_uint_t i = 0; i < cmcf->servers.nelts; i++) {
		void **confs = servers[i]->ctx->srv_conf;
		sessiond_srv_conf_t *sscf = confs[ngx_http_sessiond_module.ctx_index];
		ngx_http_ssl_srv_conf_t *ssl = confs[ngx_http_ssl_module.ctx_index];
		sessiond_client *client;

		if (sscf->caches.len == 0 || !ssl->ssl.ctx)
			continue;
		client = client_for(cf, smcf, sscf);
		if (!client)
			return NGX_ERROR;
		if (!(SSL_CTX_get_options(ssl->ssl.ctx) & SSL_OP_NO_TICKET))
			ngx_log_error(NGX_LOG_WARN, cf->log, 0,
				"sessiond: server %V in %s:%ui: TLS 1.3 sessions are not shared: "
				"set ssl_session_tickets off",
				&servers[i]->server_name, servers[i]->file_name, servers[i]->line);
		if (sessiond_attach(client, ssl->ssl.ctx) < 0) {
			ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "sessiond: cannot attach");
			return NGX_ERROR;
		}
	}
	return NGX_OK;
}

/* The look-up of the connection, in words (data 0) or in seconds. */
static ngx_int_t get_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
	uint64_t us = 0;
	int result = -1;

	if (r->connection->ssl)
		result = sessiond_ssl_result(r->connection->ssl->connection, &us);
	if (result < 0) {
		v->not_found = 1;
		return NGX_OK;
	}
	v->data = ngx_pnalloc(r->pool, NGX_INT64_LEN + 8);
	if (!v->data)
		return NGX_ERROR;
	if (data)
		v->len = ngx_sprintf(v->data, "%uL.%06uL", us / 1000000, us % 1000000) - v->data;
	else
		v->len = ngx_sprintf(v->data, "%s",
				 sessiond_result_name((enum sessiond_result)result)) -
			 v->data;
	v->valid = 1;
	v->no_cacheable = 0;
	v->not_found = 0;
	return NGX_OK;
}

static ngx_int_t add_variables(ngx_conf_t *cf)
{
	static ngx_str_t names[] = {ngx_string("sessiond_status"), ngx_string("sessiond_time")};

	for (ngx_uint_t i = 0; i < 2; i++) {
		ngx_http_variable_t *variable = ngx_http_add_variable(cf, &names[i], 0);

		if (!variable)
			return NGX_ERROR;
		variable->get_handler = get_variable;
		variable->data = i;
	}
	return NGX_OK;
}

static ngx_http_module_t context = {
	add_variables,
	attach_servers,
	create_main_conf,
	NULL,
	create_srv_conf,
	merge_srv_conf,
	NULL,
	NULL,
};

ngx_module_t ngx_http_sessiond_module = {
	NGX_MODULE_V1,
	&context,
	commands,
	NGX_HTTP_MODULE,
	NULL,
	NULL,
	NULL,
	NULL,
	NULL,
	NULL,
	NULL,
	NGX_MODULE_V1_PADDING,
};
