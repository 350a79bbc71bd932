/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/session_filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/suggest.h"
#include "common/text.h"

#define HEX_MARK "0x"

/* Whether a context is shown as it is: no text that means something else, no blank. */
static bool is_plain(const uint8_t *context, size_t len)
{
	if (len == 0 || context[0] == '(' || context[0] == '-' || context[0] == '.' ||
		(len >= 2 && memcmp(context, HEX_MARK, 2) == 0))
		return false;
	for (size_t i = 0; i < len; i++)
		if (context[i] <= 0x20 || context[i] >= 0x7f || context[i] == '"' ||
			context[i] == '\\')
			return false;
	return true;
}

char *context_format(const uint8_t *context, size_t len, char out[CONTEXT_TEXT])
{
	if (len == 0) {
		strcpy(out, "-");
	} else if (is_plain(context, len)) {
		memcpy(out, context, len);
		out[len] = '\0';
	} else {
		strcpy(out, HEX_MARK);
		for (size_t i = 0; i < len; i++)
			snprintf(out + 2 + 2 * i, 3, "%02x", context[i]);
	}
	return out;
}

bool context_parse(const char *text, uint8_t context[SESSION_CONTEXT_MAX], uint8_t *len)
{
	/* One more than fits: it is refused. */
	size_t length = strnlen(text, 2 * SESSION_CONTEXT_MAX + sizeof(HEX_MARK));
	uint8_t bytes[32];

	memset(context, 0, SESSION_CONTEXT_MAX);
	*len = 0;
	if (strcmp(text, "-") == 0)
		return true;
	if (strncmp(text, HEX_MARK, 2) == 0 && text_key(text + 2, bytes)) {
		*len = (uint8_t)((length - 2) / 2);
		memcpy(context, bytes, *len);
		return true;
	}
	if (length == 0 || length > SESSION_CONTEXT_MAX)
		return false;
	memcpy(context, text, length);
	*len = (uint8_t)length;
	return true;
}

static int add_id(struct session_filter *filter, const char *value)
{
	char padded[2 * SESSD_KEY_SIZE + 2], quoted[TEXT_QUOTE];
	size_t digits = strlen(value);

	if (digits <= 2 * SESSD_KEY_SIZE) {
		snprintf(padded, sizeof(padded), "%s%s", value, digits % 2 ? "0" : "");
		if (text_key(padded, filter->id)) {
			filter->id_digits = (uint8_t)digits;
			return 0;
		}
	}
	return error_set(EINVAL, "id %s: expected 1 to 64 hex digits", text_quote(value, quoted));
}

/* The value of "NAME=VALUE", or NULL. */
static const char *value_of(const char *condition, const char *name)
{
	size_t len = strlen(name);

	return strncmp(condition, name, len) == 0 && condition[len] == '=' ? condition + len + 1
									   : NULL;
}

int session_filter_add(struct session_filter *filter, const char *condition)
{
	char quoted[TEXT_QUOTE], expected[128];
	const char *value;

	if ((value = value_of(condition, "id")))
		return add_id(filter, value);
	if ((value = value_of(condition, "context"))) {
		filter->by_context = true;
		if (context_parse(value, filter->context, &filter->context_len))
			return 0;
		return error_set(EINVAL, "context %s: expected 1 to %d bytes, or - for none",
			text_quote(value, quoted), SESSION_CONTEXT_MAX);
	}
	if ((value = value_of(condition, "tls"))) {
		filter->by_kind = true;
		if (session_kind_find(value, &filter->kind))
			return 0;
		return error_set(EINVAL, "tls %s: %s", text_quote(value, quoted),
			suggest_expected(
				value, "1.3 1.2 other sealed opaque", expected, sizeof(expected)));
	}
	if ((value = value_of(condition, "source"))) {
		filter->by_source = true;
		if (prefix_parse(value, &filter->source) == 0)
			return 0;
		return error_set(EINVAL, "source %s: expected an address or a prefix",
			text_quote(value, quoted));
	}
	return error_set(EINVAL,
		"%s: expected id=, context=, tls= or source=", text_quote(condition, quoted));
}

bool session_filter_is_empty(const struct session_filter *filter)
{
	return !filter->id_digits && !filter->by_context && !filter->by_kind && !filter->by_source;
}

static bool has_prefix(const struct session_filter *filter, const uint8_t *key)
{
	unsigned digits = filter->id_digits;

	return memcmp(key, filter->id, digits / 2) == 0 &&
	       (digits % 2 == 0 || key[digits / 2] >> 4 == filter->id[digits / 2] >> 4);
}

bool session_filter_selects(const struct session_filter *filter, const struct session *session,
	const struct session_info *info)
{
	return has_prefix(filter, session->key) &&
	       (!filter->by_context || (!info->others && info->kind != SESSION_SEALED &&
					       info->kind != SESSION_OPAQUE &&
					       info->context_len == filter->context_len &&
					       memcmp(info->context, filter->context,
						       sizeof(info->context)) == 0)) &&
	       (!filter->by_kind || info->kind == filter->kind) &&
	       (!filter->by_source ||
		       (info->has_source && prefix_contains(&filter->source, &info->source)));
}
