/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the kernel's packet filters do to packets for the daemon: NEWs, REMOVEs, and all GETs of
 * socket mode. The rules are read from the output of nft and iptables-save. That does not prove
 * what happens to a packet, but shows what an operator should look at.
 */
#include "control/sessionctl/doctor/doctor.h"

#include "control/sessionctl/doctor/firewall_read.h"
#include "control/sessionctl/doctor/firewall_rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int get_rules(const struct doctor_host *host, struct rules *rules, const char **hidden)
{
	json_t *objects;
	int ret = firewall_read(host, &objects, hidden);

	if (ret < 0)
		return ret;
	ret = rules_judge(objects, host->port, rules);
	json_decref(objects);
	if (rules->opaque && !*hidden)
		*hidden = "iptables";
	return ret;
}

static void say_bad(
	const struct doctor_host *host, const struct rules *rules, struct doctor_report *report)
{
	enum doctor_severity severity =
		rules->verdict == RULES_REFUSED ? DOCTOR_PROBLEM : DOCTOR_WARNING;
	char advice[200];

	snprintf(advice, sizeof(advice),
		"let the terminators in: nft insert rule inet filter input udp dport %u accept, "
		"with your table's and chain's names",
		host->port);
	/* stunnel uses only IPv4. */
	if (rules->v6_only)
		severity = DOCTOR_NOTE;
	doctor_say(report, severity, "firewall", "", advice,
		rules->verdict == RULES_REFUSED
			? "%s%s: a rule refuses UDP port %u: the daemon gets no NEWs. (XDP answers "
			  "GETs before any rule)"
		: rules->verdict == RULES_DROPPED
			? "%s%s: packets that match no rule are dropped, and no rule lets UDP port "
			  "%u in: the daemon may get no NEWs"
			: "%s%s: a rule refuses UDP port %u to some: check that it affects no "
			  "terminator",
		rules->where, rules->v6_only ? " (IPv6)" : "", host->port);
}

static void say_hidden(const char *hidden, struct doctor_report *report)
{
	doctor_say(report, DOCTOR_NOTE, "firewall", "",
		strcmp(hidden, "nftables") == 0
			? "look at `nft list ruleset`; doctor needs an nft that has JSON (nft -j)"
			: "look at iptables-save and iptables-legacy-save; install iptables for "
			  "doctor to read them",
		"there may be rules of %s, but they cannot be read", hidden);
}

static void say_good(
	const struct doctor_host *host, const struct rules *rules, struct doctor_report *report)
{
	doctor_say(report, DOCTOR_GOOD, "firewall", "", "",
		rules->verdict == RULES_ACCEPTED ? "a rule lets UDP port %u in"
		: rules->filtered
			? "no rule names UDP port %u, and packets that match no rule are let in"
			: "nothing filters UDP port %u",
		host->port);
}

/* `rules` is NULL if they cannot be read. */
static void say_conntrack(
	const struct doctor_host *host, const struct rules *rules, struct doctor_report *report)
{
	char text[64], advice[200];
	uint64_t count, max;

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
		"for udp sport in an output chain",
		host->port);
	if (max && count >= max - max / 10)
		doctor_say(report, DOCTOR_PROBLEM, "conntrack", "", advice,
			"the table of tracked connections is full, %" PRIu64 " of %" PRIu64
			": NEWs are dropped",
			count, max);
	else if (count == 0 && !(rules && rules->tracking))
		/* The kernel tracks only if a rule asks for it, but then every packet. */
		doctor_say(report, DOCTOR_GOOD, "conntrack", "", "",
			"connections can be tracked, but none is");
	else if (rules && rules->untracked)
		doctor_say(report, DOCTOR_GOOD, "conntrack", "", "",
			"connections are tracked, but not those of UDP port %u", host->port);
	else
		doctor_say(report, DOCTOR_WARNING, "conntrack", "", advice,
			"connections are tracked: every NEW takes an entry, for 30 seconds each "
			"(%" PRIu64 " of %" PRIu64 " are taken)",
			count, max);
}

void doctor_firewall(const struct doctor_host *host, struct doctor_report *report)
{
	const char *hidden = NULL;
	struct rules rules = {0};
	bool known = get_rules(host, &rules, &hidden) == 0;

	if (!known)
		doctor_say(report, DOCTOR_NOTE, "firewall", "",
			"run this as root, with nft or iptables-save installed",
			"the firewall's rules cannot be read");
	else if (rules.verdict > RULES_ACCEPTED)
		say_bad(host, &rules, report);
	else if (!hidden)
		say_good(host, &rules, report);
	if (known && hidden)
		say_hidden(hidden, report);
	say_conntrack(host, known ? &rules : NULL, report);
}
