/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "daemon.h"

#include "clock.h"
#include "daemon_private.h"
#include "notify.h"
#include "privileges.h"
#include "stats_line.h"
#include "watchdog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often the samples of malformed packets are collected and logged. */
#define EVENTS_SECONDS 1

static const struct engine_ops *engine_of(enum mode mode)
{
	switch (mode) {
#ifdef HAVE_XDP
	case MODE_XDP:
		return &engine_xdp;
#endif
#ifdef HAVE_DPDK
	case MODE_DPDK:
		return &engine_dpdk;
#endif
	default:
		return &engine_socket;
	}
}

static bool engine_is_dpdk(const struct daemon *daemon)
{
	return strcmp(daemon->ops->name, "dpdk") == 0;
}

static void on_local(void *ctx, const struct address *addr, bool present)
{
	struct daemon *daemon = ctx;
	char text[ADDRESS_TEXT];

	if (daemon->ops->set_local(daemon->engine, addr, present) < 0)
		log_error("%s", error_message());
	else if (daemon->local_ready)
		log_info("local address %s %s", address_format(addr, text),
			present ? "came: answering there" : "went");
}

static void on_interface(void *ctx, size_t i, int ifindex)
{
	struct daemon *daemon = ctx;

	if (daemon->ops->set_interface(daemon->engine, i, ifindex) < 0)
		log_error("%s", error_message());
}

static void close_engine(struct daemon *daemon, bool keep)
{
	if (daemon->writer)
		writer_stop(daemon->writer);
	local_addresses_close(daemon->local);
	interfaces_close(daemon->interfaces);
	if (daemon->engine)
		daemon->ops->close(daemon->engine, keep);
	writer_destroy(daemon->writer);
	daemon->writer = NULL;
	daemon->local = NULL;
	daemon->interfaces = NULL;
	daemon->engine = NULL;
}

/* Opens and starts an engine: 0, or a negative errno with error_message() set and all closed. */
static int start_engine(struct daemon *daemon, const struct engine_ops *ops)
{
	const struct options *options = &daemon->options;
	int err;

	daemon->ops = ops;
	daemon->local_ready = false;
	snprintf(daemon->pin_dir, sizeof(daemon->pin_dir), "%s/%u", options->pin_root,
		options->port);
	daemon->engine_config = (struct engine_config){
		.listen = options->listen,
		.listen_count = options->listen_count,
		.interfaces = options->interfaces,
		.interface_count = options->interface_count,
		.xdp_mode = options->xdp_mode,
		.capacity = options->capacity,
		.value_max = options->value_max,
		.threads = options->threads,
		.dpdk_args = options->dpdk_args,
		.limit_gets = options->rate_limit.gets,
		.limit_news = options->rate_limit.news,
		.measure = options->metrics[0] != '\0',
		.xdp_histogram = options->xdp_histogram,
		.pin_dir = daemon->pin_dir,
		.busy_poll = options->busy_poll,
		.on_thread = privileges_drop_thread,
	};
	err = ops->open(&daemon->engine, &daemon->engine_config);
	if (err) {
		daemon->engine = NULL;
		return err;
	}
	err = -ENOMEM;
	daemon->writer = writer_create(ops, daemon->engine, options);
	if (!daemon->writer)
		goto fail;
	err = ops->set_allow(daemon->engine, &options->allow);
	if (err)
		goto fail;
	if (ops->set_local) {
		err = -EIO;
		daemon->local = local_addresses_open(on_local, daemon);
		if (!daemon->local)
			goto fail;
	}
	daemon->local_ready = true;
	err = writer_start(daemon->writer);
	if (err)
		goto fail;
	/* It answers by now, and maybe from sessions that it has adopted: no reason to end. */
	if (ops->set_interface) {
		daemon->interfaces = interfaces_open(
			options->interfaces, options->interface_count, on_interface, daemon);
		if (!daemon->interfaces)
			log_warning(
				"%s: one that is made anew is not served by XDP until a restart",
				error_message());
	}
	return 0;
fail:
	close_engine(daemon, false);
	return err;
}

/* What an earlier daemon has left pinned answers on from its own sessions, and never knows of those
 * that a daemon in another mode stores. */
static void warn_of_leftovers(const struct daemon *daemon)
{
	if (strcmp(daemon->ops->name, "xdp") == 0 || access(daemon->pin_dir, F_OK) < 0)
		return;
	log_warning("an earlier daemon's XDP program may still answer from the sessions pinned in "
		    "%s: take it away with sessionctl --port %u detach",
		daemon->pin_dir, daemon->options.port);
}

/* The engine that was asked for; with `auto`, XDP where interfaces are given and take it, else
 * sockets, and never silently. */
static int choose_engine(struct daemon *daemon)
{
	const struct options *options = &daemon->options;
	int err;

	if (options->mode != MODE_AUTO)
		return start_engine(daemon, engine_of(options->mode));
	if (options->interface_count == 0) {
		err = start_engine(daemon, &engine_socket);
		if (!err)
			log_info("mode socket was chosen: no --interface was given");
		return err;
	}
	if (engine_of(MODE_XDP) == &engine_socket) {
		log_tagged(LOG_LEVEL_WARNING, "slow",
			"SLOW: this build has no xdp mode; falling back to mode socket");
		return start_engine(daemon, &engine_socket);
	}
	err = start_engine(daemon, engine_of(MODE_XDP));
	/* A port or pin folder in use is another daemon's: no mode would be right. (An interface
	 * that has another's program is EEXIST.) */
	if (!err || err == -EADDRINUSE || err == -EBUSY)
		return err;
	log_tagged(LOG_LEVEL_WARNING, "slow",
		"SLOW: falling back to mode socket, because mode xdp failed: %s", error_message());
	return start_engine(daemon, &engine_socket);
}

static void announce(const struct daemon *daemon)
{
	const struct options *options = &daemon->options;
	char text[512], listen[ADDRESS_TEXT];

	daemon->ops->describe(daemon->engine, text, sizeof(text));
	log_tagged(LOG_LEVEL_NOTICE, "start", "sessiond %s answers in mode %s: %s",
		SESSIOND_VERSION, daemon->ops->name, text);
	for (size_t i = 0; i < options->listen_count; i++)
		log_info("listening on UDP %s", endpoint_format(&options->listen[i], listen));
	if (daemon->metrics)
		log_info("metrics: %s", options->metrics);
	if (daemon->admin)
		log_info("admin socket: %s", options->control_path);
	log_info("room for %u sessions of at most %u bytes; REMOVEs are %s; %zu allowed "
		 "prefixes%s",
		options->capacity, options->value_max,
		options->remove == REMOVE_IGNORE ? "ignored" : "honoured", options->allow.count,
		options->allow_is_default ? " (the default: loopback, private, unique-local)" : "");
}

struct restart_list {
	void (*line)(void *line_ctx, const char *text);
	void *line_ctx;
};

static void on_needs_restart(void *ctx, const char *name)
{
	const struct restart_list *list = ctx;
	char text[128];

	snprintf(text, sizeof(text), "%s has changed, and takes a restart", name);
	log_warning("reload: %s", text);
	if (list->line)
		list->line(list->line_ctx, text);
}

int daemon_reload(
	struct daemon *daemon, void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	static struct options next;
	struct restart_list list = {.line = line, .line_ctx = line_ctx};
	int err;

	notify_reloading();
	err = options_reload(
		&next, daemon->argc, daemon->argv, &daemon->options, on_needs_restart, &list);
	if (!err)
		err = daemon->ops->set_allow(daemon->engine, &next.allow);
	notify_ready();
	if (err) {
		log_tagged(LOG_LEVEL_ERROR, "reload-failed",
			"reload failed, nothing was changed: %s", error_message());
		return err;
	}
	writer_set_remove(daemon->writer, next.remove);
	log_set_level(next.log_level);
	daemon->options = next;
	log_tagged(LOG_LEVEL_NOTICE, "reload", "reloaded: %zu allowed prefixes, REMOVEs are %s",
		next.allow.count, next.remove == REMOVE_IGNORE ? "ignored" : "honoured");
	return 0;
}

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
	/* SIGUSR2 is a restart: what can answer without the daemon goes on until the next one. */
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

static void on_local_event(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;

	(void)fd;
	(void)what;
	if (local_addresses_follow(daemon->local) < 0)
		log_error("%s", error_message());
}

static void on_interface_event(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;

	(void)fd;
	(void)what;
	if (interfaces_follow(daemon->interfaces) < 0)
		log_error("%s", error_message());
}

static void log_event(void *ctx, const struct sessd_event *event)
{
	struct address source;
	struct endpoint endpoint = {.port = ntohs(event->port)};
	char text[ADDRESS_TEXT];

	(void)ctx;
	memcpy(source.bytes, event->source, sizeof(source.bytes));
	endpoint.addr = source;
	endpoint_format(&endpoint, text);
	switch (event->reason) {
	case SESSD_EVENT_SHORT:
		log_tagged(LOG_LEVEL_WARNING, "drop",
			"dropped a packet from %s: shorter than the header", text);
		break;
	case SESSD_EVENT_VERSION:
		log_tagged(LOG_LEVEL_WARNING, "drop",
			"dropped a packet from %s: protocol version %u", text, event->detail);
		break;
	case SESSD_EVENT_TYPE:
		log_tagged(LOG_LEVEL_WARNING, "drop",
			"dropped a packet from %s: message type 0x%02x", text, event->detail);
		break;
	default:
		log_tagged(LOG_LEVEL_WARNING, "drop",
			"dropped a packet from %s: not in the allow list (--allow)", text);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;

	(void)fd;
	(void)what;
	daemon->ops->events(daemon->engine, log_event, NULL);
	watch_second(&daemon->watch, daemon->ops, daemon->engine, clock_tick());
}

/* Adds an event that lives until unwatch. */
static int watch(struct daemon *daemon, int fd, short what, event_callback_fn call)
{
	struct timeval interval = {.tv_sec = EVENTS_SECONDS};
	struct event *event = NULL;

	if (daemon->event_count < DAEMON_EVENTS_MAX)
		event = event_new(daemon->base, fd, what | EV_PERSIST, call, daemon);
	if (!event)
		return error_set(ENOMEM, "cannot set up the event loop");
	daemon->events[daemon->event_count++] = event;
	if (event_add(event, what ? NULL : &interval) < 0)
		return error_set(ENOMEM, "cannot set up the event loop");
	return 0;
}

static void unwatch(struct daemon *daemon)
{
	while (daemon->event_count > 0)
		event_free(daemon->events[--daemon->event_count]);
}

/* From here on signals wait for the loop: one that comes during the start leaves nothing behind
 * half made. */
static int watch_signals(struct daemon *daemon)
{
	int err;

	err = watch(daemon, SIGTERM, EV_SIGNAL, on_stop);
	if (!err)
		err = watch(daemon, SIGINT, EV_SIGNAL, on_stop);
	if (!err)
		err = watch(daemon, SIGUSR2, EV_SIGNAL, on_stop);
	if (!err)
		err = watch(daemon, SIGHUP, EV_SIGNAL, on_reload);
	if (!err)
		err = watch(daemon, SIGUSR1, EV_SIGNAL, on_statistics);
	return err;
}

static uint64_t progress(void *ctx)
{
	return writer_passes(ctx);
}

static int loop(struct daemon *daemon)
{
	int err;

	err = watch(daemon, writer_failure_fd(daemon->writer), EV_READ, on_failure);
	if (!err && daemon->local)
		err = watch(daemon, local_addresses_fd(daemon->local), EV_READ, on_local_event);
	if (!err && daemon->interfaces)
		err = watch(daemon, interfaces_fd(daemon->interfaces), EV_READ, on_interface_event);
	if (!err)
		err = watch(daemon, -1, 0, on_timer);
	if (!err)
		err = watchdog_open(&daemon->watchdog, daemon->base, progress, daemon->writer);
	if (err)
		return err;
	announce(daemon);
	warn_of_leftovers(daemon);
	notify_ready();
	event_base_dispatch(daemon->base);
	notify_stopping();
	return 0;
}

/* A path that was asked for must work; the default one, where nobody can make it, is done without.
 */
static int open_admin(struct daemon *daemon)
{
	struct admin_config config = {
		.path = daemon->options.control_path,
		.ops = &daemon_admin_ops,
		.ctx = daemon,
		.capacity = daemon->options.capacity,
	};
	int err = admin_open(&daemon->admin, daemon->base, &config);

	if (!err || err == -EADDRINUSE || !daemon->options.control_is_default)
		return err;
	log_warning("no admin socket: %s", error_message());
	daemon->admin = NULL;
	return 0;
}

/* All is open and every thread runs. */
static int give_up_privileges(struct daemon *daemon)
{
	const struct identity *identity = &daemon->identity;
	int err = 0;

	if (identity->change && daemon->admin)
		err = admin_give(daemon->admin, identity->uid, identity->gid);
	if (!err && identity->change && daemon->ops->give)
		err = daemon->ops->give(daemon->engine, identity->uid, identity->gid);
	if (!err)
		err = privileges_drop(identity, &daemon->options, engine_is_dpdk(daemon));
	return err;
}

int daemon_run(const struct options *options, int argc, char **argv)
{
	static struct daemon daemon;
	bool usage = false;
	int err;

	daemon.options = *options;
	daemon.argc = argc;
	daemon.argv = argv;
	daemon.base = event_base_new();
	if (!daemon.base) {
		log_error("cannot set up the event loop");
		return EXIT_RUNTIME;
	}
	daemon.started = clock_tick();
	/* The admin socket first: it is the cheapest to find taken. It serves once the loop runs.
	 */
	err = privileges_identity(options, &daemon.identity);
	privileges_prepare(&daemon.identity);
	if (!err)
		err = watch_signals(&daemon);
	if (!err)
		err = open_admin(&daemon);
	if (!err)
		err = daemon_open_metrics(&daemon);
	if (!err) {
		err = choose_engine(&daemon);
		/* Whether --dpdk-args are good, only EAL can tell. */
		usage = err == -EINVAL && options->mode == MODE_DPDK;
	}
	if (!err)
		err = give_up_privileges(&daemon);
	if (!err)
		err = loop(&daemon);
	if (err < 0) {
		log_error("sessiond: %s", error_message());
		daemon.exit_code = usage ? EXIT_USAGE : EXIT_RUNTIME;
	}
	watchdog_close(daemon.watchdog);
	unwatch(&daemon);
	admin_close(daemon.admin);
#ifdef HAVE_MICROHTTPD
	metrics_close(daemon.metrics);
#endif
	/* After a failure while running, what answers without the daemon goes on. */
	close_engine(&daemon, daemon.options.keep || daemon.failed);
	event_base_free(daemon.base);
	return daemon.exit_code;
}
