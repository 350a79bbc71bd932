/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * datagram_parse on good frames, bad frames and noise. Every frame is in a block of exact size, so
 * that AddressSanitizer finds reads past its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/packet/datagram.h"
#include "tests/bpf/frame.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t key[SESSD_KEY_SIZE] = "key";

#define NEW .key = key, .type = -1

static const struct {
	const char *name;
	enum datagram_result parsed;
	struct frame_spec spec;
} cases[] = {
	{"IPv4", DATAGRAM_WHOLE, {NEW, .trailing = 144}},
	{"IPv6", DATAGRAM_WHOLE, {NEW, .v6 = true, .trailing = 144}},
	{"IPv4, one tag", DATAGRAM_WHOLE, {NEW, .vlans = 1, .trailing = 144}},
	{"IPv6, one tag", DATAGRAM_WHOLE, {NEW, .v6 = true, .vlans = 1, .trailing = 144}},
	{"IPv4, two tags", DATAGRAM_WHOLE, {NEW, .vlans = 2, .trailing = 144}},
	{"IPv6, two tags", DATAGRAM_WHOLE, {NEW, .v6 = true, .vlans = 2, .trailing = 1400}},
	{"no value", DATAGRAM_WHOLE, {NEW}},
	{"an odd value", DATAGRAM_WHOLE, {NEW, .trailing = 145}},
	{"of 3 more than words", DATAGRAM_WHOLE, {NEW, .trailing = 147}},
	{"an empty datagram", DATAGRAM_WHOLE, {NEW, .message_length = 1}},
	{"one byte", DATAGRAM_WHOLE, {NEW, .message_length = 2}},
	{"padding", DATAGRAM_WHOLE, {NEW, .trailing = 5, .padding = 13}},
	{"padding, IPv6", DATAGRAM_WHOLE, {NEW, .v6 = true, .trailing = 5, .padding = 13}},
	{"do not fragment", DATAGRAM_WHOLE, {NEW, .fragment = 0x4000}},
	{"partial checksum", DATAGRAM_WHOLE, {NEW, .trailing = 144, .check = CHECK_PARTIAL}},
	{"partial checksum, IPv6", DATAGRAM_WHOLE,
		{NEW, .v6 = true, .trailing = 144, .check = CHECK_PARTIAL}},
	{"no checksum", DATAGRAM_WHOLE, {NEW, .trailing = 144, .check = CHECK_NONE}},

	{"no checksum, IPv6", DATAGRAM_CHECKSUM,
		{NEW, .v6 = true, .trailing = 144, .check = CHECK_NONE}},
	{"wrong checksum", DATAGRAM_CHECKSUM, {NEW, .trailing = 144, .check = CHECK_WRONG}},
	{"wrong checksum, IPv6", DATAGRAM_CHECKSUM,
		{NEW, .v6 = true, .trailing = 144, .check = CHECK_WRONG}},
	{"wrong IP checksum", DATAGRAM_CHECKSUM, {NEW, .trailing = 144, .ip_check_wrong = true}},

	{"three tags", DATAGRAM_MALFORMED, {NEW, .vlans = 3, .trailing = 144}},
	{"ARP", DATAGRAM_MALFORMED, {NEW, .trailing = 144, .ethertype = 0x0806}},
	{"IPv6 as IPv4", DATAGRAM_MALFORMED,
		{NEW, .v6 = true, .trailing = 144, .ethertype = 0x0800}},
	{"IPv4 as IPv6", DATAGRAM_MALFORMED, {NEW, .trailing = 144, .ethertype = 0x86dd}},
	{"version 5", DATAGRAM_MALFORMED, {NEW, .trailing = 144, .version = 5}},
	{"version 5, IPv6", DATAGRAM_MALFORMED, {NEW, .v6 = true, .trailing = 144, .version = 5}},
	{"short header", DATAGRAM_MALFORMED, {NEW, .trailing = 144, .ihl = 4}},
	{"options", DATAGRAM_MALFORMED, {NEW, .trailing = 144, .options = 8}},
	{"TCP", DATAGRAM_MALFORMED, {NEW, .trailing = 144, .proto = 6}},
	{"TCP, IPv6", DATAGRAM_MALFORMED, {NEW, .v6 = true, .trailing = 144, .proto = 6}},
	{"extension header", DATAGRAM_MALFORMED,
		{NEW, .v6 = true, .trailing = 144, .extension = 60 + 1}},
	{"first fragment", DATAGRAM_MALFORMED, {NEW, .trailing = 144, .fragment = 0x2000}},
	{"last fragment", DATAGRAM_MALFORMED, {NEW, .trailing = 144, .fragment = 1}},
	{"IP length one short", DATAGRAM_MALFORMED, {NEW, .trailing = 144, .ip_length_add = -1}},
	{"IP length one long", DATAGRAM_MALFORMED,
		{NEW, .trailing = 144, .ip_length_add = 1, .padding = 9}},
	{"IP length past the end", DATAGRAM_MALFORMED, {NEW, .trailing = 144, .ip_length_add = 1}},
	{"IPv6 length past the end", DATAGRAM_MALFORMED,
		{NEW, .v6 = true, .trailing = 144, .ip_length_add = 1}},
	{"UDP length one short", DATAGRAM_MALFORMED, {NEW, .trailing = 144, .udp_length_add = -1}},
	{"UDP length one long", DATAGRAM_MALFORMED,
		{NEW, .trailing = 144, .udp_length_add = 1, .padding = 9}},
	{"UDP length 7", DATAGRAM_MALFORMED, {NEW, .udp_length_add = 7 - 44}},
};

/* Parses a copy with nothing after it, `skew` bytes off its alignment. */
static enum datagram_result parse_copy(
	const uint8_t *frame, size_t size, size_t skew, size_t *length)
{
	uint8_t *copy = malloc(size + skew);
	const uint8_t *message = NULL;
	enum datagram_result parsed;
	struct address source;

	assert_non_null(copy);
	memcpy(copy + skew, frame, size);
	*length = SIZE_MAX;
	parsed = datagram_parse(copy + skew, size, &message, length, &source);
	if (parsed == DATAGRAM_WHOLE) {
		/* Inside, and whole. */
		assert_true(message >= copy + skew + 42);
		assert_true(*length <= size - (size_t)(message - copy - skew));
	}
	free(copy);
	return parsed;
}

static void table(void **state)
{
	uint8_t frame[FRAME_MAX];
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct frame_spec *spec = &cases[i].spec;
		size_t size = frame_build(spec, frame);

		for (size_t skew = 0; skew < 4; skew++) {
			enum datagram_result parsed = parse_copy(frame, size, skew, &length);

			if (parsed != cases[i].parsed)
				print_error("%s\n", cases[i].name);
			assert_int_equal(parsed, cases[i].parsed);
			if (parsed != DATAGRAM_WHOLE)
				continue;
			assert_int_equal(length, spec->message_length
							 ? spec->message_length - 1
							 : SESSD_HEADER_SIZE + spec->trailing);
		}
	}
}

static void content(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct frame_spec spec = {NEW, .vlans = 1, .trailing = 100, .padding = 7};
	size_t size = frame_build(&spec, frame), length;
	const uint8_t *message;
	struct address source;

	(void)state;
	assert_int_equal(datagram_parse(frame, size, &message, &length, &source), DATAGRAM_WHOLE);
	assert_ptr_equal(message, frame + 14 + 4 + 20 + 8);
	assert_int_equal(length, SESSD_HEADER_SIZE + 100);
	assert_memory_equal(message + 4, key, sizeof(key));
}

/* A frame truncated anywhere is never accepted as whole. */
static void cut(void **state)
{
	uint8_t frame[FRAME_MAX];
	size_t length;

	(void)state;
	for (unsigned vlans = 0; vlans <= 2; vlans++) {
		for (int v6 = 0; v6 < 2; v6++) {
			struct frame_spec spec = {NEW, .v6 = v6, .vlans = vlans, .trailing = 33};
			size_t size = frame_build(&spec, frame);

			for (size_t at = 0; at < size; at++)
				assert_int_equal(
					parse_copy(frame, at, at % 2, &length), DATAGRAM_MALFORMED);
			assert_int_equal(parse_copy(frame, size, 0, &length), DATAGRAM_WHOLE);
		}
	}
}

/* A changed byte is noticed if a checksum covers it, and never causes a read out of bounds. */
static void changed(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct frame_spec spec = {NEW, .trailing = 144};
	size_t size = frame_build(&spec, frame), length;

	(void)state;
	for (size_t at = 14; at < size; at++) {
		uint8_t was = frame[at];

		if (at == 40 ||
			at == 41) /* the UDP checksum: a changed one may equal the partial one */
			continue;
		frame[at] ^= 0x40;
		assert_int_not_equal(parse_copy(frame, size, 0, &length), DATAGRAM_WHOLE);
		frame[at] = was;
	}
}

static void noise(void **state)
{
	uint8_t frame[FRAME_MAX];
	size_t length;

	(void)state;
	srandom(4);
	for (unsigned i = 0; i < 200000; i++) {
		struct frame_spec spec = {NEW, .v6 = random() % 2, .vlans = (unsigned)random() % 4,
			.trailing = (unsigned)random() % 64};
		size_t size = frame_build(&spec, frame);

		for (unsigned n = (unsigned)random() % 4; n > 0; n--)
			frame[random() % (i % 2 ? 64 : size)] = (uint8_t)random();
		parse_copy(frame, (size_t)random() % (size + 1), (size_t)random() % 4, &length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(content),
		cmocka_unit_test(cut),
		cmocka_unit_test(changed),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
