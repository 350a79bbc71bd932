/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What became of NEWs, REMOVEs and sessions, by the writer. A row has the counter's name, which is
 * stable, its kind (control/stats/figures.h) and what it counts.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_WRITER_COUNTERS_H
#define SESSIOND_CONTROL_SESSIONS_WRITER_COUNTERS_H

#define WRITER_COUNTERS(X) \
	X(new_stored, COUNTER, "NEWs stored") \
	X(new_replaced, COUNTER, "NEWs stored in the place of an expired session of the same key") \
	X(new_exists, COUNTER, "NEWs ignored: the key is live, the first write wins") \
	X(new_zero_timeout, COUNTER, "NEWs not stored: a timeout of 0") \
	X(new_empty, COUNTER, "NEWs not stored: no value") \
	X(new_too_large, COUNTER, "NEWs not stored: a value over --max-session") \
	X(new_failed, COUNTER, "NEWs stored, but then refused by the fast path's map") \
	X(remove_done, COUNTER, "REMOVEs that deleted a session") \
	X(remove_missing, COUNTER, "REMOVEs for a key that is not there") \
	X(remove_ignored, COUNTER, "REMOVEs ignored by policy") \
	X(sessions_expired, COUNTER, "sessions that reached their end") \
	X(sessions_evicted, COUNTER, "sessions evicted to make room") \
	X(sessions_flushed, COUNTER, "sessions deleted by the administrator") \
	X(sessions_adopted, COUNTER, "sessions taken over from the last daemon")

#endif
