/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Queries of ethtool. Any thread. Need no privilege.
 */
#ifndef SESSIOND_COMMON_ETHTOOL_H
#define SESSIOND_COMMON_ETHTOOL_H

#include <stddef.h>
#include <stdint.h>

/* Fills in a struct of <linux/ethtool.h> whose cmd is set. 0 or a negative errno. */
int ethtool_ask(const char *interface, void *command);

/* The driver's name. 0 or a negative errno: -EOPNOTSUPP if it has none. */
int ethtool_driver(const char *interface, char name[32]);

/* Offloads, ETH_FLAG_* of <linux/ethtool.h>. 0 or a negative errno. */
int ethtool_offloads(const char *interface, uint32_t *flags);

/* Receive queues; 1 if the driver does not report them. */
uint32_t ethtool_receive_queues(const char *interface);

/* Writes the command that makes VLAN tags visible to XDP on an interface with ETH_FLAG_RXVLAN. */
void ethtool_tags_remedy(const char *interface, const char *driver, char *text, size_t size);

#endif
