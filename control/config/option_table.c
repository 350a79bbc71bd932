/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/config/option_table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <sessiond/rate_limit.h>

#include "common/suggest.h"
#include "common/text.h"
#include "control/config/option_farm.h"
#include "control/config/option_values.h"
#include "control/host/metrics_address.h"

static _Thread_local char reason[256];

static const char *expected_number(const struct option_def *def)
{
	snprintf(reason, sizeof(reason), "expected %s from %llu to %llu%s", def->what,
		(unsigned long long)def->min, (unsigned long long)def->max,
		def->max >= 1000000 ? ", such as 20k or 1M" : "");
	return reason;
}

/* Start of the next word, or the end of the text. */
static const char *next_word(const char *words)
{
	words += strcspn(words, " ");
	return words + (*words == ' ');
}

static const char *expected_word(const char *value, const char *words)
{
	return suggest_expected(value, words, reason, sizeof(reason));
}

/* The index of `value` in a list of words separated by blanks, or -1. */
static int word_index(const char *value, const char *words)
{
	size_t len = strlen(value);

	for (int i = 0; *words; i++, words = next_word(words))
		if (len > 0 && strcspn(words, " ") == len && memcmp(words, value, len) == 0)
			return i;
	return -1;
}

static void *member(const struct option_def *def, struct options *options)
{
	return (char *)options + def->offset;
}

static const char *set_bool(
	const struct option_def *def, struct options *options, const char *value)
{
	int i = word_index(value, "no yes false true off on");

	if (i < 0)
		return expected_word(value, "yes no true false on off");
	*(bool *)member(def, options) = i % 2;
	return NULL;
}

static const char *set_word(
	const struct option_def *def, struct options *options, const char *value)
{
	int i = word_index(value, def->words);

	if (i < 0)
		return expected_word(value, def->words);
	memcpy(member(def, options), &i, def->size);
	return NULL;
}

/* Also what it was before there were farms: yes and no. */
static const char *set_take(
	const struct option_def *def, struct options *options, const char *value)
{
	int i = word_index(value, "no yes false true off on");

	if (i < 0)
		return set_word(def, options, value);
	options->engine.take = i % 2 ? TAKE_LOCAL : TAKE_NO;
	return NULL;
}

static const char *set_number(
	const struct option_def *def, struct options *options, const char *value)
{
	uint64_t number;

	if (!text_count(value, def->min, def->max, &number))
		return expected_number(def);
	if (def->size == sizeof(uint16_t))
		*(uint16_t *)member(def, options) = (uint16_t)number;
	else
		*(uint32_t *)member(def, options) = (uint32_t)number;
	return NULL;
}

/* Zero-fills the member, so that equal texts are equal bytes. */
static const char *set_text(
	const struct option_def *def, struct options *options, const char *value)
{
	size_t len = strlen(value);

	if (len >= def->size) {
		snprintf(reason, sizeof(reason), "too long, expected at most %zu bytes",
			def->size - 1);
		return reason;
	}
	memset(member(def, options), 0, def->size);
	memcpy(member(def, options), value, len);
	return NULL;
}

/* Rejects an empty path. */
static const char *set_path(
	const struct option_def *def, struct options *options, const char *value)
{
	size_t len = strlen(value);

	if (len == 0)
		return "expected a path";
	if (len >= def->size) {
		snprintf(reason, sizeof(reason),
			"the path is %zu bytes long, expected at most %zu: choose a shorter one",
			len, def->size - 1);
		return reason;
	}
	return set_text(def, options, value);
}

static const char *set_mode(
	const struct option_def *def, struct options *options, const char *value)
{
	const struct engine_mode *mode = engines_find(value);

	if (!mode && strcmp(value, "auto") != 0)
		return expected_word(value, def->words);
	options->mode = mode;
	return NULL;
}

static const char *add_interface(
	const struct option_def *def, struct options *options, const char *value)
{
	size_t len = strlen(value);

	(void)def;
	if (len == 0 || len >= IF_NAMESIZE) {
		snprintf(reason, sizeof(reason),
			"expected the name of an interface, 1 to %d characters", IF_NAMESIZE - 1);
		return reason;
	}
	for (size_t i = 0; i < len; i++)
		if (value[i] == '/' || value[i] == ':' || isspace((unsigned char)value[i]))
			return "expected the name of one interface; repeat the option for more";
	for (size_t i = 0; i < options->engine.interface_count; i++)
		if (strcmp(options->engine.interfaces[i], value) == 0)
			return "this interface is named twice: leave one out";
	if (options->engine.interface_count == ENGINE_INTERFACES_MAX) {
		snprintf(reason, sizeof(reason), "too many interfaces, expected at most %d",
			ENGINE_INTERFACES_MAX);
		return reason;
	}
	memcpy(options->engine.interfaces[options->engine.interface_count++], value, len + 1);
	return NULL;
}

static void clear_interfaces(struct options *options)
{
	memset(options->engine.interfaces, 0, sizeof(options->engine.interfaces));
	options->engine.interface_count = 0;
}

/* PORT may come later on the command line: port 0 stands for it until options_parse ends. */
static const char *add_listen(
	const struct option_def *def, struct options *options, const char *value)
{
	struct endpoint endpoint, *to;

	(void)def;
	if (endpoint_parse(value, 0, &endpoint) < 0)
		return "expected ADDR, ADDR:PORT, [IPV6]:PORT, * or *:PORT, addresses as numbers, "
		       "a link-local one with %INTERFACE";
	if (!endpoint.any && address_is_group(&endpoint.addr))
		return "expected the address of one host: requests to a group address are never "
		       "answered";
	if (options->engine.listen_count == ENGINE_LISTEN_MAX) {
		snprintf(reason, sizeof(reason), "too many addresses, expected at most %d",
			ENGINE_LISTEN_MAX);
		return reason;
	}
	to = &options->engine.listen[options->engine.listen_count++];
	to->addr = endpoint.addr; /* member by member: memcmp must see no stray padding */
	to->port = endpoint.port;
	to->any = endpoint.any;
	memcpy(to->scope, endpoint.scope, sizeof(to->scope));
	return NULL;
}

static void clear_listen(struct options *options)
{
	memset(options->engine.listen, 0, sizeof(options->engine.listen));
	options->engine.listen_count = 0;
}

static const char *add_allow(
	const struct option_def *def, struct options *options, const char *value)
{
	struct prefix prefix;

	(void)def;
	if (prefix_parse(value, &prefix) < 0)
		return "expected ADDR or ADDR/LENGTH with no bits set past the length, such as "
		       "10.0.0.0/8";
	if (options->allow.count == ALLOW_MAX) {
		snprintf(reason, sizeof(reason), "too many prefixes, expected at most %d",
			ALLOW_MAX);
		return reason;
	}
	options->allow.prefixes[options->allow.count++] = prefix;
	return NULL;
}

static void clear_allow(struct options *options)
{
	memset(&options->allow, 0, sizeof(options->allow));
	options->allow_is_default = false;
}

static const char *set_dpdk_args(
	const struct option_def *def, struct options *options, const char *value)
{
	if (value[0] == '\0')
		return "expected arguments of DPDK's EAL as one string";
	return set_text(def, options, value);
}

static const char *set_user(
	const struct option_def *def, struct options *options, const char *value)
{
	const char *colon = strchr(value, ':');

	if (value[0] == '\0' || colon == value || (colon && (!colon[1] || strchr(colon + 1, ':'))))
		return "expected NAME or NAME:GROUP";
	return set_text(def, options, value);
}

static const char *set_control(
	const struct option_def *def, struct options *options, const char *value)
{
	options->control_is_default = false;
	return set_path(def, options, value);
}

static const char *set_pin_dir(
	const struct option_def *def, struct options *options, const char *value)
{
	if (value[0] != '/')
		return "expected an absolute path on a BPF file system";
	return set_path(def, options, value);
}

static const char *set_log_level(
	const struct option_def *def, struct options *options, const char *value)
{
	if (log_level_parse(value, &options->log_level) < 0)
		return expected_word(value, def->words);
	return NULL;
}

static const char *set_rate_limit(
	const struct option_def *def, struct options *options, const char *value)
{
	static const char wrong[] = "expected GETS/NEWS, both a second and 0 for no limit, such as "
				    "20k/2k";
	const char *slash = strchr(value, '/');
	uint64_t gets, news;
	char first[16];

	(void)def;
	if (!slash || slash - value >= (int)sizeof(first))
		return wrong;
	memcpy(first, value, (size_t)(slash - value));
	first[slash - value] = '\0';
	if (!text_count(first, 0, SESSD_LIMIT_MAX, &gets) ||
		!text_count(slash + 1, 0, SESSD_LIMIT_MAX, &news))
		return wrong;
	options->engine.limit_gets = (uint32_t)gets;
	options->engine.limit_news = (uint32_t)news;
	return NULL;
}

static const char *set_metrics(
	const struct option_def *def, struct options *options, const char *value)
{
	struct metrics_address address;

#ifndef HAVE_MICROHTTPD
	return "this sessiond was built without metrics: build with libmicrohttpd, or leave it out";
#endif
	if (metrics_address_parse(value, &address) < 0)
		return "expected PORT, ADDR:PORT, [IPV6]:PORT, or the path of a Unix socket";
	return set_path(def, options, value);
}

static const char *add_farm(
	const struct option_def *def, struct options *options, const char *value)
{
	struct option_engines *engines = &options->farm;
	const char *wrong = option_farm_check_url(value);

	(void)def;
	if (wrong)
		return wrong;
	for (uint32_t i = 0; i < engines->count; i++)
		if (strcmp(engines->urls[i], value) == 0)
			return "this server is named twice: leave one out";
	if (engines->count == FARM_ENGINES_MAX) {
		snprintf(reason, sizeof(reason), "too many servers, expected at most %d",
			FARM_ENGINES_MAX);
		return reason;
	}
	strcpy(engines->urls[engines->count++], value); /* checked for its size */
	return NULL;
}

static void clear_farm(struct options *options)
{
	memset(&options->farm, 0, sizeof(options->farm));
}

static const char *set_farm_name(
	const struct option_def *def, struct options *options, const char *value)
{
	const char *wrong = option_farm_check_name(value);

	return wrong ? wrong : set_text(def, options, value);
}

/* Offset and size of the members from `first` to `last`. */
#define MEMBERS(first, last) \
	.offset = offsetof(struct options, first), .size = offsetof(struct options, last) + \
							   sizeof(((struct options *)0)->last) - \
							   offsetof(struct options, first)

#define OPTION(type, member, array, ...) {__VA_ARGS__, MEMBERS(member, member)},
#define ENGINE_OPTION(member, ...)	 {__VA_ARGS__, MEMBERS(engine.member, engine.member)},
#define ENGINE_OPTIONS(first, last, ...) {__VA_ARGS__, MEMBERS(engine.first, engine.last)},

const struct option_def option_table[] = {
#include "control/config/option_rows.h"
};

const size_t option_table_size = sizeof(option_table) / sizeof(option_table[0]);

_Static_assert(sizeof(option_table) / sizeof(option_table[0]) <= OPTION_TABLE_MAX, "too many rows");

static size_t line_index(const struct option_def *def, size_t i)
{
	return def->flags & OPTION_REPEATABLE ? OPTION_TABLE_MAX + def->first_line + i
					      : (size_t)(def - option_table);
}

uint32_t option_line(const struct option_def *def, const struct options *options, size_t i)
{
	/* The default of a list is not in the table of lines if it is made late. */
	return options->given >> (def - option_table) & 1 ? options->lines[line_index(def, i)]
							  : OPTION_LINE_DEFAULT;
}

void option_set_line(const struct option_def *def, struct options *options, size_t i, uint32_t line)
{
	options->lines[line_index(def, i)] = line;
}

void option_copy_lines(const struct option_def *def, struct options *to, const struct options *from)
{
	size_t index = (size_t)(def - option_table);
	char value[OPTION_VALUE];

	to->given &= ~(UINT64_C(1) << index);
	to->given |= from->given & UINT64_C(1) << index;
	for (size_t i = 0; def->value(def, from, i, value); i++)
		option_set_line(def, to, i, from->lines[line_index(def, i)]);
}

const char *option_fixed(const struct option_def *def, const struct engine_mode *mode,
	const struct options *running, const struct options *now)
{
	if (!(def->flags & OPTION_RELOADABLE))
		return def->fixed;
	if (def->flags & OPTION_PORT && running->port != now->port)
		return "the port has changed too";
	return def->reloads && !engine_mode_has(mode, def->reloads) ? def->fixed : NULL;
}

int option_key(const struct option_def *def)
{
	if (def->flags & OPTION_ARGUMENT)
		return 0;
	return def->letter ? def->letter : 256 + (int)(def - option_table);
}
