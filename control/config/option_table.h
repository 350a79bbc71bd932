/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The one table of sessiond's options: the command line, the configuration file, --help, reload
 * and the man pages all come from it.
 */
#ifndef SESSIOND_CONTROL_CONFIG_OPTION_TABLE_H
#define SESSIOND_CONTROL_CONFIG_OPTION_TABLE_H

#include <stddef.h>

#include "control/config/options.h"

enum option_flags {
	OPTION_REPEATABLE = 1,	 /* each occurrence adds; the command line's replace the file's */
	OPTION_RELOADABLE = 2,	 /* SIGHUP applies a change; any other needs a restart */
	OPTION_COMMAND_LINE = 4, /* not in the file */
	OPTION_ARGUMENT = 8,	 /* on the command line the argument, without a name */
};

/* What the shell completes a value with, where there are no words. */
enum option_complete {
	COMPLETE_NOTHING,
	COMPLETE_FILES,
	COMPLETE_FOLDERS,
	COMPLETE_INTERFACES,
	COMPLETE_USERS,
};

struct option_def {
	const char *name; /* long name, and the name in the file */
	char letter;	  /* 0: none */
	const char *arg;  /* what the value is, for help; NULL: none, and yes or no in the file */
	unsigned flags;	  /* of enum option_flags */
	const char *help;
	/* The default as a value, words of a repeatable option apart by a blank; NULL: there is
	 * none, or no constant. */
	const char *fallback;
	/* Parses `value` into `options` ("yes" for an option without a value). Returns NULL, or
	 * what is wrong or was expected: valid until the next call by this thread. */
	const char *(*set)(
		const struct option_def *def, struct options *options, const char *value);
	/* Empties what a repeatable option adds to, its default included. */
	void (*clear)(struct options *options);
	/* For numbers, what is counted and its bounds; for words, those expected, apart by blanks,
	 * of an enum in its order. */
	const char *what;
	uint64_t min, max;
	const char *words;
	enum option_complete complete;
	/* The rest is for the manual and the example of a configuration file. */
	const char *example; /* a value for the example, where there is no such default */
	const char *details; /* more sentences for the man pages, if `help` is not all */
	/* The member of struct options it is about, comparable by memcmp. */
	size_t offset, size;
};

extern const struct option_def option_table[];
extern const size_t option_table_size;

/* Its letter, or a number past all letters; 0 for the argument. */
int option_key(const struct option_def *def);

#define OPTION_HELP 320

/* `help` with what the other members say added: "; repeatable", "; default X". `text` has room for
 * OPTION_HELP bytes; returns it. */
const char *option_help(const struct option_def *def, char text[OPTION_HELP]);

/* Whether the default is a list, too long for --help, whose `help` names it in words. */
bool option_default_is_list(const struct option_def *def);

#endif
