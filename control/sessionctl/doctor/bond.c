/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Bonds and their ports, as sysfs shows them.
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

bool doctor_bond(const struct doctor_host *host, const char *interface, char bond[IF_NAMESIZE])
{
	char path[PATH_MAX], master[PATH_MAX], text[16];
	const char *name;
	ssize_t length;

	length = readlink(doctor_path(host, path, "/sys/class/net/%s/master", interface), master,
		sizeof(master) - 1);
	if (length <= 0)
		return false;
	master[length] = '\0';
	name = strrchr(master, '/');
	name = name ? name + 1 : master;
	if (strlen(name) >= IF_NAMESIZE ||
		!doctor_read(host, text, sizeof(text), "/sys/class/net/%s/bonding/slaves", name))
		return false;
	strcpy(bond, name);
	return true;
}
