/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Replaces the farm in builds without hiredis or OpenSSL, which refuse its options.
 */
#include "control/farm/farm.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"

struct farm *farm_create(const struct farm_config *config, const struct farm_side *side)
{
	(void)config;
	(void)side;
	(void)error_set(ENOTSUP, FARM_BUILT_WITHOUT);
	return NULL;
}

int farm_check(const struct farm_config *config)
{
	(void)config;
	return error_set(ENOTSUP, FARM_BUILT_WITHOUT);
}

void farm_check_engines(const struct farm_config *config, unsigned wait_ms,
	void (*tell)(void *ctx, const char *line), void *ctx)
{
	(void)config;
	(void)wait_ms;
	(void)tell;
	(void)ctx;
}

int farm_start(struct farm *farm)
{
	(void)farm;
	return error_set(ENOTSUP, FARM_BUILT_WITHOUT);
}

void farm_stop(struct farm *farm)
{
	(void)farm;
}

void farm_destroy(struct farm *farm)
{
	(void)farm;
}

void farm_wake(struct farm *farm)
{
	(void)farm;
}

void farm_lost(struct farm *farm)
{
	(void)farm;
}

int farm_reload(struct farm *farm, const struct farm_config *config)
{
	(void)farm;
	return farm_check(config);
}

bool farm_ready(const struct farm *farm)
{
	(void)farm;
	return true;
}

void farm_status(struct farm *farm, struct farm_status *status)
{
	(void)farm;
	memset(status, 0, sizeof(*status));
}
