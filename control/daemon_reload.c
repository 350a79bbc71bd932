/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Reloads the configuration, at SIGHUP or by the admin socket.
 */
#include "control/daemon_private.h"

#include <stdio.h>

#include "control/notify.h"

struct restart_list {
	void (*line)(void *line_ctx, const char *text);
	void *line_ctx;
};

static void on_needs_restart(void *ctx, const char *name)
{
	const struct restart_list *list = ctx;
	char text[128];

	snprintf(text, sizeof(text), "%s has changed: restart to apply it", name);
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
