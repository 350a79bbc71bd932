/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The admin socket's protocol: an input is all that a client sends. The output must consist of
 * whole replies: OK, lines and a dot, or ERR and one line; and never have a value of a session.
 */
#include "tests/fuzz/fuzz.h"

#include "common/log.h"

#include "common/clock.h"
#include "control/admin/admin.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CAPACITY 40

static struct event_base *base;
static struct admin *admin;
static bool held[CAPACITY];
static struct sockaddr_un path = {.sun_family = AF_UNIX};

static void key_of(uint32_t slot, uint8_t key[SESSD_KEY_SIZE])
{
	memset(key, (int)slot, SESSD_KEY_SIZE);
}

static void describe(uint32_t slot, struct session *session)
{
	*session = (struct session){.slot = slot, .len = 144};
	key_of(slot, session->key);
	session->expires = clock_tick() + clock_ticks(100);
}

static void do_stats(void *ctx, stats_emit emit, void *emit_ctx)
{
	(void)ctx;
	emit(emit_ctx, "get_hits", 1);
}

static void describe_info(uint32_t slot, struct session_info *info)
{
	*info = (struct session_info){.age = slot,
		.kind = (enum session_kind)(slot % SESSION_KINDS),
		.has_source = slot & 1,
		.others = slot % 7 == 0,
		.context_len = (uint8_t)(slot % (SESSION_CONTEXT_MAX + 1))};
	memset(info->context, (int)slot, info->context_len);
}

static bool do_find(void *ctx, const uint8_t key[SESSD_KEY_SIZE], struct session *session,
	struct session_info *info)
{
	uint8_t have[SESSD_KEY_SIZE];

	(void)ctx;
	for (uint32_t i = 0; i < CAPACITY; i++) {
		key_of(i, have);
		if (!held[i] || memcmp(have, key, SESSD_KEY_SIZE) != 0)
			continue;
		describe(i, session);
		describe_info(i, info);
		return true;
	}
	return false;
}

static bool do_del(void *ctx, const uint8_t key[SESSD_KEY_SIZE])
{
	struct session session;
	struct session_info info;

	if (!do_find(ctx, key, &session, &info))
		return false;
	held[session.slot] = false;
	return true;
}

static void do_flush_start(void *ctx, struct writer_flush *flush)
{
	(void)ctx;
	memset(held, 0, sizeof(held));
	flush->pass = 2;
}

/* Ended at once: the loop below does not wait for timers. */
static int do_flush_done(void *ctx, const struct writer_flush *flush, uint64_t *deleted)
{
	(void)ctx;
	if (flush->pass != 2)
		FUZZ_FAIL("a flush that was not started is checked");
	*deleted = CAPACITY;
	return 1;
}

static unsigned do_list(void *ctx, const struct session_filter *filter, uint32_t *next,
	struct session *sessions, struct session_info *infos, unsigned room)
{
	unsigned n = 0;

	(void)ctx;
	for (; *next < CAPACITY && n < room; ++*next) {
		if (!held[*next])
			continue;
		describe(*next, &sessions[n]);
		describe_info(*next, &infos[n]);
		n += session_filter_selects(filter, &sessions[n], &infos[n]);
	}
	return n;
}

static unsigned do_remove(void *ctx, const struct session_filter *filter, uint32_t *next)
{
	unsigned n = 0;

	(void)ctx;
	if (session_filter_is_empty(filter))
		FUZZ_FAIL("remove without a filter");
	for (; *next < CAPACITY; ++*next) {
		struct session_info info;
		struct session session;

		describe(*next, &session);
		describe_info(*next, &info);
		if (!held[*next] || !session_filter_selects(filter, &session, &info))
			continue;
		held[*next] = false;
		n++;
	}
	return n;
}

static unsigned do_contexts(void *ctx, struct census_row rows[CENSUS_ROWS])
{
	(void)ctx;
	memset(rows, 0, sizeof(rows[0]));
	rows[0].context_len = SESSION_CONTEXT_MAX;
	rows[0].of[SESSION_TLS12].stored = 7;
	return 1;
}

static int do_reload(void *ctx, void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	(void)ctx;
	line(line_ctx, ".a line that starts with a dot");
	return 0;
}

static int do_config(
	void *ctx, bool diff, void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	(void)ctx;
	line(line_ctx, diff ? "- capacity = 1" : "capacity = 1");
	return 0;
}

static void do_level(void *ctx, enum log_level level)
{
	(void)ctx;
	if (level > LOG_LEVEL_DEBUG)
		FUZZ_FAIL("log level %d", (int)level);
}

static void remove_folder(void)
{
	char *slash = strrchr(path.sun_path, '/');

	admin_close(admin);
	*slash = '\0';
	rmdir(path.sun_path);
}

static int do_talkers(void *ctx, struct talker *talkers, unsigned room)
{
	(void)ctx;
	memset(talkers, 0, room * sizeof(*talkers));
	return room > 2 ? 2 : (int)room;
}

static unsigned do_sources(void *ctx, struct source_place rows[SOURCE_LIST_SIZE])
{
	(void)ctx;
	memset(rows, 0, 2 * sizeof(*rows));
	return 2;
}

static int do_farm(void *ctx, void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	(void)ctx;
	line(line_ctx, "cache name=\"a\"");
	return 0;
}

static unsigned do_watch(void *ctx,
	void (*found)(void *found_ctx, const struct session_event *event), void *found_ctx)
{
	(void)ctx, (void)found, (void)found_ctx;
	return 1;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct admin_ops ops = {do_stats, do_find, do_del, do_del, do_flush_start,
		do_flush_done, do_list, do_remove, do_contexts, do_sources, do_reload, do_config,
		do_level, do_talkers, do_farm, do_watch};
	struct admin_config config = {.path = path.sun_path, .ops = &ops, .capacity = CAPACITY};
	char folder[] = "/tmp/fuzz-admin-XXXXXX";

	(void)argc;
	(void)argv;
	log_open(LOG_LEVEL_ERROR);
	if (!mkdtemp(folder))
		FUZZ_FAIL("no folder: %s", strerror(errno));
	snprintf(path.sun_path, sizeof(path.sun_path), "%s/admin", folder);
	base = event_base_new();
	if (!base || admin_open(&admin, base, &config) < 0)
		FUZZ_FAIL("no admin socket: %s", error_message());
	atexit(remove_folder);
	return 0;
}

/* Whole replies, and nothing else. */
static void check_replies(char *text, size_t size)
{
	bool inside = false;

	if (size == 0)
		return;
	if (text[size - 1] != '\n')
		FUZZ_FAIL("the last line has no end");
	if (memchr(text, '\0', size))
		FUZZ_FAIL("a NUL in a reply");
	for (char *line = text, *end; line < text + size; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		if (!inside) {
			inside = strcmp(line, "OK") == 0;
			if (!inside && (strncmp(line, "ERR ", 4) != 0 || strlen(line) < 8))
				FUZZ_FAIL("neither OK nor ERR: %s", line);
		} else if (strcmp(line, ".") == 0) {
			inside = false;
		} else if (line[0] == '.' && line[1] != '.') {
			FUZZ_FAIL("a dot that is not doubled: %s", line);
		}
		for (const char *c = line; *c; c++) {
			if ((unsigned char)*c < 0x20 || *c == 0x7f)
				FUZZ_FAIL("a control character in a reply: %s", line);
		}
	}
	if (inside)
		FUZZ_FAIL("a reply without its end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char reply[1 << 22];
	size_t sent = 0, got = 0;
	bool shut = false;
	int fd;

	for (unsigned i = 0; i < CAPACITY; i++)
		held[i] = true;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&path, sizeof(path)) < 0)
		FUZZ_FAIL("cannot connect: %s", strerror(errno));
	/* Each pass moves data, or the client waits for a reply that comes in the next pass. */
	for (unsigned idle = 0; idle < 1000; idle++) {
		ssize_t n = send(fd, data + sent, size - sent, MSG_NOSIGNAL);

		if (n > 0) {
			sent += (size_t)n;
			idle = 0;
		} else if (n < 0 && errno != EAGAIN) {
			sent = size; /* it accepts no more: the line is too long */
		}
		if (sent == size && !shut) {
			shutdown(fd, SHUT_WR);
			shut = true;
		}
		event_base_loop(base, EVLOOP_NONBLOCK);
		n = recv(fd, reply + got, sizeof(reply) - 1 - got, 0);
		if (n > 0) {
			got += (size_t)n;
			idle = 0;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			break;
		}
		if (got == sizeof(reply) - 1)
			break;
		if (idle == 999)
			FUZZ_FAIL("the connection is not closed");
	}
	close(fd);
	reply[got] = '\0';
	if (got < sizeof(reply) - 1)
		check_replies(reply, got);
	event_base_loop(base, EVLOOP_NONBLOCK);
	return 0;
}
