/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What became of one request, for `sessionctl watch`: written by readers, the XDP program among
 * them, while somebody watches. Not in a pinned map, so not part of the ABI. Never a value.
 */
#ifndef SESSIOND_REQUEST_EVENT_H
#define SESSIOND_REQUEST_EVENT_H

#include <linux/types.h>

#include <sessiond/protocol.h>

enum sessd_outcome {
	SESSD_OUTCOME_HIT,
	SESSD_OUTCOME_MISS,
	SESSD_OUTCOME_EXPIRED,
	SESSD_OUTCOME_TORN,    /* answered as a miss: the session changed meanwhile */
	SESSD_OUTCOME_DROPPED, /* over --rate-limit, malformed, or no place in a queue */
	SESSD_OUTCOME_STORED,  /* of a NEW */
	SESSD_OUTCOME_EXISTS,  /* of a NEW: the key is live */
	SESSD_OUTCOME_REFUSED, /* of a NEW or REMOVE: by size, lifetime, or --remove */
	SESSD_OUTCOME_REMOVED, /* of a REMOVE */
	SESSD_OUTCOMES
};

/* In place of a type: not known, or no request. Such an event has no key. */
#define SESSD_EVENT_UNKNOWN 0xff

struct sessd_request_event {
	__u8 source[16]; /* v4-mapped for IPv4 */
	__u8 key[SESSD_KEY_SIZE];
	__u8 type;    /* enum sessd_type: GET, TAKE, NEW or REMOVE; or SESSD_EVENT_UNKNOWN */
	__u8 outcome; /* enum sessd_outcome */
	__u8 zero[6];
};

_Static_assert(sizeof(struct sessd_request_event) == 56, "no padding in an event");

/* What the map `talkers` holds for each source, in requests: a sample adds as many as it stands
 * for. */
struct sessd_talker_counts {
	__u64 of[4]; /* by enum sessd_type; SESSD_TAKE: hits, as TAKEs are among the GETs */
	__u64 drops; /* over --rate-limit, and malformed ones, which are not in `of` */
};

#endif
