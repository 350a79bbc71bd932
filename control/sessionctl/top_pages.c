/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The pages of `sessionctl top`, and its keys.
 */
#include "control/sessionctl/top_rows.h"

#include <stdio.h>

static const char *const help[] = {
	"d  drops and refusals, by reason",
	"c  sessions by session id context and TLS version",
	"t  sources: what became of the sessions that they stored",
	"m  the main page",
	"h  this help",
	"",
	"a  sort sources by all requests",
	"g  ... by GETs        n  ... by NEWs        r  ... by REMOVEs",
	"x  ... by misses, worst first               s  ... by address",
	"o  ... by drops: malformed, refused, over --rate-limit, queue full",
	"",
	"j, k, arrows, page up, page down            scroll",
	"p  pause              q  quit",
	"",
	"hits: the share of a source's GETs that found a session. A hit is no resumption:",
	"see `resumed`, which is estimated from what terminators store afterwards.",
	"elsewhere, home: how often others, and the source itself, got its sessions, a",
	"second. used: the share of its sessions that was asked for.",
	"With 120 columns, drops and these stand beside the rest; with 160, contexts.",
};

/* No row is longer than the terminal is wide. */
static void cut(struct top_text *text, unsigned columns)
{
	for (unsigned i = 0; i < text->count; i++)
		text->rows[i][columns] = '\0';
}

void top_show(struct top_text *text, const struct top_view *choice, const struct top_sample *before,
	const struct top_sample *now, unsigned room)
{
	struct view view = {.text = text, .before = before, .now = now};
	unsigned columns = choice->columns ? choice->columns : TOP_COLUMNS;
	enum top_page page = choice->page;

	view.room = room < TOP_ROWS_MAX ? room : TOP_ROWS_MAX;
	text->count = 0;
	if (now->figure_count == 0 && page != TOP_HELP)
		page = TOP_MAIN;
	switch (page) {
	case TOP_MAIN:
		top_main(text, choice, before, now, room);
		break;
	case TOP_DROPS:
		top_drops(&view, choice);
		break;
	case TOP_CONTEXTS:
		top_contexts(&view, choice);
		break;
	case TOP_MAKERS:
		top_makers(&view, choice);
		break;
	case TOP_HELP:
		top_row(&view, true, "sessionctl top: keys");
		for (unsigned i = 0; i < sizeof(help) / sizeof(help[0]); i++)
			top_row(&view, false, "%s", help[i]);
		break;
	}
	cut(text, columns < TOP_COLUMNS_MAX ? columns : TOP_COLUMNS_MAX);
}

void top_text(struct top_text *text, const struct top_sample *before, const struct top_sample *now,
	unsigned room)
{
	const struct top_view choice = {0};

	top_show(text, &choice, before, now, room);
}

static void open_page(struct top_view *view, enum top_page page)
{
	/* The same key again leads back. */
	view->page = view->page == page ? TOP_MAIN : page;
	view->scroll = 0;
}

static void sort_by(struct top_view *view, enum top_sort sort)
{
	view->sort = sort;
	if (view->page != TOP_MAKERS)
		view->page = TOP_MAIN;
	view->scroll = 0;
}

bool top_key(struct top_view *view, int key)
{
	switch (key) {
	case 'h':
	case '?':
		open_page(view, TOP_HELP);
		break;
	case 'd':
		open_page(view, TOP_DROPS);
		break;
	case 'c':
		open_page(view, TOP_CONTEXTS);
		break;
	case 't':
		open_page(view, TOP_MAKERS);
		break;
	case 'm':
		view->page = TOP_MAIN;
		view->scroll = 0;
		break;
	case 'a':
		sort_by(view, TOP_BY_ALL);
		break;
	case 'g':
		sort_by(view, TOP_BY_GETS);
		break;
	case 'n':
		sort_by(view, TOP_BY_NEWS);
		break;
	case 'r':
		sort_by(view, TOP_BY_REMOVES);
		break;
	case 'x':
		sort_by(view, TOP_BY_MISSES);
		break;
	case 's':
		sort_by(view, TOP_BY_ADDRESS);
		break;
	case 'o':
		sort_by(view, TOP_BY_DROPS);
		break;
	case 'j':
		if (view->scroll < TOP_FIGURES_MAX)
			view->scroll++;
		break;
	case 'k':
		if (view->scroll > 0)
			view->scroll--;
		break;
	default:
		return false;
	}
	return true;
}
