/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/status.h"

#include <sessiond/checksum.h>

#include "common/clock.h"

#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(SESSD_STATUS_KEY) <= SESSD_KEY_SIZE, "the key has room for its text");

void status_open(struct status *status, const struct engine_ops *ops, struct engine *engine,
	struct table *table, uint16_t value_max, bool take)
{
	struct session *session = &status->session;
	int len = snprintf(status->value, sizeof(status->value), SESSD_STATUS_FORMAT, SESSD_VERSION,
		take ? "yes" : "no", SESSD_STATUS_READY);

	status->ops = ops;
	status->engine = engine;
	status->table = table;
	if (len > value_max)
		return;
	memcpy(session->key, SESSD_STATUS_KEY, sizeof(SESSD_STATUS_KEY));
	session->slot = table_extra_slot(table);
	session->len = (uint16_t)len;
	session->sum = checksum_fold(checksum_bytes(status->value, (uint32_t)len));
	table_insert(table, table_hash(table, session->key), session, status->value);
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
