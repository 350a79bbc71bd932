/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * --dpdk-args: EAL's arguments and, after "--" as with every DPDK program, our own about ports.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_ARGS_H
#define SESSIOND_DATAPLANE_DPDK_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#define ARGS_MAX      96
#define ARGS_TEXT_MAX 2048

struct dpdk_args {
	int argc;		  /* argv[0] is "sessiond" */
	char *argv[ARGS_MAX + 1]; /* into text; ends with NULL */
	char text[ARGS_TEXT_MAX];

	bool huge; /* not --no-huge */

	/* Our own. */
	uint32_t mbufs; /* --mbufs: buffers of each port; 0: as many as its rings take */
	uint16_t rxd;	/* --rxd, --txd: descriptors of each queue */
	uint16_t txd;
	uint32_t updates; /* --updates: NEWs and REMOVEs that each lcore's ring holds, a power of 2
			   */
};

/* Splits words as a shell would (quotes, backslashes), refuses those that would end or hijack the
 * process (--help, --proc-type=secondary ...), and adds what was not said: --file-prefix sessiond,
 * and --in-memory (--no-shconf), with which no file of EAL's outlives us, even if we are killed.
 * Whether the rest makes sense, EAL says. 0, or -EINVAL with error_message() set. */
int dpdk_args_parse(struct dpdk_args *args, const char *text);

#endif
