/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The XDP program on an interface: whether it is sessiond's, and runs.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sessiond/map_abi.h>

#include "common/text.h"

/* Prefix of the programs in ebpf/sessiond.bpf.c: sessiond_xdp, and sessiond_skb for generic XDP. */
#define PROGRAM_PREFIX "sessiond_"

/* How long runs are counted; the next one is tried if none is seen. Drivers count packets up to 2
 * seconds late, and hardware counts some that never reach a driver. */
static const unsigned looks_ms[] = {200, 2000, 3000};
#define LOOKS	    (sizeof(looks_ms) / sizeof(looks_ms[0]))
#define PACKETS_FEW 10

static bool has_map(const struct doctor_program *program, uint32_t id)
{
	for (unsigned i = 0; i < program->map_count; i++)
		if (program->maps[i] == id)
			return true;
	return false;
}

/* The port of the instance for which `fits` is true; 0 if none. */
static unsigned find_instance(const struct doctor_host *host,
	bool (*fits)(const struct doctor_host *host, const char *folder, const void *ctx),
	const void *ctx)
{
	char path[PATH_MAX];
	DIR *dir = opendir(doctor_pin_path(host, path, ""));
	struct dirent *file;
	uint64_t port, found = 0;

	while (dir && !found && (file = readdir(dir)))
		if (text_number(file->d_name, 1, 65535, &port) &&
			fits(host, doctor_pin_path(host, path, file->d_name), ctx))
			found = port;
	if (dir)
		closedir(dir);
	return (unsigned)found;
}

static bool has_link(const struct doctor_host *host, const char *folder, const void *index)
{
	char path[PATH_MAX];

	(void)host;
	return snprintf(path, sizeof(path), "%s/link-%u", folder, *(const unsigned *)index) <
		       (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

static bool shares_map(const struct doctor_host *host, const char *folder, const void *program)
{
	char path[PATH_MAX];
	uint32_t id;

	return snprintf(path, sizeof(path), "%s/" SESSD_PIN_CONFIG, folder) < (int)sizeof(path) &&
	       host->probe->pinned_map(host->probe->ctx, path, &id) == 0 && has_map(program, id);
}

/* Whether the running daemon holds a map of the program: it is then its own, wherever the pins
 * are. */
static bool is_daemons(const struct doctor_host *host, const struct doctor_program *program)
{
	char path[PATH_MAX], text[1024];
	bool held = false;
	struct dirent *file;
	DIR *dir;

	if (!host->daemon_pid)
		return false;
	dir = opendir(doctor_path(host, path, "/proc/%d/fdinfo", host->daemon_pid));
	while (dir && !held && (file = readdir(dir))) {
		const char *id;

		if (!doctor_read(host, text, sizeof(text), "/proc/%d/fdinfo/%s", host->daemon_pid,
			    file->d_name))
			continue;
		id = strstr(text, "\nmap_id:");
		held = id &&
		       has_map(program, (uint32_t)strtoul(id + strlen("\nmap_id:"), NULL, 10));
	}
	if (dir)
		closedir(dir);
	return held;
}

/* Whether the daemon says that it answers on it. */
static bool is_own(const struct doctor_host *host, const char *interface)
{
	for (unsigned i = 0; i < host->own; i++)
		if (strcmp(host->interfaces[i], interface) == 0)
			return true;
	return false;
}

static uint64_t received(const struct doctor_host *host, const char *interface)
{
	struct doctor_link link;

	return host->probe->link(host->probe->ctx, interface, &link) == 0 ? link.received : 0;
}

/* Some drivers lose a program: its link and its pins exist, but no packet reaches it. */
static void check_runs(const struct doctor_host *host, const char *interface, unsigned port,
	uint32_t id, struct doctor_report *report)
{
	for (size_t i = 0; i < LOOKS; i++) {
		uint64_t before = received(host, interface), runs;

		if (host->probe->runs(host->probe->ctx, id, looks_ms[i], &runs) < 0)
			break;
		if (runs) {
			doctor_say(report, DOCTOR_GOOD, "program", interface, "",
				"the XDP program of port %u's sessiond is on it, and runs", port);
			return;
		}
		/* Too few packets arrived to judge. */
		if (received(host, interface) - before < PACKETS_FEW)
			break;
		if (i < LOOKS - 1)
			continue;
		doctor_say(report, DOCTOR_PROBLEM, "program", interface,
			"restart sessiond, which attaches it again and keeps the sessions",
			"the XDP program of port %u's sessiond is on it, but never runs while "
			"packets come in: the driver has lost it (vmxnet3 does, at link down and "
			"up)",
			port);
		return;
	}
	doctor_say(report, DOCTOR_GOOD, "program", interface, "",
		"the XDP program of port %u's sessiond is on it", port);
}

static void check_program(const struct doctor_host *host, const char *interface, uint32_t id,
	unsigned pinned, struct doctor_report *report)
{
	struct doctor_program program;
	char advice[128];
	unsigned port;
	int ret = host->probe->program(host->probe->ctx, id, &program);

	if (ret < 0) {
		if (pinned)
			doctor_say(report, DOCTOR_NOTE, "program", interface,
				ret == -EOPNOTSUPP ? "use a sessionctl that has xdp mode"
						   : "run this as root",
				"an XDP program is on it; it is unknown whether it belongs to port "
				"%u's sessiond",
				pinned);
		else
			doctor_say(report, DOCTOR_PROBLEM, "program", interface,
				"`bpftool net` names it; detach it, or use another interface",
				"another XDP program is on it, and an interface can have only one");
		return;
	}
	port = find_instance(host, shares_map, &program);
	if (!port && is_daemons(host, &program))
		port = host->port;
	if (port) {
		check_runs(host, interface, port, id, report);
	} else if (strncmp(program.name, PROGRAM_PREFIX, strlen(PROGRAM_PREFIX)) == 0) {
		snprintf(advice, sizeof(advice),
			"name its folder with --pin-dir, or detach it: sessionctl detach "
			"--interface %s",
			interface);
		doctor_say(report, DOCTOR_PROBLEM, "program", interface, advice,
			"the XDP program of a sessiond is on it, id %" PRIu32
			", whose pins are not in %.100s",
			id, host->pin_root);
	} else {
		doctor_say(report, DOCTOR_PROBLEM, "program", interface,
			"`bpftool net` shows it; detach it, or use another interface",
			"another XDP program is on it, %s, id %" PRIu32
			", and an interface can have only one",
			program.name[0] ? program.name : "without a name", id);
	}
}

void doctor_program(
	const struct doctor_host *host, const char *interface, struct doctor_report *report)
{
	struct doctor_link link;
	unsigned pinned;

	if (host->probe->link(host->probe->ctx, interface, &link) < 0)
		return;
	pinned = find_instance(host, has_link, &link.index);
	/* This user may not see the pins. */
	if (!pinned && is_own(host, interface))
		pinned = host->port;
	if (link.program)
		check_program(host, interface, link.program, pinned, report);
	else if (pinned)
		doctor_say(report, DOCTOR_PROBLEM, "program", interface,
			"restart sessiond, which attaches it again and keeps the sessions",
			"port %u has a link pinned for it, but no XDP program is on it: sockets "
			"answer its GETs",
			pinned);
}
