/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * `SSLSessionCache timed:PROVIDER:ARGUMENTS`: another provider of httpd, with a clock: how long
 * each look-up of a session that it has takes, inside the handshake. The times, in ns, go to the
 * file that the environment names as SOCACHE_TIMES: a count of 64 bits, and as many times.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_strings.h>
#include <http_config.h>
#include <httpd.h>

#define TIMES_MAX (1 << 20)

module AP_MODULE_DECLARE_DATA socache_timed_module;

struct times {
	_Atomic uint64_t count;
	uint64_t ns[TIMES_MAX];
};

struct ap_socache_instance_t {
	const ap_socache_provider_t *provider;
	ap_socache_instance_t *instance;
	struct times *times; /* shared by all processes */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct times *open_times(void)
{
	const char *path = getenv("SOCACHE_TIMES");
	void *times = MAP_FAILED;
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd >= 0 && ftruncate(fd, sizeof(struct times)) == 0)
		times = mmap(NULL, sizeof(struct times), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return times == MAP_FAILED ? NULL : times;
}

static const char *create(
	ap_socache_instance_t **out, const char *argument, apr_pool_t *tmp, apr_pool_t *p)
{
	ap_socache_instance_t *timed = apr_pcalloc(p, sizeof(*timed));
	char *rest = NULL, *name = apr_strtok(apr_pstrdup(tmp, argument), ":", &rest);

	timed->provider = ap_lookup_provider(
		AP_SOCACHE_PROVIDER_GROUP, name ? name : "", AP_SOCACHE_PROVIDER_VERSION);
	timed->times = open_times();
	if (!timed->provider || timed->provider->flags || !timed->times)
		return "timed: expected PROVIDER:ARGUMENTS, a provider that needs no mutex, and "
		       "SOCACHE_TIMES in the environment";
	*out = timed;
	return timed->provider->create(&timed->instance, rest, tmp, p);
}

static apr_status_t init(ap_socache_instance_t *timed, const char *user,
	const struct ap_socache_hints *hints, server_rec *s, apr_pool_t *p)
{
	return timed->provider->init(timed->instance, user, hints, s, p);
}

static void destroy(ap_socache_instance_t *timed, server_rec *s)
{
	timed->provider->destroy(timed->instance, s);
}

static apr_status_t store(ap_socache_instance_t *timed, server_rec *s, const unsigned char *id,
	unsigned int id_len, apr_time_t expiry, unsigned char *data, unsigned int len,
	apr_pool_t *p)
{
	return timed->provider->store(timed->instance, s, id, id_len, expiry, data, len, p);
}

static apr_status_t retrieve(ap_socache_instance_t *timed, server_rec *s, const unsigned char *id,
	unsigned int id_len, unsigned char *data, unsigned int *len, apr_pool_t *p)
{
	uint64_t from = now_ns(), i;
	apr_status_t status =
		timed->provider->retrieve(timed->instance, s, id, id_len, data, len, p);
	uint64_t took = now_ns() - from;

	if (status == APR_SUCCESS) {
		i = atomic_fetch_add(&timed->times->count, 1);
		if (i < TIMES_MAX)
			timed->times->ns[i] = took;
	}
	return status;
}

static apr_status_t drop(ap_socache_instance_t *timed, server_rec *s, const unsigned char *id,
	unsigned int id_len, apr_pool_t *p)
{
	return timed->provider->remove(timed->instance, s, id, id_len, p);
}

static void status_of(ap_socache_instance_t *timed, request_rec *r, int flags)
{
	timed->provider->status(timed->instance, r, flags);
}

static apr_status_t iterate(ap_socache_instance_t *timed, server_rec *s, void *ctx,
	ap_socache_iterator_t *each, apr_pool_t *p)
{
	return timed->provider->iterate(timed->instance, s, ctx, each, p);
}

static const ap_socache_provider_t provider = {
	"timed", 0, create, init, destroy, store, retrieve, drop, status_of, iterate};

static void register_hooks(apr_pool_t *p)
{
	ap_register_provider(
		p, AP_SOCACHE_PROVIDER_GROUP, "timed", AP_SOCACHE_PROVIDER_VERSION, &provider);
}

AP_DECLARE_MODULE(socache_timed) = {
	STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks, 0};
