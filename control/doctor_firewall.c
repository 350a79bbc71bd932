/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the kernel's own filters do to packets that are passed up to the daemon: NEWs, REMOVEs, and
 * all GETs of socket mode. The rules are read as nft and iptables-save print them. That is no proof
 * of what becomes of a packet, but shows what an operator should look at.
 */
#include "doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULES_SIZE (256 * 1024)

/* Is the port in the line as a number of its own: `dport 54321`, `--dports 53,54321`, `{ 1, 54321
 * }`
 */
static bool names_port(const char *line, uint16_t port)
{
	char text[8];
	const char *at = line;
	size_t len = (size_t)snprintf(text, sizeof(text), "%u", port);

	if (!strstr(line, "dport"))
		return false;
	while ((at = strstr(at, text))) {
		char before = at > line ? at[-1] : ' ', after = at[len];

		if (!strchr("0123456789.", before) &&
			(after == '\0' || !strchr("0123456789.", after)))
			return true;
		at += len;
	}
	return false;
}

struct rules {
	bool input;	/* something filters what comes in */
	bool drops;	/* and drops what no rule takes */
	bool accepted;	/* a rule names our port and takes it */
	bool refused;	/* or does not */
	bool untracked; /* a rule keeps it from connection tracking */
};

static void read_rules(char *text, uint16_t port, struct rules *rules)
{
	char *save, *line;

	memset(rules, 0, sizeof(*rules));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strstr(line, "hook input") || strncmp(line, "-A INPUT", 8) == 0 ||
			strncmp(line, ":INPUT DROP", 11) == 0)
			rules->input = true;
		if ((strstr(line, "hook input") && strstr(line, "policy drop")) ||
			strncmp(line, ":INPUT DROP", 11) == 0)
			rules->drops = true;
		if (!names_port(line, port) || strstr(line, "tcp dport") || strstr(line, "-p tcp"))
			continue;
		if (strstr(line, "notrack") || strstr(line, "-j NOTRACK"))
			rules->untracked = true;
		else if (strstr(line, "accept") || strstr(line, "-j ACCEPT"))
			rules->accepted = true;
		else if (strstr(line, "drop") || strstr(line, "reject") ||
			 strstr(line, "-j DROP") || strstr(line, "-j REJECT"))
			rules->refused = true;
	}
}

static int get_rules(const struct doctor_host *host, struct rules *rules)
{
	char *text = malloc(RULES_SIZE);
	int ret = -1;

	if (text)
		ret = host->probe->firewall(host->probe->ctx, text, RULES_SIZE);
	if (ret == 0)
		read_rules(text, host->port, rules);
	free(text);
	return ret;
}

void doctor_firewall(const struct doctor_host *host, struct doctor_report *report)
{
	struct rules rules = {0};
	char advice[160];

	if (get_rules(host, &rules) < 0) {
		doctor_say(report, DOCTOR_NOTE, "firewall", "",
			"run this as root, with nft or iptables-save installed",
			"the firewall's rules cannot be read");
		return;
	}
	snprintf(advice, sizeof(advice),
		"let the terminators in: nft insert rule inet filter input udp dport %u accept, "
		"for "
		"your table's and chain's names",
		host->port);
	if (rules.refused)
		doctor_say(report, DOCTOR_PROBLEM, "firewall", "", advice,
			"a rule refuses UDP port %u: the daemon gets no NEWs. (XDP answers GETs "
			"before any rule)",
			host->port);
	else if (rules.drops && !rules.accepted)
		doctor_say(report, DOCTOR_WARNING, "firewall", "", advice,
			"what no rule takes is dropped, and no rule names UDP port %u: the daemon "
			"may get no NEWs",
			host->port);
	else
		doctor_say(report, DOCTOR_GOOD, "firewall", "", "",
			rules.accepted ? "a rule lets UDP port %u in"
			: rules.input
				? "no rule names UDP port %u, and what no rule names is let in"
				: "nothing filters UDP port %u",
			host->port);
}

void doctor_conntrack(const struct doctor_host *host, struct doctor_report *report)
{
	uint64_t count, max;
	struct rules rules;
	char text[64], advice[200];

	if (!doctor_read(host, text, sizeof(text), "/proc/sys/net/netfilter/nf_conntrack_count")) {
		doctor_say(report, DOCTOR_GOOD, "conntrack", "", "", "connections are not tracked");
		return;
	}
	count = strtoull(text, NULL, 10);
	max = doctor_read(host, text, sizeof(text), "/proc/sys/net/netfilter/nf_conntrack_max")
		      ? strtoull(text, NULL, 10)
		      : 0;
	snprintf(advice, sizeof(advice),
		"exempt it: nft add rule inet raw prerouting udp dport %u notrack, and the same "
		"for "
		"udp sport in an output chain",
		host->port);
	if (max && count >= max - max / 10)
		doctor_say(report, DOCTOR_PROBLEM, "conntrack", "", advice,
			"the table of tracked connections is full, %" PRIu64 " of %" PRIu64
			": NEWs are dropped",
			count, max);
	else if (count == 0) /* the kernel tracks once a rule asks for it, and every packet then */
		doctor_say(report, DOCTOR_GOOD, "conntrack", "", "",
			"connections can be tracked, but none is");
	else if (get_rules(host, &rules) == 0 && rules.untracked)
		doctor_say(report, DOCTOR_GOOD, "conntrack", "", "",
			"connections are tracked, but not those of UDP port %u", host->port);
	else
		doctor_say(report, DOCTOR_WARNING, "conntrack", "", advice,
			"connections are tracked: every NEW takes an entry, for 30 seconds each "
			"(%" PRIu64 " of %" PRIu64 " are taken)",
			count, max);
}
