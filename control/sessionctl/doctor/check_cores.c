/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which cores handle an interface's interrupts, and so its GETs, and whether the daemon has another
 * core for inserts.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Adds a list such as "0-3,8" to the set; false if malformed. */
static bool parse_list(const char *text, cpu_set_t *set)
{
	while (*text) {
		char *end;
		unsigned long from = strtoul(text, &end, 10), to = from;

		if (end == text)
			return false;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (; from <= to && from < CPU_SETSIZE; from++)
			CPU_SET(from, set);
		if (*end != ',')
			return *end == '\0';
		text = end + 1;
	}
	return true;
}

unsigned doctor_queues(const struct doctor_host *host, const char *interface)
{
	char path[PATH_MAX];
	DIR *dir = opendir(doctor_path(host, path, "/sys/class/net/%s/queues", interface));
	struct dirent *file;
	unsigned count = 0;

	while (dir && (file = readdir(dir)))
		count += strncmp(file->d_name, "rx-", 3) == 0;
	if (dir)
		closedir(dir);
	return count;
}

/* A virtio device is a child of the device that has the interrupts. The parent of any other device
 * is a bus or a bridge, whose interrupts are not the interface's. */
static DIR *open_interrupts(const struct doctor_host *host, const char *interface)
{
	char path[PATH_MAX], driver[32];
	DIR *dir = opendir(doctor_path(host, path, "/sys/class/net/%s/device/msi_irqs", interface));

	if (dir || host->probe->driver(host->probe->ctx, interface, driver) != 0 ||
		strcmp(driver, "virtio_net") != 0)
		return dir;
	return opendir(doctor_path(host, path, "/sys/class/net/%s/device/../msi_irqs", interface));
}

/* Adds the cores of all its interrupts; returns the number of interrupts. */
static unsigned interrupt_cores(
	const struct doctor_host *host, const char *interface, cpu_set_t *cores)
{
	DIR *dir = open_interrupts(host, interface);
	char text[512];
	struct dirent *file;
	unsigned count = 0;

	while (dir && (file = readdir(dir))) {
		if (file->d_name[0] == '.')
			continue;
		if (!doctor_read(host, text, sizeof(text), "/proc/irq/%s/effective_affinity_list",
			    file->d_name) &&
			!doctor_read(host, text, sizeof(text), "/proc/irq/%s/smp_affinity_list",
				file->d_name))
			continue;
		count += parse_list(text, cores);
	}
	if (dir)
		closedir(dir);
	return count;
}

static bool daemon_cores(const struct doctor_host *host, cpu_set_t *cores)
{
	char text[4096], list[256];
	const char *line;

	if (host->daemon_pid <= 0 ||
		!doctor_read(host, text, sizeof(text), "/proc/%d/status", host->daemon_pid))
		return false;
	line = strstr(text, "\nCpus_allowed_list:");
	return line && sscanf(line, "\nCpus_allowed_list: %255s", list) == 1 &&
	       parse_list(list, cores);
}

void doctor_cores(
	const struct doctor_host *host, const char *interface, struct doctor_report *report)
{
	unsigned queues = doctor_queues(host, interface), interrupts, online_count;
	cpu_set_t irq, online, daemon, apart;
	char text[256], advice[128], path[PATH_MAX];

	CPU_ZERO(&irq);
	CPU_ZERO(&online);
	CPU_ZERO(&daemon);
	if (!doctor_read(host, text, sizeof(text), "/sys/devices/system/cpu/online") ||
		!parse_list(text, &online))
		return;
	online_count = (unsigned)CPU_COUNT(&online);
	if (queues == 1 && online_count > 1) {
		snprintf(advice, sizeof(advice),
			"ethtool -L %s combined %u, if its driver supports it", interface,
			online_count);
		doctor_say(report, DOCTOR_NOTE, "queues", interface, advice,
			"it has one receive queue: one of %u cores answers all GETs", online_count);
	} else if (queues > 0) {
		doctor_say(report, DOCTOR_GOOD, "queues", interface, "",
			"%u receive queue%s for %u core%s", queues, queues == 1 ? "" : "s",
			online_count, online_count == 1 ? "" : "s");
	}
	interrupts = interrupt_cores(host, interface, &irq);
	if (interrupts == 0) {
		/* veth and similar interfaces have no device and no interrupts. */
		if (online_count > 1 &&
			access(doctor_path(host, path, "/sys/class/net/%s/device", interface),
				F_OK) == 0)
			doctor_say(report, DOCTOR_NOTE, "interrupts", interface,
				"look for them in /proc/interrupts, and give the daemon a core "
				"without them: CPUAffinity= in its unit",
				"the cores that take its interrupts are unknown");
		return;
	}
	if (interrupts > 1 && CPU_COUNT(&irq) == 1 && online_count > 1)
		doctor_say(report, DOCTOR_WARNING, "interrupts", interface,
			"run irqbalance, or write to /proc/irq/N/smp_affinity_list",
			"all its %u interrupts go to one core", interrupts);
	if (online_count == 1 || !daemon_cores(host, &daemon))
		return;
	CPU_AND(&daemon, &daemon, &online);
	CPU_AND(&apart, &daemon, &irq);
	if (CPU_COUNT(&apart) == 0)
		doctor_say(report, DOCTOR_GOOD, "cores", interface, "",
			"the daemon and the interrupts have cores of their own");
	else if (CPU_EQUAL(&apart, &daemon))
		doctor_say(report, DOCTOR_WARNING, "cores", interface,
			"give the daemon a core without interrupts: CPUAffinity= in its unit, and "
			"keep irqbalance off it (IRQBALANCE_BANNED_CPULIST)",
			"every core that the daemon may use also takes this interface's "
			"interrupts: a flood of GETs delays NEWs");
	else
		doctor_say(report, DOCTOR_NOTE, "cores", interface,
			"give the daemon a core without interrupts: CPUAffinity= in its unit",
			"the daemon may run on cores that take this interface's interrupts");
}
