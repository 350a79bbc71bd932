/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/dispatcher.h"

#include <xdp/libxdp.h>

#include <stdarg.h>
#include <stdio.h>

static int no_print(enum libxdp_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int dispatcher_members(int ifindex, char *names, size_t size)
{
	libxdp_print_fn_t print = libxdp_set_print(no_print);
	struct xdp_multiprog *dispatcher = xdp_multiprog__get_from_ifindex(ifindex);
	struct xdp_program *program = NULL;
	size_t used = 0;
	int count = 0;

	names[0] = '\0';
	if (!dispatcher || libxdp_get_error(dispatcher)) {
		libxdp_set_print(print);
		return 0;
	}
	while (!xdp_multiprog__is_legacy(dispatcher) &&
		(program = xdp_multiprog__next_prog(program, dispatcher))) {
		if (used < size)
			used += (size_t)snprintf(names + used, size - used, "%s%s",
				count ? ", " : "", xdp_program__name(program));
		count++;
	}
	xdp_multiprog__close(dispatcher);
	libxdp_set_print(print);
	return count;
}
