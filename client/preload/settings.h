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

#include "client/settings/named_settings.h"

struct settings {
	struct named_settings named; /* log is not set */
	bool syslog;
};

/* 1; 0 if nothing names a cache: then nothing is to be done; or -EINVAL with one line in `error`.
 */
int settings_read(struct settings *settings, char error[SESSIOND_ERROR_SIZE]);

#endif
