/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Tells the service manager how the daemon is, for `systemctl status`.
 */
#include "control/daemon_private.h"

#include "common/clock.h"
#include "control/notify.h"
#include "control/stats/status_text.h"

#include <string.h>

#define STATUS_SECONDS 10

void daemon_tell_status(struct daemon *daemon)
{
	static char told[STATUS_TEXT];
	char text[STATUS_TEXT];
	bool fallback = daemon->options.engine.interface_count > 0 &&
			!engine_mode_has(daemon->mode, ENGINE_INTERFACES);

	if (!notify_has_manager())
		return;
	daemon->status_next = clock_tick() + clock_ticks(STATUS_SECONDS);
	status_text(daemon->mode->name, fallback, daemon_admin_ops.stats, daemon,
		&daemon->status_last, text);
	if (strcmp(text, told) == 0)
		return;
	notify_status("%s", text);
	strcpy(told, text);
}

void daemon_status_second(struct daemon *daemon)
{
	if (clock_tick() >= daemon->status_next)
		daemon_tell_status(daemon);
}
