/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What was dropped or refused, by reason.
 */
#include "control/sessionctl/top_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/stats/figures.h"

struct reason {
	const struct top_figure *figure;
	double rate;
};

static int most_first(const void *a, const void *b)
{
	const struct reason *left = a, *right = b;

	if (left->rate != right->rate)
		return left->rate < right->rate ? 1 : -1;
	return left->figure->value < right->figure->value   ? 1
	       : left->figure->value > right->figure->value ? -1
							    : 0;
}

/* Losses, and NEWs and REMOVEs that changed nothing. */
static bool is_reason(const char *name)
{
	static const char *const refusals[] = {"new_zero_timeout", "new_empty", "new_too_large",
		"new_reserved", "new_failed", "remove_missing", "remove_ignored", "send_failed"};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (strcmp(refusals[i], name) == 0)
			return true;
	return figure_is_loss(name);
}

static unsigned collect(const struct view *view, struct reason reasons[TOP_FIGURES_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < view->now->figure_count; i++) {
		const struct top_figure *figure = &view->now->figures[i];

		if (figure->value && is_reason(figure->name))
			reasons[count++] = (struct reason){
				figure, top_rate(view->before, view->now, figure->name)};
	}
	qsort(reasons, count, sizeof(reasons[0]), most_first);
	return count;
}

void top_drops(struct view *view, const struct top_view *choice)
{
	static struct reason reasons[TOP_FIGURES_MAX];
	unsigned count = collect(view, reasons);
	char rate[16], total[16];

	top_row(view, true, "%-40s %12s %12s", "dropped or refused, by reason", "per second",
		"since start");
	if (count == 0)
		top_row(view, false, "nothing");
	for (unsigned i = choice->scroll; i < count; i++)
		top_row(view, false, "%-40s %12s %12s", reasons[i].figure->name,
			top_number(reasons[i].rate, rate),
			top_number((double)reasons[i].figure->value, total));
}

void top_drops_beside(struct view *view, const struct top_view *choice, unsigned row)
{
	static struct reason reasons[TOP_FIGURES_MAX];
	unsigned count = collect(view, reasons), rows = view->text->count;
	int width = choice->columns >= TOP_WIDEST ? 40 : 20;
	char rate[16], total[16], line[TOP_COLUMNS_MAX + 1];

	for (unsigned i = 0; row + i < rows && i <= count; i++) {
		if (i == 0)
			snprintf(line, sizeof(line), "%-*s %7s %8s", width, "dropped or refused",
				"per s", "total");
		else
			snprintf(line, sizeof(line), "%-*.*s %7s %8s", width, width,
				reasons[i - 1].figure->name, top_number(reasons[i - 1].rate, rate),
				top_number((double)reasons[i - 1].figure->value, total));
		top_beside(view, row + i, TOP_COLUMNS + 2, line);
	}
}
