/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The daemon: the engine of the chosen mode, the writer, the local addresses and the main thread's
 * loop.
 */
#ifndef SESSIOND_CONTROL_DAEMON_H
#define SESSIOND_CONTROL_DAEMON_H

#include "control/config/options.h"

/* Runs until a signal or a failure ends it. `argc` and `argv` are read again at SIGHUP. Returns the
 * exit code; each failure is logged in one line. */
int daemon_run(const struct options *options, int argc, char **argv);

#endif
