/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The values of --farm, --farm-name and --farm-node, and the key file of --farm-key.
 */
#ifndef SESSIOND_CONTROL_CONFIG_OPTION_FARM_H
#define SESSIOND_CONTROL_CONFIG_OPTION_FARM_H

#include "control/config/options.h"
#include "control/host/identity.h"

/* NULL, or what is wrong: text that does not contain the value. It looks up no name and connects to
 * nothing. */
const char *option_farm_check_url(const char *url);
const char *option_farm_check_name(const char *name);

/* Sets this host's name. 0, or -EINVAL with error_message() set if it cannot be a node's name. */
int option_farm_host_name(char name[FARM_NAME_MAX + 1]);

/* The farm of the options, which must outlive it. Engines without --farm: 0. */
struct farm_config option_farm_config(const struct options *options);

/* Checks the farm's options: whether the daemon, running as `identity`, can read the key file and
 * use its keys, and all that farm_check does. Changes the effective user meanwhile: call it while
 * there is one thread. 0, or -EINVAL with error_message() set. */
int option_farm_check(const struct options *options, const struct identity *identity);

/* For --check: tells what is wrong with the engines' settings, and which do not answer, within a
 * second. Call it last: it leaves the process with the rights of the daemon's user. */
void option_farm_check_engines(
	const struct options *options, void (*tell)(void *ctx, const char *line), void *ctx);

#endif
