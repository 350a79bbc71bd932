/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Warns where sessions are found but not resumed, which no hit ratio shows.
 */
#include "common/clock.h"
#include "control/daemon_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A verdict needs so many sessions that were asked for, and comes no more often than this. */
#define VERDICT_LEAST	8
#define VERDICT_SECONDS 600

/* The contexts with most sessions: "farm, farm2". */
static const char *contexts_text(struct daemon *daemon, char *text, size_t size)
{
	static struct census_row rows[CENSUS_ROWS];
	unsigned count = writer_contexts(daemon->writer, rows);
	char name[CONTEXT_TEXT];
	size_t used = 0;

	snprintf(text, size, "-");
	for (unsigned i = 0; i < count && i < 4; i++) {
		if (used >= size)
			break;
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
			rows[i].others
				? "others"
				: context_format(rows[i].context, rows[i].context_len, name));
	}
	if (count > 4 && used < size)
		snprintf(text + used, size - used, " and %u more", count - 4);
	return text;
}

void daemon_judge_resumption(struct daemon *daemon)
{
	struct resumption_counts now = writer_resumed(daemon->writer);
	uint64_t resumed = now.resumed - daemon->judged.resumed;
	uint64_t refused = now.refused - daemon->judged.refused;
	uint64_t tick = clock_tick();
	char contexts[256];

	if (resumed + refused < VERDICT_LEAST || tick < daemon->judge_next)
		return;
	daemon->judged = now;
	if (refused < 3 * resumed)
		return;
	daemon->judge_next = tick + clock_ticks(VERDICT_SECONDS);
	log_tagged(LOG_LEVEL_WARNING, "resumption",
		"sessions are found, but not resumed: %" PRIu64 " of the last %" PRIu64
		" that clients asked for were followed by a full handshake. A session is resumed "
		"only by a service with the same session id context, in stunnel the name of the "
		"service. Contexts here: %s. See sessionctl contexts",
		refused, resumed + refused, contexts_text(daemon, contexts, sizeof(contexts)));
}
