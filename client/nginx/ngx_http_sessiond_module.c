/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * nginx shares the TLS sessions of its http servers through sessiond: attaches libsessiond to the
 * SSL context of each server that has the directive. Servers with the same settings share a client,
 * and so a worker's sockets and breakers.
 */
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#define SETTINGS_WHERE	(NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF)
#define SETTINGS_OFFSET NGX_HTTP_SRV_CONF_OFFSET

#include <sessiond/client_counters.h>

#include "ngx_sessiond_settings.h"

#define STATUS_CLIENT_SIZE 2048 /* without caches and scope */

ngx_module_t ngx_http_sessiond_module;

static char *set_status(ngx_conf_t *cf, ngx_command_t *command, void *conf);

static ngx_command_t commands[] = {
	{ngx_string("sessiond_status"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, set_status, 0, 0,
		NULL},
	SESSIOND_SETTINGS};

/* As a JSON string. */
static u_char *write_string(u_char *at, const ngx_str_t *text)
{
	*at++ = '"';
	at = (u_char *)ngx_escape_json(at, text->data, text->len);
	*at++ = '"';
	return at;
}

static u_char *write_client(u_char *at, u_char *end, const sessiond_shared_t *shared)
{
	struct sessiond_stats stats;

	sessiond_read_stats(shared->client, &stats, sizeof(stats));
	at = ngx_cpymem(at, "{\"caches\":", 10);
	at = write_string(at, &shared->conf->caches);
	at = ngx_cpymem(at, ",\"scope\":", 9);
	at = write_string(at, &shared->conf->scope);
	at = ngx_slprintf(at, end, ",\"sealed\":%s,\"single_use\":%s",
		shared->conf->key.len ? "true" : "false",
		shared->conf->single_use ? "true" : "false");
#define X(name, help) at = ngx_slprintf(at, end, ",\"" #name "\":%uL", (uint64_t)stats.name);
	SESSIOND_CLIENT_COUNTERS(X)
#undef X
	return ngx_slprintf(at, end, ",\"unavailable\":%uL}", (uint64_t)stats.unavailable);
}

/* The counters of all http servers, of all workers since the last reload. */
static ngx_int_t answer_status(ngx_http_request_t *r)
{
	sessiond_main_conf_t *smcf = ngx_http_get_module_main_conf(r, ngx_http_sessiond_module);
	const sessiond_shared_t *shared = smcf->clients.elts;
	size_t size = sizeof("{\"clients\":[]}\n");
	ngx_chain_t out = {0};
	ngx_buf_t *b;
	ngx_int_t rc;

	if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)))
		return NGX_HTTP_NOT_ALLOWED;
	rc = ngx_http_discard_request_body(r);
	if (rc != NGX_OK)
		return rc;
	/* An escaped byte takes six. */
	for (ngx_uint_t i = 0; i < smcf->clients.nelts; i++)
		size += STATUS_CLIENT_SIZE +
			6 * (shared[i].conf->caches.len + shared[i].conf->scope.len);
	b = ngx_create_temp_buf(r->pool, size);
	if (!b)
		return NGX_HTTP_INTERNAL_SERVER_ERROR;
	b->last = ngx_cpymem(b->last, "{\"clients\":[", 12);
	for (ngx_uint_t i = 0; i < smcf->clients.nelts; i++) {
		if (i > 0)
			*b->last++ = ',';
		b->last = write_client(b->last, b->end, &shared[i]);
	}
	b->last = ngx_cpymem(b->last, "]}\n", 3);
	b->last_buf = r == r->main;
	b->last_in_chain = 1;
	ngx_str_set(&r->headers_out.content_type, "application/json");
	r->headers_out.content_type_len = r->headers_out.content_type.len;
	r->headers_out.status = NGX_HTTP_OK;
	r->headers_out.content_length_n = b->last - b->pos;
	rc = ngx_http_send_header(r);
	if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
		return rc;
	out.buf = b;
	return ngx_http_output_filter(r, &out);
}

static char *set_status(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
	ngx_http_core_loc_conf_t *clcf =
		ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

	(void)command, (void)conf;
	clcf->handler = answer_status;
	return NGX_CONF_OK;
}

/* After all modules have merged: the contexts are complete. */
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

		if (attach_context(cf, smcf, sscf, ssl->ssl.ctx, servers[i]->file_name,
			    servers[i]->line) != NGX_OK)
			return NGX_ERROR;
	}
	return NGX_OK;
}

static ngx_int_t get_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
	return set_variable(v, r->connection, r->pool, data);
}

static ngx_int_t add_variables(ngx_conf_t *cf)
{
	for (ngx_uint_t i = 0; i < sizeof(variable_names) / sizeof(variable_names[0]); i++) {
		ngx_http_variable_t *variable = ngx_http_add_variable(cf, &variable_names[i], 0);

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
