/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The rules of a packet filter, in the JSON of libnftables-json(5): what happens to a datagram to a
 * UDP port. The answer is what the rules say of the port; their other conditions are not evaluated.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_RULES_H
#define SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

enum rules_verdict {
	RULES_OPEN,	/* what no rule names is let in */
	RULES_ACCEPTED, /* a rule names the port and lets it in */
	RULES_SOME,	/* a rule refuses the port under conditions, and none lets it in */
	RULES_DROPPED,	/* what no rule names is dropped, and none names the port */
	RULES_REFUSED,	/* a rule refuses the port */
};

struct rules {
	bool filtered;		    /* there are chains for what comes in */
	enum rules_verdict verdict; /* the worst of those chains, or good news of one of them */
	char where[96];		    /* the chain: "table inet filter, chain input" */
	bool v6_only;		    /* that chain sees IPv6 alone */
	bool tracking;		    /* a rule asks for connection tracking */
	bool untracked;		    /* a rule keeps the port from it */
	bool opaque;		    /* a rule of iptables could not be read to its end */
};

/* Judges an array of objects as nft lists them: {"chain": ...}, {"rule": ...}, {"set": ...}.
 * Returns 0 or -ENOMEM. */
int rules_judge(const json_t *objects, uint16_t port, struct rules *rules);

#endif
