/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The configuration file, parsed by inih. It gets the lines one by one, so that line numbers are
 * known and a truncated line is never taken for a whole one. Reading continues after an error, so
 * that one run finds all of them.
 */
#include "control/config/option_source.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/suggest.h"
#include "common/text.h"

/* Ten times a list of ALLOW_MAX prefixes with comments. */
#define FILE_SIZE_MAX (1U << 20)

struct reader {
	struct option_source source;
	const char *text;
	size_t left;
	struct option_errors *errors;
	bool bad; /* the line; later errors in it are not its own */
};

/* error_message() says what is wrong. */
static void fail_as_said(struct reader *reader)
{
	if (!reader->bad)
		option_errors_add(reader->errors);
	reader->bad = true;
}

static void fail(struct reader *reader, const char *wrong)
{
	char where[TEXT_QUOTE];

	error_set(EINVAL, "%s:%u: %s", text_quote(reader->source.file, where), reader->source.line,
		wrong);
	fail_as_said(reader);
}

/* Control characters, above all NUL, would cut or hide part of a line. */
static bool is_plain_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* How much of a line comes before a comment, which starts at # or ; after a blank, and not within a
 * value in quotes. */
static size_t before_comment(const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t i = equals ? (size_t)(equals - text) + 1 : 0;

	while (i < len && (text[i] == ' ' || text[i] == '\t'))
		i++;
	if (i < len && text[i] == '"') {
		const char *end = memchr(text + i + 1, '"', len - i - 1);

		i = end ? (size_t)(end - text) + 1 : len;
	}
	for (; i < len; i++)
		if ((text[i] == '#' || text[i] == ';') && i > 0 &&
			(text[i - 1] == ' ' || text[i - 1] == '\t'))
			return i;
	return len;
}

/* inih's reader: the next line, without its end; an empty one for a line that is wrong. */
static char *next_line(char *line, int room, void *stream)
{
	struct reader *reader = stream;
	const char *text = reader->text, *end;
	size_t len;

	if (reader->left == 0)
		return NULL;
	reader->bad = false;
	end = memchr(text, '\n', reader->left);
	len = end ? (size_t)(end - text) : reader->left;
	reader->text += len + (end != NULL);
	reader->left -= len + (end != NULL);
	reader->source.line++;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	/* inih would take a line with a leading blank for a continuation of the line before. */
	while (len > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		len--;
	}
	/* A comment may have any content and length. */
	if (len > 0 && (*text == '#' || *text == ';'))
		len = 0;
	len = before_comment(text, len);
	if (!is_plain_text(text, len))
		fail(reader, "a control character in the line: remove it");
	else if (len > 0 && *text == '[')
		fail(reader, "sections are not used here: leave the line out");
	else if (room < 2 || len > (size_t)room - 2)
		fail(reader, "the line is too long: shorten it, or give the option on the command "
			     "line");
	else if (len > 0 && !memchr(text, '=', len) && !memchr(text, ':', len))
		fail(reader, "expected name = value");
	if (reader->bad)
		len = 0;
	memcpy(line, text, len);
	line[len] = '\0';
	return line;
}

/* Takes the quotes off a value, in place. False: the second is missing. */
static bool unquote(char *value)
{
	size_t len = strlen(value);

	if (value[0] != '"')
		return true;
	if (len < 2 || value[len - 1] != '"')
		return false;
	memmove(value, value + 1, len - 2);
	value[len - 2] = '\0';
	return true;
}

static void apply(struct reader *reader, const struct option_def *def, const char *value)
{
	char text[INI_MAX_LINE], wrong[TEXT_QUOTE + 80];

	if (def->flags & OPTION_COMMAND_LINE) {
		snprintf(wrong, sizeof(wrong),
			"%s is for the command line only: leave the line out", def->name);
		fail(reader, wrong);
		return;
	}
	snprintf(text, sizeof(text), "%s", value);
	if (!unquote(text))
		fail(reader, "the closing quote is missing: add it (a value in quotes may not have "
			     "a ; after a blank)");
	else if (option_apply(&reader->source, def, text) < 0)
		fail_as_said(reader);
}

static int on_pair(void *user, const char *section, const char *name, const char *value)
{
	struct suggest suggest = {.word = name};
	char quoted[TEXT_QUOTE], maybe[SUGGEST_TEXT], wrong[TEXT_QUOTE + SUGGEST_TEXT + 80];
	struct reader *reader = user;

	(void)section;
	for (size_t i = 0; i < option_table_size; i++) {
		if (strcmp(option_table[i].name, name) == 0) {
			apply(reader, &option_table[i], value);
			return 1;
		}
		if (!(option_table[i].flags & OPTION_COMMAND_LINE))
			suggest_offer(&suggest, option_table[i].name);
	}
	snprintf(wrong, sizeof(wrong), "unknown name %s: %s--help lists the names",
		text_quote(name, quoted), suggest_text(&suggest, "", maybe));
	fail(reader, wrong);
	return 1;
}

int options_read_memory(struct options *options, const char *name, const char *text, size_t size,
	struct option_errors *errors)
{
	struct option_errors own = {0};
	struct reader reader = {.source = {.options = options, .file = name},
		.text = text,
		.left = size,
		.errors = errors ? errors : &own};
	char where[TEXT_QUOTE];
	int ret;

	ret = ini_parse_stream(next_line, &reader, on_pair, &reader);
	text_quote(name, where);
	if (ret < 0)
		return error_set(ENOMEM, "%s: out of memory: not read, try again", where);
	/* A line that only inih finds wrong. */
	if (ret > 0 && reader.errors->count == 0) {
		error_set(EINVAL, "%s:%d: expected name = value", where, ret);
		option_errors_add(reader.errors);
	}
	if (reader.errors->count > 0)
		return error_set(EINVAL, "%s", reader.errors->first);
	return 0;
}

int options_read_file(struct options *options, const char *path, struct option_errors *errors)
{
	char *text = NULL, where[TEXT_QUOTE];
	FILE *file;
	size_t size;
	int ret;

	text_quote(path, where);
	file = fopen(path, "re");
	if (!file)
		return error_set(EINVAL, "configuration file %s: %s: check --config", where,
			strerror(errno));
	text = malloc(FILE_SIZE_MAX + 1);
	if (!text) {
		ret = error_set(ENOMEM, "%s: out of memory: not read, try again", where);
		goto end;
	}
	errno = 0;
	size = fread(text, 1, FILE_SIZE_MAX + 1, file);
	if (ferror(file))
		ret = error_set(EINVAL, "configuration file %s: %s: check --config", where,
			strerror(errno));
	else if (size > FILE_SIZE_MAX)
		ret = error_set(EINVAL, "configuration file %s: over %u bytes: check --config",
			where, FILE_SIZE_MAX);
	else
		ret = options_read_memory(options, path, text, size, errors);
end:
	free(text);
	fclose(file);
	return ret;
}
