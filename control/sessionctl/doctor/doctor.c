/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/doctor/doctor.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void doctor_say(struct doctor_report *report, enum doctor_severity severity, const char *check,
	const char *subject, const char *advice, const char *format, ...)
{
	struct doctor_finding *finding;
	va_list args;

	if (report->count == DOCTOR_FINDINGS_MAX)
		return;
	finding = &report->findings[report->count++];
	finding->severity = severity;
	finding->check = check;
	snprintf(finding->subject, sizeof(finding->subject), "%s", subject);
	snprintf(finding->advice, sizeof(finding->advice), "%s", advice);
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
}

static char *path_of(
	const struct doctor_host *host, char path[PATH_MAX], const char *format, va_list args)
{
	bool in_sysfs = host->sysfs[0] && strncmp(format, "/sys/class/", 11) == 0;
	int used = snprintf(path, PATH_MAX, "%s%s", host->root, in_sysfs ? host->sysfs : "");

	if (in_sysfs)
		format += strlen("/sys");
	if (used < PATH_MAX)
		vsnprintf(path + used, (size_t)(PATH_MAX - used), format, args);
	return path;
}

char *doctor_path(const struct doctor_host *host, char path[PATH_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	path_of(host, path, format, args);
	va_end(args);
	return path;
}

char *doctor_pin_path(const struct doctor_host *host, char path[PATH_MAX], const char *file)
{
	return doctor_path(
		host, path, "%s%s%s%s", host->pins_at, host->pin_root, *file ? "/" : "", file);
}

bool doctor_read(const struct doctor_host *host, char *text, size_t size, const char *format, ...)
{
	char path[PATH_MAX];
	size_t used = 0;
	va_list args;
	ssize_t n;
	int fd;

	va_start(args, format);
	path_of(host, path, format, args);
	va_end(args);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (used < size - 1 && (n = read(fd, text + used, size - 1 - used)) > 0)
		used += (size_t)n;
	close(fd);
	if (used > 0 && text[used - 1] == '\n')
		used--;
	text[used] = '\0';
	return true;
}

static bool is_listed(const struct doctor_host *host, const char *interface)
{
	for (unsigned i = 0; i < host->interface_count; i++)
		if (strcmp(host->interfaces[i], interface) == 0)
			return true;
	return false;
}

/* A bond's hardware settings are on its ports. */
static void check_hardware(
	const struct doctor_host *host, const char *interface, struct doctor_report *report)
{
	char ports[DOCTOR_PORTS_MAX][IF_NAMESIZE];
	unsigned count = doctor_ports(host, interface, ports);

	for (unsigned i = 0; i < count; i++) {
		if (strcmp(ports[i], interface) != 0 && is_listed(host, ports[i]))
			continue;
		if (strcmp(ports[i], interface) != 0)
			doctor_driver(host, ports[i], report);
		doctor_offloads(host, ports[i], report);
		doctor_mtu(host, ports[i], report);
		doctor_hash(host, ports[i], report);
		doctor_cores(host, ports[i], report);
	}
}

static void check_namespace(const struct doctor_host *host, struct doctor_report *report)
{
	char advice[128];

	if (host->namespace == DOCTOR_NAMESPACE_ENTERED)
		doctor_say(report, DOCTOR_GOOD, "namespace", "", "",
			"the daemon, process %d, has a network namespace of its own: its "
			"interfaces, port and firewall are checked there",
			host->daemon_pid);
	if (host->namespace != DOCTOR_NAMESPACE_CLOSED)
		return;
	snprintf(advice, sizeof(advice),
		"run as root: nsenter --net=/proc/%d/ns/net sessionctl doctor", host->daemon_pid);
	doctor_say(report, DOCTOR_NOTE, "namespace", "", advice,
		"the daemon, process %d, has a network namespace of its own: its interfaces were "
		"not checked",
		host->daemon_pid);
}

void doctor_run(const struct doctor_host *host, struct doctor_report *report)
{
	report->count = 0;
	check_namespace(host, report);
	doctor_kernel(host, report);
	doctor_btf(host, report);
	doctor_bpffs(host, report);
	doctor_capabilities(host, report);
	for (unsigned i = 0; i < host->interface_count; i++) {
		const char *interface = host->interfaces[i];

		doctor_driver(host, interface, report);
		doctor_program(host, interface, report);
		doctor_veth(host, interface, report);
		doctor_vrf(host, interface, report);
		check_hardware(host, interface, report);
	}
	if (host->interface_count == 0 && host->namespace != DOCTOR_NAMESPACE_CLOSED)
		doctor_say(report, DOCTOR_NOTE, "interface", "",
			"name one: sessionctl doctor IFNAME",
			"no network interface was checked: only loopback is up");
	doctor_port(host, report);
	doctor_pins(host, report);
	doctor_farm(host, report);
	doctor_resumption(host, report);
	doctor_firewall(host, report);
	doctor_hugepages(host, report);
	doctor_tick(host, report);
}

enum doctor_severity doctor_worst(const struct doctor_report *report)
{
	enum doctor_severity worst = DOCTOR_GOOD;

	for (unsigned i = 0; i < report->count; i++)
		if (report->findings[i].severity > worst)
			worst = report->findings[i].severity;
	return worst;
}
