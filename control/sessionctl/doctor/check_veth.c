/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The other end of a veth, which must accept the replies of native XDP.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <string.h>

/* veth queues XDP_TX frames at the other end if NAPI is enabled there, by GRO or an XDP program,
 * but schedules NAPI only if there is a program (Linux 6.18, veth_xdp_flush). */
void doctor_veth(
	const struct doctor_host *host, const char *interface, struct doctor_report *report)
{
	static const char advice[] = "attach an XDP program there that passes everything";
	struct doctor_link peer;
	const char *where;
	char name[32];
	unsigned flags;
	int ret;

	if (host->probe->driver(host->probe->ctx, interface, name) < 0 || strcmp(name, "veth") != 0)
		return;
	if (doctor_mode(host, interface) == DOCTOR_GENERIC) {
		doctor_say(report, DOCTOR_GOOD, "veth", interface, "",
			"generic XDP sends replies with any configuration of its other end");
		return;
	}
	ret = host->probe->peer(host->probe->ctx, interface, &peer);
	if (ret < 0) {
		doctor_say(report, DOCTOR_WARNING, "veth", interface,
			"there: attach an XDP program that passes everything",
			"its other end is in another namespace: replies of native XDP arrive there "
			"only if that end has an XDP program too");
		return;
	}
	where = peer.elsewhere ? " in another namespace" : "";
	if (peer.program)
		doctor_say(report, DOCTOR_GOOD, "veth", interface, "",
			"its other end, %s%s, has an XDP program and takes replies", peer.name,
			where);
	else if (peer.elsewhere)
		doctor_say(report, DOCTOR_WARNING, "veth", interface, advice,
			"its other end, %s%s, has no XDP program: replies of native XDP are lost "
			"there, or wait until other traffic wakes it",
			peer.name, where);
	else if (host->probe->offloads(host->probe->ctx, peer.name, &flags) == 0 &&
		 flags & DOCTOR_GRO)
		doctor_say(report, DOCTOR_WARNING, "veth", interface, advice,
			"its other end, %s, has GRO on but no XDP program: replies of native XDP "
			"wait there until other traffic wakes it",
			peer.name);
	else
		doctor_say(report, DOCTOR_PROBLEM, "veth", interface, advice,
			"its other end, %s, has neither an XDP program nor GRO: replies of native "
			"XDP are lost there",
			peer.name);
}
