/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The last error of each thread. Separate from log.c, which libsessiond does not contain.
 */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static _Thread_local char last_error[512];

int(error_set)(int errnum, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_error, sizeof(last_error), format, args);
	va_end(args);
	return errnum > 0 ? -errnum : -EIO;
}

const char *error_message(void)
{
	return last_error;
}
