/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/status.h"

#include <sessiond/checksum.h>

#include "common/clock.h"

#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(SESSD_STATUS_KEY) <= SESSD_KEY_SIZE, "the key has room for its text");

static int write_value(struct status *status, const char *state)
{
	static const char *const takes[] = {
		[TAKE_NO] = "no", [TAKE_LOCAL] = "yes", [TAKE_FARM] = SESSD_STATUS_TAKE_FARM};

	return snprintf(status->value, sizeof(status->value), SESSD_STATUS_FORMAT, SESSD_VERSION,
		takes[status->take], state);
}

/* Sets what the session says of the value. */
static void describe(struct status *status)
{
	status->session.len = (uint16_t)strlen(status->value);
	status->session.sum = checksum_fold(checksum_bytes(status->value, status->session.len));
}

void status_open(struct status *status, const struct engine_ops *ops, struct engine *engine,
	struct table *table, uint16_t value_max, enum take_mode take, const char *state)
{
	struct session *session = &status->session;

	status->ops = ops;
	status->engine = engine;
	status->table = table;
	status->take = take;
	if (write_value(status, state) > value_max)
		return;
	memcpy(session->key, SESSD_STATUS_KEY, sizeof(SESSD_STATUS_KEY));
	session->slot = table_extra_slot(table);
	describe(status);
	table_insert(table, table_hash(table, session->key), session, status->value);
}

void status_set(struct status *status, const char *state)
{
	if (status->session.len == 0)
		return;
	write_value(status, state);
	describe(status);
	table_rewrite_extra(status->table, &status->session, status->value);
	status->next = 0;
}

void status_renew(struct status *status)
{
	struct session *session = &status->session;
	uint64_t now = clock_tick();

	if (session->len == 0 || now < status->next)
		return;
	status->next = now + clock_ticks(1);
	session->expires = clock_expiry(now, SESSD_STATUS_SECONDS);
	table_renew(status->table, session->slot, session->expires);
	if (status->ops->put)
		status->ops->put(status->engine, session, status->value);
}
