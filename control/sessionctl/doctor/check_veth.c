/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The other end of a veth, which replies of native XDP have to get through.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* The name of the interface with this number, if it is in this namespace. */
static bool find_index(const struct doctor_host *host, unsigned index, char name[IF_NAMESIZE])
{
	char path[PATH_MAX], text[32];
	DIR *dir = opendir(doctor_path(host, path, "/sys/class/net"));
	struct dirent *file;
	bool found = false;

	if (!dir)
		return false;
	while (!found && (file = readdir(dir))) {
		if (file->d_name[0] == '.' || strlen(file->d_name) >= IF_NAMESIZE ||
			!doctor_read(host, text, sizeof(text), "/sys/class/net/%s/ifindex",
				file->d_name))
			continue;
		found = strtoul(text, NULL, 10) == index;
		if (found)
			strcpy(name, file->d_name);
	}
	closedir(dir);
	return found;
}

/* veth puts the frames of XDP_TX into the other end's queue if that has NAPI, by GRO or an XDP
 * program, but wakes it only for a program (Linux 6.18, veth_xdp_flush). */
void doctor_veth(
	const struct doctor_host *host, const char *interface, struct doctor_report *report)
{
	static const char advice[] = "attach an XDP program there that passes everything";
	char name[32], text[32], peer[IF_NAMESIZE];
	bool attached = false;
	unsigned flags;

	if (host->probe->driver(host->probe->ctx, interface, name) < 0 || strcmp(name, "veth") != 0)
		return;
	if (!doctor_read(host, text, sizeof(text), "/sys/class/net/%s/iflink", interface) ||
		!find_index(host, (unsigned)strtoul(text, NULL, 10), peer)) {
		doctor_say(report, DOCTOR_WARNING, "veth", interface,
			"there: attach an XDP program that passes everything",
			"its other end is in another namespace: replies of native XDP arrive there "
			"only if that end has an XDP program too");
		return;
	}
	if (host->probe->xdp_attached(host->probe->ctx, peer, &attached) == 0 && attached)
		doctor_say(report, DOCTOR_GOOD, "veth", interface, "",
			"its other end, %s, has an XDP program and takes replies", peer);
	else if (host->probe->offloads(host->probe->ctx, peer, &flags) == 0 && flags & DOCTOR_GRO)
		doctor_say(report, DOCTOR_WARNING, "veth", interface, advice,
			"its other end, %s, has GRO on but no XDP program: replies of native XDP "
			"wait there until other traffic wakes it",
			peer);
	else
		doctor_say(report, DOCTOR_PROBLEM, "veth", interface, advice,
			"its other end, %s, has neither an XDP program nor GRO: replies of native "
			"XDP are lost there",
			peer);
}
