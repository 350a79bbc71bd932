/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/sessionctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cli.h"
#include "common/suggest.h"
#include "common/text.h"
#include "control/sessionctl/command_table.h"
#include "control/sessions/outcome_words.h"
#include "control/sessions/session_filter.h"

#define INTERVAL_MAX 3600

/* Checks a filter as the daemon does. */
static int filter_option(const char **to, const char *name, const char *value)
{
	struct session_filter filter = {0};
	char condition[128], why[256];

	snprintf(condition, sizeof(condition), "%s=%s", name, value);
	if (session_filter_add(&filter, condition) < 0) {
		snprintf(why, sizeof(why), "%s", error_message());
		return error_set(EINVAL, "--%s", why);
	}
	*to = value;
	return 0;
}

static int on_option(void *ctx, int key, const char *value)
{
	char quoted[TEXT_QUOTE], why[320];
	struct ctl *ctl = ctx;
	unsigned outcomes = 0;
	uint64_t number;

	switch (key) {
	case 'C':
		if (strlen(value) == 0 || strlen(value) >= sizeof(ctl->control_path))
			return error_set(EINVAL, "--control %s: expected a path of 1 to %zu bytes",
				text_quote(value, quoted), sizeof(ctl->control_path) - 1);
		strcpy(ctl->control_path, value);
		return 0;
	case CTL_KEY_JSON:
		ctl->json = true;
		return 0;
	case CTL_KEY_DIFF:
		ctl->diff = true;
		return 0;
	case CTL_KEY_METRICS:
		ctl->metrics = true;
		return 0;
	case CTL_KEY_ONCE:
		ctl->once = true;
		return 0;
	case CTL_KEY_INTERVAL:
		if (!text_number(value, 1, INTERVAL_MAX, &number))
			return error_set(EINVAL, "--interval %s: expected seconds from 1 to %d",
				text_quote(value, quoted), INTERVAL_MAX);
		ctl->interval_ms = (unsigned)number * 1000;
		return 0;
	case CTL_KEY_PIN_DIR:
		if (value[0] != '/')
			return error_set(EINVAL, "--pin-dir %s: expected an absolute path",
				text_quote(value, quoted));
		ctl->pin_root = value;
		ctl->pin_root_given = true;
		return 0;
	case CTL_KEY_INTERFACE:
		if (strlen(value) == 0 || strlen(value) >= IF_NAMESIZE)
			return error_set(EINVAL,
				"--interface %s: expected the name of an interface, 1 to %d "
				"characters",
				text_quote(value, quoted), IF_NAMESIZE - 1);
		ctl->interface = value;
		return 0;
	case CTL_KEY_CONTEXT:
		return filter_option(&ctl->context, "context", value);
	case CTL_KEY_TLS:
		return filter_option(&ctl->tls, "tls", value);
	case CTL_KEY_SOURCE:
		return filter_option(&ctl->source, "source", value);
	case CTL_KEY_ID:
		return filter_option(&ctl->id, "id", value);
	case CTL_KEY_OUTCOME:
		if (strpbrk(value, " \t\n"))
			return error_set(EINVAL, "--outcome %s: expected words separated by commas",
				text_quote(value, quoted));
		if (outcome_words_add(&outcomes, value) < 0) {
			snprintf(why, sizeof(why), "%s", error_message());
			return error_set(EINVAL, "--%s", why);
		}
		ctl->outcome = value;
		return 0;
	case CTL_KEY_PORT:
		if (!text_number(value, 1, 65535, &number))
			return error_set(EINVAL, "--port %s: expected a UDP port from 1 to 65535",
				text_quote(value, quoted));
		ctl->port = (uint16_t)number;
		return 0;
	default:
		return error_set(EINVAL, "unknown option %d", key);
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
	else if (strcmp(ctl->command, "key") == 0 && !ctl->file)
		ctl->file = argument;
	else
		return error_set(EINVAL, "argument %s is one too many: try --help",
			text_quote(argument, quoted));
	return 0;
}

/* "stats, list or show": all commands, or those that support --json. */
static const char *names(bool json, const char *before_last)
{
	static char text[512];
	const char *last = NULL;
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ctl_command_count; i++) {
		if (json && !ctl_commands[i].json)
			continue;
		if (last)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
				used > 0 ? ", " : "", last);
		last = ctl_commands[i].name;
	}
	snprintf(text + used, sizeof(text) - used, " %s %s", before_last, last);
	return text;
}

/* For argp: the text before the options, a vertical tab, the text after them. */
static const char *help(void)
{
	static char text[4096];
	size_t used;

	used = (size_t)snprintf(text, sizeof(text),
		"Control a running sessiond, and clean up after a stopped one.\vCommands:\n");
	for (size_t i = 0; i < ctl_command_count; i++) {
		const struct ctl_command *command = &ctl_commands[i];
		char usage[64];

		snprintf(usage, sizeof(usage), "%s %s", command->name,
			command->argument ? command->argument : "");
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "  %-15s  %s\n", usage, command->help);
	}
	snprintf(text + used, sizeof(text) - used,
		"\nValues of sessions are never shown. Exit codes: 0, 1 for a failure, 2 for a "
		"wrong command line; doctor: 3 if its worst finding is a warning, 4 if it is a "
		"problem.");
	return text;
}

static bool is_prefix(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	return len > 0 && len <= 64 && strspn(text, "0123456789abcdefABCDEF") == len;
}

static void wrong_key(const struct ctl *ctl)
{
	const char *word = ctl->argument ? ctl->argument : "";
	char quoted[TEXT_QUOTE], maybe[SUGGEST_TEXT];

	error_set(EINVAL, "key %s%s: expected key new FILE or key rotate FILE%s",
		text_quote(word, quoted), ctl->file ? " FILE" : "",
		suggest_among(word, "new rotate", maybe));
}

static const char filtered[] = "list, remove and watch";

/* The command of a correct command line; else NULL with error_message() set. */
static const struct ctl_command *find_command(const struct ctl *ctl)
{
	const struct ctl_command *command = NULL;
	char quoted[TEXT_QUOTE], maybe[SUGGEST_TEXT], expected[128];
	struct suggest suggest = {0};
	enum log_level level;
	uint8_t key[32];

	if (!ctl->command) {
		error_set(EINVAL, "which command? %s: see --help", names(false, "or"));
		return NULL;
	}
	suggest.word = ctl->command;
	for (size_t i = 0; i < ctl_command_count; i++) {
		suggest_offer(&suggest, ctl_commands[i].name);
		if (strcmp(ctl_commands[i].name, ctl->command) == 0)
			command = &ctl_commands[i];
	}
	if (!command)
		error_set(EINVAL, "unknown command %s: %sexpected %s",
			text_quote(ctl->command, quoted), suggest_text(&suggest, "", maybe),
			names(false, "or"));
	else if (command->argument && command->argument[0] != '[' && !ctl->argument)
		error_set(EINVAL, "%s needs an argument: %s %s", command->name, command->name,
			command->argument);
	else if (!command->argument && ctl->argument)
		error_set(EINVAL, "%s takes no argument: leave out %s", command->name,
			text_quote(ctl->argument, quoted));
	else if (command->run == ctl_key && (!ctl->file || !ctl->argument ||
						    (strcmp(ctl->argument, "new") != 0 &&
							    strcmp(ctl->argument, "rotate") != 0)))
		wrong_key(ctl);
	else if (ctl->json && !command->json)
		error_set(EINVAL, "--json works with %s only: leave it out", names(true, "and"));
	else if (ctl->diff && command->run != ctl_config)
		error_set(EINVAL, "--diff works with config only: leave it out");
	else if (ctl->metrics && command->run != ctl_clients)
		error_set(EINVAL, "--metrics works with clients only: leave it out");
	else if (ctl->metrics && ctl->json)
		error_set(EINVAL, "--metrics and --json: leave one out");
	else if ((ctl->context || ctl->tls || ctl->source) && !command->filters)
		error_set(EINVAL, "--context, --tls and --source work with %s only: leave them out",
			filtered);
	else if (ctl->id && command->run == ctl_list)
		error_set(EINVAL, "--id works with watch only: list %s does the same",
			text_quote(ctl->id, quoted));
	else if ((ctl->id || ctl->outcome) && command->run != ctl_watch)
		error_set(EINVAL, "--id and --outcome work with watch only: leave them out");
	else if (command->run == ctl_list && ctl->argument && !is_prefix(ctl->argument))
		error_set(EINVAL, "list %s: expected the beginning of an id, 1 to 64 hex digits",
			text_quote(ctl->argument, quoted));
	else if (command->run == ctl_show && !is_prefix(ctl->argument))
		error_set(EINVAL, "show %s: expected an id, 1 to 32 bytes in hex digits",
			text_quote(ctl->argument, quoted));
	else if (command->run == ctl_remove &&
		 !ctl->argument == !(ctl->context || ctl->tls || ctl->source))
		error_set(EINVAL,
			"remove needs an argument: remove ID, or --context, --tls or --source "
			"without one");
	else if (command->run == ctl_remove && ctl->argument && !text_key(ctl->argument, key))
		error_set(EINVAL, "remove %s: expected an id, 1 to 32 bytes in hex digits",
			text_quote(ctl->argument, quoted));
	else if (ctl->interface && command->run != ctl_detach)
		error_set(EINVAL, "--interface works with detach only: leave it out");
	else if (command->argument && strcmp(command->argument, "ID") == 0 &&
		 command->run != ctl_show && !text_key(ctl->argument, key))
		error_set(EINVAL, "%s %s: expected an id, 1 to 32 bytes in hex digits",
			command->name, text_quote(ctl->argument, quoted));
	else if (command->argument && strcmp(command->argument, "LEVEL") == 0 &&
		 log_level_parse(ctl->argument, &level) < 0)
		error_set(EINVAL, "%s %s: %s", command->name, text_quote(ctl->argument, quoted),
			suggest_expected(
				ctl->argument, LOG_LEVEL_WORDS, expected, sizeof(expected)));
	else
		return command;
	return NULL;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.pin_root = CTL_PIN_ROOT_DEFAULT, .interval_ms = 1000};
	const struct cli cli = {
		.options = ctl_options,
		.args_doc = "COMMAND [ARGUMENT...]",
		.doc = help(),
		.on_option = on_option,
		.on_argument = on_argument,
		.ctx = &ctl,
	};
	const struct ctl_command *command;
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
