/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/sessionctl.h"

#include <stdio.h>

int ctl_fail(int code)
{
	fprintf(stderr, "sessionctl: %s\n", error_message());
	return code;
}
