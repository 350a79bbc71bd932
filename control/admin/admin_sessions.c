/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The admin socket's requests about sessions.
 */
#include "control/admin/admin_connection.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"

#include "common/clock.h"
#include "common/text.h"

/* Sessions listed at a time: some 30 kB of text. */
#define PAGE 256

/* Parses filters, separated by blanks. Replies if they are wrong. */
static bool parse_filter(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	char copy[ADMIN_LINE_SIZE], *save = NULL, *word;

	memset(&connection->filter, 0, sizeof(connection->filter));
	snprintf(copy, sizeof(copy), "%s", argument ? argument : "");
	for (word = strtok_r(copy, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (session_filter_add(&connection->filter, word) < 0) {
			admin_reply_error(out, error_message());
			return false;
		}
	}
	return true;
}

void admin_do_list(struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	if (!parse_filter(connection, out, argument))
		return;
	admin_reply_begin(out);
	connection->listing = true;
	connection->list_next = 0;
	admin_list_page(connection);
}

static bool parse_id(struct evbuffer *out, const char *argument, uint8_t key[SESSD_KEY_SIZE])
{
	if (text_key(argument, key))
		return true;
	admin_reply_error(out, "an id is 1 to 32 bytes in hex digits");
	return false;
}

/* Texts of what is known of a session. */
struct info_text {
	char source[ADDRESS_TEXT], context[CONTEXT_TEXT];
};

static struct info_text info_text(const struct session_info *info)
{
	struct info_text text = {.source = "-"};

	if (info->has_source)
		address_format(&info->source, text.source);
	if (info->others)
		strcpy(text.context, "(other)");
	else
		context_format(info->context, info->context_len, text.context);
	return text;
}

void admin_do_show(struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	const struct admin_config *config = connection->config;
	uint8_t key[SESSD_KEY_SIZE];
	char id[TEXT_KEY_SIZE];
	struct session session;
	struct session_info info;
	struct info_text text;
	uint64_t now = clock_tick();

	if (!parse_id(out, argument, key))
		return;
	if (!config->ops->find(config->ctx, key, &session, &info) || session.expires <= now) {
		admin_reply_error(out, "no such session");
		return;
	}
	admin_reply_begin(out);
	text = info_text(&info);
	evbuffer_add_printf(out,
		"id %s\nremaining %" PRIu64 "\nlength %u\nage %u\ntls %s\nsource %s\ncontext %s\n"
		"used %d\n",
		text_key_format(session.key, id), clock_seconds(session.expires - now), session.len,
		info.age, session_kind_name(info.kind), text.source, text.context, info.used);
	admin_reply_end(out);
}

void admin_do_remove(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	const struct admin_config *config = connection->config;
	uint8_t key[SESSD_KEY_SIZE];
	char id[TEXT_KEY_SIZE];

	if (strchr(argument, '=')) {
		if (!parse_filter(connection, out, argument))
			return;
		log_notice("admin: user %u removes sessions: %s", connection->uid, argument);
		connection->removing = true;
		connection->list_next = 0;
		connection->removed = 0;
		admin_remove_page(connection);
		return;
	}
	if (!parse_id(out, argument, key))
		return;
	if (!config->ops->del(config->ctx, key)) {
		admin_reply_error(out, "no such session");
		return;
	}
	log_notice("admin: user %u removed session %s", connection->uid, text_key_format(key, id));
	admin_reply_begin(out);
	admin_reply_end(out);
}

void admin_do_take(struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	const struct admin_config *config = connection->config;
	uint8_t key[SESSD_KEY_SIZE];
	char id[TEXT_KEY_SIZE];

	if (!parse_id(out, argument, key))
		return;
	if (!config->ops->take(config->ctx, key)) {
		admin_reply_error(out, "no such session, or it was taken");
		return;
	}
	log_notice("admin: user %u took session %s", connection->uid, text_key_format(key, id));
	admin_reply_begin(out);
	admin_reply_end(out);
}

void admin_do_contexts(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	static struct census_row rows[CENSUS_ROWS];
	unsigned count = connection->config->ops->contexts(connection->config->ctx, rows);
	char text[CONTEXT_TEXT];

	(void)argument;
	admin_reply_begin(out);
	for (unsigned i = 0; i < count; i++) {
		const struct census_row *row = &rows[i];

		for (unsigned kind = 0; kind < SESSION_KINDS; kind++) {
			const struct census_counts *of = &row->of[kind];

			if (of->stored == 0 && of->sessions == 0)
				continue;
			evbuffer_add_printf(out, "%s %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
				row->others ? "(other)"
					    : context_format(row->context, row->context_len, text),
				session_kind_name((enum session_kind)kind), of->sessions,
				of->stored, of->used);
		}
	}
	admin_reply_end(out);
}

void admin_do_sources(
	struct admin_connection *connection, struct evbuffer *out, const char *argument)
{
	static struct source_place rows[SOURCE_LIST_SIZE];
	unsigned count = connection->config->ops->sources(connection->config->ctx, rows);
	char text[ADDRESS_TEXT];

	(void)argument;
	admin_gather(connection->admin);
	admin_reply_begin(out);
	for (unsigned i = 0; i < count; i++)
		evbuffer_add_printf(out,
			"%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
			address_is_wildcard(&rows[i].address)
				? "-"
				: address_format(&rows[i].address, text),
			rows[i].sessions, rows[i].stored, rows[i].used, rows[i].elsewhere,
			rows[i].home);
	admin_reply_end(out);
}

void admin_list_page(struct admin_connection *connection)
{
	const struct admin_config *config = connection->config;
	struct evbuffer *out = bufferevent_get_output(connection->bev);
	struct session sessions[PAGE];
	struct session_info infos[PAGE];
	uint32_t from = connection->list_next;
	uint64_t now = clock_tick();
	char id[TEXT_KEY_SIZE];
	struct info_text text;
	unsigned n;

	n = config->ops->list(
		config->ctx, &connection->filter, &connection->list_next, sessions, infos, PAGE);
	for (unsigned i = 0; i < n; i++) {
		const struct session *session = &sessions[i];

		if (session->expires <= now)
			continue;
		text = info_text(&infos[i]);
		evbuffer_add_printf(out, "%s %" PRIu64 " %u %u %s %s %s\n",
			text_key_format(session->key, id), clock_seconds(session->expires - now),
			session->len, infos[i].age, session_kind_name(infos[i].kind), text.source,
			text.context);
	}
	if (connection->list_next >= config->capacity || connection->list_next <= from) {
		admin_reply_end(out);
		connection->listing = false;
	}
}

void admin_remove_page(struct admin_connection *connection)
{
	const struct admin_config *config = connection->config;
	struct evbuffer *out = bufferevent_get_output(connection->bev);
	uint32_t from = connection->list_next;

	connection->removed +=
		config->ops->remove(config->ctx, &connection->filter, &connection->list_next);
	if (connection->list_next < config->capacity && connection->list_next > from)
		return;
	connection->removing = false;
	log_notice("admin: user %u removed %" PRIu64 " sessions", connection->uid,
		connection->removed);
	admin_reply_begin(out);
	evbuffer_add_printf(out, "removed %" PRIu64 "\n", connection->removed);
	admin_reply_end(out);
}
