/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What iptables-save prints, as the JSON that nft lists: nft does not see the rules of
 * iptables-legacy, and not the arguments of iptables' extensions.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_IPTABLES_H
#define SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_IPTABLES_H

#include <stdbool.h>

#include <jansson.h>

/* Appends the chains and rules of `text`, which is changed, under that family ("iptables"). Returns
 * 0 or -ENOMEM. */
int iptables_read(char *text, const char *family, json_t *objects);

/* Whether the tables of the text are nftables' own. */
bool iptables_is_nft(const char *text);

#endif
