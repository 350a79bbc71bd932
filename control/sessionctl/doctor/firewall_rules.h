/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Judges the rules of a packet filter, in the JSON of libnftables-json(5): what happens to a
 * datagram to a UDP port. Conditions other than the port are not evaluated.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_RULES_H
#define SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

enum rules_verdict {
	RULES_OPEN,	/* packets that match no rule are let in */
	RULES_ACCEPTED, /* a rule names the port and lets it in */
	RULES_SOME,	/* a rule refuses the port under conditions, and none lets it in */
	RULES_DROPPED,	/* packets that match no rule are dropped, and no rule names the port */
	RULES_REFUSED,	/* a rule refuses the port */
};

struct rules {
	bool filtered;		    /* there are chains for incoming packets */
	enum rules_verdict verdict; /* the highest of those chains */
	char where[96];		    /* the chain: "table inet filter, chain input" */
	bool v6_only;		    /* that chain sees only IPv6 */
	bool tracking;		    /* a rule asks for connection tracking */
	bool untracked;		    /* a rule exempts the port from tracking */
	bool opaque;		    /* a rule of iptables could not be read completely */
};

/* Judges an array of objects as nft lists them: {"chain": ...}, {"rule": ...}, {"set": ...}.
 * Returns 0 or -ENOMEM. */
int rules_judge(const json_t *objects, uint16_t port, struct rules *rules);

#endif
