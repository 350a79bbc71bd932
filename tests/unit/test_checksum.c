/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * <sessiond/checksum.h> against the tests' own checksum, which handles each carry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sessiond/checksum.h>

#include "tests/unit/random.h"
#include "tests/wire.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* A sum's 16 bits, by division: sums are equal modulo 65535, and only 0 folds to 0. */
static uint16_t folded(uint64_t sum)
{
	return (uint16_t)(sum ? (sum - 1) % 65535 + 1 : 0);
}

static void check_fold(uint64_t sum)
{
	assert_int_equal(checksum_fold(sum), folded(sum));
}

/* Each of the three 16-bit words takes every value beside values at the edges of the others. */
static void fold(void **state)
{
	uint64_t edges[12];
	unsigned count = 0;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		edges[count++] = i;
		edges[count++] = 0x7ffe + i;
		edges[count++] = 0xfffc + i;
	}
	for (uint64_t word = 0; word < 65536; word++) {
		for (unsigned i = 0; i < count; i++) {
			for (unsigned k = 0; k < count; k++) {
				check_fold(word | edges[i] << 16 | edges[k] << 32);
				check_fold(edges[i] | word << 16 | edges[k] << 32);
				check_fold(edges[i] | edges[k] << 16 | word << 32);
			}
		}
	}
}

static void check_right(uint64_t sum)
{
	assert_int_equal(checksum_right(sum), sum % 65535 == 0);
	assert_true(checksum_halve(sum) < 1ULL << 33);
	assert_int_equal(folded(checksum_halve(sum)), folded(sum));
}

/* Multiples of 65535 and their neighbours up to the largest number, and others. */
static void right(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (uint64_t i = 1; i < 1000000; i++) {
		uint64_t multiple = (i % 2 ? i : UINT64_MAX / 65535 - i) * 65535;

		check_right(multiple);
		check_right(multiple - 1);
		check_right(multiple + 1);
		check_right(random_next(&random));
	}
	check_right(UINT64_MAX);
}

/* Every length at every alignment, in a block of exact size, so that AddressSanitizer finds reads
 * past the end. */
static void bytes(void **state)
{
	uint64_t random = 2;

	(void)state;
	for (size_t len = 0; len < 300; len++) {
		for (size_t skew = 0; skew < 8; skew++) {
			uint8_t *block = malloc(skew + len + !(skew + len)), *data = block + skew;

			assert_non_null(block);
			for (unsigned kind = 0; kind < 4; kind++) {
				for (size_t i = 0; i < len; i++)
					data[i] = kind == 0   ? 0
						  : kind == 1 ? 0xff
							      : (uint8_t)random_next(&random);
				assert_true(checksum_bytes(data, (uint32_t)len) < 1ULL << 40);
				assert_int_equal(checksum_fold(checksum_bytes(data, (uint32_t)len)),
					htons((uint16_t)wire_sum(0, data, len)));
			}
			free(block);
		}
	}
}

/* With carries out of the top of both operands. */
static void add(void **state)
{
	static const uint64_t words[] = {
		0, 1, UINT32_MAX, 1ULL << 32, 1ULL << 63, UINT64_MAX - 1, UINT64_MAX};
	uint64_t four[4], first, random = 3, sum;

	(void)state;
	for (unsigned i = 0; i < 1000000; i++) {
		unsigned __int128 exact = first = words[i % 7];
		uint64_t last = words[i / 7 % 7];

		sum = i / 49 % 2 ? UINT64_MAX : random_next(&random);
		exact += (unsigned __int128)sum + last;
		for (unsigned k = 0; k < 4; k++) {
			four[k] =
				i / 98 % 2 ? words[random_next(&random) % 7] : random_next(&random);
			exact += four[k];
		}
		assert_int_equal(folded(checksum_add6(sum, &first, four, last)),
			exact ? (uint64_t)((exact - 1) % 65535) + 1 : 0);
		exact -= (unsigned __int128)first + last;
		assert_int_equal(folded(checksum_add4(sum, four)),
			exact ? (uint64_t)((exact - 1) % 65535) + 1 : 0);
		exact = (unsigned __int128)sum + last;
		assert_int_equal(folded(checksum_add(sum, last)),
			exact ? (uint64_t)((exact - 1) % 65535) + 1 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fold),
		cmocka_unit_test(right),
		cmocka_unit_test(bytes),
		cmocka_unit_test(add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
