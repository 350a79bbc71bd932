/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/daemon.h"

#include "common/cli.h"
#include "control/config/option_farm.h"
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

/* A file may have an error a line. */
#define ERRORS_SHOWN 20

static void print_error(void *ctx, const char *message)
{
	const struct option_errors *errors = ctx;

	if (errors->count <= ERRORS_SHOWN)
		fprintf(stderr, "sessiond: %s\n", message);
}

/* What a start with these options does to sessions that outlive the last daemon. */
static void print_cost(const struct options *options, const struct engine_mode *mode)
{
	char text[512];

	if (mode->ops->start_cost && mode->ops->start_cost(&options->engine, text, sizeof(text)))
		printf("sessiond: %s\n", text);
}

static void print_line(void *ctx, const char *line)
{
	(void)ctx;
	printf("sessiond: %s\n", line);
}

static void print_without_effect(void *ctx, const char *name, const char *mode)
{
	(void)ctx;
	printf("sessiond: %s has no effect in mode %s\n", name, mode);
}

int main(int argc, char **argv)
{
	static struct options options;
	struct option_errors errors = {.tell = print_error, .ctx = &errors};
	int err;

	privileges_forbid_dumps();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN); /* else it would end the process until the loop handles it */
	err = options_parse(&options, argc, argv, &errors);
	if (err == 0)
		err = options_check_host(&options, &errors);
	else if (errors.in_lines) /* all mistakes in one go */
		options_check_names(&options, &errors);
	if (err < 0) {
		if (errors.count == 0)
			fprintf(stderr, "sessiond: %s\n", error_message());
		else if (errors.count > ERRORS_SHOWN)
			fprintf(stderr, "sessiond: %u more errors\n", errors.count - ERRORS_SHOWN);
		return exit_code(err, options.check);
	}
	log_open(options.log_level);
	if (options.check) {
		const struct engine_mode *mode =
			options.mode ? options.mode : engines_auto(NULL, &options.engine);

		options_without_effect(&options, mode, print_without_effect, NULL);
		print_cost(&options, mode);
		/* No reason to fail: engines come and go, and their settings are not this file's.
		 */
		option_farm_check_engines(&options, print_line, NULL);
		printf("sessiond: the configuration is good\n");
		return EXIT_SUCCESS;
	}
	return daemon_run(&options, argc, argv);
}
