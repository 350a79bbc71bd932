/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Changes between readings of a list, against a model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/host/changes.h"
#include "tests/unit/random.h"

#include <string.h>

#define ITEMS 300

struct model {
	bool now[ITEMS], told[ITEMS];
	unsigned calls;
	bool came; /* the first added item of this reading was reported */
};

static void changed(void *ctx, const void *item, bool present)
{
	struct model *model = ctx;
	uint32_t i;

	memcpy(&i, item, sizeof(i));
	assert_in_range(i, 0, ITEMS - 1);
	assert_int_equal(model->now[i], present);
	assert_int_equal(model->told[i], !present);
	if (present)
		model->came = true;
	else
		assert_false(model->came);
	model->told[i] = present;
	model->calls++;
}

static void reading(struct changes *changes, struct model *model, uint64_t *seed)
{
	unsigned share = random_below(seed, 5);

	changes_begin(changes);
	for (uint32_t i = 0; i < ITEMS; i++)
		model->now[i] = random_below(seed, 4) < share;
	for (unsigned n = 0; n < 3 * ITEMS; n++) { /* in any order, and again */
		uint32_t i = n < 2 * ITEMS ? random_below(seed, ITEMS) : n - 2 * ITEMS;

		if (model->now[i])
			changes_add(changes, &i);
	}
}

static void against_a_model(void **state)
{
	uint64_t seeds[4];
	unsigned count = random_seeds(seeds);

	(void)state;
	for (unsigned n = 0; n < count; n++) {
		struct changes changes = {.size = sizeof(uint32_t)};
		struct model model = {0};

		for (unsigned round = 0; round < 300; round++) {
			unsigned limit = 1 + random_below(&seeds[n], 2 * ITEMS);
			bool more = true;

			reading(&changes, &model, &seeds[n]);
			/* An interrupted reading has no effect. */
			if (random_below(&seeds[n], 4) == 0)
				reading(&changes, &model, &seeds[n]);
			assert_int_equal(changes_end(&changes), 0);
			model.came = false;
			while (more) {
				model.calls = 0;
				more = changes_tell(&changes, limit, changed, &model);
				assert_true(model.calls <= limit);
				assert_true(!more || model.calls == limit);
			}
			assert_memory_equal(model.told, model.now, sizeof(model.now));
		}
		changes_free(&changes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
