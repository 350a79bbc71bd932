/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The table of sessiond's options. The command line, the configuration file, --help, reload and the
 * man pages are made from it.
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
	OPTION_MOVES = 16,    /* after a change, a start does not find what the last daemon left */
	OPTION_PORT = 64,     /* a value without a port has PORT's */
	OPTION_PASSWORD = 32, /* a URL: errors do not show what stands before its last @ */
};

/* How the shell completes a value that has no list of words. */
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
	/* The default as a value, words of a repeatable option separated by a blank; NULL: none, or
	 * not constant. */
	const char *fallback;
	/* Parses `value` into `options` ("yes" for an option without a value). Returns NULL, or the
	 * error text, valid until the next call by this thread. */
	const char *(*set)(
		const struct option_def *def, struct options *options, const char *value);
	/* Writes value number `i` to `text`, of OPTION_VALUE bytes; false: there are no more. See
	 * option_values.h. */
	bool (*value)(
		const struct option_def *def, const struct options *options, size_t i, char *text);
	/* Why a change needs a restart, or NULL if it does not: see option_fixed. */
	const char *fixed;
	unsigned reloads; /* of enum engine_flags: only in modes with it a reload applies it; 0: all
			   */
	size_t first_line; /* of a repeatable option's values in options.lines */
	/* Empties the list of a repeatable option, including its default. */
	void (*clear)(struct options *options);
	/* For numbers, what is counted and its bounds; for words, the allowed words separated by
	 * blanks, in the order of their enum. */
	const char *what;
	uint64_t min, max;
	const char *words;
	enum option_complete complete;
	unsigned needs; /* of enum engine_flags: no effect in a mode without; 0: all modes use it */
	/* The rest is for the manual and the example of a configuration file. */
	const char *example; /* a value for the example, if there is no default */
	const char *details; /* more sentences for the man pages, if `help` is not all */
	/* The option's member of struct options, comparable by memcmp. */
	size_t offset, size;
};

extern const struct option_def option_table[];
extern const size_t option_table_size;

/* Where value `i` of an option comes from: a line of the configuration file, or one of these. */
#define OPTION_LINE_DEFAULT 0U
#define OPTION_LINE_COMMAND UINT32_MAX
uint32_t option_line(const struct option_def *def, const struct options *options, size_t i);
void option_set_line(
	const struct option_def *def, struct options *options, size_t i, uint32_t line);
/* Takes over the lines of an option's values. */
void option_copy_lines(
	const struct option_def *def, struct options *to, const struct options *from);

/* Why a change from `running` to `now` needs a restart in this mode; NULL if a reload applies it.
 */
const char *option_fixed(const struct option_def *def, const struct engine_mode *mode,
	const struct options *running, const struct options *now);

/* Its letter, or a number above all letters; 0 for the argument. */
int option_key(const struct option_def *def);

#define OPTION_HELP 320

/* Writes `help` and, from the other members, "; repeatable" and "; default X". `text` has room for
 * OPTION_HELP bytes. Returns `text`. */
const char *option_help(const struct option_def *def, char text[OPTION_HELP]);

/* Whether the default is a list, which is too long for --help: `help` then describes it in
 * words. */
bool option_default_is_list(const struct option_def *def);

#endif
