/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Replies of a farm's engine, in pieces, and what is read from them; and URLs of engines. The first
 * byte says which; for replies it is also the size of the pieces.
 */
#include "tests/fuzz/fuzz.h"

#include "common/log.h"
#include "control/farm/engine_reply.h"
#include "control/farm/engine_url.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static void look(const struct reply *reply, unsigned depth)
{
	char text[ENTRY_ID_TEXT];
	struct entry_id id;
	uint64_t number;

	if (depth > 16)
		FUZZ_FAIL("too deep");
	if (reply_number(reply, &number) && reply->type == REPLY_INTEGER && reply->integer < 0)
		FUZZ_FAIL("a negative number");
	if (reply_entry_id(reply, &id)) {
		struct entry_id before = entry_id_before(id);

		if (entry_id_compare(before, id) > 0)
			FUZZ_FAIL("%s is not before", entry_id_format(before, text));
	}
	switch (reply->type) {
	case REPLY_TEXT:
	case REPLY_ERROR:
		if (reply->text[reply->size] != '\0')
			FUZZ_FAIL("a text without its end");
		break;
	case REPLY_ARRAY:
		(void)reply_field(reply, "last-generated-id");
		for (uint32_t i = 0; i < reply->size; i++)
			look(&reply->items[i], depth + 1);
		break;
	default:
		break;
	}
}

static void replies(const uint8_t *data, size_t size, size_t piece)
{
	struct engine_reader *reader = engine_reader_open();
	int ret = 0;

	if (!reader)
		FUZZ_SKIP("no memory");
	while (size > 0 && ret >= 0) {
		const struct reply *reply;
		size_t n = piece < size ? piece : size;

		ret = engine_reader_feed(reader, data, n);
		data += n;
		size -= n;
		while (ret >= 0 && (ret = engine_reader_next(reader, &reply)) > 0)
			look(reply, 0);
	}
	engine_reader_close(reader);
}

static void urls(const uint8_t *data, size_t size)
{
	struct engine_url url;
	char text[1024];

	size = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	if (engine_url_parse(text, &url) < 0) {
		for (const char *at = error_message(); *at; at++)
			if ((unsigned char)*at < 0x20)
				FUZZ_FAIL("a control character in a message");
		return;
	}
	if (!url.host[0] || (url.port == 0) != url.local || strlen(url.shown) > strlen(text))
		FUZZ_FAIL("taken: %s", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	uint8_t what = fuzz_byte(&in);

	if (what == 0)
		urls(in.data, in.left);
	else
		replies(in.data, in.left, what);
	return 0;
}
