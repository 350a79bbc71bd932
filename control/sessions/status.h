/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The status entry (protocol.h): the writer stores it and renews its lifetime each second, so that
 * a GET of the status key finds it as long as the writer is alive. It is no session: it has a slot
 * beyond the capacity, and no lifetime of lifetime.h. All of it belongs to the writer thread.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_STATUS_H
#define SESSIOND_CONTROL_SESSIONS_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/engine.h"

struct status {
	const struct engine_ops *ops;
	struct engine *engine;
	struct table *table;
	struct session session;
	char value[SESSD_STATUS_MAX];
	enum take_mode take;
	uint64_t next; /* tick of the next renewal */
};

/* Puts it into the table, ended until it is renewed. Not where `value_max` has no room for it.
 * `state`: SESSD_STATUS_READY or another. */
void status_open(struct status *status, const struct engine_ops *ops, struct engine *engine,
	struct table *table, uint16_t value_max, enum take_mode take, const char *state);
/* Changes the state; the next renewal, which is due at once, tells readers. */
void status_set(struct status *status, const char *state);
/* Once in each round of the writer. */
void status_renew(struct status *status);

/* Whether a slot is the status entry's. */
static inline bool status_has(const struct status *status, uint32_t slot)
{
	return slot == table_extra_slot(status->table);
}

#endif
