/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * An interface's driver: whether it has native XDP, and up to which MTU.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The largest MTUs for a program without fragment support, as the drivers compute them, with pages
 * of 4096 bytes. A page minus the headroom (256), the kernel's data at its end (320), the Ethernet
 * header (14), two VLAN tags (8): */
#define MTU_ONE_PAGE 3498
#define MTU_NO_TAG   3506 /* without the tags */
#define MTU_CHECKSUM 3494 /* with the frame's checksum */
#define MTU_INTEL    3046 /* of a buffer of 3072, with tags and checksum */
#define MTU_GOOGLE   2032 /* of a buffer of 2048, with 2 to align it */
#define MTU_XEN	     3840 /* a page less the headroom */
#define MTU_QINQ     1508 /* 1530, the longest frame, less header and tags */
#define MTU_ETHERNET 1500 /* no longer frames at all */

/* Fits a reply with the longest session that stunnel stores: IPv6, UDP, header, 512. */
#define MTU_LEAST (40 + 8 + 36 + 512)

/* Drivers with native XDP, for kernels before 6.3, which do not report it. */
static const struct {
	const char *name;
	unsigned mtu; /* 0: no limit of its own */
} drivers[] = {
	{"bnxt_en", MTU_ONE_PAGE},
	{"bonding", 0}, /* its ports decide */
	{"dpaa2-eth", MTU_ONE_PAGE},
	{"ena", MTU_ONE_PAGE},
	{"fsl_dpaa2_eth", MTU_ONE_PAGE},
	{"fsl_enetc", MTU_ONE_PAGE},
	{"gve", MTU_GOOGLE},
	{"hv_netvsc", MTU_ONE_PAGE},
	{"i40e", MTU_INTEL},
	{"ice", MTU_INTEL},
	{"igb", MTU_INTEL},
	{"igc", MTU_ETHERNET},
	{"ixgbe", MTU_INTEL},
	{"ixgbevf", MTU_INTEL},
	{"mana", MTU_ONE_PAGE},
	{"mlx4_en", MTU_ONE_PAGE},
	{"mlx5_core", MTU_ONE_PAGE},
	{"mvneta", MTU_ONE_PAGE},
	{"mvpp2", MTU_ONE_PAGE},
	{"nfp", MTU_ONE_PAGE},
	{"nicvf", MTU_QINQ},
	{"qede", MTU_ONE_PAGE},
	{"rvu_nicpf", MTU_QINQ},
	{"rvu_nicvf", MTU_QINQ},
	{"sfc", MTU_ONE_PAGE},
	{"st_gmac", MTU_ETHERNET},
	{"st_xgmac", MTU_ETHERNET},
	{"tsnep", MTU_ONE_PAGE},
	{"tun", 0},
	{"veth", MTU_NO_TAG},
	{"vif", MTU_XEN},
	{"virtio_net", MTU_NO_TAG},
	{"vmxnet3", MTU_CHECKSUM},
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

enum doctor_mode doctor_mode(const struct doctor_host *host, const char *interface)
{
	struct doctor_link link;
	char name[32], bond[IF_NAMESIZE];
	uint64_t features;

	if (host->probe->link(host->probe->ctx, interface, &link) == 0 && link.program)
		return link.generic ? DOCTOR_GENERIC : DOCTOR_NATIVE;
	/* A generic program on a bond is not on its ports. */
	if (doctor_bond(host, interface, bond) &&
		host->probe->link(host->probe->ctx, bond, &link) == 0 && link.program)
		return link.generic ? DOCTOR_GENERIC : DOCTOR_NATIVE;
	if (host->probe->xdp_features(host->probe->ctx, interface, &features) == 0)
		return features & DOCTOR_XDP_BASIC ? DOCTOR_NATIVE_EXPECTED : DOCTOR_GENERIC;
	return driver_of(host, interface, name) && known_driver(name) >= 0 ? DOCTOR_NATIVE_EXPECTED
									   : DOCTOR_GENERIC;
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
			"expect generic XDP, or use --mode socket", "the driver's name is unknown");
		return;
	}
	ret = host->probe->xdp_features(host->probe->ctx, interface, &features);
	if (ret == 0 && features & DOCTOR_XDP_BASIC)
		doctor_say(report, DOCTOR_GOOD, "driver", interface, "",
			"driver %s has native XDP (reported by the kernel)", name);
	else if (ret == 0)
		doctor_say(report, DOCTOR_WARNING, "driver", interface, advice,
			"driver %s has no native XDP (reported by the kernel)", name);
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
			"virtio_net takes an XDP program only with spare queues and without large "
			"receive offload");
}

/* For veth the MTU of its other end counts, because that limits the frames it receives. Returns 0
 * if unknown. */
static unsigned received_mtu(const struct doctor_host *host, const char *interface,
	const char *driver, unsigned mtu, char peer[IF_NAMESIZE])
{
	struct doctor_link link;

	peer[0] = '\0';
	if (strcmp(driver, "veth") != 0)
		return mtu;
	if (host->probe->peer(host->probe->ctx, interface, &link) < 0)
		return 0;
	strcpy(peer, link.name);
	return link.mtu;
}

/* Whether native XDP accepts the MTU. Reports it if not. */
static bool fits_native(const struct doctor_host *host, const char *interface, unsigned mtu,
	struct doctor_report *report)
{
	char name[32] = "", peer[IF_NAMESIZE], advice[128];
	int known = driver_of(host, interface, name) ? known_driver(name) : -1;
	unsigned limit = known >= 0 ? drivers[known].mtu : MTU_ONE_PAGE;
	unsigned received = received_mtu(host, interface, name, mtu, peer);

	if (limit == 0)
		return true;
	if (received == 0 && mtu > limit) {
		doctor_say(report, DOCTOR_NOTE, "mtu", interface,
			"check it with ip link in that namespace",
			"the driver refuses native XDP if the MTU of its other end, in another "
			"namespace, is more than %u",
			limit);
		return false;
	}
	if (received <= limit)
		return true;
	snprintf(advice, sizeof(advice), "ip link set %s mtu 1500, or --xdp-mode generic",
		peer[0] ? peer : interface);
	doctor_say(report, DOCTOR_PROBLEM, "mtu", interface, advice,
		"an MTU of %u%s%s is too large for native XDP: its driver takes about %u", received,
		peer[0] ? " of its other end, " : "", peer, limit);
	return false;
}

void doctor_mtu(const struct doctor_host *host, const char *interface, struct doctor_report *report)
{
	char text[32], advice[128];
	unsigned mtu;

	if (!doctor_read(host, text, sizeof(text), "/sys/class/net/%s/mtu", interface))
		return;
	mtu = (unsigned)strtoul(text, NULL, 10);
	if (doctor_mode(host, interface) == DOCTOR_NATIVE_EXPECTED &&
		!fits_native(host, interface, mtu, report))
		return;
	snprintf(advice, sizeof(advice), "ip link set %s mtu 1500", interface);
	if (mtu < MTU_LEAST)
		doctor_say(report, DOCTOR_WARNING, "mtu", interface, advice,
			"an MTU of %u is less than the %d that a reply with a long session may "
			"need",
			mtu, MTU_LEAST);
	else
		doctor_say(report, DOCTOR_GOOD, "mtu", interface, "", "MTU %u", mtu);
}
