/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "sessionctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "text.h"

#define PIN_ROOT_DEFAULT "/sys/fs/bpf/sessiond"

enum {
	KEY_PIN_DIR = 256,
	KEY_PORT,
	KEY_JSON,
};

static const struct argp_option options[] = {
	{"control", 'C', "PATH", 0, "The daemon's admin socket, default /run/sessiond/control.sock",
		0},
	{"json", KEY_JSON, NULL, 0, "Print stats, list and show as JSON", 0},
	{"pin-dir", KEY_PIN_DIR, "PATH", 0, "Where the pins are, default " PIN_ROOT_DEFAULT, 0},
	{"port", KEY_PORT, "PORT", 0, "The instance whose pins are meant; default all or the only",
		0},
	{0},
};

static const char help[] =
	"Ask a running sessiond, and clean up after one.\v"
	"Commands:\n"
	"  stats            counters and figures, `name value` a line\n"
	"  list             live sessions: id, seconds left, bytes\n"
	"  show ID          one session; an id is 1 to 32 bytes in hex\n"
	"  remove ID        delete one session\n"
	"  flush            delete all sessions\n"
	"  reload           read the configuration again, as SIGHUP does\n"
	"  log-level LEVEL  error, warning, notice, info or debug\n"
	"  version          the daemon's version\n"
	"  detach           remove what a daemon that is gone left pinned\n"
	"\n"
	"Values of sessions are never shown. Exit codes: 0, 1 for a failure, 2 for "
	"a wrong command line.";

static const struct command {
	const char *name, *argument;
	bool json;
	int (*run)(const struct ctl *ctl);
} commands[] = {
	{"stats", NULL, true, ctl_stats},
	{"list", NULL, true, ctl_list},
	{"show", "ID", true, ctl_show},
	{"remove", "ID", false, ctl_ask},
	{"flush", NULL, false, ctl_ask},
	{"reload", NULL, false, ctl_ask},
	{"log-level", "LEVEL", false, ctl_ask},
	{"version", NULL, false, ctl_ask},
	{"detach", NULL, false, ctl_detach},
};

int ctl_fail(int code)
{
	fprintf(stderr, "sessionctl: %s\n", error_message());
	return code;
}

static int on_option(void *ctx, int key, const char *value)
{
	char quoted[TEXT_QUOTE];
	struct ctl *ctl = ctx;
	uint64_t number;

	switch (key) {
	case 'C':
		if (strlen(value) == 0 || strlen(value) >= sizeof(ctl->control_path))
			return error_set(EINVAL, "--control %s: expected a path of 1 to %zu bytes",
				text_quote(value, quoted), sizeof(ctl->control_path) - 1);
		strcpy(ctl->control_path, value);
		return 0;
	case KEY_JSON:
		ctl->json = true;
		return 0;
	case KEY_PIN_DIR:
		if (value[0] != '/')
			return error_set(EINVAL, "--pin-dir %s: expected an absolute path",
				text_quote(value, quoted));
		ctl->pin_root = value;
		return 0;
	case KEY_PORT:
		if (!text_number(value, 1, 65535, &number))
			return error_set(EINVAL, "--port %s: expected a UDP port from 1 to 65535",
				text_quote(value, quoted));
		ctl->port = (uint16_t)number;
		return 0;
	default:
		return error_set(EINVAL, "option %d has no meaning", key);
	}
}

static int on_argument(void *ctx, const char *argument)
{
	char quoted[TEXT_QUOTE];
	struct ctl *ctl = ctx;

	if (!ctl->command)
		ctl->command = argument;
	else if (!ctl->argument)
		ctl->argument = argument;
	else
		return error_set(EINVAL, "argument %s is one too many: try --help",
			text_quote(argument, quoted));
	return 0;
}

/* The command that was asked for, if it was asked for rightly; else NULL with error_message() set.
 */
static const struct command *find_command(const struct ctl *ctl)
{
	const struct command *command = NULL;
	char quoted[TEXT_QUOTE];
	enum log_level level;
	uint8_t key[32];

	if (!ctl->command) {
		error_set(EINVAL, "which command? stats, list, show, remove, flush, reload, "
				  "log-level, version or detach: see --help");
		return NULL;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, ctl->command) == 0)
			command = &commands[i];
	if (!command)
		error_set(EINVAL,
			"unknown command %s: expected stats, list, show, remove, flush, "
			"reload, log-level, version or detach",
			text_quote(ctl->command, quoted));
	else if (command->argument && !ctl->argument)
		error_set(EINVAL, "%s needs an argument: %s %s", command->name, command->name,
			command->argument);
	else if (!command->argument && ctl->argument)
		error_set(EINVAL, "%s takes no argument: leave out %s", command->name,
			text_quote(ctl->argument, quoted));
	else if (ctl->json && !command->json)
		error_set(EINVAL, "--json goes with stats, list and show only: leave it out");
	else if (command->argument && strcmp(command->argument, "ID") == 0 &&
		 !text_key(ctl->argument, key))
		error_set(EINVAL, "%s %s: expected an id, 1 to 32 bytes in hex digits",
			command->name, text_quote(ctl->argument, quoted));
	else if (command->argument && strcmp(command->argument, "LEVEL") == 0 &&
		 log_level_parse(ctl->argument, &level) < 0)
		error_set(EINVAL, "%s %s: expected error, warning, notice, info or debug",
			command->name, text_quote(ctl->argument, quoted));
	else
		return command;
	return NULL;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.pin_root = PIN_ROOT_DEFAULT};
	const struct cli cli = {
		.options = options,
		.args_doc = "COMMAND [ARGUMENT]",
		.doc = help,
		.on_option = on_option,
		.on_argument = on_argument,
		.ctx = &ctl,
	};
	const struct command *command;
	int code;

	control_path_default(CONTROL_CONNECT, ctl.control_path);
	if (cli_parse(&cli, argc, argv) < 0)
		return ctl_fail(EXIT_USAGE);
	command = find_command(&ctl);
	if (!command)
		return ctl_fail(EXIT_USAGE);
	code = command->run(&ctl);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		if (code != 0)
			return code;
		error_set(EIO, "cannot write to the standard output: %s", strerror(errno));
		return ctl_fail(EXIT_RUNTIME);
	}
	return code;
}
