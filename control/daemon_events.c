/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The event loop: signals, and events from other threads and the kernel.
 */
#include "control/daemon.h"

#include "common/cli.h"
#include "common/clock.h"
#include "control/daemon_private.h"
#include "control/notify.h"
#include "control/stats/stats_line.h"
#include "control/watchdog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* How often the samples of malformed packets are collected and logged. */
#define DROP_SAMPLE_SECONDS 1

static void on_reload(evutil_socket_t signal_number, short what, void *ctx)
{
	(void)signal_number;
	(void)what;
	daemon_reload(ctx, NULL, NULL);
}

static void on_stop(evutil_socket_t signal_number, short what, void *ctx)
{
	struct daemon *daemon = ctx;

	(void)what;
	/* SIGUSR2 prepares a restart: the pinned XDP program keeps answering until the next daemon
	 * adopts it. */
	if (signal_number == SIGUSR2)
		daemon->options.keep = true;
	log_tagged(LOG_LEVEL_NOTICE, "stop", "stopping on signal %d", (int)signal_number);
	event_base_loopbreak(daemon->base);
}

static void on_statistics(evutil_socket_t signal_number, short what, void *ctx)
{
	char line[STATS_LINE_SIZE];

	(void)signal_number;
	(void)what;
	log_notice("statistics: %s", stats_line(daemon_admin_ops.stats, ctx, line));
}

static void on_failure(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;

	(void)fd;
	(void)what;
	log_tagged(LOG_LEVEL_ERROR, "failure", "%s", writer_failure(daemon->writer));
	daemon->failed = true;
	daemon->exit_code = EXIT_RUNTIME;
	event_base_loopbreak(daemon->base);
}

static void on_follow(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	if (follower_follow(ctx) < 0)
		log_error("%s", error_message());
}

static void log_event(void *ctx, const struct sessd_drop_sample *event)
{
	struct log_fields fields = {.event = "drop"};
	struct endpoint endpoint = {.port = ntohs(event->port)};
	char text[ADDRESS_TEXT], source[ADDRESS_TEXT];

	(void)ctx;
	memcpy(endpoint.addr.bytes, event->source, sizeof(endpoint.addr.bytes));
	endpoint_format(&endpoint, text);
	fields.source = address_format(&endpoint.addr, source);
	switch (event->reason) {
	case SESSD_DROP_SHORT:
		fields.reason = "short";
		log_about(LOG_LEVEL_WARNING, &fields,
			"dropped a packet from %s: shorter than the header", text);
		break;
	case SESSD_DROP_VERSION:
		fields.reason = "version";
		log_about(LOG_LEVEL_WARNING, &fields,
			"dropped a packet from %s: protocol version %u", text, event->detail);
		break;
	case SESSD_DROP_TYPE:
		fields.reason = "type";
		log_about(LOG_LEVEL_WARNING, &fields,
			"dropped a packet from %s: message type 0x%02x", text, event->detail);
		break;
	default:
		fields.reason = "not_allowed";
		log_about(LOG_LEVEL_WARNING, &fields,
			"dropped a packet from %s: not in the allow list (--allow)", text);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;

	(void)fd;
	(void)what;
	if (daemon->ops->supervise)
		daemon->ops->supervise(daemon->engine);
	daemon->ops->drop_samples(daemon->engine, log_event, NULL);
	/* A failed read was logged when it failed. Retry here, because no other event may come. */
	for (unsigned i = 0; i < daemon->follower_count; i++)
		follower_retry(daemon->followers[i]);
	daemon_tell_addresses(daemon);
	daemon_tell_engines(daemon);
	log_tell_dropped();
	notify_retry();
	watch_second(&daemon->watch, daemon->ops, daemon->engine, clock_tick());
	daemon_judge_resumption(daemon);
	daemon_gather_second(daemon);
	daemon_status_second(daemon);
}

/* Adds an event that lives until daemon_unwatch. */
static int watch(struct daemon *daemon, int fd, short what, event_callback_fn call, void *ctx)
{
	struct timeval interval = {.tv_sec = DROP_SAMPLE_SECONDS};
	struct event *event = NULL;

	if (daemon->event_count < DAEMON_EVENTS_MAX)
		event = event_new(daemon->base, fd, what | EV_PERSIST, call, ctx);
	if (!event)
		return error_set(ENOMEM, "cannot set up the event loop");
	daemon->events[daemon->event_count++] = event;
	if (event_add(event, what ? NULL : &interval) < 0)
		return error_set(ENOMEM, "cannot set up the event loop");
	return 0;
}

void daemon_unwatch(struct daemon *daemon)
{
	watchdog_close(daemon->watchdog);
	daemon->watchdog = NULL;
	while (daemon->event_count > 0)
		event_free(daemon->events[--daemon->event_count]);
}

/* From here on the loop handles signals, so that a signal during the start cannot leave the start
 * half done. */
int daemon_watch_signals(struct daemon *daemon)
{
	int err;

	err = watch(daemon, SIGTERM, EV_SIGNAL, on_stop, daemon);
	if (!err)
		err = watch(daemon, SIGINT, EV_SIGNAL, on_stop, daemon);
	if (!err)
		err = watch(daemon, SIGUSR2, EV_SIGNAL, on_stop, daemon);
	if (!err)
		err = watch(daemon, SIGHUP, EV_SIGNAL, on_reload, daemon);
	if (!err)
		err = watch(daemon, SIGUSR1, EV_SIGNAL, on_statistics, daemon);
	return err;
}

static uint64_t progress(void *ctx)
{
	return writer_passes(ctx);
}

int daemon_loop(struct daemon *daemon)
{
	int err;

	err = watch(daemon, writer_failure_fd(daemon->writer), EV_READ, on_failure, daemon);
	for (unsigned i = 0; !err && i < daemon->follower_count; i++)
		err = watch(daemon, follower_fd(daemon->followers[i]), EV_READ, on_follow,
			daemon->followers[i]);
	if (!err)
		err = watch(daemon, -1, 0, on_timer, daemon);
	if (!err)
		err = watchdog_open(&daemon->watchdog, daemon->base, progress, daemon->writer);
	if (err)
		return err;
	daemon->started = clock_tick();
	daemon->configured = (uint64_t)time(NULL);
	if (daemon->ops->supervise)
		daemon->ops->supervise(daemon->engine);
	daemon_announce(daemon);
	daemon_warn_of_stale_pins(daemon);
	notify_ready();
	event_base_dispatch(daemon->base);
	notify_stopping();
	return 0;
}
