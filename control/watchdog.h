/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * systemd's watchdog (WatchdogSec=), notified only while the writer makes progress.
 */
#ifndef SESSIOND_CONTROL_WATCHDOG_H
#define SESSIOND_CONTROL_WATCHDOG_H

#include <stdint.h>

#include <event2/event.h>

struct watchdog;

/* If systemd asks for it, sends WATCHDOG=1 twice per watchdog interval, as long as `progress`
 * changes between two checks. On the event base's thread. 0, or a negative errno with
 * error_message() set. `*watchdog` is NULL where systemd has no watchdog set. */
int watchdog_open(struct watchdog **watchdog, struct event_base *base,
	uint64_t (*progress)(void *ctx), void *ctx);
/* NULL is allowed. */
void watchdog_close(struct watchdog *watchdog);

#endif
