/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The daemon's options, from the command line and the configuration file. One table names every
 * option for both; the command line overrides the file.
 */
#ifndef SESSIOND_CONTROL_CONFIG_OPTIONS_H
#define SESSIOND_CONTROL_CONFIG_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/control_path.h"
#include "common/log.h"
#include "control/farm/farm.h"
#include "control/host/identity.h"
#include "control/sessions/writer.h"
#include "dataplane/engine.h"

/* Rows of option_rows.h at most: struct options has a bit for each. */
#define OPTION_TABLE_MAX 32

/* Values of all repeatable options. */
#define OPTION_LISTS_MAX (ENGINE_INTERFACES_MAX + ENGINE_LISTEN_MAX + ALLOW_MAX + FARM_ENGINES_MAX)

/* The engines of `farm`; unused bytes are 0. A URL may contain a password. */
struct option_engines {
	char urls[FARM_ENGINES_MAX][FARM_URL_MAX];
	uint32_t count;
};

/* A member for each row of option_rows.h, and values derived from them. */
struct options {
	struct engine_config engine; /* complete after options_parse except on_thread */
#define OPTION(type, member, array, ...) type member array;
#define ENGINE_OPTION(...)
#define ENGINE_OPTIONS(...)
#include "control/config/option_rows.h"
	bool allow_is_default, control_is_default;
	uint64_t given; /* a bit for each row, from the lowest: set by file or command line */
	/* Where each value comes from: see option_line(). */
	uint32_t lines[OPTION_TABLE_MAX + OPTION_LISTS_MAX];
};

/* The errors in a configuration. */
struct option_errors {
	void (*tell)(void *ctx, const char *message); /* called for each error, in order; or NULL */
	void *ctx;
	unsigned count;
	char first[512];
	bool in_lines; /* lines of the file are wrong, so how options fit together is not checked */
};

/* Fills `options` from defaults, the file that --config names and the command line. Prints --help
 * and --version itself and exits 0. Returns 0, or a negative errno with error_message() set:
 * -ENOMEM if out of memory, else -EINVAL. It opens only the file and changes nothing.
 * Each wrong line of the file, or else each mistake in how options fit together, is added to
 * `errors`, which may be NULL; error_message() is about the first. */
int options_parse(struct options *options, int argc, char **argv, struct option_errors *errors);

struct option_def;

/* Reads file and command line again. `next` becomes a copy of `running` with the new values of the
 * options that a reload applies in `mode`; `changed`, if not NULL, is called for each option that
 * differs, with all that was read in `now`. `running` is as options_parse filled it. 0, or a
 * negative errno with error_message() set and `next` untouched. */
int options_reload(struct options *next, int argc, char **argv, const struct options *running,
	const struct engine_mode *mode,
	void (*changed)(void *ctx, const struct option_def *def, const struct options *running,
		const struct options *now),
	void *ctx);

/* Checks the options against the host: interfaces and users that do not exist, a key file that the
 * daemon could not read, a capacity beyond this machine's memory. 0, or a negative errno with
 * error_message() set: -ENODEV for a missing interface, which may appear later, -ENOMEM for memory,
 * which may become free, -EAGAIN if a user could not be looked up, or -EINVAL, also if only one of
 * several mistakes is of that kind. Each is added to `errors`, which may be NULL. */
int options_check_host(const struct options *options, struct option_errors *errors);
/* The part of it that is possible where lines of the file are wrong: interfaces and the user. */
void options_check_names(const struct options *options, struct option_errors *errors);
/* Calls `tell` for each option that was given and that `mode` does not use. */
void options_without_effect(const struct options *options, const struct engine_mode *mode,
	void (*tell)(void *ctx, const char *name, const char *mode), void *ctx);
/* Bytes of memory that a start takes at most, not counting what an earlier daemon left pinned. */
uint64_t options_memory_needed(const struct options *options);

#endif
