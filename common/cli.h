/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Command lines by argp, with errors of one line each: argp by itself prints two and exits.
 */
#ifndef SESSIOND_COMMON_CLI_H
#define SESSIOND_COMMON_CLI_H

#include <argp.h>

/* Exit codes of the daemon and of sessionctl. */
enum {
	EXIT_RUNTIME = 1, /* something failed */
	EXIT_USAGE = 2,	  /* the command line or configuration is wrong */
};

/* --help and --version; ends with an empty one. */
extern const struct argp_option cli_common_options[];

struct cli {
	const struct argp_option *options; /* --help and --version come by themselves */
	const char *args_doc;		   /* as argp has them */
	const char *doc;
	/* Each returns 0, or a negative errno with error_message() set, which ends the parse. */
	int (*on_option)(
		void *ctx, int key, const char *value); /* value NULL where none is taken */
	int (*on_argument)(void *ctx, const char *argument);
	void *ctx;
};

/* Options and arguments may stand in any order; they are delivered in the order given. `argv` is
 * left as it is. Prints --help and --version and exits 0. Returns 0, or a negative errno with
 * error_message() set. */
int cli_parse(const struct cli *cli, int argc, char **argv);

#endif
