/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Sessions by session id context and TLS version.
 */
#include "control/sessionctl/top_rows.h"

#include <stdio.h>

void top_contexts(struct view *view, const struct top_view *choice)
{
	char sessions[16], stored[16], used[16];

	top_row(view, true, "%-34s %-6s %11s %11s %11s", "session id context", "TLS", "sessions",
		"stored", "used");
	for (unsigned i = choice->scroll; i < view->now->context_count; i++) {
		const struct top_context *context = &view->now->contexts[i];

		top_row(view, false, "%-34s %-6s %11s %11s %11s", context->context, context->tls,
			top_number((double)context->sessions, sessions),
			top_number((double)context->stored, stored),
			top_number((double)context->used, used));
	}
}

void top_contexts_beside(struct view *view, const struct top_view *choice, unsigned row)
{
	char sessions[16], used[16], line[TOP_COLUMNS_MAX + 1];
	int width = (int)choice->columns - TOP_WIDE - 25;

	if (width > 34)
		width = 34;
	for (unsigned i = 0; row + i < view->text->count && i <= view->now->context_count; i++) {
		const struct top_context *context = &view->now->contexts[i ? i - 1 : 0];

		if (i == 0) {
			snprintf(line, sizeof(line), "%-*s %-6s %8s %7s", width, "context", "TLS",
				"sessions", "used");
		} else {
			/* Sessions of before it had its row were used too. */
			uint64_t asked =
				context->used < context->stored ? context->used : context->stored;

			top_percent(used, (double)asked, (double)context->stored);
			snprintf(line, sizeof(line), "%-*.*s %-6s %8s %7s", width, width,
				context->context, context->tls,
				top_number((double)context->sessions, sessions), used);
		}
		top_beside(view, row + i, TOP_WIDE + 1, line);
	}
}
