/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/host/host_memory.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static FILE *open_file(const char *root, const char *folder, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%s/%s", root, folder, name) >= (int)sizeof(path))
		return NULL;
	return fopen(path, "re");
}

static uint64_t meminfo_available(const char *root)
{
	FILE *file = open_file(root, "/proc", "meminfo");
	unsigned long long kib = 0;
	char line[128];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	fclose(file);
	return kib * 1024;
}

/* False for "max", and where there is no such file, as in the topmost cgroup. */
static bool read_bytes(const char *root, const char *folder, const char *name, uint64_t *bytes)
{
	FILE *file = open_file(root, folder, name);
	unsigned long long value;
	bool good;

	if (!file)
		return false;
	good = fscanf(file, "%llu", &value) == 1;
	fclose(file);
	if (good)
		*bytes = value;
	return good;
}

/* What counts as used but makes room when it is asked for: files that were read or written. */
static uint64_t page_cache(const char *root, const char *folder)
{
	FILE *file = open_file(root, folder, "memory.stat");
	unsigned long long bytes, total = 0;
	char name[64];

	if (!file)
		return 0;
	while (fscanf(file, "%63s %llu", name, &bytes) == 2)
		if (strcmp(name, "inactive_file") == 0 || strcmp(name, "active_file") == 0 ||
			strcmp(name, "slab_reclaimable") == 0)
			total += bytes;
	fclose(file);
	return total;
}

/* UINT64_MAX where this cgroup has no limit. */
static uint64_t cgroup_available(const char *root, const char *folder)
{
	uint64_t limit, used, cache;

	if (!read_bytes(root, folder, "memory.max", &limit) ||
		!read_bytes(root, folder, "memory.current", &used))
		return UINT64_MAX;
	cache = page_cache(root, folder);
	used = used > cache ? used - cache : 0;
	return limit > used ? limit - used : 0;
}

/* The folder of the process's own cgroup, without an end slash. In a container that sees only its
 * own part of the tree, that is its root. */
static bool own_cgroup(const char *root, char folder[PATH_MAX])
{
	FILE *file = open_file(root, "/proc/self", "cgroup");
	char line[PATH_MAX];
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		/* One that is outside of what is mounted here begins with "/..". */
		found = strncmp(line, "0::/", 4) == 0 && !strstr(line, "/..");
	}
	fclose(file);
	if (!found ||
		snprintf(folder, PATH_MAX, "/sys/fs/cgroup%s", line + strlen("0::")) >= PATH_MAX)
		return false;
	while (folder[strlen(folder) - 1] == '/')
		folder[strlen(folder) - 1] = '\0';
	return true;
}

uint64_t host_memory_available(const char *root)
{
	uint64_t available = meminfo_available(root), here;
	char folder[PATH_MAX];

	if (available == 0 || !own_cgroup(root, folder))
		return available;
	while (strlen(folder) >= strlen("/sys/fs/cgroup")) {
		here = cgroup_available(root, folder);
		if (here < available)
			available = here > 0 ? here : 1; /* 0 is "cannot be told" */
		*strrchr(folder, '/') = '\0';
	}
	return available;
}
