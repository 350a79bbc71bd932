/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The program loads for every --max-session within a number of verified instructions well below the
 * kernel's million, so that an increase is noticed before an older kernel, whose verifier prunes
 * less, refuses the program.
 */
#include "tests/bpf/fixture.h"

#include <bpf/bpf.h>

#include <string.h>

struct known {
	const char *name;
	uint32_t type, key_size, value_size;
};

static void load_all(void)
{
	static const uint32_t value_max[] = {1, 156, 157, 192, 512, 1400};

	for (size_t i = 0; i < sizeof(value_max) / sizeof(value_max[0]); i++) {
		struct sessiond_bpf *bpf = fixture_open(value_max[i]);
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);

		assert_int_equal(sessiond_bpf__load(bpf), 0);
		assert_int_equal(bpf_obj_get_info_by_fd(
					 bpf_program__fd(bpf->progs.sessiond_xdp), &info, &size),
			0);
		print_message(
			"value_max %4u: %u instructions verified, %u loaded, %u bytes jited\n",
			value_max[i], info.verified_insns, info.xlated_prog_len / 8,
			info.jited_prog_len);
		if (info.verified_insns) /* Linux 5.16 */
			assert_in_range(info.verified_insns, 1, VERIFIED_MAX);
		sessiond_bpf__destroy(bpf);
	}
}

static void loads(void **state)
{
	(void)state;
	load_all();
}

/* Adoption of pins depends on names, types and sizes. */
static void maps(void **state)
{
	static const struct known known[] = {
		{SESSD_PIN_SESSIONS, BPF_MAP_TYPE_HASH, 32, 176},
		{SESSD_PIN_OVERFLOW, BPF_MAP_TYPE_HASH, 4, 10 * 376},
		{SESSD_PIN_MARKS, BPF_MAP_TYPE_ARRAY, 4, 64},
		{SESSD_PIN_TAKEN, BPF_MAP_TYPE_ARRAY, 4, 64},
		{SESSD_PIN_CONFIG, BPF_MAP_TYPE_ARRAY, 4, 1488},
		{SESSD_PIN_STATS, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct sessd_xdp_counters)},
		{SESSD_PIN_ALLOW4, BPF_MAP_TYPE_LPM_TRIE, 8, 1},
		{SESSD_PIN_ALLOW6, BPF_MAP_TYPE_LPM_TRIE, 20, 1},
		{SESSD_PIN_LOCAL, BPF_MAP_TYPE_HASH, 20, 1},
		{SESSD_PIN_EVENTS, BPF_MAP_TYPE_RINGBUF, 0, 0},
	};
	struct sessiond_bpf *bpf = fixture_open(SESSD_VALUE_DEFAULT_MAX);

	(void)state;
	assert_int_equal(sessiond_bpf__load(bpf), 0);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(bpf->obj, known[i].name);
		struct bpf_map_info info = {0};
		uint32_t size = sizeof(info);

		print_message("%s\n", known[i].name);
		assert_non_null(map);
		assert_int_equal(bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &size), 0);
		assert_string_equal(info.name, known[i].name);
		assert_int_equal(info.type, known[i].type);
		assert_int_equal(info.key_size, known[i].key_size);
		assert_int_equal(info.value_size, known[i].value_size);
	}
	assert_string_equal(bpf_program__name(bpf->progs.sessiond_xdp), "sessiond_xdp");
	sessiond_bpf__destroy(bpf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads),
		cmocka_unit_test(maps),
	};

	fixture_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
