/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/bpf/fixture.h"
#include "tests/wire.h"

#include <sessiond/rate_limit.h>

#include "dataplane/xdp/mirror/entry.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOPBACK_IFINDEX 1

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

void fixture_require(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "probe", 8, 1, 1, &opts);

	libbpf_set_print(quiet);
	if (fd >= 0) {
		close(fd);
		return;
	}
	printf("skipped: BPF maps cannot be made here: %s\n", strerror(errno));
	exit(77);
}

uint32_t fixture_limit_gets, fixture_limit_news;
bool fixture_timed, fixture_generic, fixture_no_take;

struct sessiond_bpf *fixture_open(uint32_t value_max)
{
	struct sessiond_bpf *bpf = sessiond_bpf__open();

	assert_non_null(bpf);
	bpf->rodata->value_max = value_max;
	bpf->rodata->last_rest = SESSD_LAST_REST(value_max);
	bpf->rodata->take_answered = !fixture_no_take;
	bpf->bss->answers_timed = fixture_timed;
	bpf->bss->limit_get_interval = sessd_limit_interval(fixture_limit_gets);
	bpf->bss->limit_new_interval = sessd_limit_interval(fixture_limit_news);
	assert_int_equal(
		bpf_map__set_max_entries(bpf->maps.frames, (uint32_t)libbpf_num_possible_cpus()),
		0);
	assert_int_equal(bpf_map__set_max_entries(bpf->maps.limits, FIXTURE_CAPACITY), 0);
	assert_int_equal(bpf_map__set_max_entries(bpf->maps.sessions, FIXTURE_CAPACITY), 0);
	assert_int_equal(bpf_map__set_max_entries(bpf->maps.overflow, FIXTURE_CAPACITY), 0);
	assert_int_equal(
		bpf_map__set_value_size(bpf->maps.overflow, SESSD_BLOCK_SIZE(value_max)), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(bpf_map__set_max_entries(i ? bpf->maps.marks : bpf->maps.taken,
					 FIXTURE_CAPACITY / SESSD_MARKS_PER_ELEM),
			0);
	return bpf;
}

static void allow(struct fixture *fixture)
{
	struct sessd_lpm4 net4 = {.prefixlen = 8, .addr = {10}};
	struct sessd_lpm6 net6 = {.prefixlen = 8, .addr = {0xfd}};
	uint8_t one = 1;

	assert_int_equal(bpf_map__update_elem(fixture->bpf->maps.allow4, &net4, sizeof(net4), &one,
				 sizeof(one), BPF_ANY),
		0);
	assert_int_equal(bpf_map__update_elem(fixture->bpf->maps.allow6, &net6, sizeof(net6), &one,
				 sizeof(one), BPF_ANY),
		0);
}

/* Those of frame_build. */
static void join_vlans(struct fixture *fixture)
{
	const uint32_t tags[] = {
		sessd_vlan_tag(100, false),
		sessd_vlan_push(sessd_vlan_tag(100, true), sessd_vlan_tag(101, false)),
		sessd_vlan_push(sessd_vlan_tag(100, true), sessd_vlan_tag(101, true)),
	};
	uint8_t one = 1;

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		struct sessd_vlan vlan = {LOOPBACK_IFINDEX, tags[i]};

		assert_int_equal(bpf_map__update_elem(fixture->bpf->maps.vlans, &vlan, sizeof(vlan),
					 &one, sizeof(one), BPF_ANY),
			0);
	}
}

static void serve(struct fixture *fixture)
{
	struct sessd_local key = {.port = htons(FRAME_PORT)};
	uint8_t one = 1;

	key.addr[10] = key.addr[11] = 0xff;
	assert_int_equal(inet_pton(AF_INET, FRAME_SERVER4, key.addr + 12), 1);
	assert_int_equal(bpf_map__update_elem(fixture->bpf->maps.local, &key, sizeof(key), &one,
				 sizeof(one), BPF_ANY),
		0);
	assert_int_equal(inet_pton(AF_INET6, FRAME_SERVER6, key.addr), 1);
	assert_int_equal(bpf_map__update_elem(fixture->bpf->maps.local, &key, sizeof(key), &one,
				 sizeof(one), BPF_ANY),
		0);
}

void fixture_start(struct fixture *fixture, uint32_t value_max)
{
	fixture_start_as(fixture, value_max, 0);
}

void fixture_start_as(struct fixture *fixture, uint32_t value_max, int interface)
{
	uint32_t zero = 0;

	memset(fixture, 0, sizeof(*fixture));
	fixture->bpf = fixture_open(value_max);
	/* Those before it are others'. */
	for (int i = 0; i <= interface; i++)
		fixture->bpf->rodata->redirect_interfaces[i] =
			i < interface ? 1000 + (uint32_t)i : LOOPBACK_IFINDEX;
	assert_int_equal(sessiond_bpf__load(fixture->bpf), 0);

	fixture->config.abi = SESSD_ABI;
	fixture->config.capacity = FIXTURE_CAPACITY;
	fixture->config.value_max = value_max;
	fixture->config.port_filter = 1ULL << FRAME_PORT % 64;
	srandom(1);
	for (size_t i = 0; i < SESSD_GUARD_KEYS; i++)
		fixture->config.secret[i] =
			((uint64_t)random() << 33 ^ random() << 9 ^ random()) | 1;
	assert_int_equal(bpf_map__update_elem(fixture->bpf->maps.config, &zero, sizeof(zero),
				 &fixture->config, sizeof(fixture->config), BPF_ANY),
		0);
	allow(fixture);
	join_vlans(fixture);
	serve(fixture);
}

void fixture_stop(struct fixture *fixture)
{
	sessiond_bpf__destroy(fixture->bpf);
}

uint64_t fixture_tick(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_sec * 1000000000 + now.tv_nsec) >> SESSD_TICK_SHIFT;
}

static uint32_t place_of(const struct fixture *fixture, uint32_t slot)
{
	return slot % SESSD_RESTS(fixture->config.value_max);
}

void fixture_set_rest(const struct fixture *fixture, struct sessd_entry *entry, uint32_t slot)
{
	uint32_t number = slot << SESSD_REST_BITS | place_of(fixture, slot);

	memcpy(entry->data + SESSD_SPLIT, &number, sizeof(number));
}

void fixture_block(const struct fixture *fixture, uint32_t slot, const void *rest, uint8_t *block)
{
	size_t size = SESSD_REST_SIZE(fixture->config.value_max);

	memset(block, 0xcc, SESSD_BLOCK_SIZE(fixture->config.value_max));
	memcpy(block + place_of(fixture, slot) * size, rest, size);
}

void fixture_session(const struct fixture *fixture, struct sessd_entry *entry, uint8_t *rest,
	const uint8_t *key, uint32_t slot, int64_t life, const void *value, size_t length)
{
	const struct entry_format format = {
		.secret = fixture->config.secret, .value_max = fixture->config.value_max};
	struct session session = {.expires = fixture_tick() + life,
		.slot = slot,
		.len = length,
		.sum = htons(wire_sum(0, value, length))};

	memcpy(session.key, key, SESSD_KEY_SIZE);
	memset(rest, 0, SESSD_REST_SIZE(fixture->config.value_max));
	entry_pack(&format, entry, rest, &session, value);
	if (length > SESSD_INLINE_MAX)
		fixture_set_rest(fixture, entry, slot);
}

void fixture_put_raw(const struct fixture *fixture, const uint8_t *key,
	const struct sessd_entry *entry, uint32_t slot, const void *rest)
{
	const struct bpf_map *map = fixture->bpf->maps.overflow;
	uint8_t block[SESSD_BLOCK_ROOM];

	if (entry->len > SESSD_INLINE_MAX) {
		fixture_block(fixture, slot, rest, block);
		assert_int_equal(bpf_map__update_elem(map, &slot, sizeof(slot), block,
					 bpf_map__value_size(map), BPF_ANY),
			0);
	}
	assert_int_equal(bpf_map__update_elem(fixture->bpf->maps.sessions, key, SESSD_KEY_SIZE,
				 entry, sizeof(*entry), BPF_ANY),
		0);
}

void fixture_put(const struct fixture *fixture, const uint8_t *key, uint32_t slot, int64_t life,
	const void *value, size_t length)
{
	uint8_t rest[SESSD_REST_SIZE(SESSD_VALUE_LIMIT)];
	struct sessd_entry entry;

	fixture_session(fixture, &entry, rest, key, slot, life, value, length);
	fixture_put_raw(fixture, key, &entry, slot, rest);
}

uint8_t fixture_mark(const struct fixture *fixture, uint32_t slot)
{
	uint64_t group[MARKS_WORDS(SESSD_MARKS_PER_ELEM)];
	uint32_t index = slot / SESSD_MARKS_PER_ELEM;

	assert_int_equal(bpf_map__lookup_elem(fixture->bpf->maps.marks, &index, sizeof(index),
				 group, sizeof(group), 0),
		0);
	return mark_test(group, slot % SESSD_MARKS_PER_ELEM);
}

void fixture_clear_marks(const struct fixture *fixture)
{
	const uint64_t group[MARKS_WORDS(SESSD_MARKS_PER_ELEM)] = {0};

	for (uint32_t i = 0; i < FIXTURE_CAPACITY / SESSD_MARKS_PER_ELEM; i++)
		assert_int_equal(bpf_map__update_elem(fixture->bpf->maps.marks, &i, sizeof(i),
					 group, sizeof(group), BPF_ANY),
			0);
}

void fixture_counters(const struct fixture *fixture, struct sessd_xdp_counters *sum)
{
	int cpus = libbpf_num_possible_cpus();
	size_t words = sizeof(*sum) / sizeof(uint64_t);
	struct sessd_xdp_counters *each;
	uint32_t zero = 0;

	assert_true(cpus > 0);
	each = calloc(cpus, sizeof(*each));
	assert_non_null(each);
	assert_int_equal(bpf_map__lookup_elem(fixture->bpf->maps.stats, &zero, sizeof(zero), each,
				 cpus * sizeof(*each), 0),
		0);
	memset(sum, 0, sizeof(*sum));
	for (int cpu = 0; cpu < cpus; cpu++)
		for (size_t i = 0; i < words; i++)
			((uint64_t *)sum)[i] += ((const uint64_t *)&each[cpu])[i];
	free(each);
}

void fixture_run(
	const struct fixture *fixture, const uint8_t *frame, size_t size, struct outcome *outcome)
{
	size_t words = sizeof(outcome->counted) / sizeof(uint64_t);
	struct sessd_xdp_counters before;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = size,
		.data_out = outcome->frame, .data_size_out = sizeof(outcome->frame), .repeat = 1);

	fixture_counters(fixture, &before);
	assert_int_equal(
		bpf_prog_test_run_opts(
			bpf_program__fd(fixture_generic ? fixture->bpf->progs.sessiond_skb
							: fixture->bpf->progs.sessiond_xdp),
			&opts),
		0);
	outcome->verdict = opts.retval;
	outcome->size = opts.data_size_out;
	fixture_counters(fixture, &outcome->counted);
	for (size_t i = 0; i < words; i++)
		((uint64_t *)&outcome->counted)[i] -= ((const uint64_t *)&before)[i];
}

void fixture_assert_counted(const struct outcome *outcome, size_t offset, uint64_t retries)
{
	static const char *const names[] = {
#define X(name, ...) #name,
		SESSD_REQUEST_COUNTERS(X) SESSD_XDP_COUNTERS(X)
#undef X
	};
	const uint64_t *counted = (const uint64_t *)&outcome->counted;
	bool wrong = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint64_t expected = i * sizeof(uint64_t) == offset;

		if (i * sizeof(uint64_t) == FIXTURE_COUNTER(get_retries))
			expected = retries;
		if (counted[i] == expected)
			continue;
		print_error("%s: counted %llu, expected %llu\n", names[i],
			(unsigned long long)counted[i], (unsigned long long)expected);
		wrong = true;
	}
	assert_false(wrong);
}
