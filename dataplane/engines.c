/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The table of modes. Only this file knows which modes are built in.
 */
#include "dataplane/engine.h"

#include "common/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_XDP
#define XDP &engine_xdp
#else
#define XDP NULL
#endif

#ifdef HAVE_DPDK
#define DPDK &engine_dpdk
#else
#define DPDK NULL
#endif

const struct engine_mode engine_modes[] = {
	{"xdp", XDP, "-Dxdp=enabled",
		ENGINE_AUTO | ENGINE_INTERFACES | ENGINE_PINS | ENGINE_BUSY_POLL |
			ENGINE_LISTENS_AGAIN,
		"daemon"},
	{"dpdk", DPDK, "-Ddpdk=enabled",
		ENGINE_OWN_PORTS | ENGINE_DPDK_ARGS | ENGINE_DRIVERS | ENGINE_HANDS_OVER, "dpdk"},
	{"socket", &engine_socket, NULL,
		ENGINE_AUTO | ENGINE_THREADS | ENGINE_BUSY_POLL | ENGINE_HANDS_OVER |
			ENGINE_LISTENS_AGAIN,
		"daemon"},
};

const size_t engine_mode_count = sizeof(engine_modes) / sizeof(engine_modes[0]);

const struct engine_mode *engines_find(const char *name)
{
	for (size_t i = 0; i < engine_mode_count; i++)
		if (strcmp(engine_modes[i].name, name) == 0)
			return &engine_modes[i];
	return NULL;
}

const struct engine_mode *engines_auto(
	const struct engine_mode *failed, const struct engine_config *config)
{
	size_t i = failed ? (size_t)(failed - engine_modes) + 1 : 0;

	for (; i < engine_mode_count; i++) {
		const struct engine_mode *mode = &engine_modes[i];

		if (mode->ops && mode->flags & ENGINE_AUTO &&
			(config->interface_count > 0 || !(mode->flags & ENGINE_INTERFACES)))
			return mode;
	}
	return NULL;
}

uint64_t engines_memory_needed(const struct engine_mode *mode, const struct engine_config *config)
{
	const struct table_config table = {
		.capacity = config->capacity, .value_max = config->value_max};

	return mode->ops->memory_needed ? mode->ops->memory_needed(config)
					: table_reserved_bytes(&table);
}

int engines_stale_pins(const struct engine_mode *mode, const struct engine_config *config,
	struct engine_stale *stale)
{
	int ret = 0;

	for (size_t i = 0; i < engine_mode_count && ret == 0; i++) {
		const struct engine_mode *other = &engine_modes[i];

		if (other == mode || !(other->flags & ENGINE_PINS))
			continue;
		if (other->ops)
			ret = other->ops->stale_pins(config, stale);
		else if (access(config->pin_dir, F_OK) == 0)
			ret = -ENOSYS;
	}
	return ret;
}

int engines_take_off(const char *interface)
{
	for (size_t i = 0; i < engine_mode_count; i++)
		if (engine_modes[i].ops && engine_modes[i].ops->take_off)
			return engine_modes[i].ops->take_off(interface);
	return error_set(
		ENOTSUP, "this sessiond was built without xdp mode and cannot detach a program");
}
