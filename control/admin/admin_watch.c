/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * `watch`: events as they come, to every connection that asked for them. Bounded: a client that
 * does not read loses events, and is told how many.
 */
#include "control/admin/admin_connection.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "control/sessions/outcome_words.h"

/* Events of one connection between two looks, and bytes that may wait for it. */
#define EVENTS_MAX  200
#define WAITING_MAX 32768

int admin_watch_add(struct admin_watch *watch, const char *condition)
{
	if (strncmp(condition, "outcome=", 8) == 0)
		return outcome_words_add(&watch->outcomes, condition + 8);
	return session_filter_add(&watch->filter, condition);
}

static const char *type_name(unsigned type)
{
	switch (type) {
	case SESSD_NEW:
		return "NEW";
	case SESSD_GET:
		return "GET";
	case SESSD_REMOVE:
		return "REMOVE";
	case SESSD_TAKE:
		return "TAKE";
	default:
		return "-";
	}
}

static bool selects(const struct admin_watch *watch, const struct session_event *event)
{
	struct session session = {0};
	struct session_info info = {.kind = event->kind, .context_len = event->context_len};

	if (watch->outcomes && !(watch->outcomes >> event->request.outcome & 1))
		return false;
	/* What is unknown is not selected. */
	if (event->request.type == SESSD_EVENT_UNKNOWN && watch->filter.id_digits > 0)
		return false;
	if (event->kind == SESSION_KINDS && (watch->filter.by_context || watch->filter.by_kind))
		return false;
	memcpy(session.key, event->request.key, sizeof(session.key));
	memcpy(info.context, event->context, sizeof(info.context));
	memcpy(&info.source, event->request.source, sizeof(info.source));
	info.has_source = !address_is_wildcard(&info.source);
	return session_filter_selects(&watch->filter, &session, &info);
}

void admin_watch_event(
	struct admin_watch *watch, struct evbuffer *out, const struct session_event *event)
{
	char id[TEXT_KEY_SIZE] = "-", source[ADDRESS_TEXT] = "-", context[CONTEXT_TEXT] = "-";
	struct address address;

	if (!selects(watch, event))
		return;
	if (watch->shown >= EVENTS_MAX || evbuffer_get_length(out) > WAITING_MAX) {
		watch->left_out++;
		return;
	}
	watch->shown++;
	memcpy(&address, event->request.source, sizeof(address));
	if (!address_is_wildcard(&address))
		address_format(&address, source);
	if (event->request.type != SESSD_EVENT_UNKNOWN)
		text_key_format(event->request.key, id);
	context_format(event->context, event->context_len, context);
	evbuffer_add_printf(out, "%s %s %s %s %s %s\n", type_name(event->request.type),
		outcome_word(event->request.outcome), source, id,
		event->kind < SESSION_KINDS ? session_kind_name(event->kind) : "-", context);
}

void admin_watch_end(struct admin_watch *watch, struct evbuffer *out, unsigned one_in)
{
	if (one_in != watch->one_in) {
		if (one_in == 0)
			evbuffer_add_printf(out, "# this mode shows no GETs\n");
		else if (one_in == 1)
			evbuffer_add_printf(out, "# every GET\n");
		else
			evbuffer_add_printf(out, "# one GET in %u\n", one_in);
		watch->one_in = one_in;
	}
	if (watch->left_out && evbuffer_get_length(out) <= WAITING_MAX) {
		evbuffer_add_printf(out, "# %u events left out\n", watch->left_out);
		watch->left_out = 0;
	}
	watch->shown = 0;
}
