/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The table's description of an option against the option's behaviour.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/config/option_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct options unset, set;

/* Applies `def` to `options` with each word of `value`, as the command line does. */
static void apply(struct options *options, const struct option_def *def, const char *value)
{
	char copy[256], *save = NULL;

	assert_true(strlen(value) < sizeof(copy));
	strcpy(copy, value);
	if (def->clear)
		def->clear(options);
	for (char *word = def->clear ? strtok_r(copy, " ", &save) : copy; word;
		word = def->clear ? strtok_r(NULL, " ", &save) : NULL) {
		const char *wrong = def->set(def, options, word);

		if (wrong)
			print_error("%s %s: %s\n", def->name, word, wrong);
		assert_null(wrong);
	}
}

static const struct option_def *option(const char *name)
{
	for (size_t i = 0; i < option_table_size; i++)
		if (strcmp(option_table[i].name, name) == 0)
			return &option_table[i];
	fail_msg("there is no option %s", name);
	return NULL;
}

static void parse_nothing(struct options *options)
{
	char name[] = "sessiond", *argv[] = {name, NULL};

	assert_int_equal(options_parse(options, 1, argv, NULL), 0);
}

/* Every default is a value that the option accepts, and so is each word of a list. */
static void defaults_are_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];

		if (!def->fallback)
			continue;
		parse_nothing(&unset);
		parse_nothing(&set);
		/* If this user may not write there, the path differs. */
		if (strcmp(def->name, "control") == 0)
			strcpy(unset.control_path, def->fallback);
		apply(&set, def, def->fallback);
		if (memcmp((char *)&unset + def->offset, (char *)&set + def->offset, def->size) !=
			0)
			fail_msg("--%s %s is not the default", def->name, def->fallback);
	}
}

/* The option accepts what the shell completes; and the words are in the order of the enum. */
static void words_are_taken(void **state)
{
	char words[256], *save, expected[512];

	(void)state;
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];

		if (!def->words)
			continue;
		assert_null(strstr(def->words, "  "));
		snprintf(words, sizeof(words), "%s", def->words);
		for (char *word = strtok_r(words, " ", &save); word;
			word = strtok_r(NULL, " ", &save)) {
			parse_nothing(&set);
			apply(&set, def, word);
			/* "expected" and all of them */
			snprintf(expected, sizeof(expected), "%s", def->set(def, &set, "x"));
			assert_non_null(strstr(expected, word));
		}
		assert_non_null(def->set(def, &set, ""));
		assert_non_null(def->set(def, &set, def->words));
	}
	for (size_t i = 0; i < engine_mode_count; i++) {
		parse_nothing(&set);
		apply(&set, option("mode"), engine_modes[i].name);
		assert_ptr_equal(set.mode, &engine_modes[i]);
		assert_non_null(strstr(option("mode")->words, engine_modes[i].name));
		assert_non_null(strstr(option("mode")->help, engine_modes[i].name));
	}
	apply(&set, option("xdp-mode"), "native");
	assert_int_equal(set.engine.xdp_mode, XDP_MODE_NATIVE);
	apply(&set, option("xdp-mode"), "generic");
	assert_int_equal(set.engine.xdp_mode, XDP_MODE_GENERIC);
	apply(&set, option("remove"), "ignore");
	assert_int_equal(set.remove, REMOVE_IGNORE);
}

static void examples_are_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];

		if (def->flags & OPTION_COMMAND_LINE)
			continue;
		if (!def->fallback && !def->example)
			fail_msg("%s: give its row in option_rows.h a .fallback or an .example",
				def->name);
		if (def->example) {
			parse_nothing(&set);
			apply(&set, def, def->example);
		}
	}
}

static void help_is_whole(void **state)
{
	char text[OPTION_HELP];

	(void)state;
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];

		assert_ptr_equal(option_help(def, text), text);
		if (strlen(text) == OPTION_HELP - 1)
			fail_msg("%s: the help is cut", def->name);
		assert_int_equal(strncmp(text, def->help, strlen(def->help)), 0);
		if (def->flags & OPTION_REPEATABLE)
			assert_non_null(strstr(text, "; repeatable"));
		if (def->fallback && def->arg && !option_default_is_list(def))
			assert_non_null(strstr(text, def->fallback));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_good),
		cmocka_unit_test(words_are_taken),
		cmocka_unit_test(examples_are_good),
		cmocka_unit_test(help_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
