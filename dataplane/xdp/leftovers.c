/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What a daemon that is gone has left pinned, looked at from outside: before an engine of any mode
 * is opened.
 */
#include "xdp.h"

#include <string.h>

bool engine_xdp_would_adopt(const struct engine_config *config)
{
	struct engine engine = {.config = *config};
	struct sessd_config settings;
	bool would = !maps_read_settings(&engine, &settings);

	explicit_bzero(&settings, sizeof(settings));
	return would;
}
