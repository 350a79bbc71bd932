/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Tells systemd the daemon's state (Type=notify and Type=notify-reload). Does nothing when not
 * started by systemd, or in a build without libsystemd.
 */
#ifndef SESSIOND_CONTROL_NOTIFY_H
#define SESSIOND_CONTROL_NOTIFY_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef HAVE_SYSTEMD
/* The daemon serves: call at start and after a reload. No call here blocks: a message that cannot
 * be sent at once is lost, except this one, which notify_retry sends again. */
void notify_ready(void);
/* Call once a second. */
void notify_retry(void);
void notify_reloading(void);
void notify_stopping(void);
/* Microseconds within which systemd expects notify_alive; 0: no watchdog. */
uint64_t notify_watchdog_usec(void);
void notify_alive(void);
/* One line for `systemctl status`. */
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A descriptor that the service manager keeps for the next daemon (FileDescriptorStoreMax=).
 * Whether it keeps any is not known: notify_has_manager says whether there is a manager.
 * notify_store waits for it at most some seconds: 0, or a negative errno. */
bool notify_has_manager(void);
int notify_store(int fd, const char *name);
/* Call once, before other threads start. Returns the descriptor of this name that the last daemon
 * has stored, or -1. Closes those of other names. */
int notify_take_stored(const char *name);
/* The manager need not keep it any more. */
void notify_forget_stored(const char *name);
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

static inline bool notify_has_manager(void)
{
	return false;
}

static inline int notify_store(int fd, const char *name)
{
	(void)fd;
	(void)name;
	return -ENOSYS;
}

static inline int notify_take_stored(const char *name)
{
	(void)name;
	return -1;
}

static inline void notify_forget_stored(const char *name)
{
	(void)name;
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
