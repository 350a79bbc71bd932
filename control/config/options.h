/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the daemon was asked to do, from the command line and the configuration file. One table
 * names every option for both; the command line wins over the file.
 */
#ifndef SESSIOND_CONTROL_CONFIG_OPTIONS_H
#define SESSIOND_CONTROL_CONFIG_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/control_path.h"
#include "common/log.h"
#include "control/host/identity.h"
#include "control/sessions/writer.h"
#include "dataplane/engine.h"

/* A member for each row of option_rows.h, and what they say together. */
struct options {
	struct engine_config engine; /* whole after options_parse but for on_thread */
#define OPTION(type, member, array, ...) type member array;
#define ENGINE_OPTION(...)
#define ENGINE_OPTIONS(...)
#include "control/config/option_rows.h"
	bool allow_is_default, control_is_default;
};

/* Fills `options` from defaults, the file that --config names and the command line. Prints --help
 * and --version itself and exits 0. Returns 0, or a negative errno with error_message() set:
 * -ENOMEM where there was no memory to read the file, else -EINVAL. Nothing of the system is
 * changed or opened but the file. */
int options_parse(struct options *options, int argc, char **argv);

/* Reads file and command line again. `next` becomes `running` with what may change while running
 * (OPTION_RELOADABLE) as it is now asked for; needs_restart, if not NULL, is called with the
 * name of each other option that differs. `running` is what options_parse filled, unchanged. 0, or
 * a negative errno with error_message() set and `next` untouched. */
int options_reload(struct options *next, int argc, char **argv, const struct options *running,
	void (*needs_restart)(void *ctx, const char *name), void *ctx);

/* What can only be told with a look at the host: interfaces and users that do not exist, a capacity
 * beyond this machine's memory. 0, or a negative errno with error_message() set: -ENODEV for an
 * interface, which may come yet, -ENOMEM for memory, which may come free, -EAGAIN for users who
 * could not be looked up, or -EINVAL. */
int options_check_host(const struct options *options);
/* Bytes of memory that a start takes at most, beside what a daemon that is gone has left pinned. */
uint64_t options_memory_needed(const struct options *options);

#endif
