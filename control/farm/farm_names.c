/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/farm/farm.h"

const char *const farm_refused_names[FARM_REFUSED_COUNT] = {
	[FARM_REFUSED_KEY] = "key",
	[FARM_REFUSED_SEAL] = "seal",
	[FARM_REFUSED_VERSION] = "version",
	[FARM_REFUSED_SEQUENCE] = "sequence",
	[FARM_REFUSED_TRUNCATED] = "truncated",
	[FARM_REFUSED_FOREIGN] = "foreign",
};

const char *const farm_dropped_names[FARM_DROPPED_COUNT] = {
	[FARM_DROPPED_TOO_LONG] = "too_long",
	[FARM_DROPPED_ENGINE_SLOW] = "engine_slow",
	[FARM_DROPPED_ENGINE_FULL] = "engine_full",
	[FARM_DROPPED_STOPPED] = "stopped",
};
