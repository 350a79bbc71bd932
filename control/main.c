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

/* systemd retries after EXIT_RUNTIME: an interface may appear, memory may become free, a user
 * database may answer. With --check a missing interface is a usage error, because an edit of the
 * configuration can fix it. */
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
	signal(SIGUSR1, SIG_IGN); /* else it would end the process until the loop handles it */
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
