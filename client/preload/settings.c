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
	if (!*reader->error)
		snprintf(reader->error, SESSIOND_ERROR_SIZE, "%s: %s: expected %s", reader->where,
			name, expected);
	return 0;
}

static int set_text(
	const struct reader *reader, const char *name, char *to, size_t size, const char *value)
{
	if (strlen(value) >= size)
		return wrong(reader, name, "a shorter value");
	strcpy(to, value);
	return 1;
}

static int set_number(
	const struct reader *reader, const char *name, unsigned *to, const char *value)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || number > 1000000)
		return wrong(reader, name, "a number up to 1000000");
	*to = (unsigned)number;
	return 1;
}

static int set_flag(const struct reader *reader, const char *name, unsigned flag, const char *value)
{
	unsigned *flags = &reader->settings->options.flags;

	if (strcmp(value, "yes") == 0)
		*flags |= flag;
	else if (strcmp(value, "no") == 0)
		*flags &= ~flag;
	else
		return wrong(reader, name, "yes or no");
	return 1;
}

/* As inih wants it: 0 for an error. */
static int set(void *ctx, const char *section, const char *name, const char *value)
{
	const struct reader *reader = ctx;
	struct settings *s = reader->settings;

	if (*section)
		return wrong(reader, section, "no section");
	if (strcmp(name, "caches") == 0)
		return set_text(reader, name, s->caches, sizeof(s->caches), value);
	if (strcmp(name, "key") == 0)
		return set_text(reader, name, s->key, sizeof(s->key), value);
	if (strcmp(name, "scope") == 0)
		return set_text(reader, name, s->scope, sizeof(s->scope), value);
	if (strcmp(name, "deadline-us") == 0)
		return set_number(reader, name, &s->options.deadline_us, value);
	if (strcmp(name, "copies") == 0)
		return set_number(reader, name, &s->options.copies, value);
	if (strcmp(name, "max-session") == 0)
		return set_number(reader, name, &s->options.value_max, value);
	if (strcmp(name, "lifetime") == 0)
		return set_number(reader, name, &s->options.lifetime_s, value);
	if (strcmp(name, "single-use") == 0)
		return set_flag(reader, name, SESSIOND_SINGLE_USE, value);
	if (strcmp(name, "forward-remove") == 0)
		return set_flag(reader, name, SESSIOND_FORWARD_REMOVE, value);
	if (strcmp(name, "no-tickets") == 0)
		return set_flag(reader, name, SESSIOND_NO_TICKETS, value);
	if (strcmp(name, "log") == 0) {
		s->syslog = strcmp(value, "syslog") == 0;
		if (s->syslog || strcmp(value, "none") == 0)
			return 1;
		return wrong(reader, name, "syslog or none");
	}
	return wrong(reader, name,
		"one of caches, key, scope, deadline-us, copies, max-session, lifetime, "
		"single-use, forward-remove, no-tickets, log");
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
	memset(settings, 0, sizeof(*settings));
	settings->options.size = sizeof(settings->options);
	settings->options.flags = SESSIOND_NO_TICKETS;
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
	settings->options.caches = settings->caches;
	settings->options.key_file = *settings->key ? settings->key : NULL;
	settings->options.scope = *settings->scope ? settings->scope : NULL;
	return *settings->caches ? 1 : 0;
}
