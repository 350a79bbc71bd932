/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "client/settings/named_settings.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *set_text(char *to, size_t size, const char *value)
{
	if (strlen(value) >= size)
		return "a shorter value";
	strcpy(to, value);
	return NULL;
}

static const char *set_number(unsigned *to, const char *value)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || number > 1000000)
		return "a number up to 1000000";
	*to = (unsigned)number;
	return NULL;
}

static const char *set_flag(unsigned *flags, unsigned flag, const char *value)
{
	if (strcmp(value, "yes") == 0)
		*flags |= flag;
	else if (strcmp(value, "no") == 0)
		*flags &= ~flag;
	else
		return "yes or no";
	return NULL;
}

void named_settings_init(struct named_settings *settings)
{
	memset(settings, 0, sizeof(*settings));
	settings->options.size = sizeof(settings->options);
}

const char *named_settings_set(
	struct named_settings *settings, const char *name, const char *value, int *known)
{
	struct sessiond_options *options = &settings->options;

	*known = 1;
	if (strcmp(name, "caches") == 0)
		return set_text(settings->caches, sizeof(settings->caches), value);
	if (strcmp(name, "key") == 0)
		return set_text(settings->key, sizeof(settings->key), value);
	if (strcmp(name, "scope") == 0)
		return set_text(settings->scope, sizeof(settings->scope), value);
	if (strcmp(name, "deadline-us") == 0)
		return set_number(&options->deadline_us, value);
	if (strcmp(name, "copies") == 0)
		return set_number(&options->copies, value);
	if (strcmp(name, "max-session") == 0)
		return set_number(&options->value_max, value);
	if (strcmp(name, "lifetime") == 0)
		return set_number(&options->lifetime_s, value);
	if (strcmp(name, "single-use") == 0)
		return set_flag(&options->flags, SESSIOND_SINGLE_USE, value);
	if (strcmp(name, "forward-remove") == 0)
		return set_flag(&options->flags, SESSIOND_FORWARD_REMOVE, value);
	if (strcmp(name, "no-tickets") == 0)
		return set_flag(&options->flags, SESSIOND_NO_TICKETS, value);
	if (strcmp(name, "async") == 0)
		return set_flag(&options->flags, SESSIOND_ASYNC, value);
	*known = 0;
	return NULL;
}

void named_settings_point(struct named_settings *settings)
{
	settings->options.caches = settings->caches;
	settings->options.key_file = *settings->key ? settings->key : NULL;
	settings->options.scope = *settings->scope ? settings->scope : NULL;
}
