/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Entries of a farm's streams. The first byte says what the rest is: an entry, the records within
 * one, or changes to a sealed one. Nothing but an unchanged entry opens.
 */
#include "tests/fuzz/fuzz.h"

#include "control/farm/farm_seal.h"

static struct farm_seal_tools tools;
static struct farm_ring ring;
static struct batch batch;
static uint8_t sealed[ENTRY_MAX];
static size_t sealed_size;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct key_file keys = {.count = 1, .keys[0] = {.number = 1, .key = {1}}};
	const struct farm_record record = {
		.type = FARM_NEW, .value = keys.keys[0].key, .value_len = 32, .seconds_left = 9};
	struct entry_header header = {.sequence = 1, .node = "a"};
	struct farm_subkey subkey = {0};

	(void)argc;
	(void)argv;
	if (farm_seal_tools_open(&tools) < 0 || farm_ring_make(&ring, &keys, "www") < 0 ||
		batch_add(&batch, &record) != BATCH_ADDED)
		FUZZ_FAIL("nothing can be sealed");
	sealed_size = farm_seal(&tools, &ring, &subkey, &header, &batch, sealed);
	farm_subkey_close(&subkey);
	if (sealed_size == 0)
		FUZZ_FAIL("nothing can be sealed");
	return 0;
}

static void records(const uint8_t *data, size_t size)
{
	struct record_cursor cursor = {data, size};
	static struct entry_hello hello;
	struct entry_record record;
	struct entry_resend resend;
	struct farm_record out;

	while (record_next(&cursor, &record) == 1) {
		if (record.body < data || record.body + record.size > data + size)
			FUZZ_FAIL("a record outside");
		if (record_read(&record, &out) == RECORD_GOOD &&
			(out.value_len > SESSD_VALUE_LIMIT ||
				(out.value_len > 0 && out.type != FARM_NEW)))
			FUZZ_FAIL("a value of %u bytes", out.value_len);
		if (entry_hello_read(&record, &hello) && hello.count > FARM_NODES_MAX)
			FUZZ_FAIL("%u nodes", hello.count);
		for (unsigned i = 0; i < FARM_NODES_MAX && hello.nodes[i][0]; i++)
			if (!entry_name_valid(hello.nodes[i], strlen(hello.nodes[i])))
				FUZZ_FAIL("a name that is none");
		memset(&hello, 0, sizeof(hello));
		if (entry_resend_read(&record, &resend) &&
			!entry_name_valid(resend.node, strlen(resend.node)))
			FUZZ_FAIL("a name that is none");
	}
}

static void open_entry(const uint8_t *data, size_t size)
{
	static uint8_t body[ENTRY_BODY_MAX];
	bool same = size == sealed_size && memcmp(data, sealed, size) == 0, opened;
	struct farm_subkey subkey = {0};
	struct entry_header header;
	enum farm_refused why = FARM_REFUSED_COUNT;

	opened = entry_header_read(data, size, &header, &why) == 0 &&
		 farm_open(&tools, &ring, &subkey, &header, data, size, body, &why) == 0;
	farm_subkey_close(&subkey);
	if (opened != same)
		FUZZ_FAIL("%s", same ? "what was sealed does not open" : "what was changed opens");
	if (!opened && why >= FARM_REFUSED_COUNT)
		FUZZ_FAIL("refused without a reason");
	if (opened && memcmp(body, batch.body, batch.size) != 0)
		FUZZ_FAIL("other records than were sealed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t changed[ENTRY_MAX + 256];
	struct fuzz_input in = {data, size};

	switch (fuzz_byte(&in) % 3) {
	case 0:
		open_entry(in.data, in.left);
		break;
	case 1:
		records(in.data, in.left);
		break;
	default:
		memcpy(changed, sealed, sealed_size);
		size = sealed_size + fuzz_byte(&in);
		size -= fuzz_byte(&in);
		size = size > sizeof(changed) ? 0 : size;
		for (unsigned i = 0; in.left > 0 && i < 64; i++) {
			size_t at = fuzz_u16(&in) % sizeof(changed);

			changed[at] ^= fuzz_byte(&in);
		}
		open_entry(changed, size);
	}
	return 0;
}
