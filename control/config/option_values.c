/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/config/option_values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

/* Column of the comments. */
#define COMMENT_COLUMN 40
#define LINE_SIZE      (OPTION_VALUE + PATH_MAX + 256)

static const void *member(const struct option_def *def, const struct options *options)
{
	return (const char *)options + def->offset;
}

bool value_number(const struct option_def *def, const struct options *options, size_t i, char *text)
{
	uint16_t small;
	uint32_t number;

	if (def->size == sizeof(small)) {
		memcpy(&small, member(def, options), sizeof(small));
		number = small;
	} else {
		memcpy(&number, member(def, options), sizeof(number));
	}
	snprintf(text, OPTION_VALUE, "%" PRIu32, number);
	return i == 0 && number >= def->min;
}

bool value_bool(const struct option_def *def, const struct options *options, size_t i, char *text)
{
	const bool *yes = member(def, options);

	snprintf(text, OPTION_VALUE, "%s", *yes ? "yes" : "no");
	return i == 0;
}

bool value_word(const struct option_def *def, const struct options *options, size_t i, char *text)
{
	const char *word = def->words;
	int index = 0;

	memcpy(&index, member(def, options), def->size);
	while (index-- > 0)
		word += strcspn(word, " ") + 1;
	snprintf(text, OPTION_VALUE, "%.*s", (int)strcspn(word, " "), word);
	return i == 0;
}

bool value_text(const struct option_def *def, const struct options *options, size_t i, char *text)
{
	const char *value = member(def, options);

	snprintf(text, OPTION_VALUE, "%s", value);
	return i == 0 && value[0];
}

bool value_mode(const struct option_def *def, const struct options *options, size_t i, char *text)
{
	(void)def;
	snprintf(text, OPTION_VALUE, "%s", options->mode ? options->mode->name : "auto");
	return i == 0;
}

bool value_log_level(
	const struct option_def *def, const struct options *options, size_t i, char *text)
{
	const char *words = def->words;
	enum log_level level;
	size_t at, len;

	/* The numbers of levels are not those of the words. */
	for (at = 0; words[at]; at += len + (words[at + len] == ' ')) {
		len = strcspn(&words[at], " ");
		snprintf(text, OPTION_VALUE, "%.*s", (int)len, &words[at]);
		if (log_level_parse(text, &level) == 0 && level == options->log_level)
			break;
	}
	return i == 0;
}

bool value_interface(
	const struct option_def *def, const struct options *options, size_t i, char *text)
{
	(void)def;
	if (i >= options->engine.interface_count)
		return false;
	snprintf(text, OPTION_VALUE, "%s", options->engine.interfaces[i]);
	return true;
}

bool value_listen(const struct option_def *def, const struct options *options, size_t i, char *text)
{
	char address[ADDRESS_TEXT];

	(void)def;
	if (i >= options->engine.listen_count)
		return false;
	snprintf(text, OPTION_VALUE, "%s", endpoint_format(&options->engine.listen[i], address));
	return true;
}

bool value_allow(const struct option_def *def, const struct options *options, size_t i, char *text)
{
	char prefix[ADDRESS_TEXT];

	(void)def;
	if (i >= options->allow.count)
		return false;
	snprintf(text, OPTION_VALUE, "%s", prefix_format(&options->allow.prefixes[i], prefix));
	return true;
}

bool value_farm(const struct option_def *def, const struct options *options, size_t i, char *text)
{
	const char *url = options->farm.urls[i < FARM_ENGINES_MAX ? i : 0];
	const char *scheme_end = strstr(url, "://"), *at = strrchr(url, '@');

	(void)def;
	if (i >= options->farm.count)
		return false;
	if (scheme_end && at)
		snprintf(text, OPTION_VALUE, "%.*s...%s", (int)(scheme_end + 3 - url), url, at);
	else
		snprintf(text, OPTION_VALUE, "%s", url);
	return true;
}

bool value_rate_limit(
	const struct option_def *def, const struct options *options, size_t i, char *text)
{
	const struct engine_config *engine = &options->engine;

	(void)def;
	snprintf(
		text, OPTION_VALUE, "%" PRIu32 "/%" PRIu32, engine->limit_gets, engine->limit_news);
	return i == 0 && (engine->limit_gets || engine->limit_news);
}

/* Whether one of the option's values is this text. The search begins at value `*hint`, which
 * becomes the one behind: two long lists that differ little are compared in one pass. */
static bool has_value(const struct option_def *def, const struct options *options,
	const char *value, size_t *hint)
{
	char text[OPTION_VALUE];
	size_t begin = *hint, i;

	for (i = begin; def->value(def, options, i, text); i++)
		if (strcmp(text, value) == 0)
			goto found;
	for (i = 0; i < begin && def->value(def, options, i, text); i++)
		if (strcmp(text, value) == 0)
			goto found;
	return false;
found:
	*hint = i + 1;
	return true;
}

struct joined {
	char *text;
	size_t used;
	unsigned count;
};

/* Adds a value; once one does not fit, an ellipsis. */
static void join(struct joined *joined, const char *value)
{
	static const char more[] = ", ...";
	const char *separator = joined->count++ ? ", " : "";
	size_t need = strlen(separator) + strlen(value);

	if (joined->used >= OPTION_VALUES - 1)
		return;
	if (joined->used + need + sizeof(more) > OPTION_VALUES) {
		snprintf(joined->text + joined->used, OPTION_VALUES - joined->used, "%s", more);
		joined->used = OPTION_VALUES;
		return;
	}
	joined->used += (size_t)snprintf(joined->text + joined->used, OPTION_VALUES - joined->used,
		"%s%s", separator, value);
}

/* "X was added" for each value that only `to` has. */
static void join_missing(struct joined *joined, const struct option_def *def,
	const struct options *from, const struct options *to, const char *verb)
{
	char value[OPTION_VALUE], text[OPTION_VALUE + 32];
	size_t hint = 0;

	for (size_t i = 0; def->value(def, to, i, value); i++) {
		if (has_value(def, from, value, &hint))
			continue;
		snprintf(text, sizeof(text), "%s was %s", value, verb);
		join(joined, text);
	}
}

const char *option_change(const struct option_def *def, const struct options *from,
	const struct options *to, char text[OPTION_VALUES])
{
	char before[OPTION_VALUE], after[OPTION_VALUE];
	struct joined joined = {.text = text};

	text[0] = '\0';
	if (def->flags & OPTION_REPEATABLE) {
		join_missing(&joined, def, to, from, "removed");
		join_missing(&joined, def, from, to, "added");
		if (joined.count == 0)
			join(&joined, def->flags & OPTION_PASSWORD
					      ? "the order or a password has changed"
					      : "the order has changed");
		return text;
	}
	snprintf(text, OPTION_VALUES, "from %.180s to %.180s",
		def->value(def, from, 0, before) ? before : "none",
		def->value(def, to, 0, after) ? after : "none");
	return text;
}

struct output {
	void (*line)(void *ctx, const char *text);
	void *ctx;
};

/* A comment starts at # or ; after a blank: such a value needs quotes. */
static bool needs_quotes(const char *value)
{
	for (const char *at = value; *at; at++)
		if ((*at == '#' || *at == ';') && (at == value || at[-1] == ' '))
			return true;
	return value[0] == '"' || value[0] == '\0';
}

static void show(const struct output *output, const char *sign, const struct option_def *def,
	const struct options *options, size_t i, const char *value, const char *remark)
{
	const char *quote = needs_quotes(value) ? "\"" : "";
	char text[LINE_SIZE], where[TEXT_QUOTE];
	unsigned line = option_line(def, options, i);
	int used =
		snprintf(text, sizeof(text), "%s%s = %s%s%s", sign, def->name, quote, value, quote);

	used += snprintf(text + used, sizeof(text) - (size_t)used, "%*s # ",
		used < COMMENT_COLUMN ? COMMENT_COLUMN - used : 0, "");
	if (line == OPTION_LINE_DEFAULT)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "default");
	else if (line == OPTION_LINE_COMMAND)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "command line");
	else
		used += snprintf(text + used, sizeof(text) - (size_t)used, "%s:%u",
			text_quote(options->config_path, where), line);
	snprintf(text + used, sizeof(text) - (size_t)used, "%s%s", remark[0] ? "; " : "", remark);
	output->line(output->ctx, text);
}

void options_show(const struct options *options, const char *mode,
	void (*line)(void *ctx, const char *text), void *ctx)
{
	const struct output output = {.line = line, .ctx = ctx};
	char value[OPTION_VALUE], text[LINE_SIZE];

	if (options->config_path[0])
		snprintf(text, sizeof(text), "# configuration file: %s", options->config_path);
	else
		snprintf(text, sizeof(text), "# no configuration file: --config was not given");
	line(ctx, text);
	for (size_t row = 0; row < option_table_size; row++) {
		const struct option_def *def = &option_table[row];
		char remark[64] = "";
		size_t i = 0;

		if (def->flags & OPTION_COMMAND_LINE)
			continue;
		if (def->value == value_mode)
			snprintf(remark, sizeof(remark), "mode %s runs", mode);
		for (; def->value(def, options, i, value); i++)
			show(&output, "", def, options, i, value, remark);
		if (i == 0) {
			snprintf(text, sizeof(text), "# %s is not set", def->name);
			line(ctx, text);
		}
	}
}

/* Values of `options` that `other` has not. */
static void show_missing(const struct output *output, const char *sign,
	const struct option_def *def, const struct options *options, const struct options *other,
	const char *remark)
{
	char value[OPTION_VALUE];
	size_t hint = 0;

	for (size_t i = 0; def->value(def, options, i, value); i++)
		if (!has_value(def, other, value, &hint))
			show(output, sign, def, options, i, value, remark);
}

void option_show_change(const struct option_def *def, const struct options *from,
	const struct options *to, const char *remark, void (*line)(void *ctx, const char *text),
	void *ctx)
{
	const struct output output = {.line = line, .ctx = ctx};

	show_missing(&output, "- ", def, from, to, "");
	show_missing(&output, "+ ", def, to, from, remark);
}
