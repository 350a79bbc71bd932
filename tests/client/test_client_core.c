/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * libsessiond's core against caches on loopback that lose, delay and falsify.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/client/cpu_wait.h"
#include "tests/client/fake_cache.h"
#include "tests/client/key_files.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>

#include <sessiond/client.h>

/* What a look-up may take where it must succeed: the machine may be busy. */
#define PATIENT_US 1000000

static struct fake_cache first, second;
static struct key_folder keys;

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static struct sessiond_stats stats_of(const sessiond_client *client)
{
	struct sessiond_stats stats;

	sessiond_read_stats(client, &stats, sizeof(stats));
	return stats;
}

static sessiond_client *client_with(struct sessiond_options options)
{
	char error[SESSIOND_ERROR_SIZE];
	sessiond_client *client;

	options.size = sizeof(options);
	if (sessiond_open(&client, &options, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	return client;
}

static sessiond_client *plain(const char *caches, unsigned deadline_us)
{
	return client_with((struct sessiond_options){.caches = caches, .deadline_us = deadline_us});
}

static sessiond_client *sealed(const char *caches, unsigned deadline_us, const char *scope)
{
	return client_with((struct sessiond_options){.caches = caches,
		.deadline_us = deadline_us,
		.key_file = keys.path,
		.scope = scope});
}

static struct sessiond_id id_of(const char *text)
{
	return (struct sessiond_id){.bytes = text, .len = strlen(text), .tls_version = 0x0304};
}

static void put(sessiond_client *client, const char *id, const char *value)
{
	struct sessiond_id name = id_of(id);

	assert_int_equal(sessiond_put(client, &name, value, strlen(value), 300, 0), 0);
}

static enum sessiond_result get(sessiond_client *client, const char *id, char *value)
{
	struct sessiond_id name = id_of(id);
	size_t len = SESSIOND_VALUE_LIMIT;
	enum sessiond_result result = sessiond_get(client, &name, value, &len);

	if (result == SESSIOND_HIT)
		value[len] = '\0';
	return result;
}

static int set_up(void **state)
{
	(void)state;
	fake_open(&first);
	fake_open(&second);
	key_folder_make(&keys);
	key_folder_write(&keys, "1:" KEY_A "\n", 0600);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_close(&first);
	fake_close(&second);
	key_folder_remove(&keys);
	return 0;
}

static void put_get_remove(void **state)
{
	char value[SESSIOND_VALUE_LIMIT + 1];
	struct sessiond_id id = id_of("one");

	(void)state;
	for (int seal = 0; seal < 2; seal++) {
		sessiond_client *client = seal ? sealed(first.text, PATIENT_US, "www")
					       : plain(first.text, PATIENT_US);

		fake_forget(&first);
		assert_int_equal(get(client, "one", value), SESSIOND_MISS);
		put(client, "one", "the session");
		assert_int_equal(get(client, "one", value), SESSIOND_HIT);
		assert_string_equal(value, "the session");
		assert_int_equal(get(client, "two", value), SESSIOND_MISS);
		/* Neither id nor value is seen by a cache, if sealed. */
		pthread_mutex_lock(&first.lock);
		assert_int_equal(memcmp(first.sessions[0].key, "one", 4) == 0, !seal);
		assert_int_equal(memmem(first.sessions[0].value, first.sessions[0].len, "session",
					 7) != NULL,
			!seal);
		assert_int_equal(first.sessions[0].len, 11 + seal * SESSIOND_SEAL_OVERHEAD);
		assert_int_equal(first.sessions[0].timeout, 300);
		pthread_mutex_unlock(&first.lock);
		assert_int_equal(sessiond_remove(client, &id), 0);
		assert_int_equal(get(client, "one", value), SESSIOND_MISS);
		assert_int_equal(stats_of(client).hits, 1);
		assert_int_equal(stats_of(client).misses, 3);
		assert_int_equal(stats_of(client).puts, 1);
		assert_int_equal(stats_of(client).removes, 1);
		assert_int_equal(stats_of(client).stray, 0);
		sessiond_close(client);
	}
}

static void a_take_is_once(void **state)
{
	sessiond_client *client = sealed(first.text, PATIENT_US, "www");
	char value[SESSIOND_VALUE_LIMIT];
	struct sessiond_id id = id_of("one");
	size_t len = sizeof(value);

	(void)state;
	put(client, "one", "the session");
	assert_int_equal(sessiond_take(client, &id, value, &len), SESSIOND_HIT);
	assert_int_equal(len, 11);
	len = sizeof(value);
	assert_int_equal(sessiond_take(client, &id, value, &len), SESSIOND_MISS);
	assert_int_equal(first.takes, 2);
	assert_int_equal(first.gets, 1); /* of the status */
	sessiond_close(client);
}

/* Each falsehood, and what comes of it in a client that seals. The plain one cannot tell what is
 * wrong inside a value; sessiond_attach can. */
static void falsified_replies(void **state)
{
	static const struct {
		enum fake_mischief mischief;
		enum sessiond_result sealed, plain;
	} cases[] = {
		{FAKE_FORGED, SESSIOND_MISS, SESSIOND_HIT},
		{FAKE_SWAPPED, SESSIOND_MISS, SESSIOND_HIT},
		{FAKE_TRUNCATED, SESSIOND_MISS, SESSIOND_HIT},
		{FAKE_REPLAYED, SESSIOND_TIMEOUT, SESSIOND_TIMEOUT},
		{FAKE_VERSION, SESSIOND_TIMEOUT, SESSIOND_TIMEOUT},
		{FAKE_KEY, SESSIOND_TIMEOUT, SESSIOND_TIMEOUT},
		{FAKE_ECHO, SESSIOND_TIMEOUT, SESSIOND_TIMEOUT},
		{FAKE_SHORT, SESSIOND_TIMEOUT, SESSIOND_TIMEOUT},
		{FAKE_NO_ROOM, SESSIOND_TIMEOUT, SESSIOND_TIMEOUT},
		{FAKE_NOISE, SESSIOND_HIT, SESSIOND_HIT},
		{FAKE_HONEST, SESSIOND_HIT, SESSIOND_HIT},
	};
	char value[SESSIOND_VALUE_LIMIT + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int seal = 0; seal < 2; seal++) {
			enum sessiond_result expected = seal ? cases[i].sealed : cases[i].plain;
			unsigned us = expected == SESSIOND_TIMEOUT ? 100000 : PATIENT_US;
			sessiond_client *client =
				seal ? sealed(first.text, us, "www") : plain(first.text, us);

			fake_forget(&first);
			atomic_store(&first.mischief, FAKE_HONEST);
			put(client, "one", "the session");
			put(client, "two", "another one");
			fake_wait_news(&first, (unsigned)(i * 2 + (unsigned)seal + 1) * 2);
			atomic_store(&first.mischief, cases[i].mischief);
			print_message("mischief %d, sealed %d\n", cases[i].mischief, seal);
			assert_int_equal(get(client, "one", value), expected);
			if (seal && expected == SESSIOND_MISS)
				assert_int_equal(stats_of(client).unopened, 1);
			if (expected == SESSIOND_TIMEOUT)
				assert_int_equal(stats_of(client).stray, 1);
			if (cases[i].mischief == FAKE_NOISE)
				assert_int_equal(stats_of(client).stray, 3);
			if (expected == SESSIOND_HIT && cases[i].mischief >= FAKE_NOISE)
				assert_string_equal(value, "the session");
			sessiond_close(client);
		}
	}
}

static void never_across_scopes_keys_or_bindings(void **state)
{
	sessiond_client *client = sealed(first.text, PATIENT_US, "www");
	sessiond_client *other_scope = sealed(first.text, PATIENT_US, "shop"), *other_key;
	struct sessiond_id id = id_of("one"), other;
	char value[SESSIOND_VALUE_LIMIT + 1];
	size_t len = sizeof(value);

	(void)state;
	id.context = "host a";
	id.context_len = 6;
	assert_int_equal(sessiond_put(client, &id, "the session", 11, 300, 0), 0);
	assert_int_equal(sessiond_get(client, &id, value, &len), SESSIOND_HIT);
	len = sizeof(value);
	assert_int_equal(sessiond_get(other_scope, &id, value, &len), SESSIOND_MISS);
	other = id;
	other.context = "host b";
	assert_int_equal(sessiond_get(client, &other, value, &len), SESSIOND_MISS);
	other = id;
	other.tls_version = 0x0303;
	assert_int_equal(sessiond_get(client, &other, value, &len), SESSIOND_MISS);
	assert_int_equal(stats_of(client).unopened, 2);
	key_folder_write(&keys, "1:" KEY_B "\n", 0600);
	other_key = sealed(first.text, PATIENT_US, "www");
	assert_int_equal(sessiond_get(other_key, &id, value, &len), SESSIOND_MISS);
	key_folder_write(&keys, "1:" KEY_A "\n", 0600);
	sessiond_close(other_key);
	sessiond_close(other_scope);
	sessiond_close(client);
}

/* A and B are at different steps, as they are while a rotation goes on: neither loses a session. */
static void keys_rotate_without_a_miss(void **state)
{
	static const char *const steps[] = {"1:" KEY_A "\n", "1:" KEY_A "\n2:" KEY_B "\n",
		"2:" KEY_B "\n1:" KEY_A "\n", "2:" KEY_B "\n"};
	sessiond_client *a = sealed(first.text, PATIENT_US, "www");
	sessiond_client *b = sealed(first.text, PATIENT_US, "www");
	char value[SESSIOND_VALUE_LIMIT + 1], name[2][8], error[SESSIOND_ERROR_SIZE];

	(void)state;
	for (int step = 1; step < 4; step++) {
		key_folder_write(&keys, steps[step], 0600);
		assert_int_equal(sessiond_reload_keys(a, error, sizeof(error)), 0);
		for (int both = 0; both < 2; both++) {
			snprintf(name[0], sizeof(name[0]), "a%d%d", step, both);
			snprintf(name[1], sizeof(name[1]), "b%d%d", step, both);
			put(a, name[0], "of a");
			put(b, name[1], "of b");
			assert_int_equal(get(b, name[0], value), SESSIOND_HIT);
			assert_string_equal(value, "of a");
			assert_int_equal(get(a, name[1], value), SESSIOND_HIT);
			assert_string_equal(value, "of b");
			assert_int_equal(sessiond_reload_keys(b, error, sizeof(error)), 0);
		}
	}
	/* What cannot be read changes nothing. */
	key_folder_write(&keys, "nonsense\n", 0600);
	assert_int_equal(sessiond_reload_keys(a, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "line 1"));
	assert_int_equal(get(a, "b31", value), SESSIOND_HIT);
	key_folder_write(&keys, steps[0], 0600);
	sessiond_close(a);
	sessiond_close(b);
}

static void the_deadline_holds(void **state)
{
	sessiond_client *client = plain(first.text, 20000);
	char value[SESSIOND_VALUE_LIMIT + 1];
	uint64_t began = now_us(), least = UINT64_MAX;

	(void)state;
	atomic_store(&first.mischief, FAKE_SILENT);
	for (int i = 0; i < 4; i++) {
		began = now_us();
		assert_int_equal(get(client, "one", value), SESSIOND_TIMEOUT);
		assert_true(now_us() - began >= 20000);
		if (now_us() - began < least)
			least = now_us() - began;
	}
	/* One of four was not held up by others. */
	assert_true(least < 200000);
	assert_int_equal(stats_of(client).timeouts, 4);
	assert_int_equal(stats_of(client).opened, 0);
	atomic_store(&first.mischief, FAKE_HONEST);
	sessiond_close(client);
}

/* The longest of a hundred look-ups, in us, without what this thread waited for a CPU. */
static uint64_t longest_of_a_hundred(unsigned deadline_us)
{
	char value[SESSIOND_VALUE_LIMIT + 1];
	uint64_t longest = 0;

	for (int i = 0; i < 25; i++) {
		sessiond_client *client = plain(first.text, deadline_us);

		/* One less than opens the breaker. */
		for (int n = 0; n < 4; n++) {
			uint64_t waited = cpu_wait_ns(), began = now_us(), took;

			assert_int_equal(get(client, "one", value), SESSIOND_TIMEOUT);
			took = now_us() - began - (cpu_wait_ns() - waited) / 1000;
			if (took > longest)
				longest = took;
		}
		sessiond_close(client);
	}
	return longest;
}

/* Interrupts that run meanwhile, and the host of a virtual machine, still count: so one round of
 * some has to be free of these. */
static void no_look_up_takes_longer_than_the_deadline_and_2_ms(void **state)
{
	uint64_t longest = UINT64_MAX;

	(void)state;
	atomic_store(&first.mischief, FAKE_SILENT);
	for (int round = 0; round < 12 && longest > 5000 + 2000; round++) {
		longest = longest_of_a_hundred(5000);
		print_message("the longest of 100 takes %" PRIu64 " us\n", longest);
	}
	assert_true(longest <= 5000 + 2000);
	atomic_store(&first.mischief, FAKE_HONEST);
}

static unsigned warnings, notices;

static void on_log(void *ctx, enum sessiond_log_level level, const char *text)
{
	(void)ctx;
	print_message("log %d: %s\n", level, text);
	if (level == SESSIOND_LOG_WARNING)
		warnings++;
	else
		notices++;
}

static void breaker_opens_and_closes(void **state)
{
	sessiond_client *client = client_with((struct sessiond_options){
		.caches = first.text, .deadline_us = 5000, .log = on_log});
	char value[SESSIOND_VALUE_LIMIT + 1];
	uint64_t began, least = UINT64_MAX;
	unsigned asked, tries = 0;

	(void)state;
	warnings = notices = 0;
	atomic_store(&first.mischief, FAKE_SILENT);
	while (stats_of(client).opened == 0 && tries++ < 100)
		get(client, "one", value);
	assert_int_equal(stats_of(client).opened, 1);
	assert_int_equal(stats_of(client).unavailable, 1);
	assert_int_equal(warnings, 1);
	/* Open: nothing is sent, and nothing takes time. */
	asked = first.gets;
	for (int i = 0; i < 100; i++) {
		uint64_t took;

		began = now_us();
		get(client, "one", value);
		took = now_us() - began;
		if (took < least)
			least = took;
	}
	assert_true(least < 1000);
	assert_true(stats_of(client).off > 50);
	assert_true(first.gets <= asked + 50);
	/* One question at a time finds out when the cache is back. */
	atomic_store(&first.mischief, FAKE_HONEST);
	for (int i = 0; i < 1000 && notices == 0; i++) {
		get(client, "one", value);
		usleep(10000);
	}
	assert_int_equal(notices, 1);
	assert_int_equal(stats_of(client).unavailable, 0);
	sessiond_close(client);
}

static void a_closed_port_says_so_at_once(void **state)
{
	char value[SESSIOND_VALUE_LIMIT + 1], caches[80];
	sessiond_client *client;
	uint64_t began;

	(void)state;
	snprintf(caches, sizeof(caches), "127.0.0.1:%u", fake_closed_port());
	client = plain(caches, PATIENT_US);
	began = now_us();
	assert_int_equal(get(client, "one", value), SESSIOND_OFF);
	assert_true(now_us() - began < PATIENT_US);
	assert_int_equal(stats_of(client).opened, 1);
	assert_int_equal(stats_of(client).refused, 1);
	sessiond_close(client);
}

/* Two caches, each session at both: whichever is lost, no session is. */
static void two_copies(void **state)
{
	char value[SESSIOND_VALUE_LIMIT + 1], caches[80], name[8];
	sessiond_client *client;

	(void)state;
	snprintf(caches, sizeof(caches), "%s, %s", first.text, second.text);
	client = plain(caches, PATIENT_US);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		put(client, name, name);
	}
	fake_wait_news(&first, 40);
	fake_wait_news(&second, 40);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		assert_int_equal(get(client, name, value), SESSIOND_HIT);
		assert_string_equal(value, name);
	}
	/* Both own some, about half each. */
	assert_true(first.gets > 4 && second.gets > 4);
	sessiond_close(client);
	client = plain(caches, 1000000);
	atomic_store(&first.mischief, FAKE_SILENT);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		assert_int_equal(get(client, name, value), SESSIOND_HIT);
	}
	assert_true(stats_of(client).second_hits > 0);
	assert_true(stats_of(client).second_hits <= stats_of(client).asked_second);
	/* It answers late each time, so it is left alone. */
	assert_int_equal(stats_of(client).unavailable, 1);
	assert_int_equal(stats_of(client).timeouts, 0);
	sessiond_close(client);
}

static void one_is_refused_the_other_answers(void **state)
{
	char value[SESSIOND_VALUE_LIMIT + 1], caches[80], name[8];
	sessiond_client *client;

	(void)state;
	snprintf(caches, sizeof(caches), "127.0.0.1:%u %s", fake_closed_port(), first.text);
	client = plain(caches, PATIENT_US);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		put(client, name, name);
		assert_int_equal(get(client, name, value), SESSIOND_HIT);
	}
	assert_true(stats_of(client).refused > 0);
	sessiond_close(client);
}

static void one_copy_is_one(void **state)
{
	char caches[80], value[64];
	struct sessiond_id id = id_of("one");
	size_t len = sizeof(value);
	sessiond_client *client;

	(void)state;
	snprintf(caches, sizeof(caches), "%s,%s", first.text, second.text);
	client = plain(caches, PATIENT_US);
	assert_int_equal(sessiond_put(client, &id, "x", 1, 300, SESSIOND_ONE_COPY), 0);
	assert_int_equal(sessiond_take(client, &id, value, &len), SESSIOND_HIT);
	assert_int_equal(sessiond_take(client, &id, value, &len), SESSIOND_MISS);
	assert_int_equal(first.news + second.news, 1);
	assert_int_equal(first.takes + second.takes, 2);
	sessiond_close(client);
}

static void arguments(void **state)
{
	sessiond_client *client = plain(first.text, PATIENT_US);
	char value[SESSIOND_VALUE_LIMIT];
	struct sessiond_id id = id_of("one"), none = {.bytes = "", .len = 0};
	struct sessiond_id too_long = {.bytes = value, .len = 33};
	size_t len = sizeof(value);

	(void)state;
	memset(value, 'v', sizeof(value));
	assert_int_equal(sessiond_put(client, &none, "x", 1, 1, 0), -EINVAL);
	assert_int_equal(sessiond_put(client, &too_long, "x", 1, 1, 0), -EINVAL);
	assert_int_equal(sessiond_put(client, &id, "x", 1, 0, 0), -EINVAL);
	assert_int_equal(sessiond_put(client, &id, "x", 1, 65536, 0), -EINVAL);
	assert_int_equal(sessiond_put(client, &id, "x", 0, 1, 0), -EINVAL);
	assert_int_equal(sessiond_put(client, &id, value, 513, 1, 0), -EMSGSIZE);
	assert_int_equal(sessiond_put(client, &id, value, 512, 1, 0), 0);
	assert_int_equal(sessiond_get(client, &none, value, &len), SESSIOND_MISS);
	/* No room for it: a miss. */
	len = 511;
	assert_int_equal(sessiond_get(client, &id, value, &len), SESSIOND_MISS);
	len = 512;
	assert_int_equal(sessiond_get(client, &id, value, &len), SESSIOND_HIT);
	assert_int_equal(stats_of(client).puts_too_long, 1);
	sessiond_close(client);
}

static void wrong_options(void **state)
{
	static const struct {
		struct sessiond_options options;
		const char *says;
	} cases[] = {
		{{.caches = NULL}, "caches: expected at least one"},
		{{.caches = " , "}, "caches: expected at least one"},
		{{.caches = "localhost"}, "caches: localhost: expected ADDR"},
		{{.caches = "10.0.0.1:0"}, "caches: 10.0.0.1:0: expected ADDR"},
		{{.caches = "0.0.0.0"}, "caches: 0.0.0.0: expected"},
		{{.caches = "224.0.0.1"}, "caches: 224.0.0.1: expected"},
		{{.caches = "10.0.0.1,10.0.0.1:54321"}, "is there twice"},
		{{.caches = "10.0.0.1", .deadline_us = 99}, "deadline_us 99: expected 100 to"},
		{{.caches = "10.0.0.1", .copies = 3}, "copies 3: expected 1 to 2"},
		{{.caches = "10.0.0.1", .value_max = 1401}, "value_max 1401: expected"},
		{{.caches = "10.0.0.1", .lifetime_s = 604801}, "lifetime_s 604801: expected"},
		{{.caches = "10.0.0.1", .flags = 0x100}, "flags 0x100"},
		{{.caches = "10.0.0.1", .scope = "www"}, "scope: it needs a key file"},
		{{.caches = "10.0.0.1", .key_file = "/k"}, "scope: expected 1 to 255 bytes"},
		{{.caches = "10.0.0.1", .key_file = "/nowhere/key", .scope = "www"},
			"/nowhere/key: cannot read it: No such file"},
	};
	char error[SESSIOND_ERROR_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sessiond_options options = cases[i].options;
		sessiond_client *client = (void *)1;

		options.size = sizeof(options);
		assert_true(sessiond_open(&client, &options, error, sizeof(error)) < 0);
		assert_null(client);
		if (!strstr(error, cases[i].says) || strchr(error, '\n'))
			fail_msg("%s\nis not like: %s", error, cases[i].says);
		options.size++;
		assert_int_equal(sessiond_open(&client, &options, NULL, 0), -EINVAL);
		options.size = 8;
		assert_int_equal(sessiond_open(&client, &options, NULL, 0), -EINVAL);
	}
}

/* A program that was built with the first version's header. */
static void older_options(void **state)
{
	struct sessiond_options options = {.caches = "10.0.0.1"};
	sessiond_client *client;

	(void)state;
	options.size = offsetof(struct sessiond_options, counters_folder);
	options.counters_folder = (void *)1; /* not a part of them */
	assert_int_equal(sessiond_open(&client, &options, NULL, 0), 0);
	sessiond_close(client);
}

/* An event loop: the descriptor alone says when to go on, also at the deadline. */
static void without_blocking(void **state)
{
	char value[SESSIOND_VALUE_LIMIT + 1], caches[80];
	enum sessiond_result result;
	struct sessiond_id id = id_of("one");
	size_t len = sizeof(value);
	sessiond_lookup *lookups[8];
	sessiond_client *client;

	(void)state;
	snprintf(caches, sizeof(caches), "%s,%s", first.text, second.text);
	client = plain(caches, 50000);
	put(client, "one", "the session");
	fake_wait_news(&first, 1);
	fake_wait_news(&second, 1);
	for (int i = 0; i < 8; i++) {
		lookups[i] = sessiond_lookup_new(client);
		assert_non_null(lookups[i]);
		/* Before the question or after it. */
		if (i % 2)
			assert_true(sessiond_lookup_fd(lookups[i]) >= 0);
	}
	for (int round = 0; round < 2; round++) {
		/* The second time nobody answers. */
		atomic_store(&first.mischief, round ? FAKE_SILENT : FAKE_HONEST);
		atomic_store(&second.mischief, round ? FAKE_SILENT : FAKE_HONEST);
		for (int i = 0; i < 8; i++)
			assert_int_equal(sessiond_lookup_begin(lookups[i], SESSIOND_GET, &id),
				SESSIOND_AGAIN);
		for (int i = 0; i < 8; i++) {
			struct pollfd fd = {sessiond_lookup_fd(lookups[i]), POLLIN, 0};

			do {
				assert_int_equal(poll(&fd, 1, 10000), 1);
				len = sizeof(value);
				result = sessiond_lookup_finish(lookups[i], value, &len);
			} while (result == SESSIOND_AGAIN);
			if (round) {
				assert_int_equal(result, SESSIOND_TIMEOUT);
			} else if (result != SESSIOND_TIMEOUT) { /* a busy machine */
				assert_int_equal(result, SESSIOND_HIT);
				assert_int_equal(len, 11);
			}
		}
	}
	for (int i = 0; i < 8; i++)
		sessiond_lookup_free(lookups[i]);
	assert_true(stats_of(client).hits > 0);
	sessiond_close(client);
}

struct worker {
	sessiond_client *client;
	unsigned number, wrong;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	char value[SESSIOND_VALUE_LIMIT + 1], name[16];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "t%u-%d", worker->number, i);
		put(worker->client, name, name);
		if (get(worker->client, name, value) != SESSIOND_HIT || strcmp(value, name) != 0)
			worker->wrong++;
		if (i % 10 == 0)
			sessiond_reload_keys(worker->client, NULL, 0);
	}
	return NULL;
}

/* Four threads; returns how often one had a wrong answer. */
static unsigned work_all(sessiond_client *client)
{
	struct worker workers[4];
	pthread_t threads[4];
	unsigned wrong = 0;

	for (unsigned i = 0; i < 4; i++) {
		workers[i] = (struct worker){.client = client, .number = i};
		if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		wrong += workers[i].wrong;
	}
	return wrong;
}

/* As servers do: processes are forked before there are threads. (OpenSSL has locks that fork() does
 * not take, so a process with threads in it must not fork a child that uses it.) */
static void threads_and_forks(void **state)
{
	sessiond_client *client = sealed(first.text, PATIENT_US, "www");
	pid_t children[2];
	int status;

	(void)state;
	put(client, "parent", "parent"); /* the parent's sockets are open */
	for (unsigned i = 0; i < 2; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			struct worker worker = {.client = client, .number = 10 + i};

			work(&worker);
			_exit(worker.wrong ? 1 : 0);
		}
	}
	assert_int_equal(work_all(client), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	/* No reply went to a process that had not asked. */
	assert_int_equal(stats_of(client).stray, 0);
	sessiond_close(client);
}

/* A daemon that closes every descriptor after fork() and opens others must keep those. */
static void descriptors_of_others_stay_open(void **state)
{
	sessiond_client *client = plain(first.text, PATIENT_US);
	char value[SESSIOND_VALUE_LIMIT + 1];
	int status;
	pid_t child;

	(void)state;
	put(client, "one", "the session");
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int others[64], bad = 0;

		for (int fd = 3; fd < 1024; fd++)
			close(fd);
		for (int i = 0; i < 64; i++)
			others[i] = open("/dev/null", O_RDONLY);
		bad |= get(client, "one", value) != SESSIOND_HIT;
		for (int i = 0; i < 64; i++)
			bad |= fcntl(others[i], F_GETFD) < 0;
		_exit(bad);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	sessiond_close(client);
}

static void *look_and_wait(void *arg)
{
	struct worker *worker = arg;
	char value[SESSIOND_VALUE_LIMIT + 1];

	get(worker->client, "one", value);
	return NULL;
}

/* Clients that come and go under threads that stay, and the other way round, leave no descriptor.
 */
static void nothing_is_left(void **state)
{
	char value[SESSIOND_VALUE_LIMIT + 1];
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;

	(void)state;
	close(before);
	for (int i = 0; i < 20; i++) {
		struct worker worker = {.client = sealed(first.text, PATIENT_US, "www")};
		pthread_t thread;

		get(worker.client, "one", value);
		pthread_create(&thread, NULL, look_and_wait, &worker);
		pthread_join(thread, NULL);
		sessiond_close(worker.client);
	}
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(after);
	assert_int_equal(after, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(put_get_remove),
		T(a_take_is_once),
		T(falsified_replies),
		T(never_across_scopes_keys_or_bindings),
		T(keys_rotate_without_a_miss),
		T(the_deadline_holds),
		T(no_look_up_takes_longer_than_the_deadline_and_2_ms),
		T(breaker_opens_and_closes),
		T(a_closed_port_says_so_at_once),
		T(two_copies),
		T(one_is_refused_the_other_answers),
		T(one_copy_is_one),
		T(arguments),
		T(wrong_options),
		T(older_options),
		T(without_blocking),
		T(threads_and_forks),
		T(descriptors_of_others_stay_open),
		T(nothing_is_left),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
