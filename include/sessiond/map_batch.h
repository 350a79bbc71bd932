/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Changes on their way into the map, in memory that the daemon and its own BPF programs share. It
 * is neither pinned nor part of the ABI of the pins.
 */
#ifndef SESSIOND_MAP_BATCH_H
#define SESSIOND_MAP_BATCH_H

#include <sessiond/map_abi.h>

#define SESSD_MAP_BATCH_MAX 256

struct sessd_map_batch {
	__u32 count;  /* sessions to store */
	__u32 gone;   /* keys to delete, ahead of those */
	__u64 looked; /* what was read ahead: of no meaning, but a use for it */
	__u32 stuck;  /* deletes that could not be made; then nothing was stored */
	__s32 result[SESSD_MAP_BATCH_MAX]; /* 0, or a negative errno, of each put */
	__u8 keys[SESSD_MAP_BATCH_MAX][SESSD_KEY_SIZE];
	__u8 gone_keys[SESSD_MAP_BATCH_MAX][SESSD_KEY_SIZE];
	struct sessd_entry entries[SESSD_MAP_BATCH_MAX];
};

#endif
