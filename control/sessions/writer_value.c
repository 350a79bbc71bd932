/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the writer reads from a session's value again.
 */
#include "control/sessions/writer_private.h"

#include <string.h>

uint16_t writer_value(struct writer *writer, const struct session *session, void *value)
{
	if (writer->ops->value)
		return writer->ops->value(writer->engine, session, value);
	if (writer->ops->put)
		return 0;
	table_value(writer->table, session->slot, value);
	return session->len;
}

void writer_read_length(struct writer *writer, struct session *session)
{
	if (session->len == 0 && writer->ops->length)
		session->len = writer->ops->length(writer->engine, session);
}

void writer_read_context(struct writer *writer, struct session *session, struct session_info *info)
{
	uint8_t value[ENGINE_VALUE_ROOM];
	struct session_facts facts;
	uint16_t len = writer_value(writer, session, value);

	if (len == 0)
		return;
	session->len = len;
	session_read(value, len, &facts);
	explicit_bzero(value, len);
	info->others = false;
	info->context_len = facts.context_len;
	memcpy(info->context, facts.context, sizeof(info->context));
}
