/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/farm/engine_check.h"

#include <netinet/in.h>
#include <string.h>

#include "common/text.h"

#define ACL_FAULTS (1U << FARM_ENGINE_COMMANDS | 1U << FARM_ENGINE_KEYS)

/* The value of a line NAME:VALUE of INFO, up to the end of its line; "" if there is none. */
static const char *field(const struct reply *info, const char *name, char *value, size_t room)
{
	size_t len = strlen(name), n = 0;
	const char *at = info->text;

	value[0] = '\0';
	while ((at = strstr(at, name)) && !(at[len] == ':' && (at == info->text || at[-1] == '\n')))
		at += len;
	if (!at)
		return value;
	for (at += len + 1; n + 1 < room && *at && *at != '\r' && *at != '\n'; at++)
		value[n++] = *at;
	value[n] = '\0';
	return value;
}

static bool is_positive(const struct reply *info, const char *name)
{
	char value[32];
	uint64_t number;

	return text_number(field(info, name, value, sizeof(value)), 1, UINT64_MAX, &number);
}

static void answered(struct engine_check *check)
{
	if (check->waiting == 0)
		return;
	check->waiting--;
	if (check->waiting > 0)
		return;
	check->faults = check->finding;
	check->done = true;
}

/* The argument of the answers is the check. */
static struct engine_check *check_of(uint64_t arg)
{
	return (struct engine_check *)(uintptr_t)arg; /* NOLINT(performance-no-int-to-ptr) */
}

static void memory_answer(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct engine_check *check = check_of(arg);
	char value[32];

	(void)ctx;
	(void)now;
	if (reply->type == REPLY_TEXT) {
		field(reply, "maxmemory_policy", value, sizeof(value));
		if (value[0] && strcmp(value, "noeviction") != 0)
			check->finding |= 1U << FARM_ENGINE_EVICTS;
		if (strcmp(field(reply, "maxmemory", value, sizeof(value)), "0") == 0)
			check->finding |= 1U << FARM_ENGINE_ENDLESS;
	}
	answered(check);
}

static void persistence_answer(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct engine_check *check = check_of(arg);

	(void)ctx;
	(void)now;
	if (reply->type == REPLY_TEXT) {
		if (is_positive(reply, "aof_enabled"))
			check->finding |= 1U << FARM_ENGINE_APPENDS;
		/* INFO has no `save`, but these follow from it. */
		if (is_positive(reply, "rdb_saves") || is_positive(reply, "rdb_bgsave_in_progress"))
			check->finding |= 1U << FARM_ENGINE_SAVES;
	}
	answered(check);
}

static void save_answer(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct engine_check *check = check_of(arg);
	const struct reply *save = reply_field(reply, "save");

	(void)ctx;
	(void)now;
	if (save) {
		check->finding |= 1U << FARM_ENGINE_COMMANDS;
		if (save->type == REPLY_TEXT && save->size > 0)
			check->finding |= 1U << FARM_ENGINE_SAVES;
	}
	answered(check);
}

static void key_answer(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct engine_check *check = check_of(arg);

	(void)ctx;
	(void)now;
	if (reply->type == REPLY_ERROR && strncmp(reply->text, "ERR no such key", 15) == 0)
		check->finding |= 1U << FARM_ENGINE_KEYS;
	answered(check);
}

static void ask(struct engine_check *check, struct engine_link *link, uint64_t now,
	const char *const *args, link_answer answer)
{
	size_t sizes[3];
	int count = 0;

	for (; count < 3 && args[count]; count++)
		sizes[count] = strlen(args[count]);
	if (link_command(link, count, args, sizes, answer, (uint64_t)(uintptr_t)check,
		    LINK_TIMEOUT_US, now))
		check->waiting++;
}

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	return a->ss_family == AF_INET
		       ? a4->sin_addr.s_addr == b4->sin_addr.s_addr
		       : memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

/* Whether others may read what goes to the engine: no TLS, and it is on another host. */
static bool is_plain(const struct engine_link *link)
{
	struct sockaddr_storage here = {0}, there = {0};
	socklen_t here_size = sizeof(here), there_size = sizeof(there);

	return !link->url->tls && !link->url->local &&
	       getsockname(link->fd, (struct sockaddr *)&here, &here_size) == 0 &&
	       getpeername(link->fd, (struct sockaddr *)&there, &there_size) == 0 &&
	       !same_address(&here, &there);
}

void engine_check_run(struct engine_check *check, struct engine_link *link, uint64_t now)
{
	static const char *const memory[] = {"INFO", "memory", NULL};
	static const char *const persistence[] = {"INFO", "persistence", NULL};
	static const char *const save[] = {"CONFIG", "GET", "save"};
	static const char *const key[] = {"XINFO", "STREAM", ENGINE_CHECK_KEY};
	bool allowed = check->faults & ACL_FAULTS;

	if (check->waiting > 0 || now < check->next)
		return;
	check->next = now + ENGINE_CHECK_EVERY_US;
	check->finding = is_plain(link) ? 1U << FARM_ENGINE_PLAIN : 0;
	ask(check, link, now, memory, memory_answer);
	ask(check, link, now, persistence, persistence_answer);
	if (!check->allowed_asked || allowed) {
		check->allowed_asked = true;
		ask(check, link, now, save, save_answer);
		ask(check, link, now, key, key_answer);
	}
}

void engine_check_forget(struct engine_check *check)
{
	check->waiting = 0;
	check->next = 0;
	check->done = false;
}
