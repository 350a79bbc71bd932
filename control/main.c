/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/daemon.h"

#include "common/cli.h"
#include "control/privileges.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* systemd tries again where the configuration is not to blame: for an interface that may come yet,
 * memory that may come free, and a user database that may answer. A check is asked of the
 * configuration as the host is now; that an interface is not there, an edit can mend too. */
static int exit_code(int err, bool check)
{
	switch (err) {
	case -ENODEV:
		return check ? EXIT_USAGE : EXIT_RUNTIME;
	case -ENOMEM:
	case -EAGAIN:
		return EXIT_RUNTIME;
	default:
		return EXIT_USAGE;
	}
}

int main(int argc, char **argv)
{
	static struct options options;
	int err;

	privileges_forbid_dumps();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1,
		SIG_IGN); /* only asks for figures: not to be died of before there are any */
	err = options_parse(&options, argc, argv);
	if (err == 0)
		err = options_check_host(&options);
	if (err < 0) {
		fprintf(stderr, "sessiond: %s\n", error_message());
		return exit_code(err, options.check);
	}
	log_open(options.log_level);
	if (options.check) {
		printf("sessiond: the configuration is good\n");
		return EXIT_SUCCESS;
	}
	return daemon_run(&options, argc, argv);
}
