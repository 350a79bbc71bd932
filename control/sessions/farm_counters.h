/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The writer's counters of its part in a farm. A row has the counter's name, which is stable, its
 * kind (control/stats/figures.h) and what it counts.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_FARM_COUNTERS_H
#define SESSIOND_CONTROL_SESSIONS_FARM_COUNTERS_H

#define FARM_COUNTERS(X) \
	X(farm_passed, COUNTER, "NEWs, REMOVEs, TAKEs and flushes passed on to be published") \
	X(farm_passed_again, COUNTER, \
		"sessions passed on once more, because another cache had lost some") \
	X(farm_drop_queue_full, COUNTER, \
		"NEWs, REMOVEs and TAKEs not published: the queue to the farm's thread was full") \
	X(farm_stored, COUNTER, "sessions of other caches stored") \
	X(farm_exists, COUNTER, "sessions of other caches ignored: the key is live here") \
	X(farm_outdated, COUNTER, \
		"sessions of other caches ignored: they were removed, taken or flushed before " \
		"they " \
		"arrived") \
	X(farm_no_room, COUNTER, \
		"sessions of the history not stored: the cache is full, and its sessions are " \
		"newer") \
	X(farm_invalid, COUNTER, \
		"sessions of other caches not stored: no value, one longer than --max-session, " \
		"no " \
		"time left, or the status key") \
	X(farm_removed, COUNTER, "sessions that ended with a REMOVE at another cache") \
	X(farm_taken, COUNTER, "sessions that ended with a TAKE at another cache") \
	X(farm_flushes, COUNTER, "flushes of other caches, carried out here")

#endif
