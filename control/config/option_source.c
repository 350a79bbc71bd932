/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/config/option_source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

/* `value` for an error message. */
static const char *shown(const struct option_def *def, const char *value, char quoted[TEXT_QUOTE])
{
	const char *at = def->flags & OPTION_PASSWORD ? strrchr(value, '@') : NULL;

	return at ? text_quote(at, quoted) : text_quote(value, quoted);
}

int option_apply(struct option_source *source, const struct option_def *def, const char *value)
{
	size_t index = (size_t)(def - option_table);
	const char *wrong = NULL;
	char quoted[TEXT_QUOTE], where[TEXT_QUOTE];

	/* A wrapper may repeat an option on the command line to override it; twice in a file is a
	 * mistake. */
	if (source->seen[index] && !(def->flags & OPTION_REPEATABLE) &&
		(source->file || def->flags & OPTION_ARGUMENT))
		wrong = "given twice: leave one out";
	if (!source->seen[index] && def->clear)
		def->clear(source->options);
	source->seen[index]++;
	source->options->given |= UINT64_C(1) << index;
	if (!wrong)
		wrong = def->set(def, source->options, value ? value : "yes");
	if (!wrong) {
		/* A list holds what was taken: wrong ones have no place in it, nor a line. */
		option_set_line(def, source->options, source->taken[index]++,
			source->file ? source->line : OPTION_LINE_COMMAND);
		return 0;
	}
	shown(def, value ? value : "yes", quoted);
	if (source->file)
		return error_set(EINVAL, "%s:%u: %s = %s: %s", text_quote(source->file, where),
			source->line, def->name, quoted, wrong);
	if (def->flags & OPTION_ARGUMENT)
		return error_set(EINVAL, "%s %s: %s", def->arg, quoted, wrong);
	return error_set(EINVAL, "--%s %s: %s", def->name, quoted, wrong);
}

void option_errors_add(struct option_errors *errors)
{
	if (errors->count++ == 0)
		snprintf(errors->first, sizeof(errors->first), "%s", error_message());
	if (errors->tell)
		errors->tell(errors->ctx, error_message());
}

int option_errors_about(struct option_errors *errors, const struct options *options,
	const char *name, size_t i, int errnum, const char *format, ...)
{
	const struct option_def *def = option_table;
	char text[512], where[TEXT_QUOTE];
	va_list args;
	uint32_t line;

	while (strcmp(def->name, name) != 0)
		def++;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	line = option_line(def, options, i);
	if (line == OPTION_LINE_DEFAULT || line == OPTION_LINE_COMMAND)
		(void)error_set(errnum, "%s", text);
	else
		(void)error_set(
			errnum, "%s:%u: %s", text_quote(options->config_path, where), line, text);
	option_errors_add(errors);
	return -errnum;
}
