/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Apache httpd keeps small objects in sessiond: a provider for SSLSessionCache, SSLStaplingCache
 * and AuthnCacheSOCache. Its argument is ADDR[:PORT][,ADDR[:PORT]]...[?NAME=VALUE[&NAME=VALUE]...].
 *
 * Sessions are stored under their ids. Objects of other users have ids of other lengths: they are
 * stored under SHA-256 of the user's name and the id.
 */
#include <stdbool.h>
#include <stddef.h>

#include <ap_socache.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <httpd.h>
#include <mod_status.h>

#include <openssl/evp.h>

#include <sessiond/client_counters.h>

#include "client/settings/named_settings.h"

__attribute__((visibility("default"))) module AP_MODULE_DECLARE_DATA socache_sessiond_module;
APLOG_USE_MODULE(socache_sessiond);

/* Versions of mod_ssl write more after it, or not. */
#define USER_SESSIONS "mod_ssl-sess"
#define USER_STAPLING "mod_ssl-stap"

struct ap_socache_instance_t {
	struct named_settings settings;
	const char *user;	 /* who stores: USER_SESSIONS, ... */
	server_rec *server;	 /* for the log */
	sessiond_client *client; /* between init and destroy */
};

static void on_log(void *ctx, enum sessiond_log_level level, const char *text)
{
	const ap_socache_instance_t *instance = ctx;

	/* httpd's levels are syslog's. */
	ap_log_error(APLOG_MARK, (int)level, 0, instance->server, "sessiond: %s", text);
}

static const char *set_parameter(ap_socache_instance_t *instance, char *text, apr_pool_t *p)
{
	static const char *const names[] = {
		"key", "scope", "deadline-us", "copies", "max-session", "forward-remove"};
	char *value = strchr(text, '=');
	const char *expected = NULL;
	int known = 0;

	if (value)
		*value++ = '\0';
	/* Relative to ServerRoot, as certificates are. */
	if (value && *value && strcmp(text, "key") == 0)
		value = ap_server_root_relative(p, value);
	for (size_t i = 0; value && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0)
			expected = named_settings_set(&instance->settings, text, value, &known);
	if (!known)
		return apr_psprintf(p,
			"sessiond: %s: expected key=, scope=, deadline-us=, copies=, max-session= "
			"or forward-remove= and a value",
			text);
	return expected ? apr_psprintf(p, "sessiond: %s: expected %s", text, expected) : NULL;
}

static const char *create(
	ap_socache_instance_t **out, const char *argument, apr_pool_t *tmp, apr_pool_t *p)
{
	ap_socache_instance_t *instance = apr_pcalloc(p, sizeof(*instance));
	char *text = apr_pstrdup(tmp, argument ? argument : ""), *parameters = strchr(text, '?');
	char error[SESSIOND_ERROR_SIZE], *word, *rest = NULL;
	const char *wrong;
	sessiond_client *client;
	int known;

	if (parameters)
		*parameters++ = '\0';
	named_settings_init(&instance->settings);
	wrong = named_settings_set(&instance->settings, "caches", text, &known);
	if (wrong)
		return apr_psprintf(p, "sessiond: caches: expected %s", wrong);
	for (word = parameters ? apr_strtok(parameters, "&", &rest) : NULL; word;
		word = apr_strtok(NULL, "&", &rest)) {
		wrong = set_parameter(instance, word, p);
		if (wrong)
			return wrong;
	}
	named_settings_point(&instance->settings);
	/* For a test: configtest ends before init. */
	instance->settings.options.counters_folder = "";
	if (sessiond_open(&client, &instance->settings.options, error, sizeof(error)) < 0)
		return apr_psprintf(p, "sessiond: %s", error);
	sessiond_close(client);
	*out = instance;
	return NULL;
}

/* Called anew at each restart; keys are read by the parent, as root. */
static apr_status_t init(ap_socache_instance_t *instance, const char *user,
	const struct ap_socache_hints *hints, server_rec *s, apr_pool_t *p)
{
	struct sessiond_options options = instance->settings.options;
	char error[SESSIOND_ERROR_SIZE];
	int ret;

	(void)hints;
	instance->user = apr_pstrdup(p, user);
	if (strncmp(user, USER_SESSIONS, strlen(USER_SESSIONS)) == 0)
		instance->user = USER_SESSIONS;
	if (strncmp(user, USER_STAPLING, strlen(USER_STAPLING)) == 0)
		instance->user = USER_STAPLING;
	/* Sessions and certificate states are bound to the server's key. Whoever can forge other
	 * things, passwords for example, gets in by them. */
	if (!options.key_file && strcmp(instance->user, USER_SESSIONS) != 0 &&
		strcmp(instance->user, USER_STAPLING) != 0) {
		ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s,
			"sessiond: %s stores secrets: it needs ?key=FILE&scope=NAME", user);
		return APR_EINVAL;
	}
	instance->server = s;
	options.counters_folder = NULL;
	options.log = on_log;
	options.log_ctx = instance;
	ret = sessiond_open(&instance->client, &options, error, sizeof(error));
	if (ret == 0)
		return APR_SUCCESS;
	ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, "sessiond: %s", error);
	return APR_FROM_OS_ERROR(-ret);
}

static void destroy(ap_socache_instance_t *instance, server_rec *s)
{
	(void)s;
	sessiond_close(instance->client);
	instance->client = NULL;
}

static bool stores_sessions(const ap_socache_instance_t *instance)
{
	return strcmp(instance->user, USER_SESSIONS) == 0;
}

/* Fills in `to`; `digest` has room for a digest. */
static bool make_id(const ap_socache_instance_t *instance, const unsigned char *id, unsigned len,
	struct sessiond_id *to, unsigned char *digest, apr_pool_t *p)
{
	size_t user_len = strlen(instance->user);
	unsigned char *both;

	*to = (struct sessiond_id){
		.bytes = id, .len = len, .context = instance->user, .context_len = user_len};
	if (stores_sessions(instance))
		return len >= 1 && len <= SESSIOND_ID_MAX;
	both = apr_palloc(p, user_len + 1 + len);
	memcpy(both, instance->user, user_len + 1);
	memcpy(both + user_len + 1, id, len);
	to->bytes = digest;
	to->len = SESSIOND_ID_MAX;
	return EVP_Digest(both, user_len + 1 + len, digest, NULL, EVP_sha256(), NULL) == 1;
}

static apr_status_t store(ap_socache_instance_t *instance, server_rec *s, const unsigned char *id,
	unsigned id_len, apr_time_t expiry, unsigned char *data, unsigned len, apr_pool_t *p)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	apr_time_t left = apr_time_sec(expiry - apr_time_now());
	struct sessiond_id name;
	int ret;

	(void)s;
	if (!make_id(instance, id, id_len, &name, digest, p))
		return APR_EINVAL;
	/* What is about to expire is not worth storing. */
	if (left < 1)
		return APR_SUCCESS;
	/* Others than sessions change, and the first value of an id wins. */
	if (!stores_sessions(instance))
		sessiond_remove(instance->client, &name);
	ret = sessiond_put(instance->client, &name, data, len,
		left > UINT16_MAX ? UINT16_MAX : (unsigned)left, 0);
	/* What could not be sent is counted. It is nothing that httpd should log each time. */
	return ret == -EINVAL ? APR_EINVAL : ret == -EMSGSIZE ? APR_ENOSPC : APR_SUCCESS;
}

static apr_status_t retrieve(ap_socache_instance_t *instance, server_rec *s,
	const unsigned char *id, unsigned id_len, unsigned char *data, unsigned *len, apr_pool_t *p)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct sessiond_id name;
	size_t room = *len;

	(void)s;
	if (!make_id(instance, id, id_len, &name, digest, p))
		return APR_EINVAL;
	/* A time-out is a miss to httpd too: other errors are logged each time. */
	if (sessiond_get(instance->client, &name, data, &room) != SESSIOND_HIT)
		return APR_NOTFOUND;
	/* A session names itself. Plain, it may be another one, with which the handshake would
	 * fail. */
	if (stores_sessions(instance) && !memmem(data, room, id, id_len))
		return APR_NOTFOUND;
	*len = (unsigned)room;
	return APR_SUCCESS;
}

static apr_status_t remove_object(ap_socache_instance_t *instance, server_rec *s,
	const unsigned char *id, unsigned id_len, apr_pool_t *p)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct sessiond_id name;

	(void)s;
	/* OpenSSL also removes a session whose connection ends without close_notify. */
	if (stores_sessions(instance) &&
		!(instance->settings.options.flags & SESSIOND_FORWARD_REMOVE))
		return APR_SUCCESS;
	if (!make_id(instance, id, id_len, &name, digest, p))
		return APR_EINVAL;
	sessiond_remove(instance->client, &name);
	return APR_SUCCESS;
}

static void print_counter(const ap_socache_instance_t *instance, request_rec *r, int flags,
	const char *name, apr_uint64_t value, const char *help)
{
	if (flags & AP_STATUS_SHORT)
		ap_rprintf(
			r, "Sessiond-%s-%s: %" APR_UINT64_T_FMT "\n", instance->user, name, value);
	else
		ap_rprintf(r, "%s: <b>%" APR_UINT64_T_FMT "</b> (%s)<br>\n", name, value, help);
}

static void status(ap_socache_instance_t *instance, request_rec *r, int flags)
{
	struct sessiond_stats stats;

	sessiond_read_stats(instance->client, &stats, sizeof(stats));
	if (!(flags & AP_STATUS_SHORT))
		ap_rprintf(r, "cache type: <b>sessiond</b>, caches: <b>%s</b>, <b>%s</b><br>\n",
			ap_escape_html(r->pool, instance->settings.caches),
			instance->settings.options.key_file ? "sealed" : "plain");
#define X(name, help) print_counter(instance, r, flags, #name, stats.name, help);
	SESSIOND_CLIENT_COUNTERS(X)
#undef X
	print_counter(instance, r, flags, "unavailable", stats.unavailable,
		"caches that are given up now");
}

static apr_status_t iterate(ap_socache_instance_t *instance, server_rec *s, void *ctx,
	ap_socache_iterator_t *iterator, apr_pool_t *p)
{
	(void)instance, (void)s, (void)ctx, (void)iterator, (void)p;
	return APR_ENOTIMPL;
}

static const ap_socache_provider_t provider = {
	.name = "sessiond",
	.flags = 0, /* threads and processes may call it at the same time */
	.create = create,
	.init = init,
	.destroy = destroy,
	.store = store,
	.retrieve = retrieve,
	.remove = remove_object,
	.status = status,
	.iterate = iterate,
};

static void register_provider(apr_pool_t *p)
{
	ap_register_provider(
		p, AP_SOCACHE_PROVIDER_GROUP, "sessiond", AP_SOCACHE_PROVIDER_VERSION, &provider);
}

module AP_MODULE_DECLARE_DATA socache_sessiond_module = {
	STANDARD20_MODULE_STUFF,
	.register_hooks = register_provider,
};
