/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/dpdk/args.h"

#include "common/log.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MBUFS_LIMIT   (1U << 24)
#define UPDATES_LIMIT (1U << 20)

/* Appends a word that is stored in args->text. */
static int add(struct dpdk_args *args, char *word)
{
	if (args->argc == ARGS_MAX)
		return error_set(EINVAL, "--dpdk-args: more than %d words", ARGS_MAX - 1);
	args->argv[args->argc++] = word;
	args->argv[args->argc] = NULL;
	return 0;
}

static int add_default(struct dpdk_args *args, const char *word)
{
	/* The cast is safe: EAL keeps the pointers of some arguments, but does not write to
	 * ours. */
	return add(args, (char *)(uintptr_t)word);
}

static int too_long(void)
{
	return error_set(EINVAL, "--dpdk-args is longer than %d bytes", ARGS_TEXT_MAX);
}

/* Copies one word from *text to *to without its quotes, and advances both. */
static int take_word(const char **text, char **to, const char *end)
{
	const char *at = *text;
	char quote = 0;

	for (; *at && (quote || !isspace((unsigned char)*at)); at++) {
		char c = *at;

		if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? 0 : c;
			continue;
		}
		if (c == '\\' && quote != '\'') {
			c = *++at;
			if (!c)
				return error_set(EINVAL, "--dpdk-args ends in a backslash");
		}
		if (*to + 1 >= end)
			return too_long();
		*(*to)++ = c;
	}
	if (quote)
		return error_set(EINVAL, "--dpdk-args: a %c is not closed", quote);
	if (*to >= end) /* for an empty word in quotes */
		return too_long();
	*(*to)++ = '\0';
	*text = at;
	return 0;
}

/* Whether `word` is the long option `name`, abbreviated as getopt_long() allows, with or without
 * "=value". `least`: length of the shortest unambiguous form, with its dashes. */
static bool is_long(const char *word, const char *name, size_t least)
{
	size_t len = strcspn(word, "=");

	return len >= least && len <= strlen(name) && strncmp(word, name, len) == 0;
}

/* Refuses options that make EAL print and exit, or attach to another process's memory. */
static int refuse(const char *word)
{
	if (is_long(word, "--help", 4) || is_long(word, "--version", 5) ||
		strncmp(word, "-h", 2) == 0 || strncmp(word, "-v", 2) == 0)
		return error_set(EINVAL,
			"--dpdk-args: %s only prints and exits; use dpdk-testpmd for that", word);
	if (is_long(word, "--proc-type", 4))
		return error_set(
			EINVAL, "--dpdk-args: %s: sessiond is always a primary process", word);
	return 0;
}

static int number(
	const char *option, const char *text, uint32_t least, uint32_t most, uint32_t *out)
{
	bool digits = text && isdigit((unsigned char)*text);
	unsigned long value = 0;
	char *end = NULL;

	errno = 0;
	if (digits)
		value = strtoul(text, &end, 10);
	if (!digits || *end || errno || value < least || value > most)
		return error_set(EINVAL, "--dpdk-args: %s takes a number from %u to %u, not '%s'",
			option, least, most, text ? text : "");
	*out = (uint32_t)value;
	return 0;
}

#define VLAN_LAST 4094

/* Parses --vlan: "any", ID, or OUTER.INNER. */
static int add_vlan(struct dpdk_args *args, const char *text)
{
	unsigned outer = 0, inner = 0;
	bool numbers = false;
	int end = 0;

	if (text && strcmp(text, "any") == 0) {
		args->any_vlan = true;
		return 0;
	}
	if (text && strchr(text, '.'))
		numbers = sscanf(text, "%4u.%4u%n", &outer, &inner, &end) == 2 && outer > 0;
	else if (text)
		numbers = sscanf(text, "%4u%n", &inner, &end) == 1;
	if (!numbers || text[end] || strspn(text, ".0123456789") != strlen(text) || inner < 1 ||
		inner > VLAN_LAST || outer > VLAN_LAST)
		return error_set(EINVAL,
			"--dpdk-args: --vlan takes a number from 1 to %d, two with a dot between "
			"them, or any, not '%s'",
			VLAN_LAST, text ? text : "");
	if (args->vlan_count == ARGS_VLANS)
		return error_set(EINVAL, "--dpdk-args: more than %d times --vlan", ARGS_VLANS);
	args->vlans[args->vlan_count++] = outer << 16 | inner;
	return 0;
}

/* Parses sessiond's own arguments, after "--". */
static int parse_own(struct dpdk_args *args, char **words, int count)
{
	for (int i = 0; i < count; i++) {
		char *option = words[i], *value = strchr(option, '=');
		uint32_t n = 0;
		int err;

		if (value)
			*value++ = '\0';
		else if (i + 1 < count)
			value = words[++i];
		if (strcmp(option, "--mbufs") == 0) {
			err = number(option, value, 512, MBUFS_LIMIT, &args->mbufs);
		} else if (strcmp(option, "--rxd") == 0) {
			err = number(option, value, 32, 32768, &n);
			args->rxd = (uint16_t)n;
		} else if (strcmp(option, "--txd") == 0) {
			err = number(option, value, 32, 32768, &n);
			args->txd = (uint16_t)n;
		} else if (strcmp(option, "--updates") == 0) {
			err = number(option, value, 64, UPDATES_LIMIT, &n);
			if (!err && (n & (n - 1)))
				err = error_set(EINVAL,
					"--dpdk-args: --updates takes a power of 2, not %u", n);
			args->updates = n;
		} else if (strcmp(option, "--vlan") == 0) {
			err = add_vlan(args, value);
		} else {
			err = error_set(EINVAL,
				"--dpdk-args: '%s' after \"--\": allowed are --mbufs, --rxd, "
				"--txd, --updates and --vlan",
				option);
		}
		if (err)
			return err;
	}
	return 0;
}

/* Adds sessiond's defaults unless an argument contradicts them. */
static int add_defaults(struct dpdk_args *args)
{
	bool prefix = false, memory = false;
	int err = 0;

	for (int i = 1; i < args->argc; i++) {
		const char *word = args->argv[i];

		if (is_long(word, "--file-prefix", 4))
			prefix = true;
		if (is_long(word, "--in-memory", 4) || is_long(word, "--huge-dir", 8) ||
			is_long(word, "--huge-unlink", 8) || is_long(word, "--legacy-mem", 4) ||
			is_long(word, "--no-shconf", 6))
			memory = true;
		if (is_long(word, "--no-huge", 6))
			args->huge = false;
	}
	if (!prefix)
		err = add_default(args, "--file-prefix=sessiond");
	/* EAL refuses --in-memory with --no-huge; --no-shconf is the part of it that still
	 * applies. */
	if (!err && !memory)
		err = add_default(args, args->huge ? "--in-memory" : "--no-shconf");
	return err;
}

int dpdk_args_parse(struct dpdk_args *args, const char *text)
{
	char *to = args->text, *end = args->text + sizeof(args->text);
	int own = 0, err;

	memset(args, 0, sizeof(*args));
	args->rxd = args->txd = 1024;
	args->updates = 4096;
	args->huge = true;
	add_default(args, "sessiond");
	for (;;) {
		char *word = to;

		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			break;
		err = take_word(&text, &to, end);
		if (!err && !own && strcmp(word, "--") == 0) {
			own = args->argc;
			continue;
		}
		if (!err && !own)
			err = refuse(word);
		if (!err)
			err = add(args, word);
		if (err)
			return err;
	}
	if (own) {
		err = parse_own(args, args->argv + own, args->argc - own);
		if (err)
			return err;
		args->argc = own;
		args->argv[own] = NULL;
	}
	return add_defaults(args);
}
