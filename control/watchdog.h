/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * systemd's watchdog (WatchdogSec=), fed only while work gets done.
 */
#ifndef SESSIOND_CONTROL_WATCHDOG_H
#define SESSIOND_CONTROL_WATCHDOG_H

#include <stdint.h>

#include <event2/event.h>

struct watchdog;

/* If the environment asks for it, tells systemd from now on, twice in the time it gives, that the
 * daemon is well: if `progress` has changed since it told so last. On the event base's thread. 0,
 * or a negative errno with error_message() set; `*watchdog` may be NULL: nobody asks. */
int watchdog_open(struct watchdog **watchdog, struct event_base *base,
	uint64_t (*progress)(void *ctx), void *ctx);
/* NULL is allowed. */
void watchdog_close(struct watchdog *watchdog);

#endif
