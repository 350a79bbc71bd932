/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Configuration, and the thread.
 */
#include "control/farm/farm_private.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <openssl/err.h>

#include "common/locked_memory.h"
#include "common/log.h"
#include "common/text.h"

#define STOP_US	       200000
#define RELOAD_SECONDS 1
#define POLLED	       (2 + 3 * FARM_ENGINES_MAX) /* wake_fd, TAKEs, three links per engine */

void pending_free(struct farm_pending *pending)
{
	if (!pending)
		return;
	SSL_CTX_free(pending->ssl_ctx);
	explicit_bzero(pending, sizeof(*pending));
	free(pending);
}

static int make_ssl_ctx(SSL_CTX **to, const char *ca_file)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	char quoted[TEXT_QUOTE];
	int ok;

	if (!ctx)
		return error_set(ENOMEM, "OpenSSL has no TLS, or no memory");
	ok = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	ERR_clear_error();
	if (ok)
		ok = ca_file ? SSL_CTX_load_verify_locations(ctx, ca_file, NULL)
			     : SSL_CTX_set_default_verify_paths(ctx);
	if (ok) {
		*to = ctx;
		return 0;
	}
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return error_set(EINVAL, "%s: it has no certificates (PEM), or cannot be read",
		text_quote(ca_file ? ca_file : "the system's store", quoted));
}

static int check_name(const char *what, const char *name)
{
	char quoted[TEXT_QUOTE];

	if (name && entry_name_valid(name, strlen(name)))
		return 0;
	return error_set(EINVAL, "%s: %s is no name: use 1 to %d letters, digits, '.', '_' and '-'",
		text_quote(name ? name : "", quoted), what, FARM_NAME_MAX);
}

static int read_urls(const struct farm_config *config, struct farm_pending *pending)
{
	bool tls = false;
	int ret = 0;

	if (config->engine_count < 1 || config->engine_count > FARM_ENGINES_MAX)
		return error_set(EINVAL, "a farm needs 1 or %d engines", FARM_ENGINES_MAX);
	pending->engine_count = config->engine_count;
	for (unsigned i = 0; i < config->engine_count && ret == 0; i++) {
		ret = engine_url_parse(config->engines[i], &pending->urls[i]);
		tls |= pending->urls[i].tls;
	}
	if (ret == 0 && config->engine_count == 2 &&
		strcmp(pending->urls[0].shown, pending->urls[1].shown) == 0)
		ret = error_set(EINVAL, "%s is given twice: a second engine must be another one",
			pending->urls[0].shown);
	return ret == 0 && tls ? make_ssl_ctx(&pending->ssl_ctx, config->ca_file) : ret;
}

struct farm_pending *pending_make(const struct farm_config *config, int *ret)
{
	struct farm_pending *pending = calloc(1, sizeof(*pending));
	struct key_file keys;

	if (!pending) {
		*ret = error_set(ENOMEM, "no memory for the farm");
		return NULL;
	}
	*ret = check_name("the farm's name", config->name);
	if (*ret == 0)
		*ret = check_name("the node's name", config->node);
	if (*ret == 0)
		*ret = read_urls(config, pending);
	if (*ret == 0)
		*ret = key_file_read(config->key_file, &keys);
	if (*ret == 0) {
		*ret = farm_ring_make(&pending->ring, &keys, config->name);
		explicit_bzero(&keys, sizeof(keys));
	}
	if (*ret == 0)
		return pending;
	pending_free(pending);
	return NULL;
}

int farm_check(const struct farm_config *config)
{
	int ret;

	pending_free(pending_make(config, &ret));
	return ret;
}

static bool same_url(const struct engine_url *a, const struct engine_url *b)
{
	return strcmp(a->shown, b->shown) == 0 && strcmp(a->user, b->user) == 0 &&
	       strcmp(a->password, b->password) == 0;
}

/* An engine that cannot be opened for want of memory stays unused, and the other one works on. */
static int apply(struct farm *farm, struct farm_pending *pending)
{
	int ret = 0;

	farm->ring = pending->ring;
	for (unsigned i = 0; i < FARM_ENGINES_MAX; i++) {
		struct farm_engine *engine = &farm->engines[i];
		SSL_CTX *ctx = NULL;

		/* With TLS, the certificates to trust may be others. */
		if (i < pending->engine_count && engine->used && !engine->url.tls &&
			same_url(&engine->url, &pending->urls[i]))
			continue;
		if (engine->used) {
			peers_reset_engine(farm, i);
			engine_close(engine);
		}
		if (i >= pending->engine_count)
			continue;
		if (pending->urls[i].tls) {
			ctx = pending->ssl_ctx;
			SSL_CTX_up_ref(ctx);
		}
		if (engine_open(farm, i, &pending->urls[i], ctx) < 0)
			ret = error_set(ENOMEM, "no memory for the farm's connections");
	}
	arbiter_configure(farm);
	return ret;
}

static int prepare(struct farm *farm, const struct farm_config *config,
	const struct farm_side *side, struct farm_pending *pending)
{
	int ret;

	snprintf(farm->name, sizeof(farm->name), "%s", config->name);
	snprintf(farm->node, sizeof(farm->node), "%s", config->node);
	farm->capacity = config->capacity;
	farm->value_max = config->value_max;
	farm->on_thread = config->on_thread;
	farm->side = *side;
	marks_load(farm);
	farm->side.kept = NULL;
	farm->arbiter.queues = config->takes;
	farm->takes_local = config->takes_local;
	farm->arbiter.window =
		1000000ULL * (config->take_window ? config->take_window : FARM_TAKE_WINDOW_SECONDS);
	farm->now = farm->begun = farm_clock();
	farm->next_rotate = farm->now + FARM_TOMBSTONE_SECONDS * 1000000ULL;
	if (getrandom(farm->boot, sizeof(farm->boot), 0) != sizeof(farm->boot))
		return error_set(errno, "cannot get random bytes: %s", strerror(errno));
	farm->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (farm->wake_fd < 0)
		return error_set(errno, "cannot make an eventfd: %s", strerror(errno));
	if (tombstones_open(&farm->tombstones, farm->capacity) < 0)
		return error_set(ENOMEM, "no memory for the farm");
	ret = farm_seal_tools_open(&farm->tools);
	if (ret == 0)
		ret = publisher_open(&farm->publisher, &farm->tools, &farm->ring, farm->node,
			farm->boot, farm->capacity, farm->value_max);
	if (ret < 0)
		return ret;
	(void)peer_get(farm, farm->node);
	return apply(farm, pending);
}

static void init_changed(pthread_cond_t *changed)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

struct farm *farm_create(const struct farm_config *config, const struct farm_side *side)
{
	struct farm_pending *pending;
	struct farm *farm;
	int ret;

	pending = pending_make(config, &ret);
	if (!pending)
		return NULL;
	farm = memory_reserve(sizeof(*farm), true);
	if (!farm) {
		(void)error_set(ENOMEM, "no memory for the farm");
		pending_free(pending);
		return NULL;
	}
	(void)memory_lock(farm, sizeof(*farm));
	farm->wake_fd = -1;
	pthread_mutex_init(&farm->lock, NULL);
	init_changed(&farm->changed);
	ret = prepare(farm, config, side, pending);
	pending_free(pending);
	if (ret == 0) {
		report_update(farm);
		return farm;
	}
	farm_destroy(farm);
	return NULL;
}

void farm_destroy(struct farm *farm)
{
	if (!farm)
		return;
	farm_stop(farm);
	intake_drop(&farm->history);
	for (unsigned i = 0; i < FARM_ENGINES_MAX; i++)
		engine_close(&farm->engines[i]);
	peers_close(farm);
	publisher_close(&farm->publisher);
	tombstones_close(&farm->tombstones);
	farm_subkey_close(&farm->scratch);
	farm_subkey_close(&farm->control_subkey);
	farm_seal_tools_close(&farm->tools);
	pending_free(farm->pending);
	if (farm->wake_fd >= 0)
		close(farm->wake_fd);
	pthread_cond_destroy(&farm->changed);
	pthread_mutex_destroy(&farm->lock);
	explicit_bzero(farm, sizeof(*farm));
	memory_release(farm, sizeof(*farm));
}

static void take_pending(struct farm *farm)
{
	struct farm_pending *pending;

	if (!atomic_exchange(&farm->reload, false))
		return;
	pthread_mutex_lock(&farm->lock);
	pending = farm->pending;
	farm->pending = NULL;
	pthread_mutex_unlock(&farm->lock);
	if (!pending)
		return;
	if (apply(farm, pending) < 0)
		log_error("farm: %s", error_message());
	pending_free(pending);
	pthread_mutex_lock(&farm->lock);
	farm->reloaded = true;
	pthread_cond_signal(&farm->changed);
	pthread_mutex_unlock(&farm->lock);
}

static void tick(struct farm *farm)
{
	if (farm->now < farm->next_tick)
		return;
	farm->next_tick = farm->now + FARM_TICK_US;
	control_gaps(farm);
	control_resend(farm);
	marks_keep(farm);
	peers_forget(farm);
	/* History needs to know all that was removed since. */
	if (farm->warm_up == FARM_WARM_UP_DONE && farm->now >= farm->next_rotate) {
		tombstones_rotate(&farm->tombstones);
		farm->next_rotate = farm->now + FARM_TOMBSTONE_SECONDS * 1000000ULL;
	}
	report_update(farm);
}

static uint64_t next_deadline(const struct farm *farm)
{
	uint64_t next = farm->next_tick;

	for (unsigned i = 0; i < FARM_ENGINES_MAX; i++) {
		uint64_t at =
			farm->engines[i].used ? engine_deadline(&farm->engines[i]) : UINT64_MAX;

		next = at < next ? at : next;
		if (farm->engines[i].delivery.active && farm->retry < next)
			next = farm->retry;
	}
	if (farm->history.active && farm->retry < next)
		next = farm->retry;
	if (arbiter_deadline(farm) < next)
		next = arbiter_deadline(farm);
	return publish_deadline(farm) < next ? publish_deadline(farm) : next;
}

static void wait_for_events(struct farm *farm, struct pollfd polled[POLLED], uint64_t until)
{
	struct timespec timeout = {0};

	struct take_queues *takes = farm->arbiter.queues;

	polled[0] = (struct pollfd){.fd = farm->wake_fd, .events = POLLIN};
	polled[1] = (struct pollfd){.fd = takes ? takes->arbiter_fd : -1, .events = POLLIN};
	for (unsigned i = 0; i < FARM_ENGINES_MAX; i++) {
		struct farm_engine *engine = &farm->engines[i];
		struct pollfd *out = &polled[2 + 3 * i], *in = out + 1, *take = out + 2;

		out->fd = in->fd = take->fd = -1;
		out->revents = in->revents = take->revents = 0;
		if (!engine->used)
			continue;
		if (takes)
			take->events = link_poll(&engine->take.link, &take->fd);
		out->events = link_poll(&engine->out, &out->fd);
		in->events = link_poll(&engine->in, &in->fd);
	}
	if (until > farm->now) {
		timeout.tv_sec = (time_t)((until - farm->now) / 1000000U);
		timeout.tv_nsec = (long)((until - farm->now) % 1000000U * 1000U);
	}
	if (ppoll(polled, POLLED, &timeout, NULL) < 0)
		for (unsigned i = 0; i < POLLED; i++)
			polled[i].revents = 0;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t count;

		if (polled[i].revents)
			(void)!read(polled[i].fd, &count, sizeof(count));
	}
}

/* Sleeps, unless the daemon had something meanwhile. */
static void sleep_until_woken(struct farm *farm, struct pollfd polled[POLLED], bool more)
{
	struct take_queues *takes = farm->arbiter.queues;
	bool room = publisher_has_room(&farm->publisher);
	uint64_t last = publisher_last(&farm->publisher);
	uint64_t until = more ? farm->now : next_deadline(farm);

	/* Until a batch is due, in a moment, it wakes by itself. */
	if (room && until > farm->now && publish_deadline(farm) > farm->now + PUBLISHER_CLOSE_US) {
		atomic_store(&farm->asleep, true);
		publish_collect(farm);
		until = publisher_last(&farm->publisher) == last ? next_deadline(farm) : farm->now;
	}
	if (takes) {
		atomic_store(&takes->asleep, true);
		if (take_queues_waiting(takes))
			until = farm->now;
	}
	wait_for_events(farm, polled, until);
	atomic_store(&farm->asleep, false);
	if (takes)
		atomic_store(&takes->asleep, false);
	farm->now = farm_clock();
}

/* Whether the thread may end: all is published, or cannot be. */
static bool may_stop(struct farm *farm, uint64_t *deadline)
{
	bool any = false;

	if (!atomic_load(&farm->stop))
		return false;
	if (*deadline == 0)
		*deadline = farm->now + STOP_US;
	for (unsigned i = 0; i < FARM_ENGINES_MAX; i++)
		any |= farm->engines[i].ready;
	return !any || farm->now >= *deadline || !publish_pending(farm);
}

/* What is left when the thread ends. */
static void count_unpublished(struct farm *farm)
{
	struct publisher *publisher = &farm->publisher;
	uint64_t acked = publisher->oldest - 1;

	for (unsigned i = 0; i < FARM_ENGINES_MAX; i++)
		if (farm->engines[i].used && farm->engines[i].acked > acked)
			acked = farm->engines[i].acked;
	farm->dropped[FARM_DROPPED_STOPPED] += publisher->batch->records;
	for (uint64_t i = acked + 1; i <= publisher_last(publisher); i++)
		farm->dropped[FARM_DROPPED_STOPPED] += publisher_slot(publisher, i)->records;
}

static void *run(void *arg)
{
	struct pollfd polled[POLLED] = {0};
	struct farm *farm = arg;
	uint64_t stop_at = 0;
	bool more;

	if (farm->on_thread)
		farm->on_thread();
	farm->now = farm->begun = farm_clock();
	if (farm->arbiter.queues)
		take_queues_begin(farm->arbiter.queues);
	for (;;) {
		/* First: a client waits for these. */
		for (unsigned i = 0; i < FARM_ENGINES_MAX; i++)
			if (farm->engines[i].used)
				arbiter_engine_run(&farm->engines[i], polled[4 + 3 * i].revents);
		arbiter_run(farm);
		publish_collect(farm);
		for (unsigned i = 0; i < FARM_ENGINES_MAX; i++)
			if (farm->engines[i].used)
				engine_run(&farm->engines[i], polled[2 + 3 * i].revents,
					polled[3 + 3 * i].revents);
		publish_release(farm);
		more = warm_up_run(farm);
		warm_up_check(farm);
		take_pending(farm);
		tick(farm);
		if (may_stop(farm, &stop_at))
			break;
		sleep_until_woken(farm, polled, more);
		if (more)
			sched_yield(); /* as writer_farm_step does */
	}
	arbiter_stop(farm);
	count_unpublished(farm);
	report_update(farm);
	return NULL;
}

int farm_start(struct farm *farm)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&farm->thread, NULL, run, farm);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret != 0)
		return error_set(ret, "cannot start the farm's thread: %s", strerror(ret));
	farm->started = true;
	return 0;
}

static void ring_bell(struct farm *farm)
{
	const uint64_t one = 1;

	(void)!write(farm->wake_fd, &one, sizeof(one));
}

void farm_stop(struct farm *farm)
{
	if (!farm->started)
		return;
	atomic_store(&farm->stop, true);
	ring_bell(farm);
	pthread_join(farm->thread, NULL);
	farm->started = false;
}

void farm_wake(struct farm *farm)
{
	/* The record was stored before; the fence orders that against the load. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&farm->asleep, memory_order_relaxed) &&
		atomic_exchange(&farm->asleep, false))
		ring_bell(farm);
}

void farm_lost(struct farm *farm)
{
	atomic_store_explicit(&farm->lost, true, memory_order_relaxed);
}

/* Whoever reloads caches one by one relies on the keys of the one before. */
static void wait_for_reload(struct farm *farm)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += RELOAD_SECONDS;
	pthread_mutex_lock(&farm->lock);
	while (!farm->reloaded && !err)
		err = pthread_cond_timedwait(&farm->changed, &farm->lock, &until);
	pthread_mutex_unlock(&farm->lock);
}

int farm_reload(struct farm *farm, const struct farm_config *config)
{
	struct farm_pending *pending, *old;
	int ret;

	pending = pending_make(config, &ret);
	if (!pending)
		return ret;
	pthread_mutex_lock(&farm->lock);
	old = farm->pending;
	farm->pending = pending;
	farm->reloaded = false;
	pthread_mutex_unlock(&farm->lock);
	pending_free(old);
	atomic_store(&farm->reload, true);
	ring_bell(farm);
	if (farm->started)
		wait_for_reload(farm);
	return 0;
}

bool farm_ready(const struct farm *farm)
{
	return atomic_load(&farm->ready);
}
