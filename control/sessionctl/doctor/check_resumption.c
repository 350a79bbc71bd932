/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Whether the sessions that a running daemon finds are resumed.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <inttypes.h>

/* Fewer may be chance. */
#define LEAST 8

void doctor_resumption(const struct doctor_host *host, struct doctor_report *report)
{
	uint64_t all = host->resumed + host->not_resumed;

	if (!host->daemon_pid || all < LEAST)
		return;
	if (host->not_resumed >= 3 * host->resumed)
		doctor_say(report, DOCTOR_WARNING, "resumption", "",
			"give the services of all terminators the same session id context (in "
			"stunnel: the same name in brackets), see sessionctl contexts",
			"sessions are found, but not resumed: %" PRIu64 " of %" PRIu64
			" were followed by a full handshake (estimate); contexts: %s",
			host->not_resumed, all, host->contexts);
	else
		doctor_say(report, DOCTOR_GOOD, "resumption", "", "",
			"%" PRIu64 " of %" PRIu64
			" sessions that were found were resumed (estimate)",
			host->resumed, all);
}
