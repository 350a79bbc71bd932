/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * How the hardware picks a receive queue (RSS). If it hashes addresses only, all requests of a
 * terminator go to one queue, and so to one core; igb and ixgbe do that by default.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <stdio.h>

/* Whether the hash includes the port. If unknown, returns false and assumes it does. */
static bool ask_port(const struct doctor_host *host, const char *interface, bool v6, bool *by_port)
{
	if (host->probe->hashes_port(host->probe->ctx, interface, v6, by_port) == 0)
		return true;
	*by_port = true;
	return false;
}

void doctor_hash(
	const struct doctor_host *host, const char *interface, struct doctor_report *report)
{
	bool v4, v6, known;
	char advice[128];

	if (doctor_queues(host, interface) < 2)
		return;
	known = ask_port(host, interface, false, &v4);
	known |= ask_port(host, interface, true, &v6);
	if (!known)
		return;
	snprintf(advice, sizeof(advice), "ethtool -N %s rx-flow-hash udp%d sdfn%s", interface,
		v4 ? 6 : 4, v4 || v6 ? "" : ", and the same for udp6");
	if (v4 && v6)
		doctor_say(report, DOCTOR_GOOD, "hash", interface, "",
			"a terminator's requests are spread over the receive queues");
	else
		/* stunnel uses only IPv4. */
		doctor_say(report, v4 ? DOCTOR_NOTE : DOCTOR_WARNING, "hash", interface, advice,
			"for UDP%s the receive queue depends on addresses alone: all requests of a "
			"terminator go to one queue and one core",
			v4   ? " over IPv6"
			: v6 ? " over IPv4"
			     : "");
}
