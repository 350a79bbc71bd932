/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Logs what becomes of the farm's engines.
 */
#include "control/daemon_private.h"

#include <stdio.h>
#include <string.h>

/* Down for so long before the log says so: a short break is no news, and a connection that comes
 * and goes does not fill the log. */
#define DOWN_SECONDS 3

static void tell_faults(struct engine_news *news, const struct farm_engine_status *engine)
{
	for (unsigned i = 0; i < FARM_ENGINE_FAULTS; i++)
		if ((engine->faults & ~news->faults) >> i & 1)
			log_warning("farm: engine %s: %s: %s", engine->url, farm_faults[i].text,
				farm_faults[i].advice);
	if (news->faults && !engine->faults)
		log_info("farm: engine %s: its settings are right now", engine->url);
	news->faults = engine->faults;
}

static void tell_engine(struct engine_news *news, const struct farm_engine_status *engine)
{
	if (strcmp(news->url, engine->url) != 0) {
		memset(news, 0, sizeof(*news));
		snprintf(news->url, sizeof(news->url), "%s", engine->url);
	}
	if (engine->up && news->state != ENGINE_NEWS_UP) {
		log_info("farm: engine %s is up, version %s", engine->url, engine->version);
		news->state = ENGINE_NEWS_UP;
	} else if (!engine->up && news->state != ENGINE_NEWS_DOWN &&
		   engine->since >= DOWN_SECONDS) {
		log_warning("farm: engine %s is down: %s", engine->url,
			engine->error[0] ? engine->error : "it does not answer");
		news->state = ENGINE_NEWS_DOWN;
	}
	if (engine->checked)
		tell_faults(news, engine);
}

void daemon_tell_engines(struct daemon *daemon)
{
	static struct farm_status status; /* too large for the stack */

	if (!daemon->farm)
		return;
	farm_status(daemon->farm, &status);
	for (unsigned i = 0; i < status.engine_count; i++)
		tell_engine(&daemon->engine_news[i], &status.engines[i]);
}
