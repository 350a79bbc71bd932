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

#include "ngx_sessiond_settings.h"

ngx_module_t ngx_http_sessiond_module;

static ngx_command_t commands[] = {SESSIOND_SETTINGS};

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
