/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#ifndef TESTS_BENCH_MAPWRITE_H
#define TESTS_BENCH_MAPWRITE_H

#include <sessiond/map_abi.h>

#define MAPWRITE_BATCH 256

struct mapwrite_batch {
	__u32 count;
	__u32 gone;  /* keys to delete before the stores */
	__u32 touch; /* look every key up before anything is changed */
	__u32 pad;
	__u64 found;
	__s64 result;
	struct {
		__u8 key[SESSD_KEY_SIZE];
		struct sessd_entry entry;
	} puts[MAPWRITE_BATCH];
	__u8 gone_keys[MAPWRITE_BATCH][SESSD_KEY_SIZE];
};

#endif
