/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The XDP program that is on an interface.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <dirent.h>
#include <unistd.h>

void doctor_other_program(
	const struct doctor_host *host, const char *interface, struct doctor_report *report)
{
	char path[PATH_MAX], text[32];
	struct doctor_link link;
	bool ours = false;
	struct dirent *file;
	DIR *dir;

	if (host->probe->link(host->probe->ctx, interface, &link) < 0 || !link.program)
		return;
	if (!doctor_read(host, text, sizeof(text), "/sys/class/net/%s/ifindex", interface))
		return;
	dir = opendir(doctor_path(host, path, "%s", host->pin_root));
	while (dir && !ours && (file = readdir(dir)))
		ours = file->d_name[0] != '.' && access(doctor_path(host, path, "%s/%s/link-%s",
								host->pin_root, file->d_name, text),
							 F_OK) == 0;
	if (dir)
		closedir(dir);
	if (ours)
		doctor_say(report, DOCTOR_GOOD, "program", interface, "",
			"a sessiond's XDP program is on it");
	else
		doctor_say(report, DOCTOR_PROBLEM, "program", interface,
			"`bpftool net` names it; take it off, or use another interface",
			"another XDP program is on it, and an interface has room for one");
}
