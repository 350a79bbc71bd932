/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A client finds out whether a cache answers TAKE, so that one that does not makes no look-up wait.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <sessiond/client.h>

#include "client/client_private.h"
#include "client/takes.h"
#include "tests/client/fake_cache.h"
#include "tests/client/key_files.h"

#define PATIENT_US 1000000
#define SHORT_US   100000

static struct fake_cache cache;
static struct key_folder keys;
static char told[256];

static void on_log(void *ctx, enum sessiond_log_level level, const char *text)
{
	(void)ctx, (void)level;
	snprintf(told, sizeof(told), "%s", text);
}

static sessiond_client *open_client(unsigned deadline_us, bool seal)
{
	struct sessiond_options options = {.size = sizeof(options),
		.caches = cache.text,
		.deadline_us = deadline_us,
		.key_file = seal ? keys.path : NULL,
		.scope = seal ? "www" : NULL,
		.flags = SESSIOND_SINGLE_USE,
		.log = on_log,
		.counters_folder = ""};
	sessiond_client *client;

	assert_int_equal(sessiond_open(&client, &options, NULL, 0), 0);
	return client;
}

static struct sessiond_stats stats_of(const sessiond_client *client)
{
	struct sessiond_stats stats;

	sessiond_read_stats(client, &stats, sizeof(stats));
	return stats;
}

static void put(sessiond_client *client, const char *name, const char *value)
{
	const struct sessiond_id id = {.bytes = name, .len = strlen(name)};
	unsigned news = cache.news;

	assert_int_equal(sessiond_put(client, &id, value, strlen(value), 60, 0), 0);
	fake_wait_news(&cache, news + 1);
}

static enum sessiond_result take(sessiond_client *client, const char *name)
{
	const struct sessiond_id id = {.bytes = name, .len = strlen(name)};
	char value[SESSIOND_VALUE_LIMIT];
	size_t len = sizeof(value);

	return sessiond_take(client, &id, value, &len);
}

/* As the daemon stores it. */
static void set_status(const char *takes)
{
	sessiond_client *client = open_client(PATIENT_US, false);
	char text[64];

	fake_forget(&cache);
	snprintf(text, sizeof(text), "sessiond/1 take=%s new=word state=ready", takes);
	put(client, SESSD_STATUS_KEY, text);
	sessiond_close(client);
}

static int set_up(void **state)
{
	(void)state;
	fake_open(&cache);
	key_folder_make(&keys);
	key_folder_write(&keys,
		"1:0000000000000000000000000000000000000000000000000000000000000001\n", 0600);
	*told = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_close(&cache);
	key_folder_remove(&keys);
	return 0;
}

/* Time passes. */
static void forget_when(sessiond_client *client)
{
	atomic_store(&client->page->caches[0].take.at, 1);
}

static void a_cache_that_takes_is_asked_once(void **state)
{
	sessiond_client *client;

	(void)state;
	set_status("yes");
	client = open_client(PATIENT_US, true);
	put(client, "one", "value");
	put(client, "two", "value");
	assert_int_equal(take(client, "one"), SESSIOND_HIT);
	assert_int_equal(take(client, "one"), SESSIOND_MISS);
	assert_int_equal(take(client, "two"), SESSIOND_HIT);
	assert_int_equal(cache.gets, 1);
	assert_int_equal(cache.takes, 3);
	/* A minute later it is asked again, beside the TAKE. */
	forget_when(client);
	assert_int_equal(take(client, "two"), SESSIOND_MISS);
	assert_int_equal(take(client, "two"), SESSIOND_MISS);
	assert_int_equal(cache.gets, 2);
	assert_int_equal(stats_of(client).stray, 0);
	assert_string_equal(told, "");
	sessiond_close(client);
}

static void a_cache_that_says_no_gets_no_take(void **state)
{
	sessiond_client *client;

	(void)state;
	set_status("no");
	cache.deaf = true;
	client = open_client(PATIENT_US, true);
	put(client, "one", "value");
	for (int i = 0; i < 10; i++)
		assert_int_equal(take(client, "one"), SESSIOND_OFF);
	assert_int_equal(cache.gets, 1);
	assert_int_equal(cache.takes, 0);
	assert_int_equal(stats_of(client).off, 10);
	assert_int_equal(stats_of(client).no_take, 10);
	assert_int_equal(stats_of(client).timeouts, 0);
	assert_non_null(strstr(told, "does not answer TAKE"));
	/* Then it is told to. */
	set_status("yes");
	cache.deaf = false;
	put(client, "one", "value");
	forget_when(client);
	assert_int_equal(take(client, "one"), SESSIOND_HIT);
	assert_non_null(strstr(told, "answers TAKE now"));
	sessiond_close(client);
}

/* It has no status and drops TAKEs: one look-up waits, and the breaker stays closed. */
static void an_old_cache_makes_one_look_up_wait(void **state)
{
	sessiond_client *client = open_client(SHORT_US, true);

	(void)state;
	cache.deaf = true;
	assert_int_equal(take(client, "one"), SESSIOND_TIMEOUT);
	for (int i = 0; i < 10; i++)
		assert_int_equal(take(client, "one"), SESSIOND_OFF);
	assert_int_equal(cache.takes, 1);
	for (int i = 0; i < 10; i++) {
		forget_when(client);
		assert_int_equal(take(client, "one"), SESSIOND_TIMEOUT);
	}
	assert_int_equal(stats_of(client).opened, 0);
	sessiond_close(client);
}

/* The XDP program answers though the daemon, and its status, are gone. */
static void a_status_is_not_needed(void **state)
{
	sessiond_client *client = open_client(PATIENT_US, true);

	(void)state;
	put(client, "one", "value");
	assert_int_equal(take(client, "one"), SESSIOND_HIT);
	assert_int_equal(take(client, "one"), SESSIOND_MISS);
	assert_int_equal(cache.gets, 1);
	sessiond_close(client);
}

static void a_cache_that_no_longer_takes_is_noticed(void **state)
{
	sessiond_client *client;
	enum sessiond_result result;

	(void)state;
	set_status("yes");
	client = open_client(SHORT_US, true);
	/* A busy machine may be late. */
	for (int i = 0; i < 100 && (result = take(client, "one")) != SESSIOND_MISS; i++)
		usleep(20000);
	assert_int_equal(result, SESSIOND_MISS);
	set_status("no");
	cache.deaf = true;
	for (int i = 0; i < 100 && (result = take(client, "one")) != SESSIOND_OFF; i++)
		usleep(20000);
	assert_int_equal(result, SESSIOND_OFF);
	assert_true(stats_of(client).no_take > 0 || stats_of(client).opened > 0);
	sessiond_close(client);
}

/* Two names, one status. */
static void during_a_rotation(void **state)
{
	sessiond_client *client;

	(void)state;
	key_folder_write(&keys,
		"1:0000000000000000000000000000000000000000000000000000000000000001\n"
		"2:0000000000000000000000000000000000000000000000000000000000000002\n",
		0600);
	set_status("yes");
	client = open_client(PATIENT_US, true);
	put(client, "one", "value");
	assert_int_equal(take(client, "one"), SESSIOND_HIT);
	assert_int_equal(take(client, "one"), SESSIOND_MISS);
	assert_int_equal(cache.gets, 1);
	sessiond_close(client);
}

static void forked_processes_know(void **state)
{
	sessiond_client *client;
	pid_t child;
	int status;

	(void)state;
	set_status("no");
	client = open_client(PATIENT_US, true);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		take(client, "one");
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(take(client, "one"), SESSIOND_OFF);
	assert_int_equal(cache.gets, 1);
	sessiond_close(client);
}

static void without_blocking(void **state)
{
	const struct sessiond_id id = {.bytes = "one", .len = 3};
	char value[SESSIOND_VALUE_LIMIT];
	size_t len = sizeof(value);
	enum sessiond_result result;
	sessiond_client *client;
	sessiond_lookup *lookup;

	(void)state;
	set_status("yes");
	client = open_client(PATIENT_US, true);
	put(client, "one", "value");
	lookup = sessiond_lookup_new(client);
	assert_non_null(lookup);
	result = sessiond_lookup_begin(lookup, SESSIOND_TAKE, &id);
	while (result == SESSIOND_AGAIN) {
		usleep(1000);
		len = sizeof(value);
		result = sessiond_lookup_finish(lookup, value, &len);
	}
	assert_int_equal(result, SESSIOND_HIT);
	assert_int_equal(len, 5);
	sessiond_lookup_free(lookup);
	sessiond_close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(a_cache_that_takes_is_asked_once),
		T(a_cache_that_says_no_gets_no_take),
		T(an_old_cache_makes_one_look_up_wait),
		T(a_status_is_not_needed),
		T(a_cache_that_no_longer_takes_is_noticed),
		T(during_a_rotation),
		T(forked_processes_know),
		T(without_blocking),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
