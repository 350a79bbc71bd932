/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The configuration file, and the command line. An input is a file; after a line `--` follows a
 * command line, one argument per line. Accepted values must be within their limits, errors must be
 * one line, and reading the same input twice must give the same result.
 */
#include "tests/fuzz/fuzz.h"

#include "common/log.h"

#include "control/config/option_source.h"
#include "control/config/options.h"

#define ARGS_MAX 16

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static void check_message(void)
{
	const char *text = error_message();

	if (!*text)
		FUZZ_FAIL("an error without a message");
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			FUZZ_FAIL("a control character in a message: %s", error_message());
	}
}

static void check_limits(const struct options *o)
{
	if (o->engine.capacity < 1 || o->engine.capacity >= SESSD_SLOT_LIMIT)
		FUZZ_FAIL("capacity %u", o->engine.capacity);
	if (o->engine.value_max < 1 || o->engine.value_max > SESSD_VALUE_LIMIT)
		FUZZ_FAIL("max-session %u", o->engine.value_max);
	if (o->engine.interface_count > ENGINE_INTERFACES_MAX ||
		o->engine.listen_count > ENGINE_LISTEN_MAX || o->allow.count > ALLOW_MAX)
		FUZZ_FAIL("more than there is room for");
	for (size_t i = 0; i < o->allow.count; i++) {
		if (o->allow.prefixes[i].length > 128)
			FUZZ_FAIL("a prefix of %u bits", o->allow.prefixes[i].length);
	}
}

/* Defaults, as for a command line without options. */
static void defaults(struct options *options)
{
	char name[] = "sessiond", *argv[] = {name, NULL};

	if (options_parse(options, 1, argv, NULL) < 0)
		FUZZ_FAIL("the defaults are refused: %s", error_message());
}

static void read_file(const char *text, size_t size)
{
	static struct options first, second;
	int ret;

	defaults(&first);
	defaults(&second);
	ret = options_read_memory(&first, "fuzz.conf", text, size, NULL);
	if (ret < 0) {
		check_message();
		return;
	}
	check_limits(&first);
	if (options_read_memory(&second, "fuzz.conf", text, size, NULL) < 0)
		FUZZ_FAIL("taken once, refused twice: %s", error_message());
	if (memcmp(&first.allow, &second.allow, sizeof(first.allow)) != 0 ||
		first.engine.capacity != second.engine.capacity || first.port != second.port)
		FUZZ_FAIL("the same file reads differently");
}

/* These end the program, or read a file of any name. */
static bool is_left_out(const char *arg)
{
	if (strncmp(arg, "--", 2) == 0)
		return strchr("hvu", arg[2]) != NULL || strncmp(arg, "--conf", 6) == 0;
	return arg[0] == '-' && strpbrk(arg, "hVcu?") != NULL;
}

static void parse_arguments(const char *text, size_t size)
{
	static struct options options;
	static char copy[4096];
	char *argv[ARGS_MAX + 2] = {copy}, *at;
	int argc = 1;

	if (size > sizeof(copy) - 16)
		return;
	strcpy(copy, "sessiond");
	at = copy + 9;
	memcpy(at, text, size);
	at[size] = '\0';
	for (char *line = strtok(at, "\n"); line && argc <= ARGS_MAX; line = strtok(NULL, "\n")) {
		if (is_left_out(line))
			return;
		argv[argc++] = line;
	}
	argv[argc] = NULL;
	if (options_parse(&options, argc, argv, NULL) < 0)
		check_message();
	else
		check_limits(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char mark[] = "--\n";
	const char *text = (const char *)data;
	const char *args = size ? memmem(text, size, mark, 3) : NULL;

	if (args && args != text && args[-1] != '\n')
		args = NULL;
	read_file(text, args ? (size_t)(args - text) : size);
	if (args)
		parse_arguments(args + 3, size - (size_t)(args + 3 - text));
	return 0;
}
