/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A batch of changes to the sessions map, in memory that the daemon shares with its own BPF
 * programs. Neither pinned nor part of the pins' ABI. Only the writer thread uses it.
 */
#ifndef SESSIOND_MAP_BATCH_H
#define SESSIOND_MAP_BATCH_H

#include <sessiond/map_abi.h>

#define SESSD_MAP_BATCH_MAX 256

struct sessd_map_batch {
	__u32 count;			   /* sessions to store */
	__u32 gone;			   /* keys to delete before storing */
	__u64 looked;			   /* sink for prefetch reads; value unused */
	__u32 stuck;			   /* deletes that failed; nothing is stored then */
	__s32 result[SESSD_MAP_BATCH_MAX]; /* per put: 0 or a negative errno */
	__u8 keys[SESSD_MAP_BATCH_MAX][SESSD_KEY_SIZE];
	__u8 gone_keys[SESSD_MAP_BATCH_MAX][SESSD_KEY_SIZE];
	struct sessd_entry entries[SESSD_MAP_BATCH_MAX];
};

#endif
