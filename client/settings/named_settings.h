/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A client's options by their names, for adapters that are set up by text. Not a part of the
 * library.
 */
#ifndef SESSIOND_CLIENT_SETTINGS_NAMED_SETTINGS_H
#define SESSIOND_CLIENT_SETTINGS_NAMED_SETTINGS_H

#include <sessiond/client.h>

struct named_settings {
	struct sessiond_options options;
	char caches[1024], key[1024], scope[SESSIOND_SCOPE_MAX + 1];
};

/* Sets size and nothing else. */
void named_settings_init(struct named_settings *settings);
/* Sets one. NULL, or what was expected as the value. *known says whether there is such a name. */
const char *named_settings_set(
	struct named_settings *settings, const char *name, const char *value, int *known);
/* Lets options point to the texts; again after each move of the struct. */
void named_settings_point(struct named_settings *settings);

#endif
