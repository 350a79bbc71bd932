/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Where an engine is. Any thread may call the function.
 */
#ifndef SESSIOND_CONTROL_FARM_ENGINE_URL_H
#define SESSIOND_CONTROL_FARM_ENGINE_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "control/farm/farm.h"

/* Secret: user and password are in it. No padding is left undefined, so that two can be compared.
 */
struct engine_url {
	bool tls;
	bool local;	/* a Unix socket, whose path is `host` */
	uint16_t port;	/* host byte order; 0: local */
	char host[254]; /* a name, or an address without brackets */
	char user[128]; /* "": the engine's default user */
	char password[256];
	char shown[FARM_URL_MAX]; /* the URL without user and password */
};

/* See farm.h for the syntax. 0, or -EINVAL with error_message() set; no message has a password. */
int engine_url_parse(const char *text, struct engine_url *url);

#endif
