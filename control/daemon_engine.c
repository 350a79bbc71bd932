/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Chooses the engine of the mode, opens and closes it with what serves it, and says which it is.
 */
#include "control/daemon_private.h"

#include "common/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static void on_vlan(void *ctx, const struct sessd_vlan *vlan, bool present)
{
	struct daemon *daemon = ctx;

	if (daemon->ops->set_vlan(daemon->engine, vlan, present) < 0)
		log_error("%s", error_message());
}

static void on_interface(void *ctx, size_t i, int ifindex)
{
	struct daemon *daemon = ctx;

	if (daemon->ops->set_interface(daemon->engine, i, ifindex) < 0)
		log_error("%s", error_message());
}

void daemon_close_engine(struct daemon *daemon, bool keep)
{
	if (daemon->writer)
		writer_stop(daemon->writer);
	local_addresses_close(daemon->local);
	vlans_close(daemon->vlans);
	interfaces_close(daemon->interfaces);
	if (daemon->engine)
		daemon->ops->close(daemon->engine, keep);
	writer_destroy(daemon->writer);
	daemon->writer = NULL;
	daemon->local = NULL;
	daemon->vlans = NULL;
	daemon->interfaces = NULL;
	daemon->engine = NULL;
}

/* Opens and starts an engine: 0, or a negative errno with error_message() set and all closed. */
static int start_engine(struct daemon *daemon, const struct engine_mode *mode)
{
	const struct options *options = &daemon->options;
	const struct engine_ops *ops = mode->ops;
	const struct writer_config writer_config = {
		.capacity = options->engine.capacity,
		.value_max = options->engine.value_max,
		.remove = options->remove,
		.measure = options->engine.measure,
		.on_thread = options->engine.on_thread,
	};
	int err;

	daemon->mode = mode;
	daemon->ops = ops;
	daemon->local_ready = false;
	err = ops->open(&daemon->engine, &options->engine);
	if (err) {
		daemon->engine = NULL;
		return err;
	}
	err = -ENOMEM;
	daemon->writer = writer_create(ops, daemon->engine, &writer_config);
	if (!daemon->writer)
		goto fail;
	err = writer_adopt(daemon->writer);
	if (err)
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
	if (ops->set_vlan) {
		daemon->vlans = vlans_open(on_vlan, daemon);
		if (!daemon->vlans)
			log_warning(
				"%s: what comes in a VLAN is answered by sockets", error_message());
	}
	err = writer_start(daemon->writer);
	if (err)
		goto fail;
	/* It answers by now, and maybe from sessions that it has adopted: no reason to end. */
	if (ops->set_interface) {
		daemon->interfaces = interfaces_open(options->engine.interfaces,
			options->engine.interface_count, on_interface, daemon);
		if (!daemon->interfaces)
			log_warning(
				"%s: one that is made anew is not served by XDP until a restart",
				error_message());
	}
	return 0;
fail:
	daemon_close_engine(daemon, false);
	return err;
}

/* What an earlier daemon has left pinned answers on from its own sessions, ahead of every socket,
 * and never knows of those that a daemon in another mode stores: nobody would find them. Those
 * sessions are not given up without being told to either. `failed` is the mode that would have
 * adopted them, and `why` it did not start; or NULL. */
static int refuse_stale_pins(const struct daemon *daemon, const struct engine_mode *mode,
	const struct engine_mode *failed, const char *why)
{
	const struct options *options = &daemon->options;
	char names[128], detach[PATH_MAX + 64];

	if (engines_stale_pins(mode, options->engine.pin_dir, names, sizeof(names)) <= 0)
		return 0;
	snprintf(detach, sizeof(detach), "sessionctl --pin-dir %s --port %u detach",
		options->pin_root, options->port);
	if (failed)
		return error_set(EEXIST,
			"mode %s failed (%s), and mode %s is no way out: an earlier daemon's XDP "
			"program answers on %s from its own sessions; mend that, or give them up: "
			"%s",
			failed->name, why, mode->name, names, detach);
	return error_set(EEXIST,
		"mode %s would store sessions that nobody finds: an earlier daemon's XDP program "
		"still answers on %s from its own; use mode xdp, or give them up: %s",
		mode->name, names, detach);
}

void daemon_warn_of_stale_pins(const struct daemon *daemon)
{
	const char *pin_dir = daemon->options.engine.pin_dir;
	char names[128];

	if (engines_stale_pins(daemon->mode, pin_dir, names, sizeof(names)) < 0)
		log_warning("an earlier daemon's XDP program may still answer from the sessions "
			    "pinned in %s: take it away with sessionctl --port %u detach",
			pin_dir, daemon->options.port);
}

/* In the mode that was asked for; with auto, in the first that takes it, and never silently. */
int daemon_open_engine(struct daemon *daemon)
{
	const struct options *options = &daemon->options;
	const struct engine_mode *mode = options->mode, *failed = NULL;
	char why[512] = "";
	int err;

	if (!mode)
		mode = engines_auto(NULL, &options->engine);
	for (;;) {
		err = refuse_stale_pins(daemon, mode, failed, why);
		if (err)
			return err;
		if (failed)
			log_tagged(LOG_LEVEL_WARNING, "slow",
				"SLOW: falling back to mode %s, because mode %s failed: %s",
				mode->name, failed->name, why);
		err = start_engine(daemon, mode);
		if (!err || options->mode)
			return err;
		/* A port or pin folder in use is another daemon's: no mode would be right. (An
		 * interface that has another's program is EEXIST.) */
		failed = mode;
		mode = engines_auto(failed, &options->engine);
		if (!mode || err == -EADDRINUSE || err == -EBUSY)
			return err;
		snprintf(why, sizeof(why), "%s", error_message());
	}
}

void daemon_announce(const struct daemon *daemon)
{
	const struct options *options = &daemon->options;
	char text[512], listen[ADDRESS_TEXT];

	if (!options->mode && options->engine.interface_count == 0)
		log_info("mode %s was chosen: no --interface was given", daemon->mode->name);
	daemon->ops->describe(daemon->engine, text, sizeof(text));
	log_tagged(LOG_LEVEL_NOTICE, "start", "sessiond %s answers in mode %s: %s",
		SESSIOND_VERSION, daemon->mode->name, text);
	for (size_t i = 0; i < options->engine.listen_count; i++)
		log_info(
			"listening on UDP %s", endpoint_format(&options->engine.listen[i], listen));
	if (daemon->metrics)
		log_info("metrics: %s", options->metrics);
	if (daemon->admin)
		log_info("admin socket: %s", options->control_path);
	log_info("room for %u sessions of at most %u bytes; REMOVEs are %s; %zu allowed "
		 "prefixes%s",
		options->engine.capacity, options->engine.value_max,
		options->remove == REMOVE_IGNORE ? "ignored" : "honoured", options->allow.count,
		options->allow_is_default ? " (the default: loopback, private, unique-local)" : "");
}
