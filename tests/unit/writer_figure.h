/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * One figure of a writer's stats. To be included after cmocka.h.
 */
#ifndef TESTS_UNIT_WRITER_FIGURE_H
#define TESTS_UNIT_WRITER_FIGURE_H

#include <string.h>

#include "control/sessions/writer.h"

struct writer_figure {
	const char *name;
	uint64_t value;
	bool found;
};

static void on_writer_figure(void *ctx, const char *name, uint64_t value)
{
	struct writer_figure *wanted = ctx;

	if (strcmp(name, wanted->name) == 0) {
		wanted->value = value;
		wanted->found = true;
	}
}

/* Fails the test if there is no figure of this name. */
static inline uint64_t writer_figure(struct writer *writer, const char *name)
{
	struct writer_figure wanted = {.name = name};

	writer_stats(writer, on_writer_figure, &wanted);
	assert_true(wanted.found);
	return wanted.value;
}

#endif
