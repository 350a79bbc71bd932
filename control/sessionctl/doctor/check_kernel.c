/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The kernel, and what it allows this user.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The oldest kernel that tests load the program on. */
#define KERNEL_MAJOR 6
#define KERNEL_MINOR 1

#ifndef CAP_BPF
#define CAP_PERFMON 38
#define CAP_BPF	    39
#endif

void doctor_kernel(const struct doctor_host *host, struct doctor_report *report)
{
	unsigned major, minor;
	char text[128];

	if (!doctor_read(host, text, sizeof(text), "/proc/sys/kernel/osrelease") ||
		sscanf(text, "%u.%u", &major, &minor) != 2) {
		doctor_say(report, DOCTOR_WARNING, "kernel", "", "mount /proc",
			"the kernel's version cannot be read");
		return;
	}
	if (major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR))
		doctor_say(report, DOCTOR_GOOD, "kernel", "", "", "Linux %s", text);
	else
		doctor_say(report, DOCTOR_PROBLEM, "kernel", "",
			"install a newer kernel, or use --mode socket",
			"Linux %s: xdp mode needs %d.%d", text, KERNEL_MAJOR, KERNEL_MINOR);
}

void doctor_btf(const struct doctor_host *host, struct doctor_report *report)
{
	char path[PATH_MAX];

	if (access(doctor_path(host, path, "/sys/kernel/btf/vmlinux"), R_OK) == 0)
		doctor_say(report, DOCTOR_GOOD, "btf", "", "", "the kernel has type information");
	else
		doctor_say(report, DOCTOR_WARNING, "btf", "",
			"use a kernel with CONFIG_DEBUG_INFO_BTF, as distributions build it",
			"the kernel has no type information (BTF): bpftool shows less of the "
			"program and its maps");
}

/* Whether `path` is at or below the folder `mount`. Returns the length of `mount`, 0 if not. */
static size_t below(const char *path, const char *mount)
{
	size_t len = strlen(mount);

	if (strcmp(mount, "/") == 0)
		return 1;
	return strncmp(path, mount, len) == 0 && (path[len] == '/' || path[len] == '\0') ? len : 0;
}

void doctor_bpffs(const struct doctor_host *host, struct doctor_report *report)
{
	char path[PATH_MAX], mount[512], type[64], options[512], line[2048];
	char best_type[64] = "", best_options[512] = "";
	size_t best = 0;
	FILE *file;

	if (host->pins_at[0])
		doctor_path(host, path, "/proc/%d/mounts", host->daemon_pid);
	else
		doctor_path(host, path, "/proc/self/mounts");
	file = fopen(path, "re");
	if (!file) {
		doctor_say(report, DOCTOR_WARNING, "bpffs", "", "mount /proc",
			"the mounts cannot be read");
		return;
	}
	/* Find the longest mount point above the pins, and the last mount there. */
	while (fgets(line, sizeof(line), file)) {
		size_t len;

		if (sscanf(line, "%*s %511s %63s %511s", mount, type, options) != 3)
			continue;
		len = below(host->pin_root, mount);
		if (len < best || len == 0)
			continue;
		best = len;
		strcpy(best_type, type);
		strcpy(best_options, options);
	}
	fclose(file);
	if (strcmp(best_type, "bpf") != 0)
		doctor_say(report, DOCTOR_PROBLEM, "bpffs", "",
			"mount -t bpf bpf /sys/fs/bpf, or choose another --pin-dir; ip netns exec "
			"hides the host's: use nsenter --net=FILE",
			"%s is not on a BPF file system", host->pin_root);
	else if (strncmp(best_options, "ro", 2) == 0 &&
		 (best_options[2] == ',' || best_options[2] == '\0'))
		doctor_say(report, DOCTOR_PROBLEM, "bpffs", "", "mount -o remount,rw it",
			"the BPF file system of %s is read-only", host->pin_root);
	else
		doctor_say(report, DOCTOR_GOOD, "bpffs", "", "", "%s is on a BPF file system",
			host->pin_root);
}

/* What xdp mode needs, each tested (tests/cli/privileges.sh). CAP_SYS_ADMIN includes them. */
static const struct {
	const char *name;
	unsigned bit;
} needed[] = {{"CAP_NET_ADMIN", CAP_NET_ADMIN}, {"CAP_BPF", CAP_BPF}, {"CAP_PERFMON", CAP_PERFMON}};
#define NEEDED (sizeof(needed) / sizeof(needed[0]))

void doctor_capabilities(const struct doctor_host *host, struct doctor_report *report)
{
	char text[4096], lockdown[128], missing[64] = "";
	uint64_t have = 0;
	const char *line;

	if (!doctor_read(host, text, sizeof(text), "/proc/self/status") ||
		!(line = strstr(text, "\nCapEff:"))) {
		doctor_say(report, DOCTOR_WARNING, "capabilities", "", "mount /proc",
			"this process's capabilities cannot be read");
		return;
	}
	have = strtoull(line + strlen("\nCapEff:"), NULL, 16);
	for (size_t i = 0; i < NEEDED && !(have >> CAP_SYS_ADMIN & 1); i++) {
		if (have >> needed[i].bit & 1)
			continue;
		if (missing[0])
			strcat(missing, ", ");
		strcat(missing, needed[i].name);
	}
	if (!missing[0])
		doctor_say(report, DOCTOR_GOOD, "capabilities", "", "",
			"this user may load XDP programs");
	else
		doctor_say(report, DOCTOR_WARNING, "capabilities", "",
			"run sessiond, and this, as root or with CAP_NET_ADMIN, CAP_BPF and "
			"CAP_PERFMON, or use --mode socket, which needs none",
			"this user may not load XDP programs: it lacks %s", missing);
	if (doctor_read(host, lockdown, sizeof(lockdown), "/sys/kernel/security/lockdown") &&
		strstr(lockdown, "[confidentiality]"))
		doctor_say(report, DOCTOR_PROBLEM, "lockdown", "",
			"use lockdown=integrity on the kernel's command line, or --mode socket",
			"the kernel is locked down for confidentiality: BPF programs may not read "
			"memory");
}

static uint64_t meminfo(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

void doctor_hugepages(const struct doctor_host *host, struct doctor_report *report)
{
	char text[8192], transparent[128];
	uint64_t total, vacant, kib;

	if (!doctor_read(host, text, sizeof(text), "/proc/meminfo"))
		return;
	total = meminfo(text, "\nHugePages_Total:");
	vacant = meminfo(text, "\nHugePages_Free:");
	kib = meminfo(text, "\nHugepagesize:");
	/* The number for a million sessions, as in docs/dpdk.md. If none are free, a daemon in dpdk
	 * mode may use them. */
	if (total == 0)
		doctor_say(report, DOCTOR_NOTE, "hugepages", "",
			"for dpdk mode and a million sessions: sysctl vm.nr_hugepages=256 of 2 "
			"MiB; other modes need none",
			"no hugepages are reserved");
	else
		doctor_say(report, vacant || host->daemon_pid ? DOCTOR_GOOD : DOCTOR_NOTE,
			"hugepages", "",
			vacant || host->daemon_pid
				? ""
				: "for dpdk mode raise vm.nr_hugepages, or stop the process that "
				  "uses them; other modes need none",
			"%" PRIu64 " of %" PRIu64 " hugepages of %" PRIu64 " MiB are free", vacant,
			total, kib >> 10);
	if (doctor_read(host, transparent, sizeof(transparent),
		    "/sys/kernel/mm/transparent_hugepage/enabled") &&
		strstr(transparent, "[never]"))
		doctor_say(report, DOCTOR_NOTE, "hugepages", "",
			"echo madvise >/sys/kernel/mm/transparent_hugepage/enabled",
			"transparent hugepages are off: lookups of a big cache in socket mode are "
			"slower");
}

/* stunnel calls select() with 200 us; the kernel rounds that up to the next tick and adds one. */
void doctor_tick(const struct doctor_host *host, struct doctor_report *report)
{
	double tick_ms = (double)host->tick_ns / 1e6;

	if (host->tick_ns == 0)
		return;
	if (tick_ms < 2)
		doctor_say(report, DOCTOR_NOTE, "tick", "",
			"keep the network path to the cache short and its CPUs unloaded; with "
			"HZ=250 on the terminators stunnel waits longer",
			"the kernel ticks every %.0f ms (HZ=%.0f): a stunnel on such a host waits "
			"%.0f to %.0f ms for an answer, not the 200 ms of its manual",
			tick_ms, 1000 / tick_ms, tick_ms, 2 * tick_ms);
	else
		doctor_say(report, DOCTOR_GOOD, "tick", "", "",
			"the kernel ticks every %.0f ms (HZ=%.0f): a stunnel on such a host waits "
			"%.0f to %.0f ms for an answer, not the 200 ms of its manual",
			tick_ms, 1000 / tick_ms, tick_ms, 2 * tick_ms);
}
