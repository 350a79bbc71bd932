/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The doctor's checks, each on healthy and faulty hosts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/farm/farm.h"
#include "control/sessionctl/doctor/doctor.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The probe's answers. */
static struct {
	char driver[32];
	unsigned offloads, peer_offloads, bond_offloads;
	int features_ret;
	uint64_t features;
	struct doctor_link link, peer, bond;
	int peer_ret;
	bool locked;
	const char *private_bpffs; /* the path that is on a private one */
	struct doctor_program program;
	int program_ret, runs_ret;
	uint32_t map; /* the id of port 54321's */
	uint64_t runs;
	unsigned packets;
	int hash_ret;
	bool address_hash4, address_hash6;
	int rules_ret;
	const char *rules[DOCTOR_FILTERS];
} answer;

static char root[64];
static struct doctor_host host;
static struct doctor_report report;

static bool is_peer(const char *interface)
{
	return strcmp(interface, "peer0") == 0;
}

static int fake_driver(void *ctx, const char *interface, char name[32])
{
	(void)ctx;
	strcpy(name, strcmp(interface, "blue") == 0 ? "vrf" : answer.driver);
	return answer.driver[0] ? 0 : -EOPNOTSUPP;
}

static int fake_offloads(void *ctx, const char *interface, unsigned *flags)
{
	(void)ctx;
	*flags = is_peer(interface)		   ? answer.peer_offloads
		 : strcmp(interface, "bond0") == 0 ? answer.bond_offloads
						   : answer.offloads;
	return 0;
}

static int fake_features(void *ctx, const char *interface, uint64_t *features)
{
	(void)ctx;
	(void)interface;
	*features = answer.features;
	return answer.features_ret;
}

static int fake_link(void *ctx, const char *interface, struct doctor_link *link)
{
	(void)ctx;
	*link = strcmp(interface, "bond0") == 0 ? answer.bond : answer.link;
	return 0;
}

static int fake_peer(void *ctx, const char *interface, struct doctor_link *peer)
{
	(void)ctx;
	(void)interface;
	*peer = answer.peer;
	return answer.peer_ret;
}

static int fake_program(void *ctx, uint32_t id, struct doctor_program *program)
{
	(void)ctx;
	assert_int_equal(id, 7);
	*program = answer.program;
	return answer.program_ret;
}

static int fake_pinned_map(void *ctx, const char *path, uint32_t *id)
{
	(void)ctx;
	*id = answer.map;
	return strstr(path, "/54321/config") ? 0 : -ENOENT;
}

/* Packets arrive meanwhile. */
static int fake_runs(void *ctx, uint32_t id, unsigned milliseconds, uint64_t *runs)
{
	(void)ctx;
	(void)milliseconds;
	assert_int_equal(id, 7);
	answer.link.received += answer.packets;
	*runs = answer.runs;
	return answer.runs_ret;
}

static int fake_hashes_port(void *ctx, const char *interface, bool v6, bool *port)
{
	(void)ctx;
	(void)interface;
	*port = v6 ? !answer.address_hash6 : !answer.address_hash4;
	return answer.hash_ret;
}

static int fake_rules(void *ctx, enum doctor_filter filter, char **text)
{
	(void)ctx;
	if (answer.rules_ret)
		return answer.rules_ret;
	if (!answer.rules[filter])
		return -ENOENT;
	*text = strdup(answer.rules[filter]);
	return *text ? 0 : -ENOMEM;
}

static int fake_locked(void *ctx, const char *path, bool *locked)
{
	(void)ctx;
	(void)path;
	*locked = answer.locked;
	return 0;
}

static bool fake_private_bpffs(void *ctx, const char *path)
{
	(void)ctx;
	return answer.private_bpffs && strcmp(path + strlen(root), answer.private_bpffs) == 0;
}

static const struct doctor_probe probe = {
	.driver = fake_driver,
	.offloads = fake_offloads,
	.xdp_features = fake_features,
	.link = fake_link,
	.peer = fake_peer,
	.program = fake_program,
	.pinned_map = fake_pinned_map,
	.runs = fake_runs,
	.hashes_port = fake_hashes_port,
	.rules = fake_rules,
	.locked = fake_locked,
	.private_bpffs = fake_private_bpffs,
};

static void make_folders(char *path)
{
	for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(path, 0755);
		*at = '/';
	}
}

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", root, name);
	make_folders(path);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void take(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", root, name);
	unlink(path);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* A healthy host. */
static int up(void **state)
{
	(void)state;
	memset(&answer, 0, sizeof(answer));
	strcpy(answer.driver, "ice");
	answer.link.index = 3;
	answer.features = DOCTOR_XDP_BASIC;
	answer.rules[DOCTOR_NFT] = "{\"nftables\": []}";
	strcpy(root, "/tmp/doctor-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	host = (struct doctor_host){.root = root,
		.pin_root = "/sys/fs/bpf/sessiond",
		.port = 54321,
		.tick_ns = 4000000,
		.daemon_pid = 77,
		.interfaces = {"eth1"},
		.interface_count = 1,
		.probe = &probe};
	put("/proc/sys/kernel/osrelease", "6.1.0-30-amd64\n");
	put("/sys/kernel/btf/vmlinux", "");
	put("/proc/self/mounts", "proc /proc proc rw 0 0\nsysfs /sys sysfs rw,nosuid 0 0\n"
				 "bpf /sys/fs/bpf bpf rw,nosuid,mode=700 0 0\n");
	put("/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\nCpus_allowed_list:\t0\n");
	put("/proc/meminfo", "MemTotal: 1 kB\nHugePages_Total:     512\nHugePages_Free:      500\n"
			     "Hugepagesize:       2048 kB\n");
	put("/sys/class/net/eth1/ifindex", "3\n");
	put("/sys/class/net/eth1/iflink", "3\n");
	put("/sys/class/net/eth1/mtu", "1500\n");
	put("/sys/class/net/eth1/operstate", "up\n");
	put("/sys/class/net/eth1/queues/rx-0/x", "");
	put("/sys/class/net/eth1/queues/rx-1/x", "");
	put("/sys/class/net/eth1/device/msi_irqs/40", "");
	put("/sys/class/net/eth1/device/msi_irqs/41", "");
	put("/proc/irq/40/effective_affinity_list", "0\n");
	put("/proc/irq/41/smp_affinity_list", "1\n");
	put("/sys/devices/system/cpu/online", "0-3\n");
	put("/proc/77/status", "Name:\tsessiond\nCpus_allowed_list:\t2-3\n");
	return 0;
}

static int down(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Runs all checks; returns the worst severity of one check, and asserts that the others are
 * good. */
static enum doctor_severity of(const char *check)
{
	enum doctor_severity worst = DOCTOR_GOOD;
	bool found = false;

	doctor_run(&host, &report);
	assert_true(report.count < DOCTOR_FINDINGS_MAX);
	for (unsigned i = 0; i < report.count; i++) {
		const struct doctor_finding *finding = &report.findings[i];

		print_message("%d %s %s: %s (%s)\n", finding->severity, finding->check,
			finding->subject, finding->text, finding->advice);
		/* Every bad finding has advice. */
		assert_true(finding->severity == DOCTOR_GOOD || finding->advice[0]);
		if (strcmp(finding->check, check) != 0) {
			assert_in_range(finding->severity, DOCTOR_GOOD, DOCTOR_NOTE);
			continue;
		}
		found = true;
		if (finding->severity > worst)
			worst = finding->severity;
	}
	assert_true(found);
	assert_true(doctor_worst(&report) >= worst);
	return worst;
}

/* Asserts the severity of `check` with that text in a file, or with those firewall rules. */
#define assert_with(path, text, check, severity) \
	do { \
		put(path, text); \
		assert_int_equal(of(check), severity); \
	} while (0)
#define assert_rules(text, severity) \
	do { \
		rules(text); \
		assert_int_equal(of("firewall"), severity); \
	} while (0)

static void assert_says(const char *check, const char *words)
{
	for (unsigned i = 0; i < report.count; i++)
		if (strcmp(report.findings[i].check, check) == 0 &&
			(strstr(report.findings[i].text, words) ||
				strstr(report.findings[i].advice, words)))
			return;
	fail_msg("%s does not say: %s", check, words);
}

/* Port 54321's program on eth1. */
static void attach(void)
{
	answer.link.program = 7;
	answer.locked = true;
	answer.map = 11;
	answer.program = (struct doctor_program){"sessiond_xdp", 2, {10, 11}};
	put("/sys/fs/bpf/sessiond/54321/link-3", "");
}

static void test_well(void **state)
{
	(void)state;
	assert_int_equal(of("kernel"), DOCTOR_GOOD);
	assert_int_equal(doctor_worst(&report), DOCTOR_GOOD);
	assert_says("hugepages", "500 of 512");
	assert_says("cores", "cores of their own");
}

static void test_kernel(void **state)
{
	(void)state;
	assert_with("/proc/sys/kernel/osrelease", "6.0.19\n", "kernel", DOCTOR_PROBLEM);
	assert_with("/proc/sys/kernel/osrelease", "5.15.0\n", "kernel", DOCTOR_PROBLEM);
	assert_with("/proc/sys/kernel/osrelease", "7.0-rc1\n", "kernel", DOCTOR_GOOD);
	assert_with("/proc/sys/kernel/osrelease", "what\n", "kernel", DOCTOR_WARNING);
	put("/proc/sys/kernel/osrelease", "6.1\n");
	take("/sys/kernel/btf/vmlinux");
	assert_int_equal(of("btf"), DOCTOR_WARNING);
}

static void test_bpffs(void **state)
{
	(void)state;
	assert_with("/proc/self/mounts", "sysfs /sys sysfs rw 0 0\n", "bpffs", DOCTOR_PROBLEM);
	assert_with("/proc/self/mounts", "bpf /sys/fs/bpf bpf ro,nosuid 0 0\n", "bpffs",
		DOCTOR_PROBLEM);
	assert_says("bpffs", "read-only");
	/* Something else is mounted over it; the folder only shares a prefix with the mount
	 * point. */
	assert_with("/proc/self/mounts",
		"bpf /sys/fs/bpf bpf rw 0 0\ntmpfs /sys/fs/bpf tmpfs rw 0 0\n", "bpffs",
		DOCTOR_PROBLEM);
	assert_with("/proc/self/mounts", "bpf /sys/fs/bp bpf rw 0 0\n", "bpffs", DOCTOR_PROBLEM);
	assert_with("/proc/self/mounts", "rootfs / ext4 rw 0 0\nbpf /sys/fs/bpf bpf rw,root 0 0\n",
		"bpffs", DOCTOR_GOOD);
	take("/proc/self/mounts");
	assert_int_equal(of("bpffs"), DOCTOR_WARNING);
}

static void test_capabilities(void **state)
{
	(void)state;
	assert_with("/proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n", "capabilities",
		DOCTOR_WARNING);
	assert_says("capabilities", ": it lacks CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON");
	assert_with("/proc/self/status", "Name:\tx\nCapEff:\t0000000000001000\n", "capabilities",
		DOCTOR_WARNING);
	assert_says("capabilities", ": it lacks CAP_BPF, CAP_PERFMON");
	assert_with("/proc/self/status", "Name:\tx\nCapEff:\t0000008000001000\n", "capabilities",
		DOCTOR_WARNING);
	assert_says("capabilities", ": it lacks CAP_PERFMON");
	assert_with("/proc/self/status", "Name:\tx\nCapEff:\t000000c000001000\n", "capabilities",
		DOCTOR_GOOD);
	assert_with("/proc/self/status", "Name:\tx\nCapEff:\t0000000000200000\n", "capabilities",
		DOCTOR_GOOD);
	assert_with("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n",
		"capabilities", DOCTOR_GOOD);
	assert_with("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n",
		"lockdown", DOCTOR_PROBLEM);
}

static void test_driver(void **state)
{
	(void)state;
	answer.features = 0;
	assert_int_equal(of("driver"), DOCTOR_WARNING);
	assert_says("driver", "reported by the kernel");
	answer.features_ret = -EOPNOTSUPP; /* before Linux 6.3: the list */
	assert_int_equal(of("driver"), DOCTOR_GOOD);
	strcpy(answer.driver, "e1000e");
	assert_int_equal(of("driver"), DOCTOR_WARNING);
	strcpy(answer.driver, "virtio_net");
	assert_int_equal(of("driver"), DOCTOR_NOTE);
	answer.driver[0] = '\0';
	assert_int_equal(of("driver"), DOCTOR_WARNING);
	strcpy(answer.driver, "ice");
	assert_with("/sys/class/net/eth1/operstate", "down\n", "link", DOCTOR_WARNING);
	strcpy(host.interfaces[0], "eth9");
	assert_int_equal(of("driver"), DOCTOR_PROBLEM);
	host.interface_count = 0;
	assert_int_equal(of("interface"), DOCTOR_NOTE);
}

static void test_offloads(void **state)
{
	(void)state;
	answer.offloads = DOCTOR_RXVLAN;
	assert_int_equal(of("vlan"), DOCTOR_NOTE);
	assert_with("/proc/net/vlan/config",
		"VLAN Dev name | VLAN ID\nName-Type: VLAN_NAME_TYPE_RAW\n"
		"eth2.10 | 10 | eth2\n",
		"vlan", DOCTOR_NOTE);
	assert_with("/proc/net/vlan/config",
		"VLAN Dev name | VLAN ID\nName-Type: VLAN_NAME_TYPE_RAW\n"
		"eth1.10        | 10  | eth1\n",
		"vlan", DOCTOR_PROBLEM);
	assert_says("vlan", "ethtool -K eth1 rxvlan off");
	answer.offloads = DOCTOR_LRO;
	assert_int_equal(of("lro"), DOCTOR_PROBLEM);
}

/* The bond's own settings are not those of its hardware. */
static void test_rxvlan_of_a_bonds_ports(void **state)
{
	char link[128];

	(void)state;
	strcpy(host.interfaces[0], "bond0");
	put("/sys/class/net/bond0/bonding/slaves", "eth1 eth2\n");
	put("/sys/class/net/bond0/mtu", "1500\n");
	put("/sys/class/net/eth2/operstate", "up\n");
	put("/proc/net/vlan/config", "VLAN Dev name | VLAN ID\n"
				     "bond0.10       | 10  | bond0\n");
	snprintf(link, sizeof(link), "%s/sys/class/net/eth1/master", root);
	assert_int_equal(symlink("../bond0", link), 0);
	snprintf(link, sizeof(link), "%s/sys/class/net/eth2/master", root);
	assert_int_equal(symlink("../bond0", link), 0);
	answer.bond_offloads = DOCTOR_RXVLAN | DOCTOR_LRO;
	assert_int_equal(of("vlan"), DOCTOR_GOOD);
	answer.bond_offloads = 0;
	answer.offloads = DOCTOR_RXVLAN;
	assert_int_equal(of("vlan"), DOCTOR_PROBLEM);
	assert_says("vlan", "ethtool -K eth1 rxvlan off");
	assert_says("vlan", "ethtool -K eth2 rxvlan off");
	/* Generic XDP is on the bond alone. */
	attach();
	answer.link.program = 0;
	take("/sys/fs/bpf/sessiond/54321/link-3");
	answer.bond.index = 9;
	put("/sys/fs/bpf/sessiond/54321/link-9", "");
	answer.bond.program = 7;
	answer.bond.generic = true;
	answer.offloads = DOCTOR_RXVLAN | DOCTOR_TXVLAN;
	assert_int_equal(of("vlan"), DOCTOR_GOOD);
	answer.bond.program = 0;
	take("/sys/fs/bpf/sessiond/54321/link-9");
	/* A bond's VLANs also apply to its ports. */
	strcpy(host.interfaces[0], "eth1");
	assert_int_equal(of("vlan"), DOCTOR_PROBLEM);
	/* Each port once, although it is requested in addition to its bond. */
	strcpy(host.interfaces[1], "bond0");
	host.interface_count = 2;
	assert_int_equal(of("vlan"), DOCTOR_PROBLEM);
	for (unsigned i = 0, seen = 0; i < report.count; i++)
		if (strcmp(report.findings[i].check, "vlan") == 0 &&
			strcmp(report.findings[i].subject, "eth1") == 0)
			assert_int_equal(++seen, 1);
}

static void test_vrf(void **state)
{
	char link[128];

	(void)state;
	put("/proc/sys/net/ipv4/udp_l3mdev_accept", "0\n");
	snprintf(link, sizeof(link), "%s/sys/class/net/eth1/master", root);
	assert_int_equal(symlink("../br0", link), 0);
	assert_int_equal(of("kernel"), DOCTOR_GOOD);
	assert_int_equal(doctor_worst(&report), DOCTOR_GOOD);
	take("/sys/class/net/eth1/master");
	assert_int_equal(symlink("../blue", link), 0);
	assert_int_equal(of("vrf"), DOCTOR_WARNING);
	assert_says("vrf", "net.ipv4.udp_l3mdev_accept=1");
	assert_says("vrf", "ip vrf exec blue");
	assert_with("/proc/sys/net/ipv4/udp_l3mdev_accept", "1\n", "vrf", DOCTOR_GOOD);
}

/* A veth strips no tags: the other end may pass them outside of the frame. */
static void test_hidden_tags_of_a_veth(void **state)
{
	(void)state;
	strcpy(answer.driver, "veth");
	answer.link.generic = false;
	answer.peer.program = 1;
	put("/proc/net/vlan/config", "VLAN Dev name | VLAN ID\n"
				     "eth1.10        | 10  | eth1\n");
	answer.offloads = DOCTOR_RXVLAN;
	assert_int_equal(of("vlan"), DOCTOR_PROBLEM);
	assert_says("vlan", "at its other end: ethtool -K PEER txvlan off");
}

/* Generic XDP restores a stripped tag if the hardware inserts tags. */
static void test_rxvlan_in_generic_mode(void **state)
{
	(void)state;
	put("/proc/net/vlan/config", "VLAN Dev name | VLAN ID\n"
				     "eth1.10        | 10  | eth1\n");
	attach();
	answer.link.generic = true;
	answer.offloads = DOCTOR_RXVLAN | DOCTOR_TXVLAN;
	assert_int_equal(of("vlan"), DOCTOR_GOOD);
	answer.offloads = DOCTOR_RXVLAN;
	assert_int_equal(of("vlan"), DOCTOR_WARNING);
	answer.link.generic = false;
	answer.offloads = DOCTOR_RXVLAN | DOCTOR_TXVLAN;
	assert_int_equal(of("vlan"), DOCTOR_PROBLEM);
}

/* vmxnet3 takes the program and switches LRO off, as the kernel does for a generic one. */
static void test_lro_that_goes_by_itself(void **state)
{
	(void)state;
	answer.offloads = DOCTOR_LRO;
	strcpy(answer.driver, "vmxnet3");
	assert_int_equal(of("lro"), DOCTOR_GOOD);
	assert_says("lro", "the driver switches it off");
	strcpy(answer.driver, "hv_netvsc");
	assert_int_equal(of("lro"), DOCTOR_PROBLEM);
	attach();
	answer.link.generic = true;
	assert_int_equal(of("lro"), DOCTOR_GOOD);
	assert_says("lro", "the kernel switches it off");
}

static void test_mtu(void **state)
{
	(void)state;
	assert_with("/sys/class/net/eth1/mtu", "9000\n", "mtu", DOCTOR_PROBLEM);
	assert_with("/sys/class/net/eth1/mtu", "3046\n", "mtu", DOCTOR_GOOD);
	assert_with("/sys/class/net/eth1/mtu", "3047\n", "mtu", DOCTOR_PROBLEM);
	strcpy(answer.driver, "mlx5_core");
	assert_int_equal(of("mtu"), DOCTOR_GOOD);
	assert_with("/sys/class/net/eth1/mtu", "576\n", "mtu", DOCTOR_WARNING);
}

/* Limits by driver: not every driver accepts all that fits into a page. */
static void test_mtu_by_driver(void **state)
{
	static const struct {
		const char *driver, *most, *more;
	} drivers[] = {{"virtio_net", "3506\n", "3507\n"}, {"vmxnet3", "3494\n", "3495\n"},
		{"igb", "3046\n", "3047\n"}, {"igc", "1500\n", "1501\n"},
		{"nicvf", "1508\n", "1509\n"}, {"gve", "2032\n", "2033\n"},
		{"vif", "3840\n", "9001\n"}, {"ena", "3498\n", "9001\n"}};

	(void)state;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		strcpy(answer.driver, drivers[i].driver);
		assert_with("/sys/class/net/eth1/mtu", drivers[i].most, "mtu", DOCTOR_GOOD);
		assert_with("/sys/class/net/eth1/mtu", drivers[i].more, "mtu", DOCTOR_PROBLEM);
	}
	/* No finding if a program is attached, or only a generic one is possible. */
	attach();
	answer.link.generic = true;
	assert_int_equal(of("mtu"), DOCTOR_GOOD);
	answer.link.generic = false;
	assert_int_equal(of("mtu"), DOCTOR_GOOD);
	answer.link.program = 0;
	take("/sys/fs/bpf/sessiond/54321/link-3");
	answer.features_ret = -EOPNOTSUPP;
	strcpy(answer.driver, "ena");
	assert_int_equal(of("mtu"), DOCTOR_PROBLEM);
}

/* veth refuses a program because of its other end's MTU. */
static void test_mtu_of_a_veths_other_end(void **state)
{
	(void)state;
	strcpy(answer.driver, "veth");
	strcpy(answer.peer.name, "peer0");
	answer.peer.program = 8;
	answer.peer.mtu = 3506;
	assert_with("/sys/class/net/eth1/mtu", "9001\n", "mtu", DOCTOR_GOOD);
	answer.peer.mtu = 9001;
	assert_with("/sys/class/net/eth1/mtu", "1500\n", "mtu", DOCTOR_PROBLEM);
	assert_says("mtu", "ip link set peer0 mtu 1500");
}

static void test_veth(void **state)
{
	(void)state;
	strcpy(answer.driver, "veth");
	put("/sys/class/net/eth1/mtu", "65535\n"); /* irrelevant for veth */
	answer.peer_ret = -EXDEV;
	assert_int_equal(of("veth"), DOCTOR_WARNING);
	assert_says("veth", "another namespace");
	answer.peer_ret = 0;
	strcpy(answer.peer.name, "peer0");
	assert_int_equal(of("veth"), DOCTOR_PROBLEM);
	assert_says("veth", "an XDP program");
	answer.peer_offloads = DOCTOR_GRO;
	assert_int_equal(of("veth"), DOCTOR_WARNING);
	answer.peer_offloads = 0;
	answer.peer.program = 8;
	assert_int_equal(of("veth"), DOCTOR_GOOD);
}

/* An interface here with the same index is not the other end in another namespace. */
static void test_veth_of_another_namespace(void **state)
{
	(void)state;
	strcpy(answer.driver, "veth");
	put("/sys/class/net/eth1/iflink", "9\n");
	put("/sys/class/net/eth2/ifindex", "9\n");
	strcpy(answer.peer.name, "peer0");
	answer.peer.elsewhere = true;
	assert_int_equal(of("veth"), DOCTOR_WARNING);
	assert_says("veth", "peer0 in another namespace, has no XDP program");
	answer.peer.program = 8;
	assert_int_equal(of("veth"), DOCTOR_GOOD);
}

/* Generic XDP sends like any other sender. */
static void test_veth_in_generic_mode(void **state)
{
	(void)state;
	strcpy(answer.driver, "veth");
	strcpy(answer.peer.name, "peer0");
	attach();
	assert_int_equal(of("veth"), DOCTOR_PROBLEM);
	answer.link.generic = true;
	assert_int_equal(of("veth"), DOCTOR_GOOD);
}

static void test_other_program(void **state)
{
	(void)state;
	answer.link.program = 7;
	assert_int_equal(of("program"), DOCTOR_PROBLEM);
	answer.locked = true;
	assert_with("/sys/fs/bpf/sessiond/54321/link-4", "", "program", DOCTOR_PROBLEM);
	attach();
	assert_int_equal(of("program"), DOCTOR_GOOD);
	assert_says("program", "port 54321's sessiond");
}

/* A pin does not prove that the program is attached. */
static void test_pin_without_its_program(void **state)
{
	(void)state;
	attach();
	answer.program = (struct doctor_program){"agent", 1, {10}};
	assert_int_equal(of("program"), DOCTOR_PROBLEM);
	assert_says("program", "another XDP program is on it, agent, id 7");
	strcpy(answer.program.name, "sessiond_xdp"); /* of another --pin-dir */
	assert_int_equal(of("program"), DOCTOR_PROBLEM);
	assert_says("program", "whose pins are not in /sys/fs/bpf/sessiond");
	answer.program_ret = -EPERM;
	assert_int_equal(of("program"), DOCTOR_NOTE);
	answer.link.program = 0;
	assert_int_equal(of("program"), DOCTOR_PROBLEM);
	assert_says("program", "no XDP program is on it");
}

/* The daemon's own program, wherever its pins are, and for whoever asks. */
static void test_daemons_program(void **state)
{
	(void)state;
	answer.link.program = 7;
	answer.program = (struct doctor_program){"sessiond_xdp", 2, {10, 11}};
	answer.map = 99;
	assert_int_equal(of("program"), DOCTOR_PROBLEM);
	put("/proc/77/fdinfo/3", "pos:\t0\nflags:\t02\n");
	put("/proc/77/fdinfo/4", "pos:\t0\nflags:\t02\nmap_type:\t1\nmap_id:\t111\nfrozen:\t0\n");
	assert_int_equal(of("program"), DOCTOR_PROBLEM);
	put("/proc/77/fdinfo/5", "pos:\t0\nflags:\t02\nmap_type:\t1\nmap_id:\t11\nfrozen:\t0\n");
	assert_int_equal(of("program"), DOCTOR_GOOD);
	assert_says("program", "port 54321's sessiond");
	answer.program_ret = -EPERM;
	assert_int_equal(of("program"), DOCTOR_PROBLEM);
	assert_says("program", "another XDP program is on it");
	host.own = 1;
	assert_int_equal(of("program"), DOCTOR_NOTE);
	assert_says("program", "it is unknown whether it belongs to port 54321's sessiond");
}

/* The daemon's network and mount namespaces are others than this process's. */
static void test_namespaces(void **state)
{
	(void)state;
	host.namespace = DOCTOR_NAMESPACE_ENTERED;
	strcpy(host.sysfs, "/other");
	strcpy(host.pins_at, "/proc/77/root");
	put("/other/class/net/eth1/mtu", "1500\n");
	put("/other/class/net/eth1/queues/rx-0/x", "");
	put("/proc/77/mounts", "bpf /sys/fs/bpf bpf rw 0 0\n");
	assert_int_equal(of("namespace"), DOCTOR_GOOD);
	assert_says("namespace", "process 77, has a network namespace");
	assert_with("/other/class/net/eth1/mtu", "500\n", "mtu", DOCTOR_WARNING);
	put("/other/class/net/eth1/mtu", "1500\n");
	assert_with("/proc/77/mounts", "bpf /sys/fs/bpf bpf ro 0 0\n", "bpffs", DOCTOR_PROBLEM);
	put("/proc/77/mounts", "bpf /sys/fs/bpf bpf rw 0 0\n");
	answer.locked = true;
	put("/proc/77/root/sys/fs/bpf/sessiond/54322/x", "");
	assert_int_equal(of("pins"), DOCTOR_GOOD);
	assert_says("pins", "port 54322");
	host.namespace = DOCTOR_NAMESPACE_CLOSED;
	host.interface_count = 0;
	assert_int_equal(of("namespace"), DOCTOR_NOTE);
	assert_says("namespace", "its interfaces were not checked");
}

/* vmxnet3 loses a program that its link still has. */
static void test_program_that_does_not_run(void **state)
{
	(void)state;
	attach();
	answer.packets = 100;
	assert_int_equal(of("program"), DOCTOR_PROBLEM);
	assert_says("program", "never runs");
	answer.runs = 5;
	assert_int_equal(of("program"), DOCTOR_GOOD);
	assert_says("program", "and runs");
	answer.runs = 0;
	answer.packets = 0;
	assert_int_equal(of("program"), DOCTOR_GOOD);
	answer.packets = 100;
	answer.runs_ret = -EPERM;
	assert_int_equal(of("program"), DOCTOR_GOOD);
}

static void test_farm(void **state)
{
	static const struct {
		const char *figure;
		uint64_t value;
		enum doctor_severity severity;
		const char *words;
	} cases[] = {
		{"farm_engines_up", 1, DOCTOR_WARNING, "1 of 2 engines"},
		{"farm_engines_up", 0, DOCTOR_PROBLEM, "0 of 2 engines"},
		{"farm_engines", 1, DOCTOR_NOTE, "one engine"},
		{"farm_caches_alive", 0, DOCTOR_WARNING, "no other cache"},
		{"farm_name_clash", 1, DOCTOR_PROBLEM, "same name"},
		{"farm_lag_ms", 5000, DOCTOR_WARNING, "5000 ms behind"},
		{"farm_gaps", 1, DOCTOR_NOTE, "lost by the engines"},
		{"farm_refused_key", 1, DOCTOR_PROBLEM, "key"},
		{"farm_refused_seal", 1, DOCTOR_PROBLEM, "forged"},
		{"farm_drop_engine_full", 1, DOCTOR_PROBLEM, "maxmemory"},
		{"farm_drop_queue_full", 1, DOCTOR_WARNING, "core"},
	};

	(void)state;
	doctor_run(&host, &report);
	for (unsigned i = 0; i < report.count; i++)
		assert_string_not_equal(report.findings[i].check, "farm");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		doctor_farm_figure(&host.farm, "farm_engines", 2);
		doctor_farm_figure(&host.farm, "farm_engines_up", 2);
		doctor_farm_figure(&host.farm, "farm_caches_alive", 1);
		doctor_farm_figure(&host.farm, "farm_stored", 77);
		assert_int_equal(of("farm"), DOCTOR_GOOD);
		doctor_farm_figure(&host.farm, cases[i].figure, cases[i].value);
		assert_int_equal(of("farm"), cases[i].severity);
		assert_says("farm", cases[i].words);
		memset(&host.farm, 0, sizeof(host.farm));
	}
}

static void test_engines(void **state)
{
	static const char line[] = "engine url=\"redis://10.0.0.21:6379\" up=1 version=\"7.0.15\" "
				   "faults=\"%s\" error=\"\"";
	char text[256];

	(void)state;
	for (unsigned i = 0; i < FARM_ENGINE_FAULTS; i++) {
		doctor_farm_figure(&host.farm, "farm_engines", 2);
		doctor_farm_figure(&host.farm, "farm_engines_up", 2);
		doctor_farm_figure(&host.farm, "farm_caches_alive", 1);
		doctor_farm_line(&host.farm, "cache name=\"a\" faults=\"saves\"");
		snprintf(text, sizeof(text), line, "");
		doctor_farm_line(&host.farm, text);
		assert_int_equal(of("farm"), DOCTOR_GOOD);
		snprintf(text, sizeof(text), line, farm_faults[i].name);
		doctor_farm_line(&host.farm, text);
		assert_int_equal(of("farm"), i == FARM_ENGINE_PLAIN ? DOCTOR_NOTE : DOCTOR_WARNING);
		snprintf(text, sizeof(text), "engine redis://10.0.0.21:6379: %s",
			farm_faults[i].text);
		assert_says("farm", text);
		/* A third is one too many. */
		doctor_farm_line(&host.farm, text);
		assert_int_equal(host.farm.engine_count, 2);
		memset(&host.farm, 0, sizeof(host.farm));
	}
}

static void test_cores(void **state)
{
	(void)state;
	assert_with("/proc/77/status", "Name:\tsessiond\nCpus_allowed_list:\t0-3\n", "cores",
		DOCTOR_NOTE);
	assert_with("/proc/77/status", "Name:\tsessiond\nCpus_allowed_list:\t1\n", "cores",
		DOCTOR_WARNING);
	assert_with("/proc/irq/41/smp_affinity_list", "0\n", "interrupts", DOCTOR_WARNING);
	assert_with("/sys/devices/system/cpu/online", "0\n", "queues", DOCTOR_GOOD);
	put("/sys/devices/system/cpu/online", "0-1\n");
	put("/proc/irq/41/smp_affinity_list", "1\n");
	host.daemon_pid = 0;
	assert_int_equal(of("queues"), DOCTOR_GOOD);
	take("/sys/class/net/eth1/queues/rx-1/x");
	snprintf(report.findings[0].text, sizeof(report.findings[0].text),
		"%s/sys/class/net/eth1/"
		"queues/rx-1",
		root);
	rmdir(report.findings[0].text);
	assert_int_equal(of("queues"), DOCTOR_NOTE);
}

/* igb's default: a terminator's requests all go to one queue. */
static void test_hash_by_addresses_alone(void **state)
{
	(void)state;
	assert_int_equal(of("hash"), DOCTOR_GOOD);
	answer.address_hash4 = answer.address_hash6 = true;
	assert_int_equal(of("hash"), DOCTOR_WARNING);
	assert_says("hash", "ethtool -N eth1 rx-flow-hash udp4 sdfn, and the same for udp6");
	answer.address_hash6 = false;
	assert_int_equal(of("hash"), DOCTOR_WARNING);
	assert_says("hash", "ethtool -N eth1 rx-flow-hash udp4 sdfn");
	answer.address_hash4 = false;
	answer.address_hash6 = true; /* stunnel uses IPv4 */
	assert_int_equal(of("hash"), DOCTOR_NOTE);
	assert_says("hash", "rx-flow-hash udp6 sdfn");
	answer.hash_ret = -EOPNOTSUPP;
	doctor_run(&host, &report);
	for (unsigned i = 0; i < report.count; i++)
		assert_string_not_equal(report.findings[i].check, "hash");
}

/* The interrupts of a virtio device are its parent's; those of any other device's parent are not
 * the interface's. */
static void test_interrupts_of_parent(void **state)
{
	char link[128];

	(void)state;
	snprintf(link, sizeof(link), "%s/sys/class/net/eth1/device", root);
	assert_int_equal(nftw(link, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	put("/sys/devices/0000:00:03.0/msi_irqs/40", "");
	put("/sys/devices/0000:00:03.0/msi_irqs/41", "");
	put("/sys/devices/0000:00:03.0/virtio1/vendor", "0x1af4\n");
	assert_int_equal(symlink("../../../devices/0000:00:03.0/virtio1", link), 0);
	assert_int_equal(of("interrupts"), DOCTOR_NOTE);
	assert_says("interrupts", "are unknown");
	strcpy(answer.driver, "virtio_net");
	assert_int_equal(of("cores"), DOCTOR_GOOD);
	assert_with("/proc/77/status", "Name:\tsessiond\nCpus_allowed_list:\t1\n", "cores",
		DOCTOR_WARNING);
	unlink(link); /* veth has no device, so there is no finding */
	assert_int_equal(of("queues"), DOCTOR_GOOD);
	for (unsigned i = 0; i < report.count; i++)
		assert_string_not_equal(report.findings[i].check, "interrupts");
}

/* 54321 is an ephemeral port on Linux. */
static void test_port_that_clients_get(void **state)
{
	(void)state;
	put("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
	assert_with("/proc/sys/net/ipv4/ip_local_reserved_ports", "\n", "port", DOCTOR_NOTE);
	assert_says("port", "net.ipv4.ip_local_reserved_ports=54321");
	assert_with("/proc/sys/net/ipv4/ip_local_reserved_ports", "8080,9148-9150\n", "port",
		DOCTOR_NOTE);
	assert_says("port", "net.ipv4.ip_local_reserved_ports=8080,9148-9150,54321");
	assert_with("/proc/sys/net/ipv4/ip_local_reserved_ports", "8080,54000-54400\n", "port",
		DOCTOR_GOOD);
	assert_with("/proc/sys/net/ipv4/ip_local_reserved_ports", "54321\n", "port", DOCTOR_GOOD);
	put("/proc/sys/net/ipv4/ip_local_reserved_ports", "\n");
	assert_with(
		"/proc/sys/net/ipv4/ip_local_port_range", "10000\t50000\n", "port", DOCTOR_GOOD);
	host.port = 40000;
	assert_int_equal(of("port"), DOCTOR_NOTE);
}

static void test_port_in_use(void **state)
{
	char link[128];

	(void)state;
	put("/proc/net/udp", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
			     "retrnsmt   uid\n"
			     "  123: 00000000:D431 00000000:0000 07 00000000:00000000 00:00000000 "
			     "00000000     0 "
			     "       0 4242 2 0000000000000000 0\n");
	put("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
	put("/proc/sys/net/ipv4/ip_local_reserved_ports", "54321\n");
	assert_int_equal(of("port"), DOCTOR_GOOD); /* a daemon runs: the socket is its */
	host.daemon_pid = 0;
	assert_int_equal(of("port"), DOCTOR_NOTE);
	put("/proc/99/comm", "resolver\n");
	snprintf(link, sizeof(link), "%s/proc/99/fd", root);
	assert_int_equal(mkdir(link, 0755), 0);
	snprintf(link, sizeof(link), "%s/proc/99/fd/7", root);
	assert_int_equal(symlink("socket:[4242]", link), 0);
	assert_int_equal(of("port"), DOCTOR_PROBLEM);
	assert_says("port", "in use by resolver (process 99)");
	assert_with("/proc/99/comm", "sessiond\n", "port", DOCTOR_NOTE);
}

static void test_pins(void **state)
{
	(void)state;
	put("/sys/fs/bpf/sessiond/7000/sessions", "");
	assert_with("/sys/fs/bpf/sessiond/not-a-port/sessions", "", "pins", DOCTOR_WARNING);
	assert_says("pins", "sessionctl --port 7000 detach");
	answer.locked = true;
	assert_int_equal(of("pins"), DOCTOR_GOOD);
	/* For this port, but the running daemon, in another mode, does not use them. */
	answer.locked = false;
	host.port = 7000;
	assert_int_equal(of("pins"), DOCTOR_PROBLEM);
}

/* As the daemon sees its pins, possibly in another mount namespace. */
static void test_private_pins(void **state)
{
	(void)state;
	answer.private_bpffs = "/proc/77/root/sys/fs/bpf/sessiond";
	assert_int_equal(of("pins"), DOCTOR_WARNING);
	assert_says("pins", "nsenter --net=FILE");
	host.daemon_pid = 0;
	assert_int_equal(of("pins"), DOCTOR_GOOD);
	answer.private_bpffs = "/sys/fs/bpf/sessiond";
	assert_int_equal(of("pins"), DOCTOR_WARNING);
}

/* Only these rules, of nft or of iptables. */
static void rules(const char *text)
{
	memset(answer.rules, 0, sizeof(answer.rules));
	answer.rules[text[0] == '{' ? DOCTOR_NFT : DOCTOR_IPTABLES] = text;
}

/* As `nft -j list ruleset` prints them. */
#define NFT(objects)	  "{\"nftables\": [{\"metainfo\": {\"json_schema_version\": 1}}" objects "]}"
#define IN_TABLE(name)	  "\"family\": \"inet\", \"table\": \"f\", \"" name "\": "
#define CHAIN(name, more) ", {\"chain\": {" IN_TABLE("name") "\"" name "\"" more "}}"
#define INPUT(policy) \
	CHAIN("input", ", \"type\": \"filter\", \"hook\": \"input\", \"policy\": \"" policy "\"")
#define RULE(chain, statements) \
	", {\"rule\": {" IN_TABLE("chain") "\"" chain "\", \"expr\": [" statements "]}}"
#define MATCH(op, left, right) \
	"{\"match\": {\"op\": \"" op "\", \"left\": {" left "}, \"right\": " right "}}, "
#define PAYLOAD(protocol, field) \
	"\"payload\": {\"protocol\": \"" protocol "\", \"field\": \"" field "\"}"
#define DPORT(right)  MATCH("==", PAYLOAD("udp", "dport"), right)
#define DO(verdict)   "{\"" verdict "\": null}"
#define JUMP(to)      "{\"jump\": {\"target\": \"" to "\"}}"
#define SET(elements) "{\"set\": [" elements "]}"

static void test_firewall(void **state)
{
	(void)state;
	answer.rules_ret = -EPERM;
	assert_int_equal(of("firewall"), DOCTOR_NOTE);
	answer.rules_ret = 0;
	assert_rules(NFT(INPUT("accept")), DOCTOR_GOOD);
	assert_rules(NFT(INPUT("drop") RULE(
			     "input", MATCH("==", PAYLOAD("tcp", "dport"), "54321") DO("accept"))
				     RULE("input", DPORT(SET("53, 154321, 5432")) DO("accept"))),
		DOCTOR_WARNING);
	assert_rules(NFT(INPUT("drop") RULE("input",
			     MATCH("==", PAYLOAD("ip", "saddr"),
				     "{\"prefix\": {\"addr\": \"10.0.0.0\", \"len\": 8}}")
				     DPORT(SET("53, 54321")) DO("accept"))),
		DOCTOR_GOOD);
	assert_rules(NFT(INPUT("accept") RULE("input", DPORT("54321") DO("drop"))), DOCTOR_PROBLEM);
	assert_rules(
		"*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
		DOCTOR_WARNING);
	assert_rules("*filter\n:INPUT DROP [0:0]\n"
		     "-A INPUT -p udp -m multiport --dports 53,54321 -j ACCEPT\nCOMMIT\n",
		DOCTOR_GOOD);
	assert_rules(
		"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p udp -m udp --dport 54321 -j REJECT\n",
		DOCTOR_PROBLEM);
	/* Malformed rules: chains that jump to each other, truncated text. */
	assert_rules(NFT(CHAIN("a", "") CHAIN("b", "") INPUT("accept") RULE("a", JUMP("b"))
				     RULE("b", JUMP("a")) RULE("input", JUMP("a"))
					     RULE("input", DPORT("54321") DO("drop"))),
		DOCTOR_PROBLEM);
	assert_rules("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p udp -m multiport --dports 1,2:",
		DOCTOR_GOOD);
	assert_rules("{\"nftables\": [{\"rule\": ", DOCTOR_NOTE);
	assert_rules("{\"nftables\": [1, [], {}, {\"rule\": 7}, {\"chain\": {}}, {\"set\": null}]}",
		DOCTOR_GOOD);
}

/* Named sets and maps are read, and so is a port in a concatenation with an address. */
static void test_firewall_sets(void **state)
{
	(void)state;
	assert_rules(
		NFT(INPUT("accept") ", {\"set\": {" IN_TABLE(
			"name") "\"ports\", \"elem\": [53, "
				"{\"elem\": {\"val\": {\"range\": [54000, 55000]}, \"timeout\": "
				"9}}]}}" RULE("input", DPORT("\"@ports\"") DO("drop"))),
		DOCTOR_PROBLEM);
	assert_rules(
		NFT(INPUT("accept") ", {\"map\": {" IN_TABLE(
			"name") "\"ports\", \"elem\": "
				"[[53, {\"drop\": null}], [54321, {\"accept\": null}]]}}" RULE(
					"input", "{\"vmap\": {\"key\": {" PAYLOAD("udp",
							 "dport") "}, \"data\": \"@ports\"}}")),
		DOCTOR_GOOD);
	assert_says("firewall", "a rule lets UDP port 54321 in");
	assert_rules(NFT(INPUT("accept") RULE("input",
			     MATCH("==",
				     "\"concat\": [{" PAYLOAD("ip", "saddr") "}, {" PAYLOAD(
					     "udp", "dport") "}]",
				     SET("{\"concat\": [\"192.0.2.1\", 54321]}")) DO("drop"))),
		DOCTOR_WARNING);
	assert_says("firewall", "to some");
}

/* Rules that exist but cannot be read are reported, not taken as good. */
static void test_firewall_hidden(void **state)
{
	static const char drops[] =
		"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p udp -m udp --dport 54321 -j DROP\n";
	static const char passes[] = "# Generated by iptables-save v1.8.9 (nf_tables) on Sun\n"
				     "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n";
	/* A rule of iptables-nft with `-m multiport`, as nft lists it. */
	static const char extension[] = NFT(INPUT("accept") RULE(
		"input", "{\"xt\": {\"type\": \"match\", \"name\": \"multiport\"}}, " DO("drop")));

	(void)state;
	rules(passes);
	answer.rules[DOCTOR_NFT] = "Error: JSON support not compiled-in";
	assert_int_equal(of("firewall"), DOCTOR_NOTE);
	assert_says("firewall", "rules of nftables");
	assert_rules(extension, DOCTOR_NOTE);
	assert_says("firewall", "rules of iptables,");
	/* Legacy tables: only their own program can read them. */
	rules(passes);
	put("/proc/net/ip_tables_names", "filter\n");
	assert_int_equal(of("firewall"), DOCTOR_NOTE);
	assert_says("firewall", "rules of iptables-legacy");
	answer.rules[DOCTOR_IPTABLES_LEGACY] = drops;
	answer.rules[DOCTOR_IP6TABLES_LEGACY] = "";
	assert_int_equal(of("firewall"), DOCTOR_PROBLEM);
	assert_says("firewall", "table iptables-legacy filter, chain INPUT");
	answer.rules[DOCTOR_IPTABLES_LEGACY] = "";
	assert_int_equal(of("firewall"), DOCTOR_GOOD);
}

static void test_conntrack(void **state)
{
	(void)state;
	put("/proc/sys/net/netfilter/nf_conntrack_count", "10\n");
	assert_with(
		"/proc/sys/net/netfilter/nf_conntrack_max", "65536\n", "conntrack", DOCTOR_WARNING);
	assert_says("conntrack", "udp dport 54321 notrack");
	rules("*raw\n:PREROUTING ACCEPT [0:0]\n"
	      "-A PREROUTING -p udp -m udp --dport 54321 -j CT --notrack\nCOMMIT\n");
	assert_int_equal(of("conntrack"), DOCTOR_GOOD);
	assert_with("/proc/sys/net/netfilter/nf_conntrack_count", "65000\n", "conntrack",
		DOCTOR_PROBLEM);
}

static void test_memory_and_tick(void **state)
{
	(void)state;
	put("/proc/meminfo", "MemTotal: 1 kB\nHugePages_Total:       0\nHugePages_Free:        0\n"
			     "Hugepagesize:       2048 kB\n");
	assert_with("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n",
		"hugepages", DOCTOR_NOTE);
	assert_says("hugepages", "vm.nr_hugepages=256");
	/* A running daemon may use all of them; without one another process uses them. */
	put("/proc/meminfo", "MemTotal: 1 kB\nHugePages_Total:     512\nHugePages_Free:        0\n"
			     "Hugepagesize:       2048 kB\n");
	assert_int_equal(of("hugepages"), DOCTOR_NOTE); /* of transparent hugepages */
	assert_says("hugepages", "0 of 512");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	assert_int_equal(of("hugepages"), DOCTOR_GOOD);
	host.daemon_pid = 0;
	assert_int_equal(of("hugepages"), DOCTOR_NOTE);
	host.daemon_pid = 77;
	assert_int_equal(of("tick"), DOCTOR_GOOD);
	assert_says("tick", "HZ=250): a stunnel on such a host waits 4 to 8 ms");
	host.tick_ns = 1000000;
	assert_int_equal(of("tick"), DOCTOR_NOTE);
	assert_says("tick", "HZ=1000): a stunnel on such a host waits 1 to 2 ms");
}

/* What a running daemon says of resumption; nothing with few sessions, or without it. */
static void test_resumption(void **state)
{
	(void)state;
	host.not_resumed = 9;
	strcpy(host.contexts, "farm, farm2");
	assert_int_equal(of("resumption"), DOCTOR_WARNING);
	assert_says("resumption",
		"9 of 9 were followed by a full handshake (estimate); contexts: farm, "
		"farm2");
	host.resumed = 100;
	assert_int_equal(of("resumption"), DOCTOR_GOOD);
	assert_says("resumption", "100 of 109");
	host.daemon_pid = 0;
	doctor_run(&host, &report);
	for (unsigned i = 0; i < report.count; i++)
		assert_string_not_equal(report.findings[i].check, "resumption");
	host.daemon_pid = 77;
	host.resumed = 0;
	host.not_resumed = 7;
	doctor_run(&host, &report);
	for (unsigned i = 0; i < report.count; i++)
		assert_string_not_equal(report.findings[i].check, "resumption");
}

/* A host without any information. */
static void test_blind(void **state)
{
	static const struct doctor_probe blind = {
		.driver = fake_driver,
		.offloads = fake_offloads,
		.xdp_features = fake_features,
		.link = fake_link,
		.peer = fake_peer,
		.program = fake_program,
		.pinned_map = fake_pinned_map,
		.runs = fake_runs,
		.hashes_port = fake_hashes_port,
		.rules = fake_rules,
		.locked = fake_locked,
		.private_bpffs = fake_private_bpffs,
	};

	(void)state;
	host.root = "/nonexistent";
	host.probe = &blind;
	answer.driver[0] = '\0';
	answer.rules_ret = -ENOENT;
	doctor_run(&host, &report);
	assert_true(report.count > 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_well, up, down),
		cmocka_unit_test_setup_teardown(test_kernel, up, down),
		cmocka_unit_test_setup_teardown(test_bpffs, up, down),
		cmocka_unit_test_setup_teardown(test_capabilities, up, down),
		cmocka_unit_test_setup_teardown(test_driver, up, down),
		cmocka_unit_test_setup_teardown(test_offloads, up, down),
		cmocka_unit_test_setup_teardown(test_rxvlan_of_a_bonds_ports, up, down),
		cmocka_unit_test_setup_teardown(test_vrf, up, down),
		cmocka_unit_test_setup_teardown(test_hidden_tags_of_a_veth, up, down),
		cmocka_unit_test_setup_teardown(test_rxvlan_in_generic_mode, up, down),
		cmocka_unit_test_setup_teardown(test_lro_that_goes_by_itself, up, down),
		cmocka_unit_test_setup_teardown(test_mtu, up, down),
		cmocka_unit_test_setup_teardown(test_mtu_by_driver, up, down),
		cmocka_unit_test_setup_teardown(test_mtu_of_a_veths_other_end, up, down),
		cmocka_unit_test_setup_teardown(test_veth, up, down),
		cmocka_unit_test_setup_teardown(test_veth_of_another_namespace, up, down),
		cmocka_unit_test_setup_teardown(test_veth_in_generic_mode, up, down),
		cmocka_unit_test_setup_teardown(test_other_program, up, down),
		cmocka_unit_test_setup_teardown(test_pin_without_its_program, up, down),
		cmocka_unit_test_setup_teardown(test_daemons_program, up, down),
		cmocka_unit_test_setup_teardown(test_namespaces, up, down),
		cmocka_unit_test_setup_teardown(test_program_that_does_not_run, up, down),
		cmocka_unit_test_setup_teardown(test_farm, up, down),
		cmocka_unit_test_setup_teardown(test_engines, up, down),
		cmocka_unit_test_setup_teardown(test_cores, up, down),
		cmocka_unit_test_setup_teardown(test_hash_by_addresses_alone, up, down),
		cmocka_unit_test_setup_teardown(test_interrupts_of_parent, up, down),
		cmocka_unit_test_setup_teardown(test_port_that_clients_get, up, down),
		cmocka_unit_test_setup_teardown(test_port_in_use, up, down),
		cmocka_unit_test_setup_teardown(test_pins, up, down),
		cmocka_unit_test_setup_teardown(test_private_pins, up, down),
		cmocka_unit_test_setup_teardown(test_firewall, up, down),
		cmocka_unit_test_setup_teardown(test_firewall_sets, up, down),
		cmocka_unit_test_setup_teardown(test_firewall_hidden, up, down),
		cmocka_unit_test_setup_teardown(test_conntrack, up, down),
		cmocka_unit_test_setup_teardown(test_memory_and_tick, up, down),
		cmocka_unit_test_setup_teardown(test_resumption, up, down),
		cmocka_unit_test_setup_teardown(test_blind, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
