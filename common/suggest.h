/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * "Did you mean ...?": finds the known word of which an unknown one is most likely a misspelling.
 */
#ifndef SESSIOND_COMMON_SUGGEST_H
#define SESSIOND_COMMON_SUGGEST_H

#include <stddef.h>

struct suggest {
	const char *word;  /* the unknown word, owned by the caller */
	const char *found; /* NULL: no word offered so far is near enough */
	unsigned edits;	   /* edits between the two; internal */
};

/* Compares the next known word with `suggest->word`, ignoring case. The caller keeps both words as
 * long as `suggest`. Start with {.word = WORD}. */
void suggest_offer(struct suggest *suggest, const char *known);

#define SUGGEST_TEXT 80

/* "did you mean PREFIXWORD? ", or "" if no word was near enough. Returns `text`. */
const char *suggest_text(
	const struct suggest *suggest, const char *prefix, char text[SUGGEST_TEXT]);

/* ": did you mean B?" if `word` is near one of `words`, which are separated by blanks; else "".
 * Returns `text`. */
const char *suggest_among(const char *word, const char *words, char text[SUGGEST_TEXT]);

/* "expected A, B or C", and ": did you mean B?" if `word` is near one of them. `words` are
 * separated by blanks. Returns `text`. */
const char *suggest_expected(const char *word, const char *words, char *text, size_t size);

#endif
