/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/farm/sequence_window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORD 64

int window_open(struct sequence_window *window, uint64_t numbers)
{
	uint64_t size = WORD;

	memset(window, 0, sizeof(*window));
	while (size < numbers)
		size *= 2;
	/* Its pages are taken when they are touched. */
	window->bits = calloc(size / WORD, sizeof(*window->bits));
	window->mask = size - 1;
	return window->bits ? 0 : -ENOMEM;
}

void window_close(struct sequence_window *window)
{
	free(window->bits);
	memset(window, 0, sizeof(*window));
}

static uint64_t *word_of(const struct sequence_window *window, uint64_t number, uint64_t *bit)
{
	uint64_t at = number & window->mask;

	*bit = 1ULL << at % WORD;
	return &window->bits[at / WORD];
}

bool window_seen(const struct sequence_window *window, uint64_t number)
{
	uint64_t bit, *word = word_of(window, number, &bit);

	if (number > window->high)
		return false;
	return window->high - number > window->mask || (*word & bit);
}

/* Clears the bits of (high, number]. */
static void raise(struct sequence_window *window, uint64_t number)
{
	uint64_t bit, *word;

	if (number - window->high > window->mask) {
		memset(window->bits, 0, (window->mask + 1) / 8);
	} else {
		for (uint64_t at = window->high + 1; at <= number; at++) {
			word = word_of(window, at, &bit);
			*word &= ~bit;
		}
	}
	window->high = number;
	/* What is too old to be known cannot be missed. */
	if (number > window->mask && window->low < number - window->mask - 1)
		window->low = number - window->mask - 1;
}

void window_begin(struct sequence_window *window, uint64_t number)
{
	if (!window->begun)
		window->low = number;
	window->begun = true;
}

void window_skip(struct sequence_window *window, uint64_t number)
{
	if (window->low < number)
		window->low = number;
}

void window_mark(struct sequence_window *window, uint64_t number)
{
	uint64_t bit, *word;

	window_begin(window, number);
	if (number > window->high)
		raise(window, number);
	if (window->high - number > window->mask)
		return;
	word = word_of(window, number, &bit);
	*word |= bit;
}

void window_advance(struct sequence_window *window)
{
	while (window->low < window->high && window_seen(window, window->low + 1))
		window->low++;
}

uint64_t window_give_up(struct sequence_window *window, uint64_t limit)
{
	uint64_t lost = 0;

	while (window->low < limit && !window_seen(window, window->low + 1)) {
		window->low++;
		lost++;
		if (window->low >= window->high) {
			lost += limit - window->low;
			window->low = limit;
		}
	}
	return lost;
}
