/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/outcome_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/suggest.h"
#include "common/text.h"

static const char *const words[SESSD_OUTCOMES] = {
	[SESSD_OUTCOME_HIT] = "hit",
	[SESSD_OUTCOME_MISS] = "miss",
	[SESSD_OUTCOME_EXPIRED] = "expired",
	[SESSD_OUTCOME_TORN] = "torn",
	[SESSD_OUTCOME_DROPPED] = "drop",
	[SESSD_OUTCOME_STORED] = "stored",
	[SESSD_OUTCOME_EXISTS] = "exists",
	[SESSD_OUTCOME_REFUSED] = "refused",
	[SESSD_OUTCOME_REMOVED] = "removed",
};

const char *outcome_word(enum sessd_outcome outcome)
{
	return words[outcome % SESSD_OUTCOMES];
}

static int unknown(const char *word)
{
	char known[128] = "", quoted[TEXT_QUOTE], expected[256];
	size_t used = 0;

	for (unsigned i = 0; i < SESSD_OUTCOMES; i++)
		used += (size_t)snprintf(
			known + used, sizeof(known) - used, "%s%s", i > 0 ? " " : "", words[i]);
	return error_set(EINVAL, "outcome %s: %s", text_quote(word, quoted),
		suggest_expected(word, known, expected, sizeof(expected)));
}

int outcome_words_add(unsigned *set, const char *list)
{
	char copy[128], *save = NULL, *word;

	snprintf(copy, sizeof(copy), "%s", list);
	word = strtok_r(copy, ",", &save);
	if (!word)
		return unknown("");
	for (; word; word = strtok_r(NULL, ",", &save)) {
		unsigned i = 0;

		while (i < SESSD_OUTCOMES && strcmp(words[i], word) != 0)
			i++;
		if (i == SESSD_OUTCOMES)
			return unknown(word);
		*set |= 1U << i;
	}
	return 0;
}
