/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Whether the daemon's sockets receive the requests of an interface in a VRF.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <stdio.h>
#include <string.h>

void doctor_vrf(const struct doctor_host *host, const char *interface, struct doctor_report *report)
{
	char vrf[IF_NAMESIZE], driver[32], accept[16], advice[128];

	if (!doctor_master(host, interface, vrf) ||
		host->probe->driver(host->probe->ctx, vrf, driver) < 0 ||
		strcmp(driver, "vrf") != 0 ||
		!doctor_read(host, accept, sizeof(accept), "/proc/sys/net/ipv4/udp_l3mdev_accept"))
		return;
	snprintf(advice, sizeof(advice),
		"sysctl -w net.ipv4.udp_l3mdev_accept=1, or start sessiond with: ip vrf exec %s",
		vrf);
	if (strcmp(accept, "0") == 0)
		doctor_say(report, DOCTOR_WARNING, "vrf", interface, advice,
			"it is in VRF %s, and the kernel delivers its requests to no socket "
			"outside of the VRF: in socket mode they get no reply",
			vrf);
	else
		doctor_say(report, DOCTOR_GOOD, "vrf", interface, "",
			"it is in VRF %s, and sockets receive its requests", vrf);
}
