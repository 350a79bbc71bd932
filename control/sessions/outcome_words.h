/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The words for what becomes of a request, as `sessionctl watch` shows and selects them.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_OUTCOME_WORDS_H
#define SESSIOND_CONTROL_SESSIONS_OUTCOME_WORDS_H

#include <sessiond/request_event.h>

const char *outcome_word(enum sessd_outcome outcome);

/* Adds the outcomes of a list such as "miss,drop" to `set`, a bit each: 1 << outcome. 0, or -EINVAL
 * with error_message() set. */
int outcome_words_add(unsigned *set, const char *list);

#endif
