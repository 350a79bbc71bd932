/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The daemon from start to end.
 */
#include "control/daemon.h"

#include "common/cli.h"
#include "common/time_slice.h"
#include "control/daemon_private.h"
#include "control/notify.h"
#include "control/privileges.h"

#include <errno.h>
#include <malloc.h>
#include <unistd.h>

/* The shortest that Linux grants. Most turns are shorter anyway: a thread works, then sleeps. */
#define TIME_SLICE_US 100

/* At the start, buffers of the heap from this size on are mappings of their own: of these, what is
 * not touched takes no memory. Afterwards the heap keeps what is freed, up to the second size: the
 * farm's buffers come and go, and pages that are given back are cleared again each time. */
#define MAPPED_AT_START (64 << 10)
#define MAPPED_LATER	(4 << 20)

static void keep_freed(void)
{
	malloc_trim(0); /* what the start has freed */
	mallopt(M_MMAP_THRESHOLD, MAPPED_LATER);
	mallopt(M_TRIM_THRESHOLD, MAPPED_LATER);
}

/* Fatal if the path was given with --control or another daemon listens on it. Otherwise the daemon
 * runs without an admin socket. */
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

static void close_engine(struct daemon *daemon, enum engine_close how)
{
	if (daemon->writer)
		writer_stop(daemon->writer);
	daemon_stop_farm(daemon);
	daemon_unfollow(daemon);
	if (daemon->engine)
		daemon->ops->close(daemon->engine, how);
	if (daemon->writer && how == ENGINE_CLOSE_KEEP && !daemon->failed)
		daemon_hand_over(daemon);
	/* The engine read its table until the close. */
	writer_destroy(daemon->writer);
	daemon->writer = NULL;
	daemon->engine = NULL;
}

/* Opens and starts the engine of daemon->mode and its writer. 0, or a negative errno with
 * error_message() set and everything closed. */
static int start_engine(struct daemon *daemon)
{
	const struct options *options = &daemon->options;
	const struct engine_ops *ops = daemon->ops;
	const struct writer_config writer = {
		.capacity = options->engine.capacity,
		.value_max = options->engine.value_max,
		.remove = options->remove,
		.take = options->engine.take,
		.measure = options->engine.measure,
		.farm = options->farm.count > 0,
		.on_thread = options->engine.on_thread,
	};
	int err;

	daemon->options.engine.address_count = ops->set_local ? local_addresses_count() : 0;
	err = ops->open(&daemon->engine, &options->engine);
	if (err) {
		daemon->engine = NULL;
		return err;
	}
	daemon->writer = writer_create(ops, daemon->engine, &writer);
	err = daemon->writer ? 0 : -ENOMEM;
	if (!err)
		err = writer_adopt(daemon->writer);
	if (!err)
		daemon_take_over(daemon);
	if (!err)
		err = ops->set_allow(daemon->engine, &options->allow);
	if (!err)
		err = daemon_follow_addresses(daemon);
	if (!err)
		err = writer_start(daemon->writer);
	if (err) {
		close_engine(daemon, ENGINE_CLOSE_FAILED);
		return err;
	}
	/* The engine answers already: a failure here is only logged. */
	daemon_follow_interfaces(daemon);
	return 0;
}

/* Call it when everything is open and every thread runs. */
static int drop_privileges(struct daemon *daemon)
{
	const struct identity *identity = &daemon->identity;
	bool drivers = engine_mode_has(daemon->mode, ENGINE_DRIVERS);
	int err = 0;

	if (identity->change && daemon->admin)
		err = admin_give(daemon->admin, identity->uid, identity->gid);
	if (!err && identity->change && daemon->metrics)
		err = metrics_give(daemon->metrics, identity->uid, identity->gid);
	if (!err && identity->change && daemon->ops->give)
		err = daemon->ops->give(daemon->engine, identity->uid, identity->gid);
	/* Adopted pins may belong to another user, and root without capabilities could not remove
	 * them. If the daemon is not root, a failure does not matter. */
	else if (!err && daemon->ops->give)
		daemon->ops->give(daemon->engine, geteuid(), getegid());
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

/* Without this, libevent writes to stderr and may block there. */
static void on_library_log(int severity, const char *text)
{
	log_write(severity >= EVENT_LOG_ERR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "libevent: %s",
		text);
}

int daemon_run(const struct options *options, int argc, char **argv)
{
	static struct daemon daemon;
	bool usage = false;
	int err;

	/* First: for all threads. */
	time_slice_set(TIME_SLICE_US);
	mallopt(M_MMAP_THRESHOLD, MAPPED_AT_START);
	daemon.options = *options;
	daemon.options.engine.on_thread = privileges_drop_thread;
	daemon.argc = argc;
	daemon.argv = argv;
	event_set_log_callback(on_library_log);
	daemon_find_stored(&daemon);
	daemon.base = event_base_new();
	if (!daemon.base) {
		log_error("cannot set up the event loop");
		return EXIT_RUNTIME;
	}
	err = identity_find(
		&daemon.identity, options->user, engine_mode_has(options->mode, ENGINE_DRIVERS));
	if (err)
		goto end;
	err = privileges_prepare(&daemon.identity);
	if (err)
		goto end;
	err = daemon_watch_signals(&daemon);
	if (err)
		goto end;
	/* The admin socket first: it is the cheapest way to find another daemon running. It serves
	 * once the loop runs. */
	err = open_admin(&daemon);
	if (err)
		goto end;
	err = daemon_open_metrics(&daemon, options->metrics, &daemon.metrics);
	if (err)
		goto end;
	err = daemon_first_mode(&daemon);
	while (!err) {
		err = start_engine(&daemon);
		if (!err)
			break;
		/* Only the engine's open can check the EAL arguments. */
		usage = err == -EINVAL && engine_mode_has(options->mode, ENGINE_DPDK_ARGS);
		err = daemon_next_mode(&daemon, err);
	}
	if (err)
		goto end;
	err = drop_privileges(&daemon);
	if (err)
		goto end;
	err = daemon_start_farm(&daemon);
	if (err)
		goto end;
	daemon_forget_stored(&daemon);
	keep_freed();
	err = daemon_loop(&daemon);
end:
	if (err) {
		log_error("sessiond: %s", error_message());
		notify_status("failed: %s", error_message());
		daemon.exit_code = usage ? EXIT_USAGE : EXIT_RUNTIME;
	}
	daemon_unwatch(&daemon);
	close_engine(&daemon, err				     ? ENGINE_CLOSE_FAILED
			      : daemon.options.keep || daemon.failed ? ENGINE_CLOSE_KEEP
								     : ENGINE_CLOSE_REMOVE);
	metrics_close(daemon.metrics);
	admin_close(daemon.admin);
	event_base_free(daemon.base);
	return daemon.exit_code;
}
