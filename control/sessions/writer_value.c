/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the writer reads from a session's value again.
 */
#include "control/sessions/writer_private.h"

#include <string.h>

bool writer_value(struct writer *writer, const struct session *session, void *value)
{
	if (writer->ops->value)
		return writer->ops->value(writer->engine, session, value);
	if (writer->ops->put)
		return false;
	table_value(writer->table, session->slot, value);
	return true;
}

void writer_read_context(
	struct writer *writer, const struct session *session, struct session_info *info)
{
	uint8_t value[ENGINE_VALUE_ROOM];
	struct session_facts facts;

	if (!writer_value(writer, session, value))
		return;
	session_read(value, session->len, &facts);
	explicit_bzero(value, session->len);
	info->others = false;
	info->context_len = facts.context_len;
	memcpy(info->context, facts.context, sizeof(info->context));
}
