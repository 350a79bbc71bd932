/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Adoption of the pinned maps: with any content, nothing crashes, and only sessions that a daemon
 * stored are adopted: each adopted session was made intact here, with the right guard; damaged
 * ones, even by one bit, are not adopted and are deleted from the map.
 *
 * An input is a list of entries: a byte that selects the damage, length, slot, and the bytes.
 */
#include "tests/fuzz/fuzz.h"

#include "common/log.h"

#include "common/clock.h"
#include "dataplane/xdp/mirror/entry.h"
#include "dataplane/xdp/xdp.h"
#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>
#include <errno.h>

#define CAPACITY  64
#define VALUE_MAX 512
#define ENTRIES	  32
#define REST	  SESSD_REST_SIZE(VALUE_MAX)
#define RESTS	  SESSD_RESTS(VALUE_MAX)

enum damage {
	DAMAGE_NONE = 0x01,  /* the entry is intact except for the following */
	DAMAGE_BIT = 0x02,   /* a bit of the entry */
	DAMAGE_REST = 0x04,  /* a bit of the rest, or none there */
	DAMAGE_KEY = 0x08,   /* under another key */
	DAMAGE_RAW = 0x10,   /* an entry of the input's bytes */
	DAMAGE_ORPHAN = 0x20 /* a rest without an entry */
};

struct made {
	uint8_t key[SESSD_KEY_SIZE];
	uint64_t life;
	uint16_t len, sum;
	bool whole;
};

static struct engine engine;
static struct sessiond_bpf *skel;
static struct made made[ENTRIES];
static unsigned count, told;

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_open(LOG_LEVEL_ERROR);
	libbpf_set_print(quiet);
	skel = sessiond_bpf__open();
	if (!skel)
		FUZZ_FAIL("the program cannot be opened");
	skel->rodata->value_max = VALUE_MAX;
	bpf_map__set_max_entries(skel->maps.sessions, 2 * CAPACITY);
	bpf_map__set_max_entries(skel->maps.overflow, 2 * CAPACITY);
	if (sessiond_bpf__load(skel) < 0)
		FUZZ_SKIP("BPF programs cannot be loaded here");
	engine.skel = skel;
	engine.adopted = true;
	engine.config.capacity = CAPACITY;
	engine.config.value_max = VALUE_MAX;
	strcpy(engine.config.pin_dir, "fuzz");
	for (unsigned i = 0; i < SESSD_GUARD_KEYS; i++)
		engine.settings.secret[i] = (i + 1) * 0x9e3779b97f4a7c15 | 1;
	return 0;
}

static bool on_found(void *ctx, const struct session *session)
{
	(void)ctx;
	told++;
	if (session->slot >= CAPACITY || session->len == 0 || session->len > VALUE_MAX)
		FUZZ_FAIL("a session in slot %u of %u bytes", session->slot, session->len);
	for (unsigned i = 0; i < count; i++) {
		if (!made[i].whole || memcmp(made[i].key, session->key, SESSD_KEY_SIZE) != 0)
			continue;
		if (sessd_life_slot(made[i].life) == session->slot &&
			sessd_life_expires(made[i].life) == session->expires &&
			made[i].len == session->len && made[i].sum == session->sum)
			return session->slot % 2; /* some are refused by the table */
	}
	FUZZ_FAIL("a session that nobody stored: slot %u, %u bytes", session->slot, session->len);
	return false;
}

static void clear(int fd, size_t key_size)
{
	uint8_t key[64], next[64];
	bool more = bpf_map_get_next_key(fd, NULL, next) == 0;

	while (more) {
		memcpy(key, next, key_size);
		more = bpf_map_get_next_key(fd, key, next) == 0;
		bpf_map_delete_elem(fd, key);
	}
}

static unsigned elements(int fd, size_t key_size)
{
	uint8_t key[64], next[64];
	unsigned n = 0;

	for (int err = bpf_map_get_next_key(fd, NULL, next); !err; n++) {
		memcpy(key, next, key_size);
		err = bpf_map_get_next_key(fd, key, next);
	}
	return n;
}

/* A used key or slot is not used again. */
static void forget_key(const uint8_t *key)
{
	for (unsigned i = 0; i < count; i++) {
		if (memcmp(made[i].key, key, SESSD_KEY_SIZE) == 0)
			made[i].whole = false;
	}
}

static void put(struct bpf_map *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY) < 0)
		FUZZ_FAIL("the kernel refuses to store in the map %s: %s", bpf_map__name(map),
			strerror(errno));
}

/* The rests of consecutive slots are in a block. */
static void put_rest(uint32_t slot, const uint8_t *rest)
{
	uint8_t rests[SESSD_BLOCK_SIZE(VALUE_MAX)] = {0};
	uint32_t block = slot / RESTS;

	for (unsigned i = 0; i < count; i++) {
		if (sessd_life_slot(made[i].life) == slot && made[i].len > SESSD_INLINE_MAX)
			made[i].whole = false;
	}
	bpf_map_lookup_elem(bpf_map__fd(skel->maps.overflow), &block, rests); /* or zeros */
	memcpy(rests + slot % RESTS * REST, rest, REST);
	put(skel->maps.overflow, &block, rests);
}

static void put_entry(struct fuzz_input *in)
{
	uint8_t rest[REST] = {0}, value[VALUE_MAX] = {0}, what;
	struct made *m = &made[count];
	struct sessd_entry entry = {0};
	uint32_t slot;
	unsigned head, bit;

	what = fuzz_byte(in);
	memset(m, 0, sizeof(*m));
	memset(m->key, fuzz_byte(in), SESSD_KEY_SIZE);
	m->key[31] = (uint8_t)count;
	slot = fuzz_byte(in) % (CAPACITY + 4);
	m->len = fuzz_u16(in) % (VALUE_MAX + 2);
	bit = fuzz_u16(in);
	m->life = sessd_life(clock_tick() + fuzz_byte(in) * 100U, slot);
	if (what & DAMAGE_RAW) {
		fuzz_bytes(in, &entry, sizeof(entry));
		fuzz_bytes(in, rest, 32);
	} else {
		const struct entry_format format = {
			.secret = engine.settings.secret, .value_max = VALUE_MAX};
		unsigned usable = m->len > VALUE_MAX ? VALUE_MAX : m->len;
		struct session session = {.expires = sessd_life_expires(m->life),
			.slot = slot,
			.len = (uint16_t)usable,
			.sum = (uint16_t)bit};

		for (unsigned i = 0; i < usable; i++)
			value[i] = (uint8_t)(count * 17 + i * 3); /* not of another entry */
		m->sum = session.sum;
		memcpy(session.key, m->key, SESSD_KEY_SIZE);
		entry_pack(&format, &entry, rest, &session, value);
		entry.len = m->len;
		if (m->len > SESSD_INLINE_MAX) {
			uint32_t number = slot / RESTS << SESSD_REST_BITS | slot % RESTS;

			memcpy(entry.data + SESSD_SPLIT, &number, sizeof(number));
		}
		head = usable > SESSD_INLINE_MAX ? SESSD_SPLIT : usable;
		m->whole = m->len > 0 && m->len <= VALUE_MAX && slot < CAPACITY;
		/* A length that is too long by one bit would be repaired. */
		if (what & DAMAGE_BIT && m->len <= VALUE_MAX) {
			/* Not after the value: those bytes have no meaning. */
			unsigned bits = 8 * (20 + head);

			((uint8_t *)&entry)[bit % bits / 8] ^= (uint8_t)(1 << bit % 8);
			m->whole = false;
			/* Only one of the two: changes in the highest bits of two words cancel out
			 * in a sum of products modulo 2^64. */
		} else if (what & DAMAGE_REST && m->len > SESSD_INLINE_MAX) {
			rest[bit % (usable - head)] ^= (uint8_t)(1 << bit % 8);
			m->whole = false;
		}
	}
	if (m->len > SESSD_INLINE_MAX || what & DAMAGE_ORPHAN)
		put_rest(slot, rest);
	if (what & DAMAGE_KEY) {
		m->key[30] ^= (uint8_t)(1 + bit % 255);
		m->whole = false;
	}
	forget_key(m->key);
	put(skel->maps.sessions, m->key, &entry);
	count++;
}

static const struct adoption adoption = {.found = on_found};

/* As a daemon that starts. */
static int adopt(void)
{
	int err;

	engine.mirror =
		mirror_create(bpf_map__fd(skel->maps.sessions), bpf_map__fd(skel->maps.overflow),
			&(struct mirror_shape){CAPACITY, VALUE_MAX}, engine.settings.secret);
	if (!engine.mirror)
		FUZZ_FAIL("out of memory");
	err = adopt_sessions(&engine, &adoption);
	mirror_destroy(engine.mirror);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	unsigned whole = 0, kept, again;

	clear(bpf_map__fd(skel->maps.sessions), SESSD_KEY_SIZE);
	clear(bpf_map__fd(skel->maps.overflow), sizeof(uint32_t));
	count = told = 0;
	while (in.left > 0 && count < ENTRIES)
		put_entry(&in);
	for (unsigned i = 0; i < count; i++)
		whole += made[i].whole;
	if (adopt() < 0)
		FUZZ_FAIL("adoption failed: %s", error_message());
	if (told != whole)
		FUZZ_FAIL("%u sessions were intact, %u were reported", whole, told);
	/* Only the adopted sessions stay: a second daemon finds exactly those. */
	kept = elements(bpf_map__fd(skel->maps.sessions), SESSD_KEY_SIZE);
	if (elements(bpf_map__fd(skel->maps.overflow), sizeof(uint32_t)) > kept)
		FUZZ_FAIL("blocks without a rest were left");
	told = 0;
	if (adopt() < 0)
		FUZZ_FAIL("adoption failed the second time: %s", error_message());
	again = elements(bpf_map__fd(skel->maps.sessions), SESSD_KEY_SIZE);
	if (told != kept || again != kept)
		FUZZ_FAIL("%u were kept, %u are reported, %u are left", kept, told, again);
	return 0;
}
