/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The daemon's UDP port, which may be in the kernel's ephemeral range.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/port_holder.h"

/* Whether a list such as "8080,9148-9150", of any length, has the port. */
static bool is_reserved(const char *list, uint16_t port)
{
	for (const char *at = list; *at; at += *at == ',') {
		char *end;
		unsigned long first = strtoul(at, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (end == at)
			return false;
		if (first <= port && port <= last)
			return true;
		at = end;
	}
	return false;
}

static void check_range(const struct doctor_host *host, struct doctor_report *report)
{
	char range[64], reserved[4096], advice[256];
	unsigned first, last;

	if (!doctor_read(host, range, sizeof(range), "/proc/sys/net/ipv4/ip_local_port_range") ||
		sscanf(range, "%u %u", &first, &last) != 2 ||
		!doctor_read(host, reserved, sizeof(reserved),
			"/proc/sys/net/ipv4/ip_local_reserved_ports"))
		return;
	if (host->port < first || host->port > last || is_reserved(reserved, host->port)) {
		doctor_say(report, DOCTOR_GOOD, "port", "", "",
			"the kernel never assigns UDP port %u to a client", host->port);
		return;
	}
	/* Setting it replaces the list, so the advice includes the current one. */
	snprintf(advice, sizeof(advice),
		"reserve it now and in /etc/sysctl.d: sysctl -w "
		"net.ipv4.ip_local_reserved_ports=%.99s%s%u",
		strlen(reserved) < 100 ? reserved : "LIST", reserved[0] ? "," : "", host->port);
	doctor_say(report, DOCTOR_NOTE, "port", "", advice,
		"UDP port %u is in the range that the kernel assigns to clients (%u to %u): a "
		"client may hold it when sessiond starts, and XDP drops the replies to that client",
		host->port, first, last);
}

static void check_holder(const struct doctor_host *host, struct doctor_report *report)
{
	struct endpoint endpoint = {.any = true, .port = host->port};
	char holder[PORT_HOLDER_TEXT];
	bool known;

	if (host->daemon_pid || (!port_holder(host->root, &endpoint, AF_INET, holder) &&
					!port_holder(host->root, &endpoint, AF_INET6, holder)))
		return;
	known = strstr(holder, " (process ") != NULL;
	if (known && strncmp(holder, "sessiond ", 9) != 0)
		doctor_say(report, DOCTOR_PROBLEM, "port", "",
			"stop it, or choose another port for sessiond",
			"UDP port %u is in use by %s: sessiond cannot start", host->port, holder);
	else
		doctor_say(report, DOCTOR_NOTE, "port", "",
			known ? "name its admin socket with --control" : "run this as root",
			"UDP port %u is in use by %s, and no sessiond answers on the admin socket",
			host->port, holder);
}

void doctor_port(const struct doctor_host *host, struct doctor_report *report)
{
	check_range(host, report);
	check_holder(host, report);
}
