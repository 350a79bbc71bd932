/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the table says of an option to the manual, against what the option does.
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

/* `def` applied to `options` with each word of `value`, as the command line would. */
static void apply(struct options *options, const struct option_def *def, const char *value)
{
	char copy[256], *save = NULL;

	assert_true(strlen(value) < sizeof(copy));
	strcpy(copy, value);
	if (def->clear)
		def->clear(options);
	for (char *word = def->clear ? strtok_r(copy, " ", &save) : copy; word;
		word = def->clear ? strtok_r(NULL, " ", &save) : NULL) {
		const char *wrong = def->set(options, word);

		if (wrong)
			print_error("%s %s: %s\n", def->name, word, wrong);
		assert_null(wrong);
	}
}

static void parse_nothing(struct options *options)
{
	char name[] = "sessiond", *argv[] = {name, NULL};

	assert_int_equal(options_parse(options, 1, argv), 0);
}

/* The default that the manual names is the one that is in force. */
static void defaults_are_true(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];

		if (!def->fallback)
			continue;
		parse_nothing(&unset);
		parse_nothing(&set);
		/* Where this user may not write there, it is another path. */
		if (strcmp(def->name, "control") == 0)
			strcpy(unset.control_path, def->fallback);
		apply(&set, def, def->fallback);
		if (memcmp((char *)&unset + def->offset, (char *)&set + def->offset, def->size) !=
			0)
			fail_msg("--%s %s is not the default", def->name, def->fallback);
	}
}

static void examples_are_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];

		if (def->flags & OPTION_COMMAND_LINE)
			continue;
		if (!def->fallback && !def->example)
			fail_msg("%s: give its row in option_table.c a .fallback or an .example",
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
		cmocka_unit_test(defaults_are_true),
		cmocka_unit_test(examples_are_good),
		cmocka_unit_test(help_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
