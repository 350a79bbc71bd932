/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * How long a thread was ready to run and had no CPU: what others do on a busy machine is not the
 * library's.
 */
#ifndef TESTS_CLIENT_CPU_WAIT_H
#define TESTS_CLIENT_CPU_WAIT_H

#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* This thread's, in ns since it began; 0 if the kernel does not count it. */
static inline uint64_t cpu_wait_ns(void)
{
	static _Thread_local int fd = -1;
	uint64_t ran, waited = 0;
	char text[96];
	ssize_t size;

	if (fd < 0)
		fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	size = pread(fd, text, sizeof(text) - 1, 0);
	text[size > 0 ? size : 0] = '\0';
	if (sscanf(text, "%" SCNu64 " %" SCNu64, &ran, &waited) != 2)
		return 0;
	return waited;
}

#endif
