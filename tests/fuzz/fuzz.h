/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A fuzz target: libFuzzer's function, and helpers to turn an input into decisions. Linked with
 * libFuzzer (-Dfuzz=true) it searches; linked with replay.c it only runs the given inputs: the
 * seeds, and all that ever found a fault.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Reports a finding: prints it and ends with a signal, as libFuzzer expects. */
#define FUZZ_FAIL(...) \
	do { \
		fprintf(stderr, "FINDING: " __VA_ARGS__); \
		fputc('\n', stderr); \
		abort(); \
	} while (0)

/* Exits 77 because a capability is missing; both variants pass it on. */
#define FUZZ_SKIP(...) \
	do { \
		printf("skipped: " __VA_ARGS__); \
		putchar('\n'); \
		fflush(stdout); \
		_Exit(77); \
	} while (0)

struct fuzz_input {
	const uint8_t *data;
	size_t left;
};

static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->data++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *in)
{
	uint16_t high = fuzz_byte(in);

	return (uint16_t)(high << 8 | fuzz_byte(in));
}

/* Bytes past the input's end are zero. */
static inline void fuzz_bytes(struct fuzz_input *in, void *to, size_t size)
{
	size_t n = size < in->left ? size : in->left;

	memcpy(to, in->data, n);
	memset((uint8_t *)to + n, 0, size - n);
	in->data += n;
	in->left -= n;
}

#endif
