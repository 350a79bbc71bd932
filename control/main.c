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
		/* An interface may come yet, and whoever starts us may try again. */
		return err == -ENODEV && !options.check ? EXIT_RUNTIME : EXIT_USAGE;
	}
	log_open(options.log_level);
	if (options.check) {
		printf("sessiond: the configuration is good\n");
		return EXIT_SUCCESS;
	}
	return daemon_run(&options, argc, argv);
}
