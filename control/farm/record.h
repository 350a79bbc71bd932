/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What travels between the nodes of a farm.
 */
#ifndef SESSIOND_CONTROL_FARM_RECORD_H
#define SESSIOND_CONTROL_FARM_RECORD_H

#include <stdint.h>

#include <sessiond/protocol.h>

/* The numbers are on the wire. A node skips and counts the types that it does not know. */
enum farm_record_type {
	FARM_NEW = 1,	 /* a client stored a session */
	FARM_REMOVE = 2, /* a client or an operator deleted it */
	FARM_FLUSH = 3,	 /* every session that was stored before this record */
	FARM_TAKEN = 4,	 /* a client took it */
};

/* When a peer's record was made, and in which order such records come. */
enum farm_age {
	FARM_HISTORY, /* before this daemon started; from the newest to the oldest */
	FARM_LIVE,    /* recently; those of one node come in order */
	FARM_MISSED,  /* before this daemon started, and after a former one noted how far it was;
		       * those of one node come in order */
};

/* Valid during the call that passes it; `value` points into the caller's memory. */
struct farm_record {
	uint8_t type;		     /* enum farm_record_type */
	uint8_t key[SESSD_KEY_SIZE]; /* unused by FARM_FLUSH */
	uint16_t value_len;	     /* bytes; FARM_NEW only, else 0 */
	const uint8_t *value;
	/* FARM_NEW only; with 0 it is dropped. From a record that arrives, the time at its node, in
	 * transit and in the engine's memory is deducted; the rest is rounded down. */
	uint32_t seconds_left;
};

#endif
