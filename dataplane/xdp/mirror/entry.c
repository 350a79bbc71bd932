/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/mirror/entry.h"

#include <errno.h>
#include <string.h>

/* Bytes of a value that its entry holds. */
static unsigned inline_bytes(unsigned len)
{
	return len > SESSD_INLINE_MAX ? SESSD_SPLIT : len;
}

void entry_pack(const struct entry_format *format, struct sessd_entry *entry, void *rest,
	const struct session *session, const void *value)
{
	unsigned len = session->len, head = inline_bytes(len);
	uint64_t expires = session->expires;

	entry->len = session->len;
	entry->sum = session->sum;
	/* 0 says that a session was taken; another end, a millisecond earlier, gives another. */
	do {
		entry->life = sessd_life(expires--, session->slot);
		entry->guard = sessd_guard(format->secret, session->key, entry->life, session->sum,
			value, session->len);
	} while (entry->guard == 0);
	memcpy(entry->data, value, head);
	memset(entry->data + head, 0, sizeof(entry->data) - head);
	if (len > head) {
		memset(rest, 0, SESSD_REST_SIZE(format->value_max));
		memcpy(rest, (const uint8_t *)value + head, len - head);
	}
}

int entry_unpack(const struct entry_format *format, const struct sessd_entry *entry,
	const uint8_t key[SESSD_KEY_SIZE], struct rest_reader *rests, void *value)
{
	unsigned len = entry->len, head = inline_bytes(len);

	if (len == 0 || len > format->value_max || entry->guard == 0)
		return -EBADMSG;
	memcpy(value, entry->data, head);
	if (len > head && !rest_reader_get(rests, rest_number(entry), (uint8_t *)value + head))
		return -EBADMSG;
	if (sessd_guard(format->secret, key, entry->life, entry->sum, value, entry->len) !=
		entry->guard)
		return -EBADMSG;
	return (int)len;
}
