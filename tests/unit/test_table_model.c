/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The table and the lifetimes together, as the writer uses them, against a trivially simple model:
 * random operations, every answer and every byte compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/sessions/lifetime.h"
#include "tests/unit/eviction_reference.h"
#include "tests/unit/table_check.h"

#include <inttypes.h>
#include <stdio.h>

#define UNIVERSE_MAX 4096
#define CAPACITY_MAX 1024

/* Lifetimes up to the longest there is, in ticks. */
#define LONGEST ((65535 * 1000000000ULL >> SESSD_TICK_SHIFT) + 1)

struct shape {
	uint32_t capacity;
	uint32_t universe; /* requested keys */
	uint16_t value_max;
	enum secrets secrets;
	unsigned operations;
};

/* For each seed 1.25 million operations. */
static const struct shape shapes[] = {
	{1, 3, 512, SECRETS_RANDOM, 100000},
	{2, 5, 1400, SECRETS_RANDOM, 50000},
	{7, 20, 208, SECRETS_ZERO, 100000},
	{8, 20, 209, SECRETS_RANDOM, 100000},
	{60, 100, 512, SECRETS_ZERO, 100000},
	{100, 90, 1400, SECRETS_WEAK, 200000}, /* never full */
	{300, 500, 300, SECRETS_WEAK, 200000},
	{700, 1500, 100, SECRETS_RANDOM, 200000},
	{1000, 4000, 512, SECRETS_RANDOM, 200000},
};

struct known {
	bool present;
	bool once;
	uint32_t slot;
	uint64_t expires;
	uint16_t len;
	uint16_t sum;
	uint64_t value; /* its number, see make_value */
};

/* Events that must occur over all shapes of a seed. */
enum what {
	HITS,
	EXPIRED,
	EVICTED,
	TAKEN_OVER,
	ASKED_LATE,
	WHATS
};

struct world {
	const struct shape *shape;
	struct table *table;
	struct lifetime *lifetime;
	uint64_t random;
	uint64_t now, created; /* ticks */
	uint64_t values;       /* made so far */
	struct known known[UNIVERSE_MAX];
	uint32_t order[CAPACITY_MAX]; /* keys, the oldest first */
	uint32_t count;
	struct reference eviction;
	unsigned seen[WHATS];
};

static uint32_t key_of_slot(const struct world *world, uint32_t slot)
{
	for (uint32_t i = 0; i < world->count; i++) {
		if (world->known[world->order[i]].slot == slot)
			return world->order[i];
	}
	fail_msg("slot %" PRIu32 " holds nothing", slot);
	return 0;
}

static void forget(struct world *world, uint32_t key)
{
	uint32_t at = 0;

	while (world->order[at] != key)
		at++;
	world->count--;
	memmove(&world->order[at], &world->order[at + 1],
		(world->count - at) * sizeof(*world->order));
	world->known[key].present = false;
}

static void delete_key(struct world *world, uint32_t key, bool lifetime_too)
{
	if (lifetime_too)
		lifetime_remove(world->lifetime, world->known[key].slot);
	if (world->eviction.of[world->known[key].slot].held)
		reference_remove(&world->eviction, world->known[key].slot);
	table_delete(world->table, world->known[key].slot);
	forget(world, key);
}

static void insert(struct world *world, uint32_t number, uint64_t hash, const uint8_t *key)
{
	struct known *known = &world->known[number];
	uint64_t life = random_next(&world->random) % 4
				? random_below(&world->random, 20000 + 40 * world->shape->capacity)
				: random_next(&world->random) % LONGEST;
	struct session session = {.expires = world->now + 1 + life};
	uint8_t value[SESSD_VALUE_LIMIT];
	bool once = random_below(&world->random, 3) == 0;

	session.len = 1 + random_below(&world->random, world->shape->value_max);
	session.sum = random_next(&world->random);
	session.slot = table_alloc(world->table);
	if (session.slot == TABLE_NO_SLOT) {
		uint32_t victim;

		assert_int_equal(world->count, world->shape->capacity);
		victim = reference_evict(&world->eviction);
		assert_int_equal(lifetime_evict(world->lifetime), victim);
		delete_key(world, key_of_slot(world, victim), false);
		world->seen[EVICTED]++;
		session.slot = table_alloc(world->table);
	}
	assert_true(session.slot < world->shape->capacity);
	memcpy(session.key, key, SESSD_KEY_SIZE);
	make_value(value, session.len, ++world->values);
	table_insert(world->table, hash, &session, value);
	lifetime_add(world->lifetime, session.slot, session.expires, once);
	reference_add(&world->eviction, session.slot, once);
	*known = (struct known){
		true, once, session.slot, session.expires, session.len, session.sum, world->values};
	world->order[world->count++] = number;
}

static void do_new(struct world *world, uint32_t number)
{
	struct known *known = &world->known[number];
	uint8_t key[SESSD_KEY_SIZE];
	uint64_t hash;
	uint32_t slot;

	make_key(key, number);
	hash = table_hash(world->table, key);
	slot = table_find(world->table, hash, key);
	assert_int_equal(slot, known->present ? known->slot : TABLE_NO_SLOT);
	if (known->present && world->now < known->expires)
		return;
	if (known->present)
		delete_key(world, number, true);
	insert(world, number, hash, key);
}

static void do_get(struct world *world, uint32_t number)
{
	uint8_t key[SESSD_KEY_SIZE], value[SESSD_VALUE_LIMIT + 8], expected[SESSD_VALUE_LIMIT];
	struct known *known = &world->known[number];
	enum table_result result;
	uint16_t len = 0, sum = 0;
	unsigned retries = 0;
	uint64_t hash;

	memset(value, 0xee, sizeof(value));
	make_key(key, number);
	hash = table_hash(world->table, key);
	table_prefetch_bucket(world->table, hash);
	table_prefetch_slot(world->table, hash);
	result = table_get(world->table, hash, key, world->now, value, &len, &sum, &retries);
	assert_int_equal(retries, 0);
	if (!known->present) {
		assert_int_equal(result, TABLE_MISS);
		return;
	}
	if (world->now >= known->expires) {
		assert_int_equal(result, TABLE_EXPIRED);
		world->seen[ASKED_LATE]++;
		return;
	}
	assert_int_equal(result, TABLE_HIT);
	assert_int_equal(len, known->len);
	assert_int_equal(sum, known->sum);
	make_value(expected, len, known->value);
	assert_memory_equal(value, expected, len);
	for (unsigned i = len; i < sizeof(value); i++)
		assert_int_equal(value[i], 0xee); /* not a byte more was written */
	world->eviction.of[known->slot].visited = true;
	world->seen[HITS]++;
}

static void do_expire(struct world *world)
{
	unsigned budget =
		random_below(&world->random, 8) ? random_below(&world->random, 200) : 200000;

	while (budget) {
		unsigned before = budget;
		uint32_t slot = lifetime_expire(world->lifetime, world->now, &budget), key;

		if (slot == LIFETIME_NO_SLOT)
			break;
		assert_true(budget < before);
		key = key_of_slot(world, slot);
		assert_true(world->known[key].expires <= world->now);
		delete_key(world, key, false);
		world->seen[EXPIRED]++;
	}
	for (uint32_t i = 0; budget && i < world->count; i++)
		assert_true(world->known[world->order[i]].expires + 1024 > world->now ||
			    world->created + 1024 > world->now);
}

static void check_slots(struct world *world)
{
	uint32_t found = 0;

	check_table(world->table);
	assert_int_equal(table_count(world->table), world->count);
	for (uint32_t slot = 0; slot <= world->shape->capacity; slot++) {
		uint8_t key[SESSD_KEY_SIZE];
		struct session session;
		uint32_t number;

		if (!table_slot(world->table, slot, &session))
			continue;
		found++;
		number = key_of_slot(world, slot);
		make_key(key, number);
		assert_memory_equal(session.key, key, sizeof(key));
		assert_int_equal(session.slot, slot);
		assert_int_equal(session.expires, world->known[number].expires);
		assert_int_equal(session.len, world->known[number].len);
		assert_int_equal(session.sum, world->known[number].sum);
	}
	assert_int_equal(found, world->count);
}

static void create(struct world *world)
{
	struct table_config config = {
		.capacity = world->shape->capacity, .value_max = world->shape->value_max};

	world->table = table_create(&config);
	assert_non_null(world->table);
	set_secrets(world->table, world->shape->secrets, random_next(&world->random));
	world->lifetime = lifetime_create(config.capacity, table_marks(world->table), world->now);
	assert_non_null(world->lifetime);
	world->created = world->now;
	world->eviction = (struct reference){.capacity = config.capacity};
}

static void destroy(struct world *world)
{
	lifetime_destroy(world->lifetime);
	table_destroy(world->table);
}

/* A new daemon adopts the sessions in their slots, oldest first. */
static void do_adopt(struct world *world)
{
	destroy(world);
	create(world);
	world->seen[TAKEN_OVER]++;
	for (uint32_t i = 0; i < world->count; i++) {
		const struct known *known = &world->known[world->order[i]];
		struct session session = {.expires = known->expires,
			.slot = known->slot,
			.len = known->len,
			.sum = known->sum};
		uint8_t value[SESSD_VALUE_LIMIT];

		make_key(session.key, world->order[i]);
		make_value(value, known->len, known->value);
		assert_true(table_alloc_at(world->table, session.slot));
		assert_false(table_alloc_at(world->table, session.slot));
		if (random_below(&world->random, 4) == 0) {
			table_unalloc(world->table, session.slot);
			assert_true(table_alloc_at(world->table, session.slot));
		}
		table_insert(world->table, table_hash(world->table, session.key), &session, value);
		lifetime_add(world->lifetime, session.slot, session.expires, known->once);
		reference_add(&world->eviction, session.slot, known->once);
	}
	assert_false(table_alloc_at(world->table, world->shape->capacity));
}

static void step(struct world *world)
{
	uint32_t number = random_below(&world->random, world->shape->universe);
	unsigned what = random_below(&world->random, 10000);

	if (what < 4000)
		do_get(world, number);
	else if (what < 8000)
		do_new(world, number);
	else if (what < 8500 && world->known[number].present)
		delete_key(world, number, true);
	else if (what < 9000)
		world->now += random_below(&world->random, 300);
	else if (what < 9990)
		do_expire(world);
	else if (what < 9995)
		check_slots(world);
	else if (what < 9998)
		do_adopt(world);
	else /* the daemon was paused: up to 39 hours */
		world->now += random_next(&world->random) % (2 * 65536 * 1024ULL);
}

static void run(const struct shape *shape, uint64_t seed, unsigned seen[WHATS])
{
	struct world *world = calloc(1, sizeof(*world));

	assert_true(shape->capacity <= CAPACITY_MAX && shape->universe <= UNIVERSE_MAX);
	world->shape = shape;
	world->random = seed;
	world->now = random_next(&world->random) >> 30;
	create(world);
	for (unsigned i = 0; i < shape->operations; i++)
		step(world);
	check_slots(world);
	print_message("capacity %" PRIu32 ": %u hits, %u expired, %u evicted, %u taken over, "
		      "%u asked late\n",
		shape->capacity, world->seen[HITS], world->seen[EXPIRED], world->seen[EVICTED],
		world->seen[TAKEN_OVER], world->seen[ASKED_LATE]);
	for (unsigned i = 0; i < WHATS; i++)
		seen[i] += world->seen[i];
	destroy(world);
	free(world);
}

static void random_operations(void **state)
{
	uint64_t seeds[4];
	unsigned count = random_seeds(seeds);

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		unsigned seen[WHATS] = {0};

		print_message("SESSIOND_TEST_SEED=%" PRIu64 "\n", seeds[i]);
		for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); s++)
			run(&shapes[s], seeds[i] + s, seen);
		for (unsigned what = 0; what < WHATS; what++)
			assert_true(seen[what] > 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
