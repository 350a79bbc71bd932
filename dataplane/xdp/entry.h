/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A session as it is in the maps: its entry, and for a long value the rest in the overflow map.
 */
#ifndef SESSIOND_DATAPLANE_XDP_ENTRY_H
#define SESSIOND_DATAPLANE_XDP_ENTRY_H

#include <stdint.h>

#include "dataplane/table/table.h"

/* Bytes of a buffer for a value that is read from the maps: the rest of a long one comes in whole
 * words. */
#define ENTRY_VALUE_SIZE(value_max) \
	((value_max) > SESSD_INLINE_MAX ? SESSD_SPLIT + SESSD_OVERFLOW_SIZE(value_max) \
					: SESSD_INLINE_MAX)

/* What all entries of one pin set have in common. */
struct entry_format {
	const __u64 *secret; /* the guard's SESSD_GUARD_KEYS numbers */
	uint16_t value_max;  /* bytes: --max-session */
};

/* Makes the entry of a session. `rest`, SESSD_OVERFLOW_SIZE bytes, becomes the value of the
 * overflow map, and is left alone where the value is no longer than SESSD_INLINE_MAX. */
void entry_pack(const struct entry_format *format, struct sessd_entry *entry, void *rest,
	const struct session *session, const void *value);

/* Reads the value of an entry that was found under `key`, the rest of a long one from the overflow
 * map, and proves it as the fast path does. Returns its length, or -EBADMSG if the entry is not
 * whole: `value`, of ENTRY_VALUE_SIZE bytes, may hold any bytes of it then. */
int entry_unpack(const struct entry_format *format, const struct sessd_entry *entry,
	const uint8_t key[SESSD_KEY_SIZE], int overflow_fd, void *value);

#endif
