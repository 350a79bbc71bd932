/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/doctor/firewall_rule.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool rule_is_word(const char *at, const char *word)
{
	size_t len = strlen(word);

	return strncasecmp(at, word, len) == 0 && strchr(" ,", at[len]);
}

const char *rule_skip_word(const char *at)
{
	while (*at && *at != ' ')
		at++;
	while (*at == ' ')
		at++;
	return at;
}

bool rule_take(const char **at, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*at, prefix, len) != 0)
		return false;
	*at += len;
	return true;
}

/* Past a list of ports, {...} or a word, and whether `port` is in it. nft has A-B, iptables A:B,
 * and nft's map has "port : verdict": *verdict is then set. */
static const char *read_ports(const char *at, uint16_t port, bool *found, const char **verdict)
{
	bool braces = *at == '{', map = braces && strstr(at, " : ");
	const char *end = braces ? strchr(at, '}') : at + strcspn(at, " ");
	char *next;

	*found = false;
	if (!end)
		end = at + strlen(at);
	while (at < end) {
		unsigned long first, last;

		if (!isdigit((unsigned char)*at)) {
			at++;
			continue;
		}
		first = last = strtoul(at, &next, 10);
		if ((*next == '-' || (*next == ':' && !map)) && isdigit((unsigned char)next[1]))
			last = strtoul(next + 1, &next, 10);
		at = next;
		if (port < first || port > last)
			continue;
		*found = true;
		if (map && rule_take(&at, " : "))
			*verdict = at;
	}
	if (*end == '}')
		end++;
	while (*end == ' ')
		end++;
	return end;
}

static const char *read_log(const char *at)
{
	while (rule_take(&at, "prefix ") || rule_take(&at, "level ") || rule_take(&at, "flags ") ||
		rule_take(&at, "group ") || rule_take(&at, "snaplen "))
		at = rule_skip_word(at);
	return at;
}

/* nft: `udp dport 54321 counter packets 0 bytes 0 drop`. */
void rule_read_nft(const char *at, uint16_t port, struct rule *rule)
{
	*rule = (struct rule){.whole = true};
	while (*at) {
		bool found, negated;

		if (rule_take(&at, "meta l4proto udp ") || rule_take(&at, "ip protocol udp ") ||
			rule_take(&at, "ip6 nexthdr udp ") || rule_take(&at, "counter packets "))
			continue;
		if (rule_take(&at, "udp dport ") || rule_take(&at, "th dport ")) {
			negated = rule_take(&at, "!= ");
			rule_take(&at, "vmap ");
			at = read_ports(at, port, &found, &rule->verdict);
			rule->names_port |= found != negated;
			rule->other |= found == negated;
		} else if (rule_take(&at, "tcp ") || rule_take(&at, "meta l4proto tcp ")) {
			rule->other = true;
		} else if (rule_take(&at, "log ")) {
			at = read_log(at);
		} else if (rule_is_word(at, "accept") || rule_is_word(at, "drop") ||
			   rule_is_word(at, "reject") || rule_is_word(at, "notrack") ||
			   rule_is_word(at, "jump") || rule_is_word(at, "goto") ||
			   rule_is_word(at, "return")) {
			rule->verdict = at;
			return;
		} else {
			if (!isdigit((unsigned char)*at) && strncmp(at, "bytes ", 6) != 0)
				rule->whole = false;
			at = rule_skip_word(at);
		}
	}
}

/* iptables-save: `-p udp -m udp --dport 54321 -j DROP`. */
void rule_read_iptables(const char *at, uint16_t port, struct rule *rule)
{
	bool found, negated = false;

	*rule = (struct rule){.whole = true};
	while (*at) {
		if (rule_take(&at, "-j ") || rule_take(&at, "-g ")) {
			rule->verdict = at;
			return;
		}
		if (rule_take(&at, "! ")) {
			negated = true;
			rule->whole = false;
			continue;
		}
		if (rule_take(&at, "--dport ") || rule_take(&at, "--dports ")) {
			at = read_ports(at, port, &found, &rule->verdict);
			rule->names_port |= found != negated;
			rule->other |= found == negated;
		} else if (rule_take(&at, "-p tcp ")) {
			rule->other = !negated;
		} else if (rule_take(&at, "-m comment --comment ")) {
			at = rule_skip_word(at);
		} else if (!rule_take(&at, "-p udp ") && !rule_take(&at, "-m udp ") &&
			   !rule_take(&at, "-m multiport ")) {
			rule->whole = false;
			at = rule_skip_word(at);
		}
		negated = false;
	}
}
