/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/cli.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/suggest.h"
#include "common/text.h"

enum {
	KEY_HELP = 'h',
	KEY_VERSION = 'V',
	KEY_HELP_TOO = '?', /* as argp's own help has it */
};

const struct argp_option cli_common_options[] = {
	{"help", KEY_HELP, NULL, 0, "Print this help and exit", -1},
	{"version", KEY_VERSION, NULL, 0, "Print the version and exit", -1},
	{0},
};

struct parse {
	const struct cli *cli;
	int boundary; /* argv[boundary] is the first not yet parsed */
	bool failed;  /* error_message() is set */
};

static void print_and_exit(void)
{
	if (fflush(stdout) == EOF || ferror(stdout))
		exit(EXIT_RUNTIME);
	exit(EXIT_SUCCESS);
}

static error_t common_parser(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key == KEY_HELP || key == KEY_HELP_TOO) {
		argp_help(state->root_argp, stdout, ARGP_HELP_STD_HELP, state->name);
		print_and_exit();
	}
	if (key == KEY_VERSION) {
		printf("%s %s\n", state->name, SESSIOND_VERSION);
		print_and_exit();
	}
	return ARGP_ERR_UNKNOWN;
}

/* The i-th of the program's and the common options; NULL past the last. */
static const struct argp_option *option_at(const struct cli *cli, size_t i)
{
	const struct argp_option *option;

	for (option = cli->options; option->name; option++)
		if (i-- == 0)
			return option;
	for (option = cli_common_options; option->name; option++)
		if (i-- == 0)
			return option;
	return NULL;
}

static void unknown_long(const struct cli *cli, const char *arg)
{
	char word[TEXT_QUOTE], quoted[TEXT_QUOTE], maybe[SUGGEST_TEXT];
	struct suggest suggest = {.word = word};
	const struct argp_option *option;

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
	for (size_t i = 0; (option = option_at(cli, i)); i++)
		suggest_offer(&suggest, option->name);
	error_set(EINVAL, "unknown option %s: %stry --help", text_quote(arg, quoted),
		suggest_text(&suggest, "--", maybe));
}

/* getopt knows why it refused `arg`, but argp does not pass that on, so determine it again. */
static bool explain_long(const struct cli *cli, const char *arg)
{
	const struct argp_option *option, *match = NULL;
	size_t len = strcspn(arg + 2, "=");
	bool has_value = arg[2 + len] == '=', ambiguous = false;
	char quoted[TEXT_QUOTE];

	for (size_t i = 0; (option = option_at(cli, i)); i++) {
		if (strncmp(option->name, arg + 2, len) != 0)
			continue;
		if (strlen(option->name) == len) {
			match = option;
			ambiguous = false;
			break;
		}
		ambiguous = match != NULL;
		match = option;
	}
	text_quote(arg, quoted);
	if (ambiguous)
		error_set(EINVAL, "option %s is ambiguous: write it out, see --help", quoted);
	else if (!match)
		unknown_long(cli, arg);
	else if (match->arg && !has_value)
		error_set(EINVAL, "option --%s needs a value, %s: try --help", match->name,
			match->arg);
	else if (!match->arg && has_value)
		error_set(EINVAL, "option --%s takes no value: leave out what follows the name",
			match->name);
	else
		return false;
	return true;
}

static bool explain_short(const struct cli *cli, const char *arg)
{
	for (const char *c = arg + 1; *c; c++) {
		const struct argp_option *option;
		char letter[2] = {*c, '\0'}, quoted[TEXT_QUOTE];
		size_t i = 0;

		while ((option = option_at(cli, i)) && option->key != *c)
			i++;
		if (!option) {
			error_set(EINVAL, "unknown option -%s: try --help",
				text_quote(letter, quoted));
			return true;
		}
		if (option->arg && c[1] == '\0') {
			error_set(EINVAL, "option -%c needs a value, %s: try --help", *c,
				option->arg);
			return true;
		}
		if (option->arg)
			return false;
	}
	return false;
}

/* The argument that getopt refused: the one before its position, unless it stopped at a letter
 * within a group. NULL if there is none. */
static const char *culprit(const struct parse *parse, const struct argp_state *state)
{
	int next = state->next > 1 ? state->next : 1;

	return state->argv[next > parse->boundary ? next - 1 : next];
}

static void explain(const struct parse *parse, const struct argp_state *state)
{
	const char *arg = culprit(parse, state);

	if (arg && arg[0] == '-' &&
		(arg[1] == '-' ? explain_long(parse->cli, arg) : explain_short(parse->cli, arg)))
		return;
	error_set(EINVAL, "the command line is not understood: try --help");
}

static error_t root_parser(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;
	int ret;

	switch (key) {
	case ARGP_KEY_ERROR:
		if (!parse->failed)
			explain(parse, state);
		return 0;
	case ARGP_KEY_ARG:
		ret = parse->cli->on_argument(parse->cli->ctx, arg);
		break;
	case ARGP_KEY_INIT:
		state->child_inputs[1] = parse; /* for hidden_parser */
		return 0;
	case ARGP_KEY_ARGS:
	case ARGP_KEY_NO_ARGS:
	case ARGP_KEY_END:
	case ARGP_KEY_SUCCESS:
	case ARGP_KEY_FINI:
		return ARGP_ERR_UNKNOWN;
	default:
		ret = parse->cli->on_option(parse->cli->ctx, key, arg);
	}
	parse->boundary = state->next;
	parse->failed = ret < 0;
	return ret < 0 ? EINVAL : 0;
}

/* argp mistakes the byte 255, which is -1 for getopt, for the option '?'. */
static error_t hidden_parser(int key, char *arg, struct argp_state *state)
{
	const char *from = key == KEY_HELP_TOO ? culprit(state->input, state) : NULL;

	return from && strchr(from, KEY_HELP_TOO) ? common_parser(key, arg, state)
						  : ARGP_ERR_UNKNOWN;
}

int cli_parse(const struct cli *cli, int argc, char **argv)
{
	static const struct argp common = {
		cli_common_options, common_parser, NULL, NULL, NULL, NULL, NULL};
	static const struct argp_option hidden_options[] = {
		{NULL, KEY_HELP_TOO, NULL, OPTION_HIDDEN, NULL, 0}, {0}};
	static const struct argp hidden = {
		hidden_options, hidden_parser, NULL, NULL, NULL, NULL, NULL};
	const struct argp_child children[] = {{&common, 0, NULL, 0}, {&hidden, 0, NULL, 0}, {0}};
	const struct argp argp = {
		cli->options, root_parser, cli->args_doc, cli->doc, children, NULL, NULL};
	struct parse parse = {.cli = cli, .boundary = 1};
	error_t err;

	err = argp_parse(
		&argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &parse);
	return err ? -(int)err : 0;
}
