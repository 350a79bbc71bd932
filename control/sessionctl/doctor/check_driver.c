/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * An interface's driver: has it native XDP, and for which MTU?
 */
#include "control/sessionctl/doctor/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A page of 4096 bytes less the headroom (256), what the kernel keeps at its end (320), the
 * Ethernet header and a VLAN tag (22): what drivers that put a frame into one page take. */
#define MTU_ONE_PAGE 3498
#define MTU_INTEL    3046 /* half of an 8 kB buffer, less the same */

/* So that a reply with the longest session that stunnel stores fits: IPv6, UDP, header, 512. */
#define MTU_LEAST (40 + 8 + 36 + 512)

/* Drivers with native XDP, for kernels before 6.3, which do not tell. */
static const struct {
	const char *name;
	unsigned mtu; /* 0: not limited by it */
} drivers[] = {
	{"bnxt_en", MTU_ONE_PAGE},
	{"dpaa2-eth", MTU_ONE_PAGE},
	{"fsl_dpaa2_eth", MTU_ONE_PAGE},
	{"fsl_enetc", MTU_ONE_PAGE},
	{"ena", MTU_ONE_PAGE},
	{"gve", MTU_ONE_PAGE},
	{"hv_netvsc", MTU_ONE_PAGE},
	{"i40e", MTU_INTEL},
	{"ice", MTU_INTEL},
	{"igb", MTU_INTEL},
	{"igc", MTU_INTEL},
	{"ixgbe", MTU_INTEL},
	{"ixgbevf", MTU_INTEL},
	{"mana", MTU_ONE_PAGE},
	{"mlx4_en", MTU_ONE_PAGE},
	{"mlx5_core", MTU_ONE_PAGE},
	{"mvneta", MTU_ONE_PAGE},
	{"mvpp2", MTU_ONE_PAGE},
	{"nfp", MTU_ONE_PAGE},
	{"nicvf", 1500},
	{"qede", MTU_ONE_PAGE},
	{"sfc", MTU_ONE_PAGE},
	{"stmmac", MTU_ONE_PAGE},
	{"tsnep", MTU_ONE_PAGE},
	{"tun", 0},
	{"veth", 0},
	{"virtio_net", MTU_ONE_PAGE},
};

static int known_driver(const char *name)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(drivers[i].name, name) == 0)
			return (int)i;
	return -1;
}

static bool driver_of(const struct doctor_host *host, const char *interface, char name[32])
{
	return host->probe->driver(host->probe->ctx, interface, name) == 0;
}

void doctor_driver(
	const struct doctor_host *host, const char *interface, struct doctor_report *report)
{
	static const char advice[] =
		"use an interface whose driver has XDP, --xdp-mode generic, or --mode socket";
	char path[PATH_MAX], state[32], name[32];
	uint64_t features;
	int ret;

	if (access(doctor_path(host, path, "/sys/class/net/%s", interface), F_OK) < 0) {
		doctor_say(report, DOCTOR_PROBLEM, "driver", interface, "`ip link` lists them",
			"there is no such interface");
		return;
	}
	if (doctor_read(host, state, sizeof(state), "/sys/class/net/%s/operstate", interface) &&
		strcmp(state, "down") == 0)
		doctor_say(report, DOCTOR_WARNING, "link", interface, "ip link set it up",
			"the interface is down");
	if (!driver_of(host, interface, name)) {
		doctor_say(report, DOCTOR_WARNING, "driver", interface,
			"expect generic XDP, or use --mode socket",
			"the driver does not say its name");
		return;
	}
	ret = host->probe->xdp_features(host->probe->ctx, interface, &features);
	if (ret == 0 && features & DOCTOR_XDP_BASIC)
		doctor_say(report, DOCTOR_GOOD, "driver", interface, "",
			"driver %s has native XDP, as the kernel tells", name);
	else if (ret == 0)
		doctor_say(report, DOCTOR_WARNING, "driver", interface, advice,
			"driver %s has no native XDP, as the kernel tells", name);
	else if (known_driver(name) >= 0)
		doctor_say(report, DOCTOR_GOOD, "driver", interface, "",
			"driver %s is known to have native XDP", name);
	else
		doctor_say(report, DOCTOR_WARNING, "driver", interface, advice,
			"driver %s is not known to have native XDP", name);
	if (strcmp(name, "virtio_net") == 0)
		doctor_say(report, DOCTOR_NOTE, "driver", interface,
			"give the guest twice as many queue pairs as it has CPUs (on QEMU: "
			"queues=, vectors=), and guest_tso4=off,guest_tso6=off",
			"virtio_net takes an XDP program only with queues to spare and without "
			"large receive offload");
}

void doctor_mtu(const struct doctor_host *host, const char *interface, struct doctor_report *report)
{
	unsigned mtu, limit = MTU_ONE_PAGE;
	char text[32], name[32], advice[128];
	int known;

	if (!doctor_read(host, text, sizeof(text), "/sys/class/net/%s/mtu", interface))
		return;
	mtu = (unsigned)strtoul(text, NULL, 10);
	if (driver_of(host, interface, name)) {
		known = known_driver(name);
		if (known >= 0)
			limit = drivers[known].mtu;
	}
	snprintf(advice, sizeof(advice), "ip link set %s mtu %u", interface,
		limit < 1500 && limit ? limit : 1500);
	if (limit && mtu > limit)
		doctor_say(report, DOCTOR_PROBLEM, "mtu", interface, advice,
			"an MTU of %u is more than its driver takes with native XDP, some %u", mtu,
			limit);
	else if (mtu < MTU_LEAST)
		doctor_say(report, DOCTOR_WARNING, "mtu", interface, advice,
			"an MTU of %u is less than the %d that a reply with a long session may "
			"need",
			mtu, MTU_LEAST);
	else
		doctor_say(report, DOCTOR_GOOD, "mtu", interface, "", "MTU %u", mtu);
}
