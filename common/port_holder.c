/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/port_holder.h"

#include "common/text.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct holder {
	unsigned long inode;
	unsigned user;
};

/* 8 hex digits per 32-bit word, each in host byte order. */
static bool parse_address(const char *hex, struct address *addr)
{
	size_t length = strlen(hex);
	uint8_t bytes[16];

	if (length != 8 && length != 32)
		return false;
	for (size_t i = 0; i < length / 8; i++) {
		uint32_t word;

		if (sscanf(hex + 8 * i, "%8x", &word) != 1)
			return false;
		memcpy(bytes + 4 * i, &word, 4);
	}
	if (length == 8)
		address_from_ipv4(addr, bytes);
	else
		memcpy(addr->bytes, bytes, 16);
	return true;
}

/* Whether a socket of that address prevents binding the endpoint. */
static bool is_in_the_way(const struct address *addr, const struct endpoint *endpoint, int family)
{
	/* A socket at :: may accept IPv4, too. */
	if (address_is_wildcard(addr))
		return true;
	if ((family == AF_INET) != address_is_ipv4(addr))
		return false;
	return endpoint->any || address_is_wildcard(&endpoint->addr) ||
	       address_equal(addr, &endpoint->addr);
}

static bool find_socket(const char *root, const char *table, const struct endpoint *endpoint,
	int family, struct holder *holder)
{
	char path[PATH_MAX], line[512], hex[40];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/net/%s", root, table);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file)) {
		struct address addr;
		unsigned port;

		found = sscanf(line, " %*[^:]: %39[0-9A-F]:%x %*s %*s %*s %*s %*s %u %*u %lu", hex,
				&port, &holder->user, &holder->inode) == 4 &&
			port == endpoint->port && parse_address(hex, &addr) &&
			is_in_the_way(&addr, endpoint, family);
	}
	if (file)
		fclose(file);
	return found;
}

/* Whether a process has this socket open. */
static bool has_open(const char *root, const char *pid, const char *socket)
{
	char path[PATH_MAX], link[PATH_MAX], target[64];
	struct dirent *file;
	bool found = false;
	ssize_t length;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/proc/%s/fd", root, pid);
	dir = opendir(path);
	while (dir && !found && (file = readdir(dir))) {
		if (snprintf(link, sizeof(link), "%s/%s", path, file->d_name) >= (int)sizeof(link))
			continue;
		length = readlink(link, target, sizeof(target) - 1);
		if (length <= 0)
			continue;
		target[length] = '\0';
		found = strcmp(target, socket) == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool find_process(const char *root, unsigned long inode, char text[PORT_HOLDER_TEXT])
{
	char path[PATH_MAX], socket[64], name[64] = "", quoted[TEXT_QUOTE];
	struct dirent *file;
	bool found = false;
	FILE *comm;
	DIR *dir;

	snprintf(socket, sizeof(socket), "socket:[%lu]", inode);
	snprintf(path, sizeof(path), "%s/proc", root);
	dir = opendir(path);
	while (dir && !found && (file = readdir(dir))) {
		if (!isdigit((unsigned char)file->d_name[0]) ||
			!has_open(root, file->d_name, socket))
			continue;
		snprintf(path, sizeof(path), "%s/proc/%s/comm", root, file->d_name);
		comm = fopen(path, "re");
		if (comm && fgets(name, sizeof(name), comm))
			name[strcspn(name, "\n")] = '\0';
		if (comm)
			fclose(comm);
		snprintf(text, PORT_HOLDER_TEXT, "%s (process %.20s)", text_quote(name, quoted),
			file->d_name);
		found = true;
	}
	if (dir)
		closedir(dir);
	return found;
}

bool port_holder(
	const char *root, const struct endpoint *endpoint, int family, char text[PORT_HOLDER_TEXT])
{
	struct holder holder;

	text[0] = '\0';
	if (!(family == AF_INET && find_socket(root, "udp", endpoint, family, &holder)) &&
		!find_socket(root, "udp6", endpoint, family, &holder))
		return false;
	if (!holder.inode || !find_process(root, holder.inode, text))
		snprintf(text, PORT_HOLDER_TEXT,
			"a process of user %u that cannot be seen from here", holder.user);
	return true;
}
