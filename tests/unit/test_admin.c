/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The admin socket over a real socket, with a fake daemon: a table of operations. The event loop
 * runs in a thread; each test is a client.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/text.h"
#include "control/admin/admin.h"
#include "control/sessionctl/admin_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/thread.h>

#define CAPACITY 30000
#define IDLE_MS	 2000

/* The daemon: slot i holds session i where `held` says so. */
struct daemon {
	char folder[32], path[64];
	struct event_base *base;
	struct admin *admin;
	pthread_t thread;
	bool held[CAPACITY];
	bool expired[CAPACITY];
	atomic_uint list_calls, level, requests;
	pthread_mutex_t pause; /* held: stats wait */
	bool reload_fails;
	bool talkers_fail;
	atomic_uint gathered;		      /* looks for events */
	atomic_bool flush_stays, flush_fails; /* a flush goes on; cannot end */
	atomic_uint flush_starts, flush_looks;
	atomic_uint find_us;   /* duration of finding a session */
	atomic_uint list_step; /* maximum slots of a page; 0: no limit */
};

static struct daemon daemon_;

/* The rest of an id of 4 bytes. */
static const char zeros[] = "00000000000000000000000000000000000000000000000000000000";

static void key_of(uint32_t slot, uint8_t key[SESSD_KEY_SIZE])
{
	memset(key, 0, SESSD_KEY_SIZE);
	key[0] = 0xab;
	key[1] = (uint8_t)(slot >> 8);
	key[2] = (uint8_t)slot;
	key[3] = 0x2e; /* '.', to look like nothing special */
}

static void fill(uint32_t slot, struct session *session)
{
	key_of(slot, session->key);
	session->slot = slot;
	session->len = (uint16_t)(slot % 512 + 1);
	session->sum = 0;
	/* A tenth of a second short of 100: nine more may pass until it is printed. */
	session->expires = clock_tick();
	if (daemon_.expired[slot])
		session->expires -= clock_ticks(1); /* the daemon may have read the clock before */
	else
		session->expires += clock_ticks(100) - clock_ticks(1) / 10;
}

static void fake_stats(void *ctx, stats_emit emit, void *emit_ctx)
{
	struct daemon *d = ctx;

	pthread_mutex_lock(&d->pause);
	pthread_mutex_unlock(&d->pause);
	d->requests++;
	emit(emit_ctx, "get_hits", 18446744073709551615ULL);
	emit(emit_ctx, "get_misses", 0);
}

/* Sessions 8 and on are of TLS 1.2, context "farm 2", from 192.0.2.1; the others of TLS 1.3,
 * "farm", from an unknown source. */
static void fill_info(uint32_t slot, struct session_info *info)
{
	const char *context = slot < 8 ? "farm" : "farm 2";

	*info = (struct session_info){.age = slot,
		.kind = slot < 8 ? SESSION_TLS13 : SESSION_TLS12,
		.has_source = slot >= 8,
		.used = slot % 2,
		.context_len = (uint8_t)strlen(context)};
	memcpy(info->context, context, info->context_len);
	if (info->has_source)
		address_from_ipv4(&info->source, (const uint8_t[4]){192, 0, 2, 1});
}

static bool fake_find(void *ctx, const uint8_t key[SESSD_KEY_SIZE], struct session *session,
	struct session_info *info)
{
	struct daemon *d = ctx;

	usleep(d->find_us);
	for (uint32_t i = 0; i < CAPACITY; i++) {
		uint8_t have[SESSD_KEY_SIZE];

		key_of(i, have);
		if (d->held[i] && memcmp(have, key, SESSD_KEY_SIZE) == 0) {
			fill(i, session);
			fill_info(i, info);
			return true;
		}
	}
	return false;
}

static bool fake_del(void *ctx, const uint8_t key[SESSD_KEY_SIZE])
{
	struct daemon *d = ctx;
	struct session session;
	struct session_info info;

	if (!fake_find(ctx, key, &session, &info))
		return false;
	d->held[session.slot] = false;
	return true;
}

static void fake_flush_start(void *ctx, struct writer_flush *flush)
{
	struct daemon *d = ctx;

	flush->pass = ++d->flush_starts;
	flush->deleted_before = 100 * flush->pass;
}

static int fake_flush_done(void *ctx, const struct writer_flush *flush, uint64_t *deleted)
{
	struct daemon *d = ctx;
	uint64_t n = 0;

	assert_int_equal(flush->deleted_before, 100 * flush->pass);
	d->flush_looks++;
	if (d->flush_fails)
		return error_set(ESHUTDOWN, "it is ending");
	if (d->flush_stays)
		return 0;
	for (uint32_t i = 0; i < CAPACITY; i++) {
		n += d->held[i];
		d->held[i] = false;
	}
	*deleted = n;
	return 1;
}

static unsigned fake_list(void *ctx, const struct session_filter *filter, uint32_t *next,
	struct session *sessions, struct session_info *infos, unsigned room)
{
	struct daemon *d = ctx;
	uint32_t end = d->list_step ? *next + d->list_step : CAPACITY;
	unsigned n = 0;

	d->list_calls++;
	if (d->list_step)
		usleep(1000);
	for (; *next < CAPACITY && *next < end && n < room; ++*next)
		if (d->held[*next]) {
			fill(*next, &sessions[n]);
			fill_info(*next, &infos[n]);
			n += session_filter_selects(filter, &sessions[n], &infos[n]);
		}
	return n;
}

static unsigned fake_remove(void *ctx, const struct session_filter *filter, uint32_t *next)
{
	struct daemon *d = ctx;
	struct session_info info;
	struct session session;
	unsigned n = 0;

	/* A page of two sessions. */
	for (; *next < CAPACITY && n < 2; ++*next) {
		if (!d->held[*next])
			continue;
		fill(*next, &session);
		fill_info(*next, &info);
		if (!session_filter_selects(filter, &session, &info))
			continue;
		d->held[*next] = false;
		n++;
	}
	return n;
}

static unsigned fake_contexts(void *ctx, struct census_row rows[CENSUS_ROWS])
{
	(void)ctx;
	memset(rows, 0, 3 * sizeof(*rows));
	rows[0].context_len = 4;
	memcpy(rows[0].context, "farm", 4);
	rows[0].of[SESSION_TLS13] = (struct census_counts){3, 5, 4};
	rows[0].of[SESSION_TLS12] = (struct census_counts){1, 1, 0};
	rows[1].of[SESSION_SEALED] = (struct census_counts){0, 7, 7};
	rows[2].others = true;
	rows[2].of[SESSION_TLS_OTHER] = (struct census_counts){1, 1, 1};
	return 3;
}

static unsigned fake_sources(void *ctx, struct source_place rows[SOURCE_LIST_SIZE])
{
	(void)ctx;
	rows[0] = (struct source_place){
		.sessions = 3, .stored = 5, .used = 4, .elsewhere = 7, .home = 1};
	address_from_ipv4(&rows[0].address, (const uint8_t[4]){192, 0, 2, 1});
	rows[1] = (struct source_place){.stored = 2};
	return 2;
}

static int fake_reload(void *ctx, void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	struct daemon *d = ctx;

	line(line_ctx, "capacity");
	if (d->reload_fails)
		return error_set(EINVAL, "x.conf:3: no\nsecond line");
	line(line_ctx, ".listen");
	line(line_ctx, "");
	return 0;
}

static int fake_config(
	void *ctx, bool diff, void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	struct daemon *d = ctx;

	if (diff && d->reload_fails)
		return error_set(EINVAL, "x.conf:3: no");
	line(line_ctx, diff ? "- capacity = 1" : "capacity = 1");
	return 0;
}

static void fake_set_log_level(void *ctx, enum log_level level)
{
	struct daemon *d = ctx;

	d->level = level;
}

static int fake_talkers(void *ctx, struct talker *talkers, unsigned room)
{
	struct daemon *d = ctx;

	if (d->talkers_fail)
		return error_set(ENOTSUP, "mode dpdk keeps no counts by source");
	assert_true(room >= 2);
	memset(talkers, 0, 2 * sizeof(*talkers));
	address_from_ipv4(&talkers[0].source, (const uint8_t[4]){192, 0, 2, 1});
	talkers[0].gets = 7;
	talkers[0].hits = 5;
	talkers[0].drops = 6;
	talkers[0].news = 18446744073709551615ULL;
	talkers[1].source.bytes[0] = 0xfd;
	talkers[1].removes = 3;
	return 2;
}

static int fake_farm(void *ctx, void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	(void)ctx;
	line(line_ctx, "cache name=\"a\"");
	line(line_ctx, "engine up=1");
	return 0;
}

/* A GET that hits, and a NEW. */
static unsigned fake_watch(void *ctx,
	void (*found)(void *found_ctx, const struct session_event *event), void *found_ctx)
{
	struct session_event event = {.request = {.type = SESSD_GET, .source = {[15] = 1}},
		.kind = SESSION_TLS13,
		.context_len = 4,
		.context = "farm"};
	struct daemon *d = ctx;

	d->gathered++;
	event.request.source[15] = 9;
	key_of(7, event.request.key);
	found(found_ctx, &event);
	event.request =
		(struct sessd_request_event){.type = SESSD_NEW, .outcome = SESSD_OUTCOME_EXISTS};
	event.kind = SESSION_KINDS;
	event.context_len = 0;
	found(found_ctx, &event);
	return 16;
}

static const struct admin_ops fake_ops = {
	.stats = fake_stats,
	.find = fake_find,
	.del = fake_del,
	.take = fake_del,
	.flush_start = fake_flush_start,
	.flush_done = fake_flush_done,
	.list = fake_list,
	.remove = fake_remove,
	.contexts = fake_contexts,
	.sources = fake_sources,
	.reload = fake_reload,
	.config = fake_config,
	.set_log_level = fake_set_log_level,
	.talkers = fake_talkers,
	.farm = fake_farm,
	.watch = fake_watch,
};

static void *run_loop(void *ctx)
{
	event_base_loop(ctx, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

static int setup(void **state)
{
	struct daemon *d = &daemon_;
	struct admin_config config = {
		.ops = &fake_ops, .ctx = d, .capacity = CAPACITY, .idle_ms = IDLE_MS};

	memset(d, 0, sizeof(*d));
	pthread_mutex_init(&d->pause, NULL);
	strcpy(d->folder, "/tmp/test_admin.XXXXXX");
	assert_non_null(mkdtemp(d->folder));
	snprintf(d->path, sizeof(d->path), "%s/control.sock", d->folder);
	config.path = d->path;
	evthread_use_pthreads();
	log_set_level(LOG_LEVEL_ERROR);
	d->base = event_base_new();
	assert_non_null(d->base);
	assert_int_equal(admin_open(&d->admin, d->base, &config), 0);
	assert_int_equal(pthread_create(&d->thread, NULL, run_loop, d->base), 0);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct daemon *d = *state;

	event_base_loopbreak(d->base);
	pthread_join(d->thread, NULL);
	admin_close(d->admin);
	event_base_free(d->base);
	assert_int_equal(access(d->path, F_OK), -1);
	assert_int_equal(rmdir(d->folder), 0);
	return 0;
}

static int connect_raw(const struct daemon *d)
{
	const struct timeval timeout = {5, 0};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(addr.sun_path, d->path);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads up to `size` bytes until the other end closes. */
static size_t read_all(int fd, char *text, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used < size - 1 && (n = recv(fd, text + used, size - 1 - used, 0)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	return used;
}

/* The whole reply to requests after which the client sends no more. */
static void expect(const struct daemon *d, const char *requests, const char *replies)
{
	char text[8192];
	int fd = connect_raw(d);

	say(fd, requests);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	read_all(fd, text, sizeof(text));
	print_message("%s-> %s", requests, text);
	assert_string_equal(text, replies);
	close(fd);
}

static void requests(void **state)
{
	struct daemon *d = *state;
	char text[512];

	d->held[7] = d->held[8] = d->held[9] = true;
	d->expired[8] = true;
	expect(d, "ping\n", "OK\n.\n");
	expect(d, "ping\r\n", "OK\n.\n");
	expect(d, "version\n", "OK\nsessiond " SESSIOND_VERSION "\n.\n");
	expect(d, "stats\n", "OK\nget_hits 18446744073709551615\nget_misses 0\n.\n");
	/* The live ones; nothing of their values. */
	snprintf(text, sizeof(text),
		"OK\nab00072e%s 100 8 7 1.3 - farm\n"
		"ab00092e%s 100 10 9 1.2 192.0.2.1 0x6661726d2032\n.\n",
		zeros, zeros);
	expect(d, "list\n", text);
	snprintf(text, sizeof(text),
		"OK\nid ab00072e%s\nremaining 100\nlength 8\nage 7\ntls 1.3\nsource -\n"
		"context farm\nused 1\n.\n",
		zeros);
	expect(d, "show ab00072e\n", text);
	expect(d, "show AB00072E00\n", text);
	expect(d, "show ab00082e\n", "ERR no such session\n");
	expect(d, "show ab00012e\n", "ERR no such session\n");
	expect(d, "remove ab00072e\n", "OK\n.\n");
	assert_false(d->held[7]);
	expect(d, "remove ab00072e\n", "ERR no such session\n");
	expect(d, "take ab00092e\n", "OK\n.\n");
	assert_false(d->held[9]);
	expect(d, "take ab00092e\n", "ERR no such session, or it was taken\n");
	d->held[9] = true;
	expect(d, "flush\n", "OK\nflushed 2\n.\n");
	expect(d, "list\n", "OK\n.\n");
	expect(d, "log-level debug\n", "OK\n.\n");
	assert_int_equal(d->level, LOG_LEVEL_DEBUG);
	expect(d, "reload\n", "OK\ncapacity\n..listen\n\n.\n");
	expect(d, "config\n", "OK\ncapacity = 1\n.\n");
	expect(d, "config-diff\n", "OK\n- capacity = 1\n.\n");
	expect(d, "talkers\n", "OK\n192.0.2.1 7 18446744073709551615 0 5 6\nfd00:: 0 0 3 0 0\n.\n");
	d->gathered = 0;
	expect(d, "sources\n", "OK\n192.0.2.1 3 5 4 7 1\n- 0 2 0 0 0\n.\n");
	/* It looks for events from now on, although nobody watches. */
	for (unsigned i = 0; i < 100 && d->gathered < 3; i++)
		usleep(50000);
	assert_true(d->gathered >= 3);
	expect(d, "farm\n", "OK\ncache name=\"a\"\nengine up=1\n.\n");
	d->talkers_fail = true;
	expect(d, "talkers\n", "ERR mode dpdk keeps no counts by source\n");
	d->reload_fails = true;
	expect(d, "reload\n", "ERR x.conf:3: no second line\n");
	expect(d, "config\n", "OK\ncapacity = 1\n.\n");
	expect(d, "config-diff\n", "ERR x.conf:3: no\n");
}

static void filters(void **state)
{
	struct daemon *d = *state;
	char all[2048], text[1024];

	for (uint32_t i = 6; i < 14; i++)
		d->held[i] = true;
	expect(d, "contexts\n",
		"OK\nfarm 1.3 3 5 4\nfarm 1.2 1 1 0\n- sealed 0 7 7\n(other) other 1 1 1\n.\n");
	snprintf(all, sizeof(all),
		"OK\nab00062e%.56s 100 7 6 1.3 - farm\nab00072e%.56s 100 8 7 1.3 - farm\n.\n",
		zeros, zeros);
	expect(d, "list context=farm\n", all);
	expect(d, "list  tls=1.3\tid=ab000 \n", all);
	snprintf(text, sizeof(text), "OK\nab00072e%.56s 100 8 7 1.3 - farm\n.\n", zeros);
	expect(d, "list id=AB00072 tls=1.3\n", text);
	expect(d, "list id=ab0007 source=192.0.2.0/24\n", "OK\n.\n");
	/* A source that is unknown is in no prefix. */
	expect(d, "remove source=::/0\n", "OK\nremoved 0\n.\n");
	/* Pages of two: six sessions, and only those. */
	expect(d, "remove source=192.0.2.1 tls=1.2\nlist tls=1.2\n", "OK\nremoved 6\n.\nOK\n.\n");
	expect(d, "list\n", all);
}

/* Two clients watch, each what it asked for, until they leave. */
static void watches(void **state)
{
	struct daemon *d = *state;
	int one = connect_raw(d), two = connect_raw(d);
	char text[4096] = "", line[256];
	size_t used = 0;
	ssize_t n;

	say(one, "watch outcome=hit,miss context=farm\n");
	say(two, "watch outcome=exists\n");
	while (!strstr(text, "16\nGET hit") &&
		(n = recv(one, text + used, sizeof(text) - 1 - used, 0)) > 0) {
		used += (size_t)n;
		text[used] = '\0';
	}
	snprintf(line, sizeof(line),
		"OK\nGET hit ::9 ab00072e%.56s 1.3 farm\n# one GET in 16\nGET hit", zeros);
	assert_memory_equal(text, line, strlen(line));
	assert_null(strstr(text, "NEW"));
	close(one);
	n = recv(two, text, 150, MSG_WAITALL);
	assert_int_equal(n, 150);
	text[n] = '\0';
	assert_non_null(strstr(text, "\nNEW exists - 0000"));
	assert_null(strstr(text, "GET hit"));
	close(two);
	expect(d, "watch outcome=lost\n",
		"ERR outcome lost: expected hit, miss, expired, torn, drop, stored, exists, "
		"refused or "
		"removed\n");
	expect(d, "watch outcome=mis\n",
		"ERR outcome mis: expected hit, miss, expired, torn, drop, stored, exists, "
		"refused or "
		"removed: did you mean miss?\n");
	expect(d, "watch outcome=,\n",
		"ERR outcome \"\": expected hit, miss, expired, torn, drop, stored, exists, "
		"refused or "
		"removed\n");
	expect(d, "watch id=x\n", "ERR id x: expected 1 to 64 hex digits\n");
	expect(d, "ping\n", "OK\n.\n");
}

static void wrong_filters(void **state)
{
	struct daemon *d = *state;

	d->held[7] = true;
	expect(d, "list all\n", "ERR all: expected id=, context=, tls= or source=\n");
	expect(d, "list tls=1.4\n", "ERR tls 1.4: expected 1.3, 1.2, other, sealed or opaque\n");
	expect(d, "list id=xy\n", "ERR id xy: expected 1 to 64 hex digits\n");
	expect(d, "list id=\n", "ERR id \"\": expected 1 to 64 hex digits\n");
	expect(d, "remove tls=1.3 ab\n", "ERR ab: expected id=, context=, tls= or source=\n");
	expect(d, "remove source=1.2.3\n", "ERR source 1.2.3: expected an address or a prefix\n");
	expect(d, "list context=012345678901234567890123456789012\n",
		"ERR context 012345678901234567890123456789012: expected 1 to 32 bytes, or - for "
		"none\n");
	assert_true(d->held[7]);
}

static void contexts_as_text(void **state)
{
	static const struct {
		const char *context, *text;
	} texts[] = {{"", "-"}, {"farm", "farm"}, {"a b", "0x612062"}, {"-", "0x2d"},
		{"(other)", "0x286f7468657229"}, {"0x12", "0x30783132"}, {"\xff", "0xff"},
		{".", "0x2e"}};
	uint8_t context[SESSION_CONTEXT_MAX], len;
	char text[CONTEXT_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t size = strlen(texts[i].context);

		assert_string_equal(context_format((const uint8_t *)texts[i].context, size, text),
			texts[i].text);
		assert_true(context_parse(text, context, &len));
		assert_int_equal(len, size);
		assert_memory_equal(context, texts[i].context, size);
	}
	/* A name with a blank, as somebody types it. */
	assert_true(context_parse("a b", context, &len));
	assert_int_equal(len, 3);
}

static void wrong_requests(void **state)
{
	static const char unknown[] = "ERR unknown command: expected stats, list, show ID, remove "
				      "ID, take ID, contexts, sources, flush, "
				      "reload, config, config-diff, log-level LEVEL, talkers, "
				      "farm, watch, version or ping\n";
	static const char bad_id[] = "ERR an id is 1 to 32 bytes in hex digits\n";
	struct daemon *d = *state;
	char text[512];

	expect(d, "\n", unknown);
	expect(d, "stat\n", unknown);
	expect(d, "STATS\n", unknown);
	expect(d, "stats now\n", "ERR stats takes no argument\n");
	expect(d, "remove\n", "ERR remove takes one argument\n");
	expect(d, "remove ab cd\n", "ERR remove takes one argument\n");
	expect(d, "remove xyz\n", bad_id);
	expect(d, "remove abc\n", bad_id);
	expect(d, "show 0x12\n", bad_id);
	snprintf(text, sizeof(text), "show %066d\n", 1);
	expect(d, text, bad_id);
	snprintf(text, sizeof(text), "show %064d\n", 1);
	expect(d, text, "ERR no such session\n");
	expect(d, "log-level loud\n", "ERR expected error, warning, notice, info or debug\n");
	/* A line without a line end is not a request. */
	expect(d, "flush", "");
	expect(d, "ping\nflush", "OK\n.\n");
	assert_int_equal(d->level, 0);
}

static void pipelined(void **state)
{
	struct daemon *d = *state;
	int fd = connect_raw(d);
	char text[64], big[64 * 300];

	/* Byte by byte, and two in one. */
	for (const char *c = "ping\nversion\n"; *c; c++) {
		assert_int_equal(send(fd, c, 1, 0), 1);
		usleep(500);
	}
	say(fd, "ping\nping\nbad\nping\n");
	/* Far more than the daemon reads at once: 1000 requests, 52 kB of replies. */
	for (int i = 0; i < 1000; i++)
		say(fd, "stats\n");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	size_t total = 0, n;
	while ((n = read_all(fd, big, sizeof(big))) > 0)
		total += n;
	snprintf(text, sizeof(text), "OK\nsessiond %s\n.\n", SESSIOND_VERSION);
	assert_int_equal(d->requests, 1000);
	assert_int_equal(total,
		4 * strlen("OK\n.\n") + strlen(text) +
			strlen("ERR unknown command: expected stats, list, show ID, remove ID, "
			       "take ID, contexts, sources, flush, "
			       "reload, config, config-diff, log-level LEVEL, talkers, farm, "
			       "watch, "
			       "version or "
			       "ping\n") +
			1000 * strlen("OK\nget_hits 18446744073709551615\nget_misses 0\n.\n"));
	close(fd);
}

static void long_lines(void **state)
{
	struct daemon *d = *state;
	char line[10001], text[256];
	int fd;

	/* 256 bytes are accepted as a line, here an unknown command; the connection continues. */
	memset(line, 'x', sizeof(line));
	strcpy(line + 256, "\nping\n");
	fd = connect_raw(d);
	say(fd, line);
	shutdown(fd, SHUT_WR);
	read_all(fd, text, sizeof(text));
	assert_non_null(strstr(text, "ERR unknown command"));
	assert_non_null(strstr(text, "OK\n.\n"));
	close(fd);
	/* 257 bytes are not, with or without a line end; nor is a NUL. */
	for (int i = 0; i < 3; i++) {
		size_t len = i == 0 ? 258 : i == 1 ? 10000 : 6;

		memset(line, 'x', sizeof(line));
		if (i == 0)
			line[257] = '\n';
		if (i == 2)
			memcpy(line, "ping\0\n", 6);
		fd = connect_raw(d);
		assert_true(send(fd, line, len, MSG_NOSIGNAL) > 0);
		read_all(fd, text, sizeof(text));
		assert_string_equal(text, "ERR the line has over 256 bytes or a NUL\n");
		close(fd);
	}
	expect(d, "ping\n", "OK\n.\n");
}

static void many_connections(void **state)
{
	struct daemon *d = *state;
	int fds[64];
	char text[128];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 64; i++) {
			fds[i] = connect_raw(d);
			say(fds[i], "ping\n");
			assert_int_equal(recv(fds[i], text, sizeof(text), 0), 5);
		}
		int fd = connect_raw(d);
		read_all(fd, text, sizeof(text));
		assert_string_equal(text, "ERR too many connections: close one and try again\n");
		close(fd);
		/* The others still work, and their places become free. */
		say(fds[63], "ping\n");
		assert_int_equal(recv(fds[63], text, sizeof(text), 0), 5);
		for (int i = 0; i < 64; i++)
			close(fds[i]);
		usleep(300000);
	}
	/* One too many through the client: it reports the refusal. */
	for (int i = 0; i < 64; i++)
		fds[i] = connect_raw(d);
	struct admin_client *client;
	assert_int_equal(admin_client_open(&client, d->path, 1000), 0);
	assert_int_equal(admin_client_request(client, "ping", NULL, NULL), -EREMOTEIO);
	assert_string_equal(error_message(), "too many connections: close one and try again");
	admin_client_close(client);
	for (int i = 0; i < 64; i++)
		close(fds[i]);
}

/* A client that requests a long list and does not read: the list is not produced ahead, other
 * clients are served meanwhile, and finally it gets the whole list. */
static void slow_reader(void **state)
{
	struct daemon *d = *state;
	char *text = malloc(4 << 20), *at;
	unsigned before, rows = 0;
	int fd = connect_raw(d);
	size_t used;

	assert_non_null(text);
	memset(d->held, 1, sizeof(d->held));
	say(fd, "list\n");
	usleep(200000);
	before = d->list_calls;
	/* 30,000 rows are 118 pages, 2 MB; a socket takes some 200 kB. */
	assert_in_range(before, 1, 40);
	usleep(100000);
	assert_int_equal(d->list_calls, before);
	expect(d, "ping\n", "OK\n.\n");
	shutdown(fd, SHUT_WR);
	used = read_all(fd, text, 4 << 20);
	assert_true(used > 2000000);
	assert_memory_equal(text, "OK\n", 3);
	assert_string_equal(text + used - 3, "\n.\n");
	for (at = strchr(text, '\n') + 1; strcmp(at, ".\n") != 0; at = strchr(at, '\n') + 1) {
		char id[TEXT_KEY_SIZE];
		uint8_t key[SESSD_KEY_SIZE];
		unsigned seconds, length;

		assert_int_equal(sscanf(at, "%64s %u %u", id, &seconds, &length), 3);
		key_of(rows, key);
		assert_memory_equal(at, text_key_format(key, id), 64);
		assert_int_equal(length, rows % 512 + 1);
		rows++;
	}
	assert_int_equal(rows, CAPACITY);
	close(fd);
	free(text);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The longest of some pings over a separate connection, in seconds. */
static double longest_ping(const struct daemon *d)
{
	int fd = connect_raw(d);
	double longest = 0;
	char text[16];

	for (int i = 0; i < 20; i++) {
		double begun = now();

		say(fd, "ping\n");
		assert_int_equal(recv(fd, text, sizeof(text), 0), 5);
		if (now() - begun > longest)
			longest = now() - begun;
	}
	close(fd);
	print_message("the longest ping took %.0f ms\n", longest * 1e3);
	return longest;
}

/* Other clients wait less than `limit` seconds while one sends large requests: in one of five
 * tries, because the machine may be busy. A daemon that does not return to its loop fails every
 * try. */
static void others_wait_less(
	struct daemon *d, double (*ask_for_much)(struct daemon *d), double limit)
{
	for (int i = 0; i < 5; i++) {
		if (ask_for_much(d) < limit)
			return;
	}
	fail_msg("others waited %.0f ms or more, five times", limit * 1e3);
}

/* 400 requests of 2 ms each. */
static double ask_often(struct daemon *d)
{
	int fd = connect_raw(d);
	double longest;

	d->find_us = 2000;
	for (int i = 0; i < 400; i++)
		say(fd, "show ab\n");
	usleep(50000);
	longest = longest_ping(d);
	d->find_us = 0;
	close(fd);
	return longest;
}

static void requests_take_turns(void **state)
{
	others_wait_less(*state, ask_often, 0.3);
}

/* A list of a cache of free slots: 300 pages of 1 ms without a row. */
static double list_free_slots(struct daemon *d)
{
	int fd = connect_raw(d);
	char text[128];
	double longest;

	d->held[CAPACITY - 1] = true;
	d->list_step = 100;
	say(fd, "list\n");
	usleep(50000);
	longest = longest_ping(d);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	read_all(fd, text, sizeof(text));
	assert_string_equal(strchr(text, ' '), " 100 304 29999 1.2 192.0.2.1 0x6661726d2032\n.\n");
	close(fd);
	return longest;
}

static void free_slots_take_turns(void **state)
{
	others_wait_less(*state, list_free_slots, 0.2);
}

static void wait_for(const atomic_uint *figure, unsigned least)
{
	for (int ms = 0; ms < 5000 && *figure < least; ms++)
		usleep(1000);
	assert_true(*figure >= least);
}

static bool is_silent(int fd, int ms)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	return poll(&wait, 1, ms) == 0;
}

static void *flush_patiently(void *ctx)
{
	struct daemon *d = ctx;
	struct admin_client *client;
	intptr_t ret;

	if (admin_client_open(&client, d->path, 100) < 0)
		return (void *)1;
	admin_client_be_patient(client);
	ret = admin_client_request(client, "flush", NULL, NULL);
	admin_client_close(client);
	return (void *)ret;
}

/* The reply to a flush comes at its end, even after the idle limit of a connection and the client's
 * time limit. Others are served meanwhile, and later requests on the same connection wait. */
static void flush_takes_long(void **state)
{
	struct daemon *d = *state;
	char text[128];
	pthread_t thread;
	void *ret;
	int fd = connect_raw(d);

	d->held[3] = d->held[4] = true;
	d->flush_stays = true;
	say(fd, "flush\nping\n");
	assert_int_equal(pthread_create(&thread, NULL, flush_patiently, d), 0);
	wait_for(&d->flush_starts, 2);
	assert_true(is_silent(fd, IDLE_MS * 3 / 2));
	expect(d, "ping\n", "OK\n.\n");
	expect(d, "stats\n", "OK\nget_hits 18446744073709551615\nget_misses 0\n.\n");
	/* A timer checks the flush, not a busy loop. */
	assert_in_range(d->flush_looks, 2, 2000);
	d->flush_stays = false;
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	read_all(fd, text, sizeof(text));
	/* The fake daemon has no passes: the first client that checks gets the whole count. */
	if (strcmp(text, "OK\nflushed 0\n.\nOK\n.\n") != 0)
		assert_string_equal(text, "OK\nflushed 2\n.\nOK\n.\n");
	close(fd);
	pthread_join(thread, &ret);
	assert_null(ret);
	assert_int_equal(d->flush_starts, 2);
}

/* A flush continues when its client leaves; an error is sent for one that cannot end. */
static void flush_ends_otherwise(void **state)
{
	struct daemon *d = *state;
	int fd = connect_raw(d);

	d->flush_stays = true;
	say(fd, "flush\n");
	wait_for(&d->flush_looks, 2);
	close(fd);
	expect(d, "ping\n", "OK\n.\n");
	assert_int_equal(d->flush_starts, 1);
	d->flush_fails = true;
	expect(d, "flush\nping\n", "ERR it is ending\nOK\n.\n");
	d->flush_fails = false;
	d->flush_stays = false;
	expect(d, "flush\n", "OK\nflushed 0\n.\n");
	/* The teardown closes a connection that waits for a flush. */
	d->flush_stays = true;
	fd = connect_raw(d);
	say(fd, "flush\n");
	wait_for(&d->flush_starts, 4);
	close(fd);
}

static bool is_closed_within(int fd, int ms)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char c;

	return poll(&wait, 1, ms) == 1 && recv(fd, &c, 1, MSG_DONTWAIT) == 0;
}

static void idle(void **state)
{
	struct daemon *d = *state;
	int quiet = connect_raw(d), stuck = connect_raw(d), busy = connect_raw(d);
	char text[16];

	memset(d->held, 1, sizeof(d->held));
	say(stuck, "list\n");
	for (int i = 0; i < 4; i++) {
		usleep(IDLE_MS * 1000 / 2);
		say(busy, "ping\n");
		assert_int_equal(recv(busy, text, sizeof(text), 0), 5);
	}
	/* A client that sends nothing, and one that does not read: the written replies can still be
	 * read. */
	assert_true(is_closed_within(quiet, 0));
	usleep(IDLE_MS * 1000);
	char *all = malloc(4 << 20);
	assert_non_null(all);
	size_t used = read_all(stuck, all, 4 << 20);
	assert_true(used < 2000000);
	free(all);
	close(quiet);
	close(stuck);
	close(busy);
}

/* A client that leaves during a reply does not end the daemon. */
static void leavers(void **state)
{
	struct daemon *d = *state;

	memset(d->held, 1, sizeof(d->held));
	for (int i = 0; i < 200; i++) {
		int fd = connect_raw(d);

		say(fd, "list\nlist\nlist\n");
		if (i % 2)
			usleep(1000);
		close(fd);
	}
	expect(d, "ping\n", "OK\n.\n");
}

/* More clients than the limit have come and gone before the loop runs: the next client is
 * served. */
static void leavers_all_at_once(void **state)
{
	struct daemon *d = *state;
	int fds[20], fd;
	char text[64];

	for (int i = 0; i < 20; i++)
		fds[i] = connect_raw(d);
	expect(d, "ping\n", "OK\n.\n"); /* all of them have been accepted */
	pthread_mutex_lock(&d->pause);
	say(fds[0], "stats\n");
	usleep(50000);		       /* the loop waits there, or will: both are fine */
	for (int i = 0; i < 60; i++) { /* the backlog is 64 */
		fd = connect_raw(d);
		if (i % 2)
			say(fd, "list\n");
		close(fd);
	}
	fd = connect_raw(d);
	say(fd, "ping\n");
	pthread_mutex_unlock(&d->pause);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	read_all(fd, text, sizeof(text));
	assert_string_equal(text, "OK\n.\n");
	close(fd);
	for (int i = 0; i < 20; i++)
		close(fds[i]);
}

static int collect(void *ctx, char *line)
{
	strcat(ctx, line);
	strcat(ctx, "|");
	return 0;
}

static void client(void **state)
{
	struct daemon *d = *state;
	struct admin_client *client;
	char text[512] = "", missing[80];

	assert_int_equal(admin_client_open(&client, d->path, 1000), 0);
	assert_int_equal(admin_client_request(client, "stats", collect, text), 0);
	assert_string_equal(text, "get_hits 18446744073709551615|get_misses 0|");
	text[0] = '\0';
	assert_int_equal(admin_client_request(client, "reload", collect, text), 0);
	assert_string_equal(text, "capacity|.listen||");
	assert_int_equal(admin_client_request(client, "show 12", collect, text), -EREMOTEIO);
	assert_string_equal(error_message(), "no such session");
	assert_int_equal(admin_client_request(client, "ping", NULL, NULL), 0);
	admin_client_close(client);

	snprintf(missing, sizeof(missing), "%s/none", d->folder);
	assert_int_equal(admin_client_open(&client, missing, 1000), -ENOENT);
	assert_non_null(strstr(error_message(), "no sessiond answers on"));
}

/* A process that holds the socket but never answers costs a client only its time limit. */
static void client_time_limit(void **state)
{
	struct daemon *d = *state;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct admin_client *client;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/mute", d->folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(admin_client_open(&client, addr.sun_path, 100), 0);
	assert_int_equal(admin_client_request(client, "ping", NULL, NULL), -ETIMEDOUT);
	admin_client_close(client);
	/* be_patient does not wait for it either. */
	assert_int_equal(admin_client_open(&client, addr.sun_path, 100), 0);
	admin_client_be_patient(client);
	assert_int_equal(admin_client_request(client, "flush", NULL, NULL), -ETIMEDOUT);
	admin_client_close(client);
	close(fd);
	assert_int_equal(admin_client_open(&client, addr.sun_path, 100), -ECONNREFUSED);
	assert_int_equal(unlink(addr.sun_path), 0);
}

static void socket_file(void **state)
{
	struct daemon *d = *state;
	struct admin_config config = {.ops = &fake_ops, .ctx = d, .capacity = CAPACITY};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct event_base *base = event_base_new();
	char path[200], long_path[200];
	struct admin *second;
	struct stat st;
	int fd;

	assert_int_equal(stat(d->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	/* A live one stays. */
	config.path = d->path;
	assert_int_equal(admin_open(&second, base, &config), -EADDRINUSE);
	assert_non_null(strstr(error_message(), "another sessiond answers on /tmp/"));
	expect(d, "ping\n", "OK\n.\n");
	/* A stale one is replaced, and removed at the end. */
	snprintf(path, sizeof(path), "%s/stale", d->folder);
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	config.path = path;
	assert_int_equal(admin_open(&second, base, &config), 0);
	admin_close(second);
	assert_int_equal(access(path, F_OK), -1);
	/* A file that has taken the name meanwhile is not removed. */
	assert_int_equal(admin_open(&second, base, &config), 0);
	assert_int_equal(unlink(path), 0);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	admin_close(second);
	assert_int_equal(access(path, F_OK), 0);
	/* Nor is it replaced. */
	assert_int_equal(admin_open(&second, base, &config), -EEXIST);
	assert_non_null(strstr(error_message(), "a file that is not a socket"));
	assert_int_equal(unlink(path), 0);

	snprintf(path, sizeof(path), "%s/none/x", d->folder);
	assert_int_equal(admin_open(&second, base, &config), -ENOENT);
	assert_non_null(strstr(error_message(), "choose --control"));
	memset(long_path, 'x', sizeof(long_path));
	long_path[150] = '\0';
	config.path = long_path;
	assert_int_equal(admin_open(&second, base, &config), -ENAMETOOLONG);
	event_base_free(base);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(requests),
		TEST(filters),
		TEST(watches),
		TEST(wrong_filters),
		cmocka_unit_test(contexts_as_text),
		TEST(wrong_requests),
		TEST(pipelined),
		TEST(long_lines),
		TEST(many_connections),
		TEST(slow_reader),
		TEST(requests_take_turns),
		TEST(free_slots_take_turns),
		TEST(flush_takes_long),
		TEST(flush_ends_otherwise),
		TEST(idle),
		TEST(leavers),
		TEST(leavers_all_at_once),
		TEST(client),
		TEST(client_time_limit),
		TEST(socket_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
