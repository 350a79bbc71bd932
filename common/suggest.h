/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * "Did you mean ...?": the known word that an unknown one is most likely a slip for.
 */
#ifndef SESSIOND_COMMON_SUGGEST_H
#define SESSIOND_COMMON_SUGGEST_H

struct suggest {
	const char *word;  /* the unknown one; the caller's */
	const char *found; /* NULL: no word offered so far is near enough */
	unsigned edits;	   /* between the two; internal */
};

/* Compares the next known word, which the caller keeps as long as `suggest`. Start with {.word =
 * WORD}. Case does not count. */
void suggest_offer(struct suggest *suggest, const char *known);

#define SUGGEST_TEXT 80

/* "did you mean PREFIXWORD? ", or "" if no word was near enough. Returns `text`. */
const char *suggest_text(
	const struct suggest *suggest, const char *prefix, char text[SUGGEST_TEXT]);

#endif
