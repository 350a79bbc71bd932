/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Tells systemd what the daemon is at (Type=notify and Type=notify-reload). Nothing happens outside
 * of systemd, or in a build without libsystemd.
 */
#ifndef SESSIOND_CONTROL_NOTIFY_H
#define SESSIOND_CONTROL_NOTIFY_H

#include <stdint.h>

#ifdef HAVE_SYSTEMD
/* Serving: at start, and again after a reload. No call waits for systemd: what it does not take at
 * once is lost, but for this, which notify_retry sends again. */
void notify_ready(void);
/* To be called once a second. */
void notify_retry(void);
void notify_reloading(void);
void notify_stopping(void);
/* Microseconds in which systemd wants to hear notify_alive; 0: it does not. */
uint64_t notify_watchdog_usec(void);
void notify_alive(void);
/* One line for `systemctl status`. */
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
#else
static inline void notify_ready(void)
{
}

static inline void notify_retry(void)
{
}

static inline void notify_reloading(void)
{
}

static inline void notify_stopping(void)
{
}

static inline uint64_t notify_watchdog_usec(void)
{
	return 0;
}

static inline void notify_alive(void)
{
}

__attribute__((format(printf, 1, 2))) static inline void notify_status(const char *format, ...)
{
	(void)format;
}
#endif

#endif
