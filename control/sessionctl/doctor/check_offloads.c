/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the hardware does to a frame before XDP sees it.
 */
#include "control/sessionctl/doctor/doctor.h"

#include "common/ethtool.h"

#include <stdio.h>
#include <string.h>

/* Whether there are VLANs on it, or on the bond that it is a port of. */
static bool has_vlans(const struct doctor_host *host, const char *interface)
{
	char text[8192], device[64], bond[IF_NAMESIZE] = "", *save, *line;

	doctor_bond(host, interface, bond);
	if (!doctor_read(host, text, sizeof(text), "/proc/net/vlan/config"))
		return false;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "%*s | %*u | %63s", device) == 1 &&
			(strcmp(device, interface) == 0 || strcmp(device, bond) == 0))
			return true;
	return false;
}

static void check_vlans(const struct doctor_host *host, const char *interface, unsigned flags,
	struct doctor_report *report)
{
	char advice[128], driver[32];

	if (host->probe->driver(host->probe->ctx, interface, driver) < 0)
		driver[0] = '\0';
	ethtool_tags_remedy(interface, driver, advice, sizeof(advice));
	if (!(flags & DOCTOR_RXVLAN))
		doctor_say(
			report, DOCTOR_GOOD, "vlan", interface, "", "VLAN tags reach the program");
	/* With generic XDP the kernel keeps the tag in the skb's metadata and sends it with the
	 * reply. */
	else if (doctor_mode(host, interface) == DOCTOR_GENERIC && flags & DOCTOR_TXVLAN)
		doctor_say(report, DOCTOR_GOOD, "vlan", interface, "",
			"the hardware strips VLAN tags, and generic XDP puts them back on replies");
	else if (doctor_mode(host, interface) == DOCTOR_GENERIC && has_vlans(host, interface))
		doctor_say(report, DOCTOR_WARNING, "vlan", interface, advice,
			"it has VLANs, and the hardware strips their tags but may not put them on "
			"replies (txvlan is off)");
	else if (has_vlans(host, interface))
		doctor_say(report, DOCTOR_PROBLEM, "vlan", interface, advice,
			"it has VLANs, and their tags are removed before XDP: sockets answer "
			"requests for the addresses of the VLANs, and requests for other "
			"addresses in these VLANs get no reply");
	else
		doctor_say(report, DOCTOR_NOTE, "vlan", interface, advice,
			"the hardware strips VLAN tags before XDP: harmless without VLANs, wrong "
			"with them");
}

static void check_lro(const struct doctor_host *host, const char *interface, unsigned flags,
	struct doctor_report *report)
{
	bool generic = doctor_mode(host, interface) == DOCTOR_GENERIC;
	char advice[128], name[32];

	snprintf(advice, sizeof(advice), "ethtool -K %s lro off", interface);
	if (!(flags & DOCTOR_LRO))
		doctor_say(
			report, DOCTOR_GOOD, "lro", interface, "", "large receive offload is off");
	else if (generic || (host->probe->driver(host->probe->ctx, interface, name) == 0 &&
				    strcmp(name, "vmxnet3") == 0))
		doctor_say(report, DOCTOR_GOOD, "lro", interface, "",
			"large receive offload is on: %s switches it off for XDP",
			generic ? "the kernel" : "the driver");
	else
		doctor_say(report, DOCTOR_PROBLEM, "lro", interface, advice,
			"large receive offload is on: drivers refuse native XDP with it");
}

void doctor_offloads(
	const struct doctor_host *host, const char *interface, struct doctor_report *report)
{
	unsigned flags;

	if (host->probe->offloads(host->probe->ctx, interface, &flags) < 0)
		return;
	check_vlans(host, interface, flags, report);
	check_lro(host, interface, flags, report);
}
