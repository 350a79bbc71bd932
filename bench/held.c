/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/held.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* Maximum age of the kernel's times when a gap is judged by them: reading them at each look would
 * slow the load too much. */
#define READ_NS 1000000

static bool read_times(const struct held *held, struct held_times *times)
{
	char text[96];
	ssize_t n = held->fd < 0 ? -1 : pread(held->fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return sscanf(text, "%" SCNu64 " %" SCNu64, &times->ran, &times->waited) == 2;
}

void held_begin(struct held *held, struct held_result *result, uint64_t now)
{
	*held = (struct held){.result = result, .last = now, .read = now};
	held->fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	read_times(held, &held->times);
	held->first = held->times;
	*result = (struct held_result){.measured = true};
}

void held_end(struct held *held)
{
	struct held_times times;

	if (read_times(held, &times))
		held->result->waited = times.waited - held->first.waited;
	if (held->fd >= 0)
		close(held->fd);
	held->fd = -1;
}

uint64_t held_share(
	uint64_t gap, bool slept, const struct held_times *before, const struct held_times *after)
{
	uint64_t waited = after->waited - before->waited, ran = after->ran - before->ran;
	/* It may also have neither run nor waited, if it was stopped. */
	uint64_t away = ran < gap ? gap - ran : 0;

	if (gap < HELD_MIN_NS)
		return 0;
	if (slept)
		return gap;
	if (waited > away)
		away = waited < gap ? waited : gap;
	return away < HELD_MIN_NS ? 0 : away;
}

void held_look(struct held *held, uint64_t now, uint64_t asleep_until)
{
	struct held_result *result = held->result;
	struct held_times times = held->times;
	uint64_t from = held->last, gap, share;
	bool known = false;

	if (asleep_until > from)
		from = asleep_until < now ? asleep_until : now;
	gap = now - from;
	held->last = now;
	if (gap > result->longest_gap)
		result->longest_gap = gap;
	if (gap >= HELD_MIN_NS || now - held->read >= READ_NS)
		known = read_times(held, &times);
	if (known || asleep_until)
		share = held_share(gap, asleep_until != 0, &held->times, &times);
	else
		share = 0;
	if (share > 0) {
		result->times++;
		result->total += share;
		if (share > result->longest)
			result->longest = share;
	}
	if (known) {
		held->times = times;
		held->read = now;
	}
}

void held_add(struct held_result *into, const struct held_result *from)
{
	into->measured |= from->measured;
	into->times += from->times;
	into->total += from->total;
	into->waited += from->waited;
	if (from->longest > into->longest)
		into->longest = from->longest;
	if (from->longest_gap > into->longest_gap)
		into->longest_gap = from->longest_gap;
}
