/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "client/preload/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#define FILE_DEFAULT "/etc/sessiond/client.conf"

struct reader {
	struct settings *settings;
	const char *where; /* the file, or "environment" */
	char *error;
};

static int wrong(const struct reader *reader, const char *name, const char *expected)
{
	/* The first is told. */
	if (*reader->error)
		return 0;
	snprintf(reader->error, SESSIOND_ERROR_SIZE, "%s: %s: expected %s", reader->where, name,
		expected);
	/* A damaged file must not reach the terminal as it is. */
	for (char *at = reader->error; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
	return 0;
}

/* As inih wants it: 0 for an error. */
static int set(void *ctx, const char *section, const char *name, const char *value)
{
	const struct reader *reader = ctx;
	struct settings *s = reader->settings;
	const char *expected;
	int known;

	if (*section)
		return wrong(reader, section, "no section");
	expected = named_settings_set(&s->named, name, value, &known);
	if (known)
		return expected ? wrong(reader, name, expected) : 1;
	if (strcmp(name, "log") == 0) {
		s->syslog = strcmp(value, "syslog") == 0;
		if (s->syslog || strcmp(value, "none") == 0)
			return 1;
		return wrong(reader, name, "syslog or none");
	}
	return wrong(reader, name,
		"one of caches, key, scope, deadline-us, copies, max-session, lifetime, "
		"single-use, forward-remove, no-tickets, async, log");
}

static void read_environment(struct reader *reader)
{
	static const char *const names[][2] = {
		{"SESSIOND_CACHES", "caches"},
		{"SESSIOND_KEY", "key"},
		{"SESSIOND_SCOPE", "scope"},
		{"SESSIOND_DEADLINE_US", "deadline-us"},
		{"SESSIOND_COPIES", "copies"},
		{"SESSIOND_MAX_SESSION", "max-session"},
		{"SESSIOND_LIFETIME", "lifetime"},
		{"SESSIOND_SINGLE_USE", "single-use"},
		{"SESSIOND_FORWARD_REMOVE", "forward-remove"},
		{"SESSIOND_NO_TICKETS", "no-tickets"},
		{"SESSIOND_ASYNC", "async"},
		{"SESSIOND_LOG", "log"},
	};

	reader->where = "environment";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = secure_getenv(names[i][0]);

		if (value)
			set(reader, "", names[i][1], value);
	}
}

int settings_read(struct settings *settings, char error[SESSIOND_ERROR_SIZE])
{
	struct reader reader = {.settings = settings, .error = error};
	const char *named = secure_getenv("SESSIOND_CLIENT_CONF");
	int line;

	*error = '\0';
	named_settings_init(&settings->named);
	settings->named.options.flags = SESSIOND_NO_TICKETS;
	settings->syslog = true;
	reader.where = named ? named : FILE_DEFAULT;
	line = ini_parse(reader.where, set, &reader);
	if (line > 0 && !*error)
		snprintf(error, SESSIOND_ERROR_SIZE, "%s, line %d: expected name = value",
			reader.where, line);
	/* Without a file the environment is all, unless somebody named one. */
	if (line < 0 && named)
		snprintf(error, SESSIOND_ERROR_SIZE, "%s: cannot read it", reader.where);
	read_environment(&reader);
	if (*error)
		return -EINVAL;
	named_settings_point(&settings->named);
	return *settings->named.caches ? 1 : 0;
}
