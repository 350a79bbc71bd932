/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * URLs of a farm's engines, and replies of engines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/log.h"
#include "control/farm/engine_reply.h"
#include "control/farm/engine_url.h"

#include <errno.h>
#include <string.h>

static void good_urls(void **state)
{
	static const struct {
		const char *text, *host, *user, *password, *shown;
		uint16_t port;
		bool tls, local;
	} cases[] = {
		{"redis://10.0.0.21:6380", "10.0.0.21", "", "", "redis://10.0.0.21:6380", 6380},
		{"redis://cache.example", "cache.example", "", "", "redis://cache.example", 6379},
		{"redis://[2001:db8::1]:1/0", "2001:db8::1", "", "", "redis://[2001:db8::1]:1/0",
			1},
		{"redis://[fe80::1%eth0]", "fe80::1%eth0", "", "", "redis://[fe80::1%eth0]", 6379},
		{"rediss://u:p@h:65535/", "h", "u", "p", "rediss://h:65535/", 65535, true},
		{"redis://:p%40%3a%2f@h", "h", "", "p@:/", "redis://h", 6379},
		{"redis://u:p@q@h", "h", "u", "p@q", "redis://h", 6379},
		{"unix:///run/redis.sock", "/run/redis.sock", "", "", "unix:///run/redis.sock", 0,
			false, true},
		{"unix://u:p@/a@b/c", "/a@b/c", "u", "p", "unix:///a@b/c", 0, false, true},
	};
	struct engine_url url;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (engine_url_parse(cases[i].text, &url) != 0)
			fail_msg("%s: %s", cases[i].text, error_message());
		assert_string_equal(url.host, cases[i].host);
		assert_string_equal(url.user, cases[i].user);
		assert_string_equal(url.password, cases[i].password);
		assert_string_equal(url.shown, cases[i].shown);
		assert_int_equal(url.port, cases[i].port);
		assert_int_equal(url.tls, cases[i].tls);
		assert_int_equal(url.local, cases[i].local);
	}
}

static void bad_urls(void **state)
{
	static const char *const cases[] = {"", "redis", "http://h", "redis://", "redis://:6379",
		"redis://h:0", "redis://h:65536", "redis://h:x", "redis://h:1/2", "redis://h/x",
		"redis://[::1", "redis://[::1]x", "redis://a b", "unix://run", "unix://",
		"redis://u@h", "redis://u:@h", "redis://u:%4@h", "redis://u:%00@h", "redis://u:p@"};
	struct engine_url url;
	char text[600];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (engine_url_parse(cases[i], &url) != -EINVAL)
			fail_msg("taken: %s", cases[i]);
		assert_non_null(
			strstr(error_message(), "expected") ?: strstr(error_message(), "USER"));
	}
	/* No message has a password. */
	assert_int_equal(engine_url_parse("redis://user:hunter2%@h", &url), -EINVAL);
	assert_null(strstr(error_message(), "hunter2"));
	assert_int_equal(engine_url_parse("redis:/user:hunter2@h", &url), -EINVAL);
	assert_null(strstr(error_message(), "hunter2"));
	assert_int_equal(engine_url_parse("redis://user:hunter2@h:99999", &url), -EINVAL);
	assert_null(strstr(error_message(), "hunter2"));
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "redis://", 8);
	assert_int_equal(engine_url_parse(text, &url), -EINVAL);
	memcpy(text, "unix:///", 8);
	assert_int_equal(engine_url_parse(text, &url), -EINVAL);
}

static int feed(struct engine_reader *reader, const char *text, const struct reply **reply)
{
	return engine_reader_feed(reader, text, strlen(text)) < 0
		       ? -1
		       : engine_reader_next(reader, reply);
}

static void replies(void **state)
{
	struct engine_reader *reader = engine_reader_open();
	const struct reply *reply;
	struct entry_id id;
	uint64_t number;

	(void)state;
	assert_non_null(reader);
	assert_int_equal(feed(reader, "+OK\r\n:42\r\n$-1\r\n-ERR no\r\n*-1\r\n", &reply), 1);
	assert_true(reply_is(reply, "OK"));
	assert_int_equal(engine_reader_next(reader, &reply), 1);
	assert_true(reply_number(reply, &number) && number == 42);
	assert_int_equal(engine_reader_next(reader, &reply), 1);
	assert_int_equal(reply->type, REPLY_NIL);
	assert_int_equal(engine_reader_next(reader, &reply), 1);
	assert_int_equal(reply->type, REPLY_ERROR);
	assert_string_equal(reply->text, "ERR no");
	assert_int_equal(engine_reader_next(reader, &reply), 1);
	assert_int_equal(reply->type, REPLY_NIL);
	assert_int_equal(engine_reader_next(reader, &reply), 0);

	assert_int_equal(feed(reader, "*4\r\n$1\r\na\r\n*2\r\n$3\r\n5-7\r\n*0\r\n$1\r", &reply), 0);
	assert_int_equal(feed(reader, "\nb\r\n$2\r\n19\r\n", &reply), 1);
	assert_int_equal(reply->size, 4);
	assert_int_equal(reply_field(reply, "a")->size, 2);
	assert_true(reply_entry_id(&reply_field(reply, "a")->items[0], &id));
	assert_true(id.ms == 5 && id.n == 7);
	assert_true(reply_number(reply_field(reply, "b"), &number) && number == 19);
	assert_null(reply_field(reply, "c"));
	engine_reader_close(reader);
}

/* Each is refused at once, not after memory has been given to it. */
static void an_engine_that_lies(void **state)
{
	static const char *const lies[] = {"*1000000000\r\n", "*-7\r\n", "*9223372036854775807\r\n",
		"*5000\r\n", "hello\r\n",
		"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"};
	const struct reply *reply;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct engine_reader *reader = engine_reader_open();

		assert_non_null(reader);
		if (feed(reader, lies[i], &reply) != -1)
			fail_msg("taken: %s", lies[i]);
		engine_reader_close(reader);
	}
}

static void an_engine_that_floods(void **state)
{
	struct engine_reader *reader = engine_reader_open();
	static char chunk[65536];
	const struct reply *reply;
	unsigned fed = 0;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	assert_non_null(reader);
	assert_int_equal(feed(reader, "$500000000\r\n", &reply), 0);
	while (engine_reader_feed(reader, chunk, sizeof(chunk)) == 0) {
		assert_int_equal(engine_reader_next(reader, &reply), 0);
		fed++;
	}
	assert_in_range(fed, 1, ENGINE_REPLY_MAX / sizeof(chunk));
	engine_reader_close(reader);
}

static void ids(void **state)
{
	static const char *const bad[] = {
		"", "-", "1", "1-", "-1", "1-2-3", "a-1", "1-b", "99999999999999999999-1"};
	struct reply reply = {.type = REPLY_TEXT};
	struct entry_id id = {5, 1};
	char text[ENTRY_ID_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reply.text = bad[i];
		reply.size = (uint32_t)strlen(bad[i]);
		if (reply_entry_id(&reply, &id))
			fail_msg("taken: %s", bad[i]);
	}
	id = (struct entry_id){5, 1};
	id = entry_id_before(id);
	assert_string_equal(entry_id_format(id, text), "5-0");
	id = entry_id_before(id);
	assert_string_equal(entry_id_format(id, text), "4-18446744073709551615");
	assert_int_equal(entry_id_compare(id, (struct entry_id){5, 0}), -1);
	assert_int_equal(entry_id_compare((struct entry_id){5, 1}, (struct entry_id){5, 0}), 1);
	assert_int_equal(entry_id_compare(id, id), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_urls),
		cmocka_unit_test(bad_urls),
		cmocka_unit_test(replies),
		cmocka_unit_test(an_engine_that_lies),
		cmocka_unit_test(an_engine_that_floods),
		cmocka_unit_test(ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
