/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What libsessiond-preload.so is told: a file of `name = value`, /etc/sessiond/client.conf or the
 * one that SESSIOND_CLIENT_CONF names, and the environment, which wins: SESSIOND_CACHES for caches,
 * SESSIOND_MAX_SESSION for max-session, and so on.
 */
#ifndef SESSIOND_CLIENT_PRELOAD_SETTINGS_H
#define SESSIOND_CLIENT_PRELOAD_SETTINGS_H

#include <stdbool.h>

#include <sessiond/client.h>

struct settings {
	struct sessiond_options options; /* size is set, log is not */
	bool syslog;
	char caches[1024], key[1024], scope[SESSIOND_SCOPE_MAX + 1]; /* that options points to */
};

/* 1; 0 if nothing names a cache: then nothing is to be done; or -EINVAL with one line in `error`.
 */
int settings_read(struct settings *settings, char error[SESSIOND_ERROR_SIZE]);

#endif
