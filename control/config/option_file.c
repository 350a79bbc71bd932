/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The configuration file, parsed by inih. It gets the lines one by one, so that line numbers are
 * known, a truncated line is never taken for a whole one, and reading stops at the first error.
 */
#include "control/config/option_source.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

/* Ten times a list of ALLOW_MAX prefixes with comments. */
#define FILE_SIZE_MAX (1U << 20)

struct reader {
	struct option_source source;
	const char *text;
	size_t left;
	bool failed;
};

static void fail(struct reader *reader, const char *wrong)
{
	char where[TEXT_QUOTE];

	reader->failed = true;
	error_set(EINVAL, "%s:%u: %s", text_quote(reader->source.file, where), reader->source.line,
		wrong);
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

/* inih's reader: the next line, without its end. */
static char *next_line(char *line, int room, void *stream)
{
	struct reader *reader = stream;
	const char *text = reader->text, *end;
	size_t len;

	if (reader->failed || reader->left == 0)
		return NULL;
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
	if (!is_plain_text(text, len))
		fail(reader, "a control character in the line: remove it");
	else if (len > 0 && *text == '[')
		fail(reader, "sections are not used here: leave the line out");
	else if (room < 2 || len > (size_t)room - 2)
		fail(reader, "the line is too long: shorten it, or give the option on the command "
			     "line");
	if (reader->failed)
		return NULL;
	memcpy(line, text, len);
	line[len] = '\0';
	return line;
}

static int on_pair(void *user, const char *section, const char *name, const char *value)
{
	struct reader *reader = user;
	char quoted[TEXT_QUOTE], wrong[TEXT_QUOTE + 80];

	(void)section;
	if (reader->failed)
		return 0;
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];

		if (strcmp(def->name, name) != 0)
			continue;
		if (def->flags & OPTION_COMMAND_LINE) {
			snprintf(wrong, sizeof(wrong),
				"%s is for the command line only: leave the line out", name);
			fail(reader, wrong);
			return 0;
		}
		reader->failed = option_apply(&reader->source, def, value) < 0;
		return !reader->failed;
	}
	snprintf(wrong, sizeof(wrong), "unknown name %s: --help lists the names",
		text_quote(name, quoted));
	fail(reader, wrong);
	return 0;
}

int options_read_memory(struct options *options, const char *name, const char *text, size_t size)
{
	struct reader reader = {
		.source = {.options = options, .file = name}, .text = text, .left = size};
	char where[TEXT_QUOTE];
	int ret;

	ret = ini_parse_stream(next_line, &reader, on_pair, &reader);
	text_quote(name, where);
	if (ret < 0)
		return error_set(ENOMEM, "%s: out of memory: not read, try again", where);
	/* Only inih notices a line without a pair, and it reads on to the end. */
	if (ret > 0 && (!reader.failed || (unsigned)ret < reader.source.line))
		return error_set(EINVAL, "%s:%d: expected name = value", where, ret);
	return reader.failed ? -EINVAL : 0;
}

int options_read_file(struct options *options, const char *path)
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
		ret = options_read_memory(options, path, text, size);
end:
	free(text);
	fclose(file);
	return ret;
}
