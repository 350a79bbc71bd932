/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LENGTH_MAX    32
#define EDITS_MAX     2
#define BEGINNING_MIN 3

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static int fold(char c)
{
	return tolower((unsigned char)c);
}

/* Optimal string alignment distance: insertions, deletions, substitutions and swaps of adjacent
 * letters. */
static unsigned edits_between(const char *a, const char *b)
{
	size_t a_length = strlen(a), b_length = strlen(b);
	unsigned rows[3][LENGTH_MAX + 1] = {0};

	if (a_length > LENGTH_MAX || b_length > LENGTH_MAX)
		return EDITS_MAX + 1;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		const unsigned *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];
		unsigned *row = rows[i % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			unsigned same = fold(a[i - 1]) == fold(b[j - 1]);

			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + !same);
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
				fold(a[i - 2]) == fold(b[j - 1]))
				row[j] = least(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a_length % 3][b_length];
}

/* Whether one is the beginning of the other: "warn" of "warning". */
static bool begins(const char *a, const char *b)
{
	size_t a_length = strlen(a), b_length = strlen(b);
	size_t length = a_length < b_length ? a_length : b_length;

	return length >= BEGINNING_MIN && strncasecmp(a, b, length) == 0;
}

void suggest_offer(struct suggest *suggest, const char *known)
{
	unsigned edits = edits_between(suggest->word, known);

	if (edits > 0 && !suggest->found && begins(suggest->word, known)) {
		suggest->found = known;
		suggest->edits = EDITS_MAX; /* a misspelling is likelier */
		return;
	}
	/* Not two edits for a short word: they turn any short word into any other. */
	if (edits > EDITS_MAX || 2 * edits >= strlen(known) ||
		(suggest->found && edits >= suggest->edits))
		return;
	suggest->found = known;
	suggest->edits = edits;
}

const char *suggest_text(const struct suggest *suggest, const char *prefix, char text[SUGGEST_TEXT])
{
	text[0] = '\0';
	if (suggest->found)
		snprintf(text, SUGGEST_TEXT, "did you mean %s%s? ", prefix, suggest->found);
	return text;
}

const char *suggest_among(const char *word, const char *words, char text[SUGGEST_TEXT])
{
	char known[LENGTH_MAX + 1], found[LENGTH_MAX + 1] = "";
	struct suggest suggest = {.word = word};

	for (size_t len; *words; words += len + (words[len] == ' ')) {
		len = strcspn(words, " ");
		snprintf(known, sizeof(known), "%.*s", (int)len, words);
		if (!isdigit((unsigned char)known[0])) /* another number is no misspelling */
			suggest_offer(&suggest, known);
		if (suggest.found == known)
			suggest.found = strcpy(found, known);
	}
	text[0] = '\0';
	if (suggest.found)
		snprintf(text, SUGGEST_TEXT, ": did you mean %s?", found);
	return text;
}

const char *suggest_expected(const char *word, const char *words, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "expected ");
	char maybe[SUGGEST_TEXT];

	suggest_among(word, words, maybe);
	for (const char *next; *words && used < size; words = next) {
		size_t len = strcspn(words, " ");
		const char *separator;

		next = words + len + (words[len] == ' ');
		separator = !*next ? "" : strchr(next, ' ') ? ", " : " or ";
		used += (size_t)snprintf(
			text + used, size - used, "%.*s%s", (int)len, words, separator);
	}
	if (used < size)
		snprintf(text + used, size - used, "%s", maybe);
	return text;
}
