/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Converts the output of iptables-save to the JSON that nft lists: nft sees neither the rules of
 * iptables-legacy nor the arguments of iptables' extensions.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_IPTABLES_H
#define SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_IPTABLES_H

#include <stdbool.h>

#include <jansson.h>

/* Appends the chains and rules of `text`, which it modifies, under that family ("iptables").
 * Returns 0 or -ENOMEM. */
int iptables_read(char *text, const char *family, json_t *objects);

/* Whether the text is from iptables-nft: nftables has its tables. */
bool iptables_is_nft(const char *text);

#endif
