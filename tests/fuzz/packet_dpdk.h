/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * dpdk mode's part of the packet target: a port whose queues are rings, and one lcore's burst.
 */
#ifndef TESTS_FUZZ_PACKET_DPDK_H
#define TESTS_FUZZ_PACKET_DPDK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/table/table.h"

#include <sessiond/protocol.h>

extern const uint8_t packet_dpdk_mac[6]; /* the port's */

/* The changes that a mode passes to its writer for one frame. */
struct packet_update {
	unsigned count; /* of NEWs and REMOVEs; the following is for the last one */
	bool is_new;
	uint8_t key[SESSD_KEY_SIZE];
	uint16_t timeout;
	size_t len;
	uint8_t value[SESSD_VALUE_LIMIT]; /* if at most value_max bytes; else zeroed */
};

extern struct packet_update packet_dpdk_update; /* by the last run */
extern bool packet_dpdk_taken;			/* a TAKE has got a session in it */

/* Ends the program if EAL is unavailable. */
void packet_dpdk_open(
	struct table *table, uint16_t value_max, const char *const *local, size_t count);

/* Runs one frame; returns the length of the sent frame with a UDP datagram, 0 for none. Other sent
 * frames (ARP, ND, echo) are ignored. */
size_t packet_dpdk_run(const uint8_t *frame, size_t len, uint8_t *reply, size_t room);

#endif
