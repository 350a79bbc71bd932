/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The doctor's checks, each on hosts that are well and hosts that are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/sessionctl/doctor/doctor.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the probe answers. */
static struct {
	char driver[32];
	unsigned offloads, peer_offloads;
	int features_ret;
	uint64_t features;
	bool attached, peer_attached, locked;
	int firewall_ret;
	char firewall[2048];
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
	(void)interface;
	strcpy(name, answer.driver);
	return answer.driver[0] ? 0 : -EOPNOTSUPP;
}

static int fake_offloads(void *ctx, const char *interface, unsigned *flags)
{
	(void)ctx;
	*flags = is_peer(interface) ? answer.peer_offloads : answer.offloads;
	return 0;
}

static int fake_features(void *ctx, const char *interface, uint64_t *features)
{
	(void)ctx;
	(void)interface;
	*features = answer.features;
	return answer.features_ret;
}

static int fake_attached(void *ctx, const char *interface, bool *attached)
{
	(void)ctx;
	*attached = is_peer(interface) ? answer.peer_attached : answer.attached;
	return 0;
}

static int fake_firewall(void *ctx, char *text, size_t size)
{
	(void)ctx;
	snprintf(text, size, "%s", answer.firewall);
	return answer.firewall_ret;
}

static int fake_locked(void *ctx, const char *path, bool *locked)
{
	(void)ctx;
	(void)path;
	*locked = answer.locked;
	return 0;
}

static const struct doctor_probe probe = {
	.driver = fake_driver,
	.offloads = fake_offloads,
	.xdp_features = fake_features,
	.xdp_attached = fake_attached,
	.firewall = fake_firewall,
	.locked = fake_locked,
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

/* A host that is well. */
static int up(void **state)
{
	(void)state;
	memset(&answer, 0, sizeof(answer));
	strcpy(answer.driver, "ice");
	answer.features = DOCTOR_XDP_BASIC;
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

/* Runs it all and says how bad the worst finding of one check is, and that nothing else is bad. */
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
		/* What is wrong comes with what to do. */
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

/* What `check` comes to with that text in a file, or with those rules of a firewall. */
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
	/* Something else was mounted over it; the folder only begins like the mount point. */
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
	assert_says("capabilities", ": without CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON");
	assert_with("/proc/self/status", "Name:\tx\nCapEff:\t0000000000001000\n", "capabilities",
		DOCTOR_WARNING);
	assert_says("capabilities", ": without CAP_BPF, CAP_PERFMON");
	assert_with("/proc/self/status", "Name:\tx\nCapEff:\t0000008000001000\n", "capabilities",
		DOCTOR_WARNING);
	assert_says("capabilities", ": without CAP_PERFMON");
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
	assert_says("driver", "as the kernel tells");
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

static void test_veth(void **state)
{
	(void)state;
	strcpy(answer.driver, "veth");
	put("/sys/class/net/eth1/iflink", "9\n");
	put("/sys/class/net/eth1/mtu", "65535\n"); /* veth's own affair */
	assert_int_equal(of("veth"), DOCTOR_WARNING);
	assert_says("veth", "another namespace");
	assert_with("/sys/class/net/peer0/ifindex", "9\n", "veth", DOCTOR_PROBLEM);
	assert_says("veth", "an XDP program");
	answer.peer_offloads = DOCTOR_GRO;
	assert_int_equal(of("veth"), DOCTOR_WARNING);
	answer.peer_offloads = 0;
	answer.peer_attached = true;
	assert_int_equal(of("veth"), DOCTOR_GOOD);
}

static void test_other_program(void **state)
{
	(void)state;
	answer.attached = true;
	assert_int_equal(of("program"), DOCTOR_PROBLEM);
	answer.locked = true;
	assert_with("/sys/fs/bpf/sessiond/54321/link-4", "", "program", DOCTOR_PROBLEM);
	assert_with("/sys/fs/bpf/sessiond/54321/link-3", "", "program", DOCTOR_GOOD);
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
	assert_says("interrupts", "cannot be told");
	strcpy(answer.driver, "virtio_net");
	assert_int_equal(of("cores"), DOCTOR_GOOD);
	assert_with("/proc/77/status", "Name:\tsessiond\nCpus_allowed_list:\t1\n", "cores",
		DOCTOR_WARNING);
	unlink(link); /* veth has no device, and there is nothing to say */
	assert_int_equal(of("queues"), DOCTOR_GOOD);
	for (unsigned i = 0; i < report.count; i++)
		assert_string_not_equal(report.findings[i].check, "interrupts");
}

static void test_pins(void **state)
{
	(void)state;
	put("/sys/fs/bpf/sessiond/7000/sessions", "");
	assert_with("/sys/fs/bpf/sessiond/not-a-port/sessions", "", "pins", DOCTOR_WARNING);
	assert_says("pins", "sessionctl --port 7000 detach");
	answer.locked = true;
	assert_int_equal(of("pins"), DOCTOR_GOOD);
	/* Ours, but the daemon that runs here, in another mode, knows nothing of them. */
	answer.locked = false;
	host.port = 7000;
	assert_int_equal(of("pins"), DOCTOR_PROBLEM);
}

static void rules(const char *text)
{
	snprintf(answer.firewall, sizeof(answer.firewall), "%s", text);
}

static void test_firewall(void **state)
{
	(void)state;
	answer.firewall_ret = -EPERM;
	assert_int_equal(of("firewall"), DOCTOR_NOTE);
	answer.firewall_ret = 0;
	assert_rules("table inet f {\n chain input {\n"
		     "  type filter hook input priority filter; policy accept;\n }\n}\n",
		DOCTOR_GOOD);
	assert_rules(
		"table inet f {\n chain input {\n"
		"  type filter hook input priority filter; policy drop;\n  tcp dport 54321 accept\n"
		"  udp dport { 53, 154321, 5432 } accept\n }\n}\n",
		DOCTOR_WARNING);
	assert_rules("table inet f {\n chain input {\n"
		     "  type filter hook input priority filter; policy drop;\n"
		     "  ip saddr 10.0.0.0/8 udp dport { 53, 54321 } accept\n }\n}\n",
		DOCTOR_GOOD);
	assert_rules("table inet f {\n chain input {\n"
		     "  type filter hook input priority filter; policy accept;\n"
		     "  udp dport 54321 drop\n }\n}\n",
		DOCTOR_PROBLEM);
	assert_rules(
		"*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n",
		DOCTOR_WARNING);
	assert_rules("*filter\n:INPUT DROP [0:0]\n"
		     "-A INPUT -p udp -m multiport --dports 53,54321 -j ACCEPT\nCOMMIT\n",
		DOCTOR_GOOD);
	assert_rules(
		"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p udp -m udp --dport 54321 -j REJECT\n",
		DOCTOR_PROBLEM);
	/* Not what rules look like: chains that lead to each other, a text that is cut. */
	assert_rules("table inet f {\n chain a {\n  jump b\n }\n chain b {\n  jump a\n }\n"
		     " chain input {\n  type filter hook input priority filter; policy accept;\n"
		     "  jump a\n  udp dport 54321 drop\n }\n}\n",
		DOCTOR_PROBLEM);
	assert_rules(
		"table inet f {\n chain input {\n  type filter hook input priority filter; policy "
		"accept;\n  udp dport { 1, 2-",
		DOCTOR_GOOD);
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
	/* A daemon that runs may have them all; without one they are somebody else's. */
	put("/proc/meminfo", "MemTotal: 1 kB\nHugePages_Total:     512\nHugePages_Free:        0\n"
			     "Hugepagesize:       2048 kB\n");
	assert_int_equal(of("hugepages"), DOCTOR_NOTE); /* of the transparent ones */
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

/* A host that tells nothing at all. */
static void test_blind(void **state)
{
	static const struct doctor_probe blind = {
		.driver = fake_driver,
		.offloads = fake_offloads,
		.xdp_features = fake_features,
		.xdp_attached = fake_attached,
		.firewall = fake_firewall,
		.locked = fake_locked,
	};

	(void)state;
	host.root = "/nonexistent";
	host.probe = &blind;
	answer.driver[0] = '\0';
	answer.firewall_ret = -ENOENT;
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
		cmocka_unit_test_setup_teardown(test_mtu, up, down),
		cmocka_unit_test_setup_teardown(test_veth, up, down),
		cmocka_unit_test_setup_teardown(test_other_program, up, down),
		cmocka_unit_test_setup_teardown(test_cores, up, down),
		cmocka_unit_test_setup_teardown(test_interrupts_of_parent, up, down),
		cmocka_unit_test_setup_teardown(test_pins, up, down),
		cmocka_unit_test_setup_teardown(test_firewall, up, down),
		cmocka_unit_test_setup_teardown(test_conntrack, up, down),
		cmocka_unit_test_setup_teardown(test_memory_and_tick, up, down),
		cmocka_unit_test_setup_teardown(test_blind, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
