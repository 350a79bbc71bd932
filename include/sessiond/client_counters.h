/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The counters of libsessiond, for programs that print all: each is a member of struct
 * sessiond_stats of client.h. Names are stable.
 */
#ifndef SESSIOND_CLIENT_COUNTERS_H
#define SESSIOND_CLIENT_COUNTERS_H

/* New ones stand at the end: their order is the order in files that processes share. */
#define SESSIOND_CLIENT_COUNTERS(X) \
	X(hits, "look-ups that found the session") \
	X(misses, "look-ups that every cache answered with ERR") \
	X(timeouts, "look-ups without an answer before the deadline") \
	X(off, "look-ups that could ask no cache") \
	X(puts, "sessions sent to be stored") \
	X(puts_too_long, "sessions not stored: longer than max-session") \
	X(puts_dropped, "sessions not stored: no cache could be sent to") \
	X(puts_skipped, "sessions not stored: they must not be shared") \
	X(removes, "sessions removed") \
	X(asked_second, "look-ups that asked the second copy as well") \
	X(second_hits, "hits from the second copy") \
	X(unopened, "values that the key, the scope or the binding does not open") \
	X(undecodable, "values that OpenSSL does not take") \
	X(stray, "datagrams that answer no pending look-up") \
	X(refused, "errors of sending: port closed, or no route") \
	X(opened, "times that a cache was given up") \
	X(no_take, "look-ups that asked no cache because it does not answer TAKE")

#endif
