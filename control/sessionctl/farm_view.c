/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * `sessionctl farm`: the state of the farm of caches, as tables or as JSON.
 */
#include "control/sessionctl/sessionctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "control/sessionctl/admin_client.h"

#define TIMEOUT_MS 5000

static int not_understood(void)
{
	return error_set(
		EPROTO, "cannot parse the daemon's reply: is it the same version as this program?");
}

/* NAME=VALUE or NAME="VALUE" at `*at`, which moves past it. */
static int take_word(char **at, json_t *object)
{
	char *name = *at, *equals = strchr(name, '='), *end;
	json_t *value;

	if (!equals)
		return not_understood();
	*equals = '\0';
	if (equals[1] == '"') {
		end = strchr(equals + 2, '"');
		if (!end)
			return not_understood();
		*end++ = '\0';
		value = json_string(equals + 2);
	} else {
		value = json_integer(strtoll(equals + 1, &end, 10));
	}
	if (*end == ' ')
		*end++ = '\0';
	*at = end;
	/* Takes ownership of `value`, even on failure. */
	return json_object_set_new(object, name, value) < 0 ? error_set(ENOMEM, "out of memory")
							    : 0;
}

/* KIND NAME=VALUE... */
static int on_line(void *ctx, char *line)
{
	json_t *farm = ctx, *object = json_object(), *list;
	char *at = line + strcspn(line, " ");
	int err = 0;

	if (*at == ' ')
		*at++ = '\0';
	while (*at && !err)
		err = take_word(&at, object);
	list = strcmp(line, "engine") == 0 ? json_object_get(farm, "engines")
	       : strcmp(line, "node") == 0 ? json_object_get(farm, "nodes")
					   : NULL;
	if (err)
		json_decref(object);
	else if (list)
		json_array_append_new(list, object);
	else
		json_object_set_new(farm, line, object); /* "cache" */
	return err;
}

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

static uint64_t number(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

/* "  TITLE: NAME COUNT, NAME COUNT" of the members that begin with `prefix` and are not 0. */
static void print_reasons(json_t *object, const char *prefix, const char *title)
{
	const char *name, *separator = ": ";
	json_t *value;

	json_object_foreach(object, name, value)
	{
		if (strncmp(name, prefix, strlen(prefix)) != 0 || json_integer_value(value) == 0)
			continue;
		if (*separator == ':')
			printf("  %s", title);
		printf("%s%s %" JSON_INTEGER_FORMAT, separator, name + strlen(prefix),
			json_integer_value(value));
		separator = ", ";
	}
	if (*separator == ',')
		putchar('\n');
}

static void print_cache(json_t *cache)
{
	bool ready = number(cache, "ready");

	printf("%s of farm %s: %s", text(cache, "name"), text(cache, "farm"),
		ready ? "ready" : "warming up");
	if (strcmp(text(cache, "warm_up"), "waiting") == 0)
		printf(", no engine was read yet\n");
	else
		printf(", %" PRIu64 " sessions (%" PRIu64 " %%) read in %" PRIu64 " ms\n",
			number(cache, "warm_up_sessions"), number(cache, "warm_up_percent"),
			number(cache, "warm_up_ms"));
	printf("  published %" PRIu64 " changes in %" PRIu64 " batches, received %" PRIu64
	       "; published all sessions again %" PRIu64 " times\n",
		number(cache, "published"), number(cache, "batches"), number(cache, "received"),
		number(cache, "resends"));
	if (number(cache, "name_clash"))
		printf("  another cache has the same name: change farm-node of one of them\n");
	if (strcmp(text(cache, "take"), "farm") == 0)
		printf("  TAKE in the farm: asked %" PRIu64 ", won %" PRIu64 ", lost %" PRIu64 "\n",
			number(cache, "take_asked"), number(cache, "take_won"),
			number(cache, "take_lost"));
	print_reasons(cache, "missed_", "TAKEs not decided");
	print_reasons(cache, "drop_", "not published");
	print_reasons(cache, "refused_", "batches refused");
}

static void print_engine(json_t *engine)
{
	printf("%-34s %-5s %8" PRIu64 " s %8" PRIu64 " %7" PRIu64 " %10" PRIu64 " %10" PRIu64
	       " %8" PRIu64 "  %s\n",
		text(engine, "url"), number(engine, "up") ? "up" : "down",
		number(engine, "since_seconds"), number(engine, "rtt_us"), number(engine, "queued"),
		number(engine, "batches_out"), number(engine, "batches_in"),
		number(engine, "restarts"), text(engine, "version"));
	if (strcmp(text(engine, "take"), "waiting") == 0)
		printf("  no TAKE is decided here for %" PRIu64 " s: it has restarted\n",
			number(engine, "take_wait_seconds"));
	if (strcmp(text(engine, "take"), "disagreed") == 0)
		puts("  no TAKE is decided: another cache has other engines, another farm-key "
		     "or take = local; give all the same");
	if (text(engine, "error")[0])
		printf("  %s\n", text(engine, "error"));
	if (text(engine, "faults")[0])
		printf("  wrong settings: %s; see sessionctl doctor\n", text(engine, "faults"));
	print_reasons(engine, "drop_", "not published to it");
}

static void print_node(const json_t *node)
{
	char heard[32] = "alive";

	if (!number(node, "alive"))
		snprintf(heard, sizeof(heard), "%" PRIu64 " s", number(node, "heard_ms") / 1000);
	printf("%-34s %-10s %8" PRIu64 " %10" PRIu64 " %10" PRIu64 " %6" PRIu64 " %8" PRIu64 "\n",
		text(node, "name"), heard, number(node, "lag_ms"), number(node, "sessions"),
		number(node, "removes"), number(node, "gaps"), number(node, "resends"));
}

static void print_tables(json_t *farm)
{
	json_t *row;
	size_t i;

	print_cache(json_object_get(farm, "cache"));
	printf("\n%-34s %-5s %10s %8s %7s %10s %10s %8s  %s\n", "engine", "state", "since",
		"rtt us", "queued", "batches", "read", "restarts", "version");
	json_array_foreach(json_object_get(farm, "engines"), i, row) print_engine(row);
	printf("\n%-34s %-10s %8s %10s %10s %6s %8s\n", "cache", "heard", "lag ms", "sessions",
		"removes", "gaps", "resends");
	json_array_foreach(json_object_get(farm, "nodes"), i, row) print_node(row);
	if (json_array_size(json_object_get(farm, "nodes")) == 0)
		puts("no other cache was heard of");
}

static int ask(const struct ctl *ctl, json_t *farm)
{
	struct admin_client *client;
	int ret = admin_client_open(&client, ctl->control_path, TIMEOUT_MS);

	if (ret < 0)
		return ret;
	ret = admin_client_request(client, "farm", on_line, farm);
	admin_client_close(client);
	return ret;
}

int ctl_farm(const struct ctl *ctl)
{
	json_t *farm = json_pack("{s:[], s:[]}", "engines", "nodes");
	int ret = farm ? ask(ctl, farm) : error_set(ENOMEM, "out of memory");

	if (ret == 0 && ctl->json) {
		json_dumpf(farm, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (ret == 0) {
		print_tables(farm);
	}
	json_decref(farm);
	return ret < 0 ? ctl_fail(EXIT_RUNTIME) : EXIT_SUCCESS;
}
