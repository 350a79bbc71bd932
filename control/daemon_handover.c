/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The sessions that a daemon without pins gives to the next one, through the service manager.
 */
#include "control/daemon_private.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "control/host/host_memory.h"
#include "control/notify.h"
#include "control/sessions/handover.h"

/* The name under which the service manager keeps them. */
#define STORED "sessions"

void daemon_find_stored(struct daemon *daemon)
{
	daemon->stored_fd = notify_take_stored(STORED);
}

void daemon_take_over(struct daemon *daemon)
{
	if (daemon->stored_fd >= 0 && handover_read(daemon->writer, daemon->stored_fd) < 0)
		log_warning("%s", error_message());
}

void daemon_forget_stored(struct daemon *daemon)
{
	if (daemon->stored_fd < 0)
		return;
	close(daemon->stored_fd);
	daemon->stored_fd = -1;
	notify_forget_stored(STORED);
}

bool daemon_hands_over(const struct daemon *daemon)
{
	return engine_mode_has(daemon->mode, ENGINE_HANDS_OVER) && notify_has_manager();
}

void daemon_hand_over(struct daemon *daemon)
{
	uint64_t needed = handover_bytes(daemon->writer), available = host_memory_available("");
	uint64_t sessions = 0;
	int fd, err;

	if (!engine_mode_has(daemon->mode, ENGINE_HANDS_OVER))
		return;
	if (!notify_has_manager()) {
		log_notice("the sessions end: there is no service manager that keeps them for the "
			   "next daemon");
		return;
	}
	if (available > 0 && needed > available) {
		log_warning("the sessions end: handing them over takes %" PRIu64
			    " MiB, and %" PRIu64 " MiB are available",
			needed >> 20, available >> 20);
		return;
	}
	fd = handover_write(daemon->writer, &sessions);
	if (fd < 0) {
		log_warning("the sessions end: %s", error_message());
		return;
	}
	err = notify_store(fd, STORED);
	close(fd);
	if (err)
		log_warning("the sessions end: the service manager did not take them: %s",
			strerror(-err));
	else
		log_notice("gave %" PRIu64 " sessions to the service manager, for the next daemon",
			sessions);
}
