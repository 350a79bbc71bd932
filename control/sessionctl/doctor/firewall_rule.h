/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * One rule of a packet filter in the JSON of libnftables-json(5).
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_RULE_H
#define SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

enum rule_action {
	RULE_NOTHING, /* or no relevant action */
	RULE_ACCEPT,
	RULE_DROP, /* or reject */
	RULE_NOTRACK,
	RULE_JUMP,
};

/* What a rule means for a UDP port. */
struct rule {
	bool names_port;
	bool other;    /* matches another port or protocol */
	bool whole;    /* has no other condition */
	bool tracking; /* needs connection tracking */
	bool opaque;   /* has an extension of iptables, whose arguments nft does not print */
	enum rule_action action;
	const char *target; /* the chain of a jump */
};

/* Calls `on_rule` once for each action of the rule: a verdict map with a key other than the port
 * has several. `sets` has the named sets and maps of the rule's table, by name. */
void rule_read(const json_t *statements, const json_t *sets, uint16_t port,
	void (*on_rule)(void *ctx, const struct rule *rule), void *ctx);

#endif
