/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * One rule of a packet filter, as nft or iptables-save prints it, without what is between quotes.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_RULE_H
#define SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_RULE_H

#include <stdbool.h>
#include <stdint.h>

/* What its words come to for a UDP port. */
struct rule {
	bool names_port;
	bool other;	     /* it is of another port or of TCP */
	bool whole;	     /* there is nothing else that it asks for */
	const char *verdict; /* from this word on; NULL if there is none */
};

void rule_read_nft(const char *text, uint16_t port, struct rule *rule);
/* Without "-A CHAIN" before it. */
void rule_read_iptables(const char *text, uint16_t port, struct rule *rule);

/* Does a text begin with this word, in whatever case? */
bool rule_is_word(const char *at, const char *word);
/* Goes on to the next word. */
const char *rule_skip_word(const char *at);
/* Goes past `prefix`, if the text begins with it. */
bool rule_take(const char **at, const char *prefix);

#endif
