/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What ethtool tells of an interface. Any thread; no privileges are needed.
 */
#ifndef SESSIOND_COMMON_ETHTOOL_H
#define SESSIOND_COMMON_ETHTOOL_H

#include <stddef.h>
#include <stdint.h>

/* A struct of <linux/ethtool.h>, its cmd set, filled in. 0 or a negative errno. */
int ethtool_ask(const char *interface, void *command);

/* The driver's name. 0 or a negative errno: -EOPNOTSUPP if it has none. */
int ethtool_driver(const char *interface, char name[32]);

/* Offloads, ETH_FLAG_* of <linux/ethtool.h>. 0 or a negative errno. */
int ethtool_offloads(const char *interface, uint32_t *flags);

/* Receive queues; 1 where the driver does not say. */
uint32_t ethtool_receive_queues(const char *interface);

/* How to have VLAN tags reach XDP on an interface with rxvlan (ETH_FLAG_RXVLAN) and that driver. */
void ethtool_tags_remedy(const char *interface, const char *driver, char *text, size_t size);

#endif
