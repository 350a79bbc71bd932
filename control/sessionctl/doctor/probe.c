/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Probes of a live host: ethtool's ioctls, locks and the firewall's own programs.
 */
#include "control/sessionctl/doctor/probe.h"

#include "common/ethtool.h"
#include "common/private_bpffs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int host_driver(void *ctx, const char *interface, char name[32])
{
	(void)ctx;
	return ethtool_driver(interface, name);
}

static int host_offloads(void *ctx, const char *interface, unsigned *flags)
{
	struct ethtool_value gro = {.cmd = ETHTOOL_GGRO};
	uint32_t offloads;
	int ret = ethtool_offloads(interface, &offloads);

	(void)ctx;
	if (ret < 0)
		return ret;
	*flags = (offloads & ETH_FLAG_RXVLAN ? DOCTOR_RXVLAN : 0) |
		 (offloads & ETH_FLAG_TXVLAN ? DOCTOR_TXVLAN : 0) |
		 (offloads & ETH_FLAG_LRO ? DOCTOR_LRO : 0);
	if (ethtool_ask(interface, &gro) == 0 && gro.data)
		*flags |= DOCTOR_GRO;
	return 0;
}

static int host_hashes_port(void *ctx, const char *interface, bool v6, bool *port)
{
	struct ethtool_rxnfc fields = {
		.cmd = ETHTOOL_GRXFH, .flow_type = v6 ? UDP_V6_FLOW : UDP_V4_FLOW};
	int ret = ethtool_ask(interface, &fields);

	(void)ctx;
	if (ret < 0)
		return ret;
	*port = fields.data & RXH_L4_B_0_1;
	/* Without any field the driver does not report it. */
	return fields.data & RXH_IP_SRC ? 0 : -EOPNOTSUPP;
}

static int host_rules(void *ctx, enum doctor_filter filter, char **text)
{
	static const char *const programs[DOCTOR_FILTERS][2] = {
		[DOCTOR_NFT] = {"/usr/sbin/nft", "/usr/sbin/nft -j list ruleset 2>/dev/null"},
		[DOCTOR_IPTABLES] = {"/usr/sbin/iptables-save",
			"/usr/sbin/iptables-save 2>/dev/null"},
		[DOCTOR_IP6TABLES] = {"/usr/sbin/ip6tables-save",
			"/usr/sbin/ip6tables-save 2>/dev/null"},
		[DOCTOR_IPTABLES_LEGACY] = {"/usr/sbin/iptables-legacy-save",
			"/usr/sbin/iptables-legacy-save 2>/dev/null"},
		[DOCTOR_IP6TABLES_LEGACY] = {"/usr/sbin/ip6tables-legacy-save",
			"/usr/sbin/ip6tables-legacy-save 2>/dev/null"},
	};
	size_t room = 0;
	FILE *pipe;

	(void)ctx;
	if (access(programs[filter][0], X_OK) < 0)
		return -ENOENT;
	/* NOLINTNEXTLINE(cert-env33-c): constant commands, no outside input */
	pipe = popen(programs[filter][1], "re");
	if (!pipe)
		return -errno;
	/* Reads to the end, because the output has no NUL. */
	*text = NULL;
	if (getdelim(text, &room, '\0', pipe) < 0 && *text)
		(*text)[0] = '\0';
	if (pclose(pipe) == 0 && *text)
		return 0;
	free(*text);
	return -EPERM;
}

static int host_locked(void *ctx, const char *path, bool *locked)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)ctx;
	if (fd < 0)
		return -errno;
	*locked = flock(fd, LOCK_SH | LOCK_NB) < 0;
	close(fd);
	return 0;
}

static bool host_private_bpffs(void *ctx, const char *path)
{
	(void)ctx;
	return bpffs_is_private(path);
}

const struct doctor_probe doctor_probe_host = {
	.driver = host_driver,
	.offloads = host_offloads,
	.xdp_features = probe_xdp_features,
	.link = probe_link,
	.peer = probe_peer,
	.program = probe_program,
	.pinned_map = probe_pinned_map,
	.runs = probe_runs,
	.hashes_port = host_hashes_port,
	.rules = host_rules,
	.locked = host_locked,
	.private_bpffs = host_private_bpffs,
};
