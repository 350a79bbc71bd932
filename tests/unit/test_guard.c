/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sessiond/guard.h>

#include <inttypes.h>
#include <stdbool.h>

#include "tests/unit/random.h"

struct input {
	uint8_t key[SESSD_KEY_SIZE];
	uint64_t life;
	uint16_t len, sum;
	uint8_t value[SESSD_VALUE_LIMIT];
};

static __u64 secret[SESSD_GUARD_KEYS];

static void random_input(struct input *input, uint16_t len, uint64_t *random)
{
	for (unsigned i = 0; i < sizeof(input->key); i++)
		input->key[i] = random_next(random);
	for (unsigned i = 0; i < len; i++)
		input->value[i] = random_next(random);
	input->life = random_next(random);
	input->sum = random_next(random);
	input->len = len;
}

static uint64_t guard(const struct input *input)
{
	return sessd_guard(secret, input->key, input->life, input->sum, input->value, input->len);
}

/* The host's byte order, written in another way. */
static uint64_t word_of(const uint8_t *bytes, unsigned count)
{
	const uint16_t one = 1;
	bool little = *(const uint8_t *)&one;
	uint64_t word = 0;

	for (unsigned i = 0; i < count; i++)
		word |= (uint64_t)bytes[i] << (little ? 8 * i : 56 - 8 * i);
	return word;
}

/* The guard as guard.h describes it: the sum of each word times the secret of its position. */
static uint64_t recompute(const struct input *input)
{
	uint64_t words[SESSD_GUARD_KEYS], sum = 0;
	unsigned count = 0;

	words[count++] = input->life;
	words[count++] = input->len + 65536ULL * input->sum;
	for (unsigned i = 0; i < SESSD_KEY_SIZE; i += 8)
		words[count++] = word_of(input->key + i, 8);
	for (unsigned at = 0; at + 8 <= input->len; at += 8)
		words[count++] = word_of(input->value + at, 8);
	if (input->len < 8)
		words[count++] = word_of(input->value, input->len);
	else if (input->len % 8)
		words[count++] = word_of(input->value + input->len - 8, 8);
	assert_true(count <= SESSD_GUARD_KEYS);
	for (unsigned i = 0; i < count; i++)
		sum += words[i] * secret[i];
	return sum;
}

static void equals_recomputation(void **state)
{
	uint64_t random = 11;

	(void)state;
	for (unsigned len = 1; len <= SESSD_VALUE_LIMIT; len++) {
		struct input input;

		for (unsigned i = 0; i < 10; i++) {
			random_input(&input, len, &random);
			assert_int_equal(guard(&input), recompute(&input));
		}
	}
}

static void flip(void *bytes, unsigned bit)
{
	((uint8_t *)bytes)[bit / 8] ^= 1 << bit % 8;
}

/* Flips each bit of `size` bytes of `input`. */
static void flip_each(struct input *input, void *bytes, unsigned size)
{
	uint64_t right = guard(input);

	for (unsigned bit = 0; bit < size * 8; bit++) {
		flip(bytes, bit);
		if (guard(input) == right)
			fail_msg("length %u, bit %u", input->len, bit);
		flip(bytes, bit);
	}
	assert_int_equal(guard(input), right);
}

static void every_bit_counts(void **state)
{
	uint64_t random = 12;

	(void)state;
	for (unsigned len = 1; len <= SESSD_VALUE_LIMIT; len++) {
		struct input input;
		__u64 key[4], right;

		random_input(&input, len, &random);
		flip_each(&input, input.key, sizeof(input.key));
		flip_each(&input, &input.life, sizeof(input.life));
		flip_each(&input, &input.sum, sizeof(input.sum));
		flip_each(&input, input.value, len);
		/* Another length, with the same bytes read. */
		memcpy(key, input.key, sizeof(key));
		right = sessd_guard_head(secret, input.life, len, input.sum, key);
		for (unsigned bit = 0; bit < 16; bit++)
			assert_int_not_equal(right, sessd_guard_head(secret, input.life,
							    len ^ 1 << bit, input.sum, key));
	}
}

/* Changes that guard.h says the guard does not detect, and those that it does. */
static void highest_bits(void **state)
{
	uint64_t random = 15, right;
	struct input input;

	(void)state;
	random_input(&input, 64, &random);
	right = guard(&input);
	flip(input.value, 63);
	assert_int_not_equal(guard(&input), right);
	flip(input.value + 8, 63);
	assert_int_equal(guard(&input), right);
	flip(input.key, 63);
	assert_int_not_equal(guard(&input), right);
	flip(input.key, 62);
	assert_int_not_equal(guard(&input), right);
}

/* A prefix, an extension by zeros, or a reordering is another value. */
static void lengths_and_order(void **state)
{
	uint64_t random = 13;

	(void)state;
	for (unsigned len = 17; len < SESSD_VALUE_LIMIT; len++) {
		struct input input, other;

		random_input(&input, len, &random);
		other = input;
		other.value[len] = 0;
		other.len = len + 1;
		assert_int_not_equal(guard(&input), guard(&other));
		other.len = len - 1;
		assert_int_not_equal(guard(&input), guard(&other));
		other = input;
		memcpy(other.value, input.value + 8, 8);
		memcpy(other.value + 8, input.value, 8);
		assert_int_not_equal(guard(&input), guard(&other));
		other = input;
		memcpy(other.key, input.key + 8, 8);
		memcpy(other.key + 8, input.key, 8);
		assert_int_not_equal(guard(&input), guard(&other));
	}
}

/* Half of one session and half of another, cut at each byte, is neither. */
static void mixtures(void **state)
{
	uint64_t random = 14;

	(void)state;
	for (unsigned len = 2; len <= SESSD_VALUE_LIMIT; len += 7) {
		struct input a, b;

		random_input(&a, len, &random);
		random_input(&b, len, &random);
		for (unsigned cut = 1; cut < len; cut++) {
			struct input mixed = a;

			memcpy(mixed.value + cut, b.value + cut, len - cut);
			if (memcmp(mixed.value, a.value, len) == 0)
				continue; /* the bytes past the cut were the same */
			assert_int_not_equal(guard(&mixed), guard(&a));
			assert_int_not_equal(guard(&mixed), guard(&b));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_recomputation),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(highest_bits),
		cmocka_unit_test(lengths_and_order),
		cmocka_unit_test(mixtures),
	};
	uint64_t seeds[4];

	random_seeds(seeds);
	print_message("SESSIOND_TEST_SEED=%" PRIu64 "\n", seeds[0]);
	for (unsigned i = 0; i < SESSD_GUARD_KEYS; i++)
		secret[i] = random_next(&seeds[0]) | 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
