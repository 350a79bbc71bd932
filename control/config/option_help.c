/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/config/option_table.h"

#include <stdio.h>
#include <string.h>

bool option_default_is_list(const struct option_def *def)
{
	return def->flags & OPTION_REPEATABLE && def->fallback && strchr(def->fallback, ' ');
}

const char *option_help(const struct option_def *def, char text[OPTION_HELP])
{
	/* Print no default for an option without a value. */
	bool tell = def->fallback && def->arg && !option_default_is_list(def);

	snprintf(text, OPTION_HELP, "%s%s%s%s", def->help,
		def->flags & OPTION_REPEATABLE ? "; repeatable" : "", tell ? "; default " : "",
		tell ? def->fallback : "");
	return text;
}
