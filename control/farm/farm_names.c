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

const char *const farm_take_states[FARM_TAKE_STATES] = {
	[FARM_TAKE_LOCAL] = "local",
	[FARM_TAKE_READY] = "ready",
	[FARM_TAKE_WAITING] = "waiting",
	[FARM_TAKE_DISAGREED] = "disagreed",
	[FARM_TAKE_DOWN] = "down",
};

const char *const farm_dropped_names[FARM_DROPPED_COUNT] = {
	[FARM_DROPPED_TOO_LONG] = "too_long",
	[FARM_DROPPED_ENGINE_SLOW] = "engine_slow",
	[FARM_DROPPED_ENGINE_FULL] = "engine_full",
	[FARM_DROPPED_STOPPED] = "stopped",
};

const struct farm_fault_text farm_faults[FARM_ENGINE_FAULTS] = {
	[FARM_ENGINE_SAVES] = {"saves", "it writes snapshots to a disk", "set `save \"\"` there"},
	[FARM_ENGINE_APPENDS] = {"appends", "it logs every change to a disk",
		"set `appendonly no` there"},
	[FARM_ENGINE_EVICTS] = {"evicts", "it may evict sessions of the farm",
		"set `maxmemory-policy noeviction` there"},
	[FARM_ENGINE_ENDLESS] = {"endless", "its memory has no limit",
		"set `maxmemory` there: see farm-of-caches.md"},
	[FARM_ENGINE_COMMANDS] = {"commands", "its user may use more commands than a cache needs",
		"give the cache a user of its own: see dist/redis"},
	[FARM_ENGINE_KEYS] = {"keys", "its user may use keys that are not the farm's",
		"limit the user to `~sd:*` there: see dist/redis"},
	[FARM_ENGINE_PLAIN] = {"plain", "the network can read its password: it has no TLS",
		"use rediss://, or a network that only the farm uses"},
};
