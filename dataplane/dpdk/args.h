/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * --dpdk-args: EAL's arguments and, after "--" as in every DPDK program, sessiond's own.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_ARGS_H
#define SESSIOND_DATAPLANE_DPDK_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#define ARGS_MAX      96
#define ARGS_TEXT_MAX 2048
#define ARGS_VLANS    64

struct dpdk_args {
	int argc;		  /* argv[0] is "sessiond" */
	char *argv[ARGS_MAX + 1]; /* points into text; NULL-terminated */
	char text[ARGS_TEXT_MAX];

	bool huge; /* false with --no-huge */

	/* sessiond's own. */
	uint32_t mbufs; /* --mbufs: packet buffers per port; 0: as many as its rings take */
	uint16_t rxd;	/* --rxd, --txd: descriptors per queue */
	uint16_t txd;
	uint32_t updates; /* --updates: entries of each lcore's ring to the writer, a power of 2 */
	/* --vlan: the VLANs to serve besides untagged frames; with two tags, the outer ID is in the
	 * high half. */
	unsigned vlan_count;
	uint32_t vlans[ARGS_VLANS];
	bool any_vlan; /* --vlan any */
};

/* Splits `text` into words as a shell would (quotes, backslashes), refuses those that would end or
 * hijack the process (--help, --proc-type=secondary ...), and adds defaults: --file-prefix
 * sessiond, and --in-memory (or --no-shconf), so that EAL leaves no files behind, even after
 * SIGKILL. EAL checks the rest. 0, or -EINVAL with error_message() set. `args` must outlive EAL. */
int dpdk_args_parse(struct dpdk_args *args, const char *text);

#endif
