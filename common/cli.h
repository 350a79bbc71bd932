/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Parses command lines with argp, but with one-line errors: argp by itself prints two lines and
 * exits.
 */
#ifndef SESSIOND_COMMON_CLI_H
#define SESSIOND_COMMON_CLI_H

#include <argp.h>

/* Exit codes of the daemon and sessionctl. */
enum {
	EXIT_RUNTIME = 1, /* something failed */
	EXIT_USAGE = 2,	  /* the command line or configuration is wrong */
};

/* --help and --version; ends with an empty option. */
extern const struct argp_option cli_common_options[];

struct cli {
	const struct argp_option *options; /* --help and --version are added */
	const char *args_doc;		   /* as in argp */
	const char *doc;
	/* Each returns 0, or a negative errno with error_message() set, which ends the parse. */
	int (*on_option)(
		void *ctx, int key, const char *value); /* `value`: NULL if the option takes none */
	int (*on_argument)(void *ctx, const char *argument);
	void *ctx;
};

/* Options and arguments may be mixed; the callbacks get them in the order given. `argv` is not
 * changed. Handles --help and --version: prints and exits 0. Returns 0, or a negative errno with
 * error_message() set. */
int cli_parse(const struct cli *cli, int argc, char **argv);

#endif
