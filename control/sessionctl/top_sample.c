/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/top.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void top_add_figure(void *ctx, const char *name, uint64_t value)
{
	struct top_sample *sample = ctx;
	struct top_figure *figure;

	if (sample->figure_count == TOP_FIGURES_MAX)
		return;
	figure = &sample->figures[sample->figure_count++];
	snprintf(figure->name, sizeof(figure->name), "%s", name);
	figure->value = value;
}

bool top_add_source(struct top_sample *sample, const char *line)
{
	struct top_source source = {0};

	/* An older daemon does not tell the hits and drops. */
	if (sscanf(line, "%55s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
		    source.address, &source.gets, &source.news, &source.removes, &source.hits,
		    &source.drops) < 4)
		return false;
	if (sample->source_count < TOP_SOURCES_MAX)
		sample->sources[sample->source_count++] = source;
	return true;
}

static struct top_source *find_source(struct top_sample *sample, const char *address)
{
	struct top_source *source;

	for (unsigned i = 0; i < sample->source_count; i++)
		if (strcmp(sample->sources[i].address, address) == 0)
			return &sample->sources[i];
	if (sample->source_count == TOP_SOURCES_MAX)
		return NULL;
	source = &sample->sources[sample->source_count++];
	snprintf(source->address, sizeof(source->address), "%s", address);
	return source;
}

bool top_add_maker(struct top_sample *sample, const char *line)
{
	struct top_source maker, *source;

	if (sscanf(line, "%55s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
		    maker.address, &maker.sessions, &maker.stored, &maker.used, &maker.elsewhere,
		    &maker.home) != 6)
		return false;
	source = find_source(sample, maker.address);
	if (!source)
		return true;
	source->sessions = maker.sessions;
	source->stored = maker.stored;
	source->used = maker.used;
	source->elsewhere = maker.elsewhere;
	source->home = maker.home;
	return true;
}

bool top_add_context(struct top_sample *sample, const char *line)
{
	struct top_context context;

	if (sscanf(line, "%67s %7s %" SCNu64 " %" SCNu64 " %" SCNu64, context.context, context.tls,
		    &context.sessions, &context.stored, &context.used) != 5)
		return false;
	if (sample->context_count < TOP_CONTEXTS_MAX)
		sample->contexts[sample->context_count++] = context;
	return true;
}

uint64_t top_figure(const struct top_sample *sample, const char *name)
{
	for (unsigned i = 0; i < sample->figure_count; i++)
		if (strcmp(sample->figures[i].name, name) == 0)
			return sample->figures[i].value;
	return 0;
}

double top_rate(const struct top_sample *before, const struct top_sample *now, const char *name)
{
	uint64_t was = top_figure(before, name), is = top_figure(now, name);

	if (before->figure_count == 0 || now->at <= before->at || is < was)
		return 0;
	return (double)(is - was) * 1000 / (double)(now->at - before->at);
}
