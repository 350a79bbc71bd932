/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Options that do not fit each other.
 */
#ifndef SESSIOND_CONTROL_CONFIG_OPTION_TOGETHER_H
#define SESSIOND_CONTROL_CONFIG_OPTION_TOGETHER_H

#include "control/config/options.h"

/* Checks options that are complete; every mistake is added to `errors`. */
void options_check_together(const struct options *options, struct option_errors *errors);

#endif
