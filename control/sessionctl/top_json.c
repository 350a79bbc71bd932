/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * `sessionctl --json top`: one look, for scripts.
 */
#include "control/sessionctl/top_rows.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "common/log.h"
#include "control/stats/figures.h"

static json_t *figures_of(const struct top_sample *now)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < now->figure_count; i++)
		json_object_set_new(object, now->figures[i].name,
			json_integer((json_int_t)now->figures[i].value));
	return object;
}

static json_t *rates_of(const struct top_sample *before, const struct top_sample *now)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < now->figure_count; i++) {
		const char *name = now->figures[i].name;
		const struct figure *figure = figure_find(name);

		if (figure && (figure->kind == FIGURE_COUNTER || figure->kind == FIGURE_LOSS))
			json_object_set_new(object, name, json_real(top_rate(before, now, name)));
	}
	return object;
}

static json_t *source_of(const struct source_rate *rate)
{
	const struct top_source *source = rate->source;

	return json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I}", "source",
		source->address, "gets_per_second", rate->gets, "hits_per_second", rate->hits,
		"news_per_second", rate->news, "removes_per_second", rate->removes,
		"drops_per_second", rate->drops, "sessions", (json_int_t)source->sessions, "stored",
		(json_int_t)source->stored, "used", (json_int_t)source->used, "elsewhere",
		(json_int_t)source->elsewhere, "home", (json_int_t)source->home);
}

static json_t *sources_of(const struct top_sample *before, const struct top_sample *now)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < now->source_count; i++) {
		struct source_rate rate = top_source_rate(before, now, &now->sources[i]);

		json_array_append_new(array, source_of(&rate));
	}
	return array;
}

static json_t *contexts_of(const struct top_sample *now)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < now->context_count; i++) {
		const struct top_context *context = &now->contexts[i];

		json_array_append_new(array,
			json_pack("{s:s, s:s, s:I, s:I, s:I}", "context", context->context, "tls",
				context->tls, "sessions", (json_int_t)context->sessions, "stored",
				(json_int_t)context->stored, "used", (json_int_t)context->used));
	}
	return array;
}

int top_json(const struct top_sample *before, const struct top_sample *now)
{
	json_t *all = json_pack("{s:b, s:o, s:o, s:o, s:o}", "daemon", !now->pinned, "figures",
		figures_of(now), "per_second", rates_of(before, now), "sources",
		sources_of(before, now), "contexts", contexts_of(now));

	if (!all)
		return error_set(ENOMEM, "out of memory");
	/* Write errors are reported at the end. */
	json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(all);
	return 0;
}
