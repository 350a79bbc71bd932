/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the admin socket's requests do.
 */
#include "control/admin/admin_connection.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"

#include "common/clock.h"
#include "common/suggest.h"
#include "common/text.h"

/* Sources in a reply to `talkers`. */
#define TALKERS_PAGE 64

void admin_reply_error(struct evbuffer *out, const char *message)
{
	char line[ADMIN_LINE_SIZE];

	snprintf(line, sizeof(line), "%s", message);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 0x20)
			*c = ' ';
	evbuffer_add_printf(out, "ERR %s\n", line);
}

void admin_reply_begin(struct evbuffer *out)
{
	evbuffer_add(out, "OK\n", 3);
}

void admin_reply_end(struct evbuffer *out)
{
	evbuffer_add(out, ".\n", 2);
}

/* A line of free text. */
static void reply_line(void *ctx, const char *text)
{
	struct evbuffer *out = ctx;
	size_t len = strcspn(text, "\r\n");

	if (*text == '.')
		evbuffer_add(out, ".", 1);
	evbuffer_add(out, text, len);
	evbuffer_add(out, "\n", 1);
}

static void reply_figure(void *ctx, const char *name, uint64_t value)
{
	evbuffer_add_printf(ctx, "%s %" PRIu64 "\n", name, value);
}

static void do_stats(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	(void)argument;
	admin_reply_begin(out);
	connection->config->ops->stats(connection->config->ctx, reply_figure, out);
	admin_reply_end(out);
}

static void do_flush(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	(void)out;
	(void)argument;
	log_notice("admin: user %u asks for a flush", connection->uid);
	connection->config->ops->flush_start(connection->config->ctx, &connection->flush);
	connection->flushing = true;
	admin_flush_look(connection);
}

/* An error, or the lines in `body`. Frees `body`. */
static void reply_body(struct evbuffer *out, struct evbuffer *body, int err)
{
	if (err < 0) {
		admin_reply_error(out, error_message());
	} else {
		admin_reply_begin(out);
		evbuffer_add_buffer(out, body);
		admin_reply_end(out);
	}
	evbuffer_free(body);
}

/* Replies with the lines of `ask`, or its error. */
static void reply_lines(struct admin_connection *connection, struct evbuffer *out,
	int (*ask)(void *ctx, void (*line)(void *line_ctx, const char *text), void *line_ctx))
{
	struct evbuffer *body = evbuffer_new();

	if (body)
		reply_body(out, body, ask(connection->config->ctx, reply_line, body));
	else
		admin_reply_error(out, "out of memory");
}

static void reply_config(struct admin_connection *connection, struct evbuffer *out, bool diff)
{
	const struct admin_config *config = connection->config;
	struct evbuffer *body = evbuffer_new();

	if (body)
		reply_body(out, body, config->ops->config(config->ctx, diff, reply_line, body));
	else
		admin_reply_error(out, "out of memory");
}

static void do_config(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	(void)argument;
	reply_config(connection, out, false);
}

static void do_config_diff(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	(void)argument;
	reply_config(connection, out, true);
}

static void do_reload(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	(void)argument;
	log_notice("admin: user %u asks for a reload", connection->uid);
	reply_lines(connection, out, connection->config->ops->reload);
}

static void do_farm(struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	(void)argument;
	reply_lines(connection, out, connection->config->ops->farm);
}

static void do_log_level(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	enum log_level level;
	char expected[128];

	if (log_level_parse(argument, &level) < 0) {
		admin_reply_error(out,
			suggest_expected(argument, LOG_LEVEL_WORDS, expected, sizeof(expected)));
		return;
	}
	connection->config->ops->set_log_level(connection->config->ctx, level);
	log_notice("admin: user %u set the log level to %s", connection->uid, argument);
	admin_reply_begin(out);
	admin_reply_end(out);
}

static void do_talkers(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	struct talker talkers[TALKERS_PAGE];
	int n = connection->config->ops->talkers(connection->config->ctx, talkers, TALKERS_PAGE);
	char text[ADDRESS_TEXT];

	(void)argument;
	if (n < 0) {
		admin_reply_error(out, error_message());
		return;
	}
	admin_reply_begin(out);
	for (int i = 0; i < n; i++)
		evbuffer_add_printf(out,
			"%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
			address_format(&talkers[i].source, text), talkers[i].gets, talkers[i].news,
			talkers[i].removes, talkers[i].hits, talkers[i].drops);
	admin_reply_end(out);
}

static void do_watch(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	char copy[ADMIN_LINE_SIZE], *save = NULL, *word;

	memset(&connection->watch, 0, sizeof(connection->watch));
	snprintf(copy, sizeof(copy), "%s", argument ? argument : "");
	for (word = strtok_r(copy, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (admin_watch_add(&connection->watch, word) < 0) {
			admin_reply_error(out, error_message());
			return;
		}
	}
	admin_reply_begin(out);
	admin_watch_begin(connection);
}

static void do_version(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	(void)connection;
	(void)argument;
	admin_reply_begin(out);
	reply_line(out, "sessiond " SESSIOND_VERSION);
	admin_reply_end(out);
}

static void do_ping(struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	(void)connection;
	(void)argument;
	admin_reply_begin(out);
	admin_reply_end(out);
}

enum arguments {
	NONE,
	ONE,
	ONE_ID,	 /* one, or filters */
	FILTERS, /* or none */
};

static const struct {
	const char *name;
	enum arguments arguments;
	void (*run)(
		struct admin_connection *connection, struct evbuffer *out, const char *argument);
} commands[] = {
	{"stats", NONE, do_stats},
	{"list", FILTERS, admin_do_list},
	{"show", ONE, admin_do_show},
	{"remove", ONE_ID, admin_do_remove},
	{"take", ONE, admin_do_take},
	{"contexts", NONE, admin_do_contexts},
	{"sources", NONE, admin_do_sources},
	{"flush", NONE, do_flush},
	{"reload", NONE, do_reload},
	{"config", NONE, do_config},
	{"config-diff", NONE, do_config_diff},
	{"log-level", ONE, do_log_level},
	{"talkers", NONE, do_talkers},
	{"farm", NONE, do_farm},
	{"watch", FILTERS, do_watch},
	{"version", NONE, do_version},
	{"ping", NONE, do_ping},
};

/* Whether a command takes these words. */
static bool takes(enum arguments arguments, const char *first, bool more)
{
	switch (arguments) {
	case NONE:
		return !first;
	case ONE:
		return first && !more;
	case ONE_ID:
		return first && (!more || strchr(first, '='));
	case FILTERS:
		break;
	}
	return true;
}

void admin_command(struct admin_connection *connection, const char *line)
{
	struct evbuffer *out = bufferevent_get_output(connection->bev);
	char copy[ADMIN_LINE_SIZE], message[ADMIN_LINE_SIZE], *save = NULL, *argument, *end;
	const char *name;
	bool more;

	snprintf(copy, sizeof(copy), "%s", line);
	name = strtok_r(copy, " \t", &save);
	argument = save ? save + strspn(save, " \t") : NULL;
	if (argument && !*argument)
		argument = NULL;
	for (end = argument ? strchr(argument, '\0') : NULL; end && strchr(" \t", end[-1]);)
		*--end = '\0';
	more = argument && strpbrk(argument, " \t");
	for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (!takes(commands[i].arguments, argument, more)) {
			snprintf(message, sizeof(message), "%s takes %s", name,
				commands[i].arguments == NONE ? "no argument" : "one argument");
			admin_reply_error(out, message);
			return;
		}
		commands[i].run(connection, out, argument);
		return;
	}
	admin_reply_error(out,
		"unknown command: expected stats, list, show ID, remove ID, take ID, "
		"contexts, sources, flush, reload, config, config-diff, log-level LEVEL, talkers, "
		"farm, watch, version or ping");
}

void admin_flush_look(struct admin_connection *connection)
{
	const struct admin_config *config = connection->config;
	struct evbuffer *out = bufferevent_get_output(connection->bev);
	uint64_t deleted = 0;
	int done = config->ops->flush_done(config->ctx, &connection->flush, &deleted);

	if (done == 0)
		return;
	connection->flushing = false;
	if (done < 0) {
		admin_reply_error(out, error_message());
		return;
	}
	log_notice("admin: user %u flushed %" PRIu64 " sessions", connection->uid, deleted);
	admin_reply_begin(out);
	evbuffer_add_printf(out, "flushed %" PRIu64 "\n", deleted);
	admin_reply_end(out);
}
