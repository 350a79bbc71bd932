/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What this or an earlier daemon has pinned.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

/* Looks at the pins in the daemon's mount namespace, if one runs. */
static void check_private(const struct doctor_host *host, struct doctor_report *report)
{
	char path[PATH_MAX];

	if (host->daemon_pid && !host->pins_at[0])
		doctor_path(host, path, "/proc/%d/root%s", host->daemon_pid, host->pin_root);
	else
		doctor_pin_path(host, path, "");
	if (host->probe->private_bpffs(host->probe->ctx, path))
		doctor_say(report, DOCTOR_WARNING, "pins", "",
			"start sessiond with nsenter --net=FILE instead of ip netns exec; mount "
			"the host's /sys/fs/bpf into a container",
			"the BPF file system of %s belongs to one mount namespace only: sessions "
			"and XDP program end with that",
			host->pin_root);
}

void doctor_pins(const struct doctor_host *host, struct doctor_report *report)
{
	char path[PATH_MAX], advice[128];
	DIR *dir = opendir(doctor_pin_path(host, path, ""));
	struct dirent *file;
	unsigned count = 0;
	uint64_t port;

	while (dir && (file = readdir(dir))) {
		bool locked;

		if (!text_number(file->d_name, 1, 65535, &port))
			continue;
		count++;
		doctor_pin_path(host, path, file->d_name);
		if (host->probe->locked(host->probe->ctx, path, &locked) < 0)
			doctor_say(report, DOCTOR_NOTE, "pins", "", "run this as root",
				"port %u has pins; their owner is unknown", (unsigned)port);
		else if (locked)
			doctor_say(report, DOCTOR_GOOD, "pins", "", "",
				"port %u: the pins of a running sessiond", (unsigned)port);
		else {
			snprintf(advice, sizeof(advice),
				"start sessiond again, which adopts them, or sessionctl --port %u "
				"detach",
				(unsigned)port);
			doctor_say(report,
				port == host->port && host->daemon_pid ? DOCTOR_PROBLEM
								       : DOCTOR_WARNING,
				"pins", "", advice,
				"port %u: the pins of a sessiond that has ended; its program still "
				"answers GETs",
				(unsigned)port);
		}
	}
	if (dir)
		closedir(dir);
	check_private(host, report);
	if (count == 0)
		doctor_say(report, DOCTOR_GOOD, "pins", "", "", "nothing is pinned in %s",
			host->pin_root);
}
