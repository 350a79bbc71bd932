/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A session that the daemon takes, in memory that it shares with its own BPF program. It is neither
 * pinned nor part of the ABI of the pins.
 */
#ifndef SESSIOND_CLAIM_H
#define SESSIOND_CLAIM_H

#include <sessiond/map_abi.h>

struct sessd_claim {
	__u64 guard; /* of the entry that is meant */
	__u8 key[SESSD_KEY_SIZE];
	__u32 done; /* 1: it is taken by this call */
	__u32 unused;
};

#endif
