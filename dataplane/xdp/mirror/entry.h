/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Packs and unpacks a session's map entry and, for a long value, its rest in the overflow map. Any
 * thread.
 */
#ifndef SESSIOND_DATAPLANE_XDP_MIRROR_ENTRY_H
#define SESSIOND_DATAPLANE_XDP_MIRROR_ENTRY_H

#include <stdint.h>

#include "dataplane/table/table.h"
#include "dataplane/xdp/mirror/rest_reader.h"

/* Bytes of a buffer for a value read from the maps: the rest of a long value is padded to whole
 * words. */
#define ENTRY_VALUE_SIZE(value_max) \
	((value_max) > SESSD_INLINE_MAX ? SESSD_SPLIT + SESSD_REST_SIZE(value_max) \
					: SESSD_INLINE_MAX)

/* Common to all entries of one pin set. */
struct entry_format {
	const __u64 *secret; /* the guard's SESSD_GUARD_KEYS numbers, owned by the caller */
	uint16_t value_max;  /* bytes: --max-session */
};

/* Fills in the entry of a session, but not the number of its rest. `rest`,
 * SESSD_REST_SIZE(value_max) bytes, becomes the rest of a long value; it is untouched if the
 * session's value has at most SESSD_INLINE_MAX bytes. */
void entry_pack(const struct entry_format *format, struct sessd_entry *entry, void *rest,
	const struct session *session, const void *value);

/* Reads the value of the entry found under `key`, the rest of a long one from the overflow map, and
 * checks the guard as the fast path does. Returns its length in bytes, or -EBADMSG if the entry is
 * torn or damaged; `value`, of ENTRY_VALUE_SIZE(value_max) bytes, may then hold parts of it. */
int entry_unpack(const struct entry_format *format, const struct sessd_entry *entry,
	const uint8_t key[SESSD_KEY_SIZE], struct rest_reader *rests, void *value);

#endif
