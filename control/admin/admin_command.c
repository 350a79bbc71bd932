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
#include "common/text.h"

/* Sessions listed at a time: some 20 kB of text. */
#define PAGE 256

/* Sources in a reply to `talkers`. */
#define TALKERS_PAGE 64

#define LINE_SIZE 512

static void reply_error(struct evbuffer *out, const char *message)
{
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "%s", message);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 0x20)
			*c = ' ';
	evbuffer_add_printf(out, "ERR %s\n", line);
}

static void reply_begin(struct evbuffer *out)
{
	evbuffer_add(out, "OK\n", 3);
}

static void reply_end(struct evbuffer *out)
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
	reply_begin(out);
	connection->config->ops->stats(connection->config->ctx, reply_figure, out);
	reply_end(out);
}

static void do_list(struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	(void)argument;
	reply_begin(out);
	connection->listing = true;
	connection->list_next = 0;
	admin_list_page(connection);
}

static bool parse_id(struct evbuffer *out, const char *argument, uint8_t key[SESSD_KEY_SIZE])
{
	if (text_key(argument, key))
		return true;
	reply_error(out, "an id is 1 to 32 bytes in hex digits");
	return false;
}

static void do_show(struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	const struct admin_config *config = connection->config;
	uint8_t key[SESSD_KEY_SIZE];
	char id[TEXT_KEY_SIZE];
	struct session session;
	uint64_t now = clock_tick();

	if (!parse_id(out, argument, key))
		return;
	if (!config->ops->find(config->ctx, key, &session) || session.expires <= now) {
		reply_error(out, "no such session");
		return;
	}
	reply_begin(out);
	evbuffer_add_printf(out, "id %s\nremaining %" PRIu64 "\nlength %u\n",
		text_key_format(session.key, id), clock_seconds(session.expires - now),
		session.len);
	reply_end(out);
}

static void do_remove(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	const struct admin_config *config = connection->config;
	uint8_t key[SESSD_KEY_SIZE];
	char id[TEXT_KEY_SIZE];

	if (!parse_id(out, argument, key))
		return;
	if (!config->ops->del(config->ctx, key)) {
		reply_error(out, "no such session");
		return;
	}
	log_notice("admin: user %u removed session %s", connection->uid, text_key_format(key, id));
	reply_begin(out);
	reply_end(out);
}

static void do_take(struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	const struct admin_config *config = connection->config;
	uint8_t key[SESSD_KEY_SIZE];
	char id[TEXT_KEY_SIZE];

	if (!parse_id(out, argument, key))
		return;
	if (!config->ops->take(config->ctx, key)) {
		reply_error(out, "no such session, or it was taken");
		return;
	}
	log_notice("admin: user %u took session %s", connection->uid, text_key_format(key, id));
	reply_begin(out);
	reply_end(out);
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
		reply_error(out, error_message());
	} else {
		reply_begin(out);
		evbuffer_add_buffer(out, body);
		reply_end(out);
	}
	evbuffer_free(body);
}

static void do_reload(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	const struct admin_config *config = connection->config;
	struct evbuffer *body = evbuffer_new();

	(void)argument;
	if (!body) {
		reply_error(out, "out of memory");
		return;
	}
	log_notice("admin: user %u asks for a reload", connection->uid);
	reply_body(out, body, config->ops->reload(config->ctx, reply_line, body));
}

static void reply_config(struct admin_connection *connection, struct evbuffer *out, bool diff)
{
	const struct admin_config *config = connection->config;
	struct evbuffer *body = evbuffer_new();

	if (body)
		reply_body(out, body, config->ops->config(config->ctx, diff, reply_line, body));
	else
		reply_error(out, "out of memory");
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

static void do_log_level(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	enum log_level level;

	if (log_level_parse(argument, &level) < 0) {
		reply_error(out, "expected error, warning, notice, info or debug");
		return;
	}
	connection->config->ops->set_log_level(connection->config->ctx, level);
	log_notice("admin: user %u set the log level to %s", connection->uid, argument);
	reply_begin(out);
	reply_end(out);
}

static void do_talkers(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	struct talker talkers[TALKERS_PAGE];
	int n = connection->config->ops->talkers(connection->config->ctx, talkers, TALKERS_PAGE);
	char text[ADDRESS_TEXT];

	(void)argument;
	if (n < 0) {
		reply_error(out, error_message());
		return;
	}
	reply_begin(out);
	for (int i = 0; i < n; i++)
		evbuffer_add_printf(out, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
			address_format(&talkers[i].source, text), talkers[i].gets, talkers[i].news,
			talkers[i].removes);
	reply_end(out);
}

static void do_version(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	(void)connection;
	(void)argument;
	reply_begin(out);
	reply_line(out, "sessiond " SESSIOND_VERSION);
	reply_end(out);
}

static void do_ping(struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	(void)connection;
	(void)argument;
	reply_begin(out);
	reply_end(out);
}

static const struct {
	const char *name;
	bool argument; /* takes exactly one; else none */
	void (*run)(
		struct admin_connection *connection, struct evbuffer *out, const char *argument);
} commands[] = {
	{"stats", false, do_stats},
	{"list", false, do_list},
	{"show", true, do_show},
	{"remove", true, do_remove},
	{"take", true, do_take},
	{"flush", false, do_flush},
	{"reload", false, do_reload},
	{"config", false, do_config},
	{"config-diff", false, do_config_diff},
	{"log-level", true, do_log_level},
	{"talkers", false, do_talkers},
	{"version", false, do_version},
	{"ping", false, do_ping},
};

void admin_command(struct admin_connection *connection, const char *line)
{
	struct evbuffer *out = bufferevent_get_output(connection->bev);
	char copy[LINE_SIZE], message[LINE_SIZE], *save = NULL;
	const char *name, *argument, *more;

	snprintf(copy, sizeof(copy), "%s", line);
	name = strtok_r(copy, " \t", &save);
	argument = strtok_r(NULL, " \t", &save);
	more = strtok_r(NULL, " \t", &save);
	for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (more || commands[i].argument != (argument != NULL)) {
			snprintf(message, sizeof(message), "%s takes %s", name,
				commands[i].argument ? "one argument" : "no argument");
			reply_error(out, message);
			return;
		}
		commands[i].run(connection, out, argument);
		return;
	}
	reply_error(out,
		"unknown command: expected stats, list, show ID, remove ID, take ID, "
		"flush, reload, config, config-diff, log-level LEVEL, talkers, version or ping");
}

void admin_list_page(struct admin_connection *connection)
{
	const struct admin_config *config = connection->config;
	struct evbuffer *out = bufferevent_get_output(connection->bev);
	struct session sessions[PAGE];
	uint32_t from = connection->list_next;
	uint64_t now = clock_tick();
	char id[TEXT_KEY_SIZE];
	unsigned n;

	n = config->ops->list(config->ctx, &connection->list_next, sessions, PAGE);
	for (unsigned i = 0; i < n; i++) {
		const struct session *session = &sessions[i];

		if (session->expires <= now)
			continue;
		evbuffer_add_printf(out, "%s %" PRIu64 " %u\n", text_key_format(session->key, id),
			clock_seconds(session->expires - now), session->len);
	}
	if (connection->list_next >= config->capacity || connection->list_next <= from) {
		reply_end(out);
		connection->listing = false;
	}
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
		reply_error(out, error_message());
		return;
	}
	log_notice("admin: user %u flushed %" PRIu64 " sessions", connection->uid, deleted);
	reply_begin(out);
	evbuffer_add_printf(out, "flushed %" PRIu64 "\n", deleted);
	reply_end(out);
}
