/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The writer's counters: outcomes of NEWs and REMOVEs, and ends of sessions. A row has the
 * counter's name, which is stable, its kind (control/stats/figures.h) and what it counts.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_WRITER_COUNTERS_H
#define SESSIOND_CONTROL_SESSIONS_WRITER_COUNTERS_H

#define WRITER_COUNTERS(X) \
	X(new_stored, COUNTER, "NEWs stored") \
	X(new_replaced, COUNTER, "NEWs stored in place of an expired session with the same key") \
	X(new_exists, COUNTER, "NEWs ignored: the key is live, the first write wins") \
	X(new_zero_timeout, COUNTER, "NEWs not stored: the timeout is 0") \
	X(new_empty, COUNTER, "NEWs not stored: no value") \
	X(new_too_large, COUNTER, "NEWs not stored: the value is longer than --max-session") \
	X(new_reserved, COUNTER, "NEWs not stored: the key is the status key") \
	X(new_failed, COUNTER, "NEWs stored, but then refused by the map of the fast path") \
	X(remove_done, COUNTER, "REMOVEs that deleted a session") \
	X(remove_missing, COUNTER, "REMOVEs for a key that is not stored") \
	X(remove_ignored, COUNTER, "REMOVEs ignored by policy (--remove)") \
	X(sessions_taken, COUNTER, "sessions that ended with a TAKE") \
	X(sessions_expired, COUNTER, "sessions that expired") \
	X(sessions_evicted, COUNTER, "sessions evicted to make room") \
	X(sessions_flushed, COUNTER, "sessions deleted by the administrator") \
	X(sessions_adopted, COUNTER, "sessions adopted from the previous daemon")

#endif
