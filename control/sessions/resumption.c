/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/resumption.h"

#include <string.h>

#include "dataplane/request.h"

/* stunnel 5.68 stored the two sessions of a handshake 0.05 to 0.45 ms apart, on two busy CPUs, and
 * those of a client that resumes one session after another 0.95 ms apart and more. */
static const uint64_t windows_ns[RESUMPTION_WINDOWS] = {700000, 400000, 200000};

/* NEWs per second up to which a window is used: half of them are in it by chance. */
static double most_news(unsigned window)
{
	return 0.5e9 / (double)windows_ns[window];
}

void resumption_new(
	struct resumption *resumption, enum session_kind kind, uint8_t source, uint64_t ns)
{
	struct resumption_source *from = &resumption->sources[source];

	if (kind != SESSION_TLS13 || source == SOURCE_UNKNOWN)
		return;
	for (unsigned i = 0; from->last && i < RESUMPTION_WINDOWS; i++)
		from->near[i] += ns - from->last <= windows_ns[i];
	from->last = ns;
	from->news++;
}

void resumption_pause(struct resumption *resumption)
{
	resumption->paused = RESUMPTION_WAIT + 1;
}

/* e^x for x from 0 to 1. */
static double power(double x)
{
	return 1 + x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5))));
}

/* Handshakes of a source in the last second that stored one session. Negative if there were too
 * many to tell. */
static double singles(const struct resumption_source *source)
{
	double news = source->news, groups, handshakes, single;
	unsigned window = 0;

	while (news > most_news(window))
		if (++window == RESUMPTION_WINDOWS)
			return -1;
	groups = news - source->near[window];
	handshakes = groups;
	/* Below one in fifty the correction would only make fractions of exact counts. */
	if (groups * (double)windows_ns[window] / 1e9 > 0.02) {
		for (unsigned i = 0; i < 8; i++) {
			handshakes = groups * power(handshakes * (double)windows_ns[window] / 1e9);
			if (handshakes > news)
				handshakes = news;
		}
	}
	/* Of `handshakes`, those that stored two make the rest of the NEWs. */
	single = 2 * handshakes - news;
	return single > 0 ? single : 0;
}

static void count(struct resumption *resumption, double resumed, double refused)
{
	resumption->carried += resumed;
	counter_add(&resumption->resumed, (uint64_t)resumption->carried);
	resumption->carried -= (double)(uint64_t)resumption->carried;
	counter_add(&resumption->refused, (uint64_t)(refused + 0.5));
}

static void tick_tls13(struct resumption *resumption, uint64_t used)
{
	double single = 0, resumed = 0, left;

	for (unsigned i = 1; i < SOURCE_LIST_SIZE; i++) {
		struct resumption_source *source = &resumption->sources[i];
		double more = source->news ? singles(source) : 0;

		if (more < 0)
			resumption_pause(resumption);
		else
			single += more;
		source->news = 0;
		memset(source->near, 0, sizeof(source->near));
	}
	for (unsigned i = RESUMPTION_WAIT - 1; i > 0; i--) {
		resumption->used13[i] = resumption->used13[i - 1];
		resumption->single13[i] = resumption->single13[i - 1];
	}
	resumption->used13[0] = used;
	resumption->single13[0] = single;
	if (resumption->paused) {
		resumption->paused--;
		memset(resumption->used13, 0, sizeof(resumption->used13));
		memset(resumption->single13, 0, sizeof(resumption->single13));
		return;
	}
	/* The uses that have waited longest; each takes a single NEW that was about its time. */
	left = (double)resumption->used13[RESUMPTION_WAIT - 1];
	for (unsigned i = RESUMPTION_WAIT; left > 0 && i-- > 0;) {
		double take = resumption->single13[i] < left ? resumption->single13[i] : left;

		resumption->single13[i] -= take;
		resumed += take;
		left -= take;
	}
	count(resumption, resumed, left);
}

static void tick_tls12(struct resumption *resumption, const struct census *census)
{
	const size_t row_bytes = sizeof(resumption->used12[0]);
	uint64_t resumed = 0, refused = 0;

	memmove(resumption->used12[1], resumption->used12[0], (RESUMPTION_WAIT - 1) * row_bytes);
	memmove(resumption->news12[1], resumption->news12[0], (RESUMPTION_WAIT - 1) * row_bytes);
	memset(resumption->used12[0], 0, row_bytes);
	memset(resumption->news12[0], 0, row_bytes);
	for (unsigned row = 0; row < RESUMPTION_PLACES; row++) {
		struct census_counts now = census_counts(census, row, SESSION_TLS12);
		/* New sessions of a context that gave way are among the others: so are its uses. */
		unsigned as = census_is_named(census, row) ? row : CONTEXT_OTHERS;

		/* Less than before: counted anew meanwhile. */
		if (now.used >= resumption->was_used12[row])
			resumption->used12[0][as] +=
				(uint32_t)(now.used - resumption->was_used12[row]);
		if (now.stored >= resumption->was_stored12[row])
			resumption->news12[0][as] +=
				(uint32_t)(now.stored - resumption->was_stored12[row]);
		resumption->was_used12[row] = now.used;
		resumption->was_stored12[row] = now.stored;
	}
	for (unsigned row = 0; row < RESUMPTION_PLACES; row++) {
		uint32_t left = resumption->used12[RESUMPTION_WAIT - 1][row];

		refused += left;
		/* The oldest NEWs first. */
		for (unsigned i = RESUMPTION_WAIT * RESUMPTION_PLACES; left && i-- > 0;) {
			uint32_t *news =
				&resumption->news12[i / RESUMPTION_PLACES][i % RESUMPTION_PLACES];
			uint32_t take = *news < left ? *news : left;

			if (i % RESUMPTION_PLACES == row)
				continue;
			*news -= take;
			left -= take;
		}
		refused -= left;
		resumed += left;
	}
	counter_add(&resumption->resumed, resumed);
	counter_add(&resumption->refused, refused);
}

static uint64_t used_tls13(const struct census *census)
{
	uint64_t sum = 0;

	for (unsigned row = 0; row < CONTEXT_ROWS; row++)
		sum += census_counts(census, row, SESSION_TLS13).used;
	return sum;
}

void resumption_begin(struct resumption *resumption, const struct census *census)
{
	resumption->was_used13 = used_tls13(census);
	for (unsigned row = 0; row < RESUMPTION_PLACES; row++) {
		struct census_counts now = census_counts(census, row, SESSION_TLS12);

		resumption->was_used12[row] = now.used;
		resumption->was_stored12[row] = now.stored;
	}
}

void resumption_tick(struct resumption *resumption, const struct census *census)
{
	uint64_t used = used_tls13(census);

	tick_tls13(resumption, used - resumption->was_used13);
	resumption->was_used13 = used;
	tick_tls12(resumption, census);
	__atomic_store_n(&resumption->pausing, resumption->paused > 0, __ATOMIC_RELAXED);
}

struct resumption_counts resumption_counts(const struct resumption *resumption)
{
	return (struct resumption_counts){
		.resumed = __atomic_load_n(&resumption->resumed, __ATOMIC_RELAXED),
		.refused = __atomic_load_n(&resumption->refused, __ATOMIC_RELAXED),
		.pausing = __atomic_load_n(&resumption->pausing, __ATOMIC_RELAXED),
	};
}
