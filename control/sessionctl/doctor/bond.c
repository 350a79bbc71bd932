/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Ports of a bond or of another interface, as sysfs shows them.
 */
#include "control/sessionctl/doctor/doctor.h"

#include <string.h>
#include <unistd.h>

unsigned doctor_ports(const struct doctor_host *host, const char *interface,
	char ports[DOCTOR_PORTS_MAX][IF_NAMESIZE])
{
	char text[DOCTOR_PORTS_MAX * IF_NAMESIZE], *save, *word;
	unsigned count = 0;

	if (doctor_read(host, text, sizeof(text), "/sys/class/net/%s/bonding/slaves", interface))
		for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
			if (count < DOCTOR_PORTS_MAX && strlen(word) < IF_NAMESIZE)
				strcpy(ports[count++], word);
	if (count == 0)
		strcpy(ports[count++], interface);
	return count;
}

bool doctor_master(const struct doctor_host *host, const char *interface, char master[IF_NAMESIZE])
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t length;

	length = readlink(doctor_path(host, path, "/sys/class/net/%s/master", interface), target,
		sizeof(target) - 1);
	if (length <= 0)
		return false;
	target[length] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (strlen(name) >= IF_NAMESIZE)
		return false;
	strcpy(master, name);
	return true;
}

bool doctor_bond(const struct doctor_host *host, const char *interface, char bond[IF_NAMESIZE])
{
	char master[IF_NAMESIZE], text[16];

	if (!doctor_master(host, interface, master) ||
		!doctor_read(host, text, sizeof(text), "/sys/class/net/%s/bonding/slaves", master))
		return false;
	strcpy(bond, master);
	return true;
}
