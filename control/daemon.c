/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/daemon.h"

#include "common/cli.h"
#include "common/clock.h"
#include "control/daemon_private.h"
#include "control/notify.h"
#include "control/privileges.h"
#include "control/watchdog.h"

#include <errno.h>

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

/* A path that was asked for must work; the default one, where nobody can make it, is done without.
 */
static int open_admin(struct daemon *daemon)
{
	struct admin_config config = {
		.path = daemon->options.control_path,
		.ops = &daemon_admin_ops,
		.ctx = daemon,
		.capacity = daemon->options.engine.capacity,
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
	bool drivers = engine_mode_has(daemon->mode, ENGINE_DRIVERS);
	int err = 0;

	if (identity->change && daemon->admin)
		err = admin_give(daemon->admin, identity->uid, identity->gid);
#ifdef HAVE_MICROHTTPD
	if (!err && identity->change && daemon->metrics)
		err = metrics_give(daemon->metrics, identity->uid, identity->gid);
#endif
	if (!err && identity->change && daemon->ops->give)
		err = daemon->ops->give(daemon->engine, identity->uid, identity->gid);
	if (!err)
		err = privileges_drop(identity, drivers);
	if (err || !daemon->options.seccomp)
		return err;
	err = syscall_filter_install(drivers);
	if (err != -ENOSYS)
		return err;
	log_info("system calls are not filtered: %s", error_message());
	return 0;
}

int daemon_run(const struct options *options, int argc, char **argv)
{
	static struct daemon daemon;
	bool usage = false;
	int err;

	daemon.options = *options;
	daemon.options.engine.on_thread = privileges_drop_thread;
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
	err = identity_find(
		&daemon.identity, options->user, engine_mode_has(options->mode, ENGINE_DRIVERS));
	if (!err)
		err = privileges_prepare(&daemon.identity);
	if (!err)
		err = daemon_watch_signals(&daemon);
	if (!err)
		err = open_admin(&daemon);
	if (!err)
		err = daemon_open_metrics(&daemon);
	if (!err) {
		err = daemon_open_engine(&daemon);
		usage = err == -EINVAL && engine_mode_has(options->mode, ENGINE_DPDK_ARGS);
	}
	if (!err)
		err = give_up_privileges(&daemon);
	if (!err)
		err = daemon_loop(&daemon);
	if (err < 0) {
		log_error("sessiond: %s", error_message());
		daemon.exit_code = usage ? EXIT_USAGE : EXIT_RUNTIME;
	}
	watchdog_close(daemon.watchdog);
	daemon_unwatch(&daemon);
	admin_close(daemon.admin);
#ifdef HAVE_MICROHTTPD
	metrics_close(daemon.metrics);
#endif
	/* After a failure while running, what answers without the daemon goes on. */
	daemon_close_engine(&daemon, daemon.options.keep || daemon.failed);
	event_base_free(daemon.base);
	return daemon.exit_code;
}
