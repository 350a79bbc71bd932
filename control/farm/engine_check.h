/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Asks an engine how it is set up, over a link that is up. What it does not tell counts as right.
 *
 * What the user may do, an engine tells only by a trial. A narrow ACL refuses both trials, and
 * ACL LOG then shows them: `config|get`, and a read of the key ENGINE_CHECK_KEY. So they are made
 * once for each process of an engine, and again only while it allows them.
 */
#ifndef SESSIOND_CONTROL_FARM_ENGINE_CHECK_H
#define SESSIOND_CONTROL_FARM_ENGINE_CHECK_H

#include "control/farm/engine_link.h"

#define ENGINE_CHECK_KEY      "sessiond-tries-a-key-outside-sd"
#define ENGINE_CHECK_EVERY_US 60000000

/* Must stay where it is while the link lives. */
struct engine_check {
	uint32_t faults;    /* as farm_engine_status has them */
	bool done;	    /* all questions were answered once on this connection */
	bool allowed_asked; /* clear it when the engine is another process */
	/* Private. */
	uint32_t finding;
	unsigned waiting;
	uint64_t next;
};

/* Asks, if it is time to, or after engine_check_forget. */
void engine_check_run(struct engine_check *check, struct engine_link *link, uint64_t now);
/* The connection is gone. */
void engine_check_forget(struct engine_check *check);

#endif
