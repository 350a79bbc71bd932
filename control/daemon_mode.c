/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Selects the mode: the requested one, or those that auto tries.
 */
#include "control/daemon_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A pinned XDP program of an earlier daemon keeps answering from its own map, before any socket. A
 * daemon in another mode would store sessions that no GET finds, so it refuses to start. Only an
 * operator may delete the pinned sessions. `failed` is the mode that would have adopted them, or
 * NULL, and `why` says why it did not start. */
static int refuse_stale_pins(struct daemon *daemon, const struct engine_mode *mode,
	const struct engine_mode *failed, const char *why)
{
	const struct options *options = &daemon->options;
	char what[256], detach[PATH_MAX + 64];
	struct engine_stale stale;
	int found;

	found = engines_stale_pins(mode, &options->engine, &stale);
	daemon->stale_unknown = found < 0;
	if (found <= 0)
		return 0;
	if (stale.elsewhere)
		snprintf(detach, sizeof(detach), "sessionctl detach --interface %.*s",
			(int)strcspn(stale.interfaces, ","), stale.interfaces);
	else
		snprintf(detach, sizeof(detach), "sessionctl --pin-dir %s --port %u detach",
			options->pin_root, options->port);
	if (!stale.interfaces[0])
		snprintf(what, sizeof(what), "an earlier daemon has left its sessions pinned");
	else
		snprintf(what, sizeof(what),
			"%s XDP program still answers on %s from its own sessions",
			stale.elsewhere ? "another sessiond's" : "an earlier daemon's",
			stale.interfaces);
	if (failed)
		return error_set(EEXIST,
			"mode %s failed (%s), and mode %s cannot replace it: %s; fix the failure, "
			"or delete those sessions: %s",
			failed->name, why, mode->name, what, detach);
	if (!stale.interfaces[0])
		return error_set(EEXIST,
			"%s, which mode %s cannot use: use mode xdp, or delete them: %s", what,
			mode->name, detach);
	return error_set(EEXIST,
		"mode %s would store sessions that nobody finds: %s; use mode xdp, or delete the "
		"pinned sessions: %s",
		mode->name, what, detach);
}

void daemon_warn_of_stale_pins(const struct daemon *daemon)
{
	if (daemon->stale_unknown)
		log_warning("an earlier daemon's XDP program may still answer from the sessions "
			    "pinned in %s: remove it with sessionctl --port %u detach",
			daemon->options.engine.pin_dir, daemon->options.port);
}

/* Sets the mode to try. 0, or a negative errno with error_message() set. */
static int try_mode(struct daemon *daemon, const struct engine_mode *mode,
	const struct engine_mode *failed, const char *why)
{
	daemon->mode = mode;
	daemon->ops = mode->ops;
	return refuse_stale_pins(daemon, mode, failed, why);
}

int daemon_first_mode(struct daemon *daemon)
{
	const struct options *options = &daemon->options;

	return try_mode(daemon,
		options->mode ? options->mode : engines_auto(NULL, &options->engine), NULL, "");
}

int daemon_next_mode(struct daemon *daemon, int err)
{
	const struct engine_mode *failed = daemon->mode, *mode = NULL;
	char why[512];

	if (!daemon->options.mode)
		mode = engines_auto(failed, &daemon->options.engine);
	/* Another daemon uses this port or pin folder: no mode would work. (An interface with
	 * another XDP program is EEXIST.) */
	if (!mode || err == -EADDRINUSE || err == -EBUSY)
		return err;
	snprintf(why, sizeof(why), "%s", error_message());
	err = try_mode(daemon, mode, failed, why);
	if (err)
		return err;
	log_tagged(LOG_LEVEL_WARNING, "slow",
		"SLOW: falling back to mode %s, because mode %s failed: %s", mode->name,
		failed->name, why);
	return 0;
}

static void tell_without_effect(void *ctx, const char *name, const char *mode)
{
	(void)ctx;
	log_tagged(LOG_LEVEL_NOTICE, "no-effect", "%s has no effect in mode %s", name, mode);
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
	options_without_effect(options, daemon->mode, tell_without_effect, NULL);
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
		options->allow_is_default
			? " (the default: loopback, private, link-local, unique-local)"
			: "");
}
