/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/top_rows.h"

#include <stdarg.h>
#include <stdio.h>

void top_row(struct view *view, bool heading, const char *format, ...)
{
	struct top_text *text = view->text;
	va_list args;

	if (text->count >= view->room)
		return;
	text->heading[text->count] = heading;
	va_start(args, format);
	vsnprintf(text->rows[text->count++], sizeof(text->rows[0]), format, args);
	va_end(args);
}

void top_beside(struct view *view, unsigned row, unsigned column, const char *text)
{
	char left[TOP_COLUMNS_MAX + 1];

	snprintf(left, sizeof(left), "%s", view->text->rows[row]);
	snprintf(view->text->rows[row], sizeof(view->text->rows[row]), "%-*.*s%s", (int)column,
		(int)column, left, text);
}

/* Six characters: 0, 0.3, 12, 4567, 123.4k, 1.23M. */
const char *top_number(double number, char out[16])
{
	if (number < 0.05)
		snprintf(out, 16, "0");
	else if (number < 9.95 && number > (double)(unsigned)number)
		snprintf(out, 16, "%.1f", number);
	else if (number < 99999.5)
		snprintf(out, 16, "%.0f", number);
	else if (number < 999950)
		snprintf(out, 16, "%.1fk", number / 1e3);
	else if (number < 999.95e6)
		snprintf(out, 16, "%.2fM", number / 1e6);
	else
		snprintf(out, 16, "%.2fG", number / 1e9);
	return out;
}

void top_percent(char out[16], double part, double whole)
{
	if (whole > 0)
		snprintf(out, 16, "%.1f %%", 100 * part / whole);
	else
		snprintf(out, 16, "-");
}
