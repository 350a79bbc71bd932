/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/host/host_memory.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The two versions of cgroups. A missing file means no limit, or nothing used. */
static const struct version {
	const char *type, *option; /* type of the mount; its controller, if any */
	const char *mount;	   /* default if /proc does not list it */
	const char *limit, *used;
	/* Names in memory.stat, whole hierarchy, of memory that is counted as used but reclaimed on
	 * demand: the page cache. */
	const char *cache[3];
} versions[] = {
	{"cgroup", "memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes",
		"memory.usage_in_bytes", {"total_inactive_file", "total_active_file"}},
	{"cgroup2", NULL, "/sys/fs/cgroup", "memory.max", "memory.current",
		{"inactive_file", "active_file", "slab_reclaimable"}},
};

struct memory {
	uint64_t available, limit;
};

static FILE *open_file(const char *root, const char *folder, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%s/%s", root, folder, name) >= (int)sizeof(path))
		return NULL;
	return fopen(path, "re");
}

static struct memory of_machine(const char *root)
{
	FILE *file = open_file(root, "/proc", "meminfo");
	unsigned long long available = 0, total = 0;
	char line[128];

	if (!file)
		return (struct memory){0, 0};
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "MemTotal: %llu kB", &total);
		sscanf(line, "MemAvailable: %llu kB", &available);
	}
	fclose(file);
	return (struct memory){available * 1024, total * 1024};
}

/* False for "max", and if there is no such file, as in the root cgroup. */
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

/* Adds up the page cache; lowers `*limit` to the limits of the cgroups above, including those not
 * visible from here. */
static uint64_t page_cache(
	const char *root, const char *folder, const struct version *version, uint64_t *limit)
{
	FILE *file = open_file(root, folder, "memory.stat");
	unsigned long long bytes, total = 0;
	char name[64];

	if (!file)
		return 0;
	while (fscanf(file, "%63s %llu", name, &bytes) == 2) {
		for (unsigned i = 0; i < 3 && version->cache[i]; i++)
			if (strcmp(name, version->cache[i]) == 0)
				total += bytes;
		if (strcmp(name, "hierarchical_memory_limit") == 0 && bytes < *limit)
			*limit = bytes;
	}
	fclose(file);
	return total;
}

static void narrow(
	const char *root, const char *folder, const struct version *version, struct memory *memory)
{
	uint64_t limit = UINT64_MAX, used = 0, cache, left;

	read_bytes(root, folder, version->limit, &limit);
	cache = page_cache(root, folder, version, &limit);
	read_bytes(root, folder, version->used, &used);
	if (limit < memory->limit)
		memory->limit = limit;
	used = used > cache ? used - cache : 0;
	left = limit > used ? limit - used : 1; /* 0 would mean unknown */
	if (left < memory->available)
		memory->available = left;
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
			return true;
	return false;
}

/* Finds where the hierarchy is mounted, and which of its folders. */
static void find_mount(const char *root, const struct version *version, char inside[PATH_MAX],
	char mount[PATH_MAX])
{
	FILE *file = open_file(root, "/proc/self", "mountinfo");
	static char line[3 * PATH_MAX];
	char options[256];
	const char *rest;

	strcpy(inside, "/");
	strcpy(mount, version->mount);
	if (!file)
		return;
	/* ID PARENT DEVICE FOLDER MOUNT OPTIONS [FIELD...] - TYPE SOURCE OPTIONS */
	while (fgets(line, sizeof(line), file)) {
		char type[32], folder[PATH_MAX], at[PATH_MAX];

		rest = strstr(line, " - ");
		if (!rest || sscanf(rest, " - %31s %*s %255s", type, options) != 2 ||
			strcmp(type, version->type) != 0 ||
			(version->option && !has_word(options, version->option)) ||
			sscanf(line, "%*s %*s %*s %4095s %4095s", folder, at) != 2)
			continue;
		strcpy(inside, folder);
		strcpy(mount, at);
		break;
	}
	fclose(file);
}

/* The process's cgroup from /proc. */
static bool find_own(const char *root, const struct version *version, char own[PATH_MAX])
{
	FILE *file = open_file(root, "/proc/self", "cgroup");
	static char line[2 * PATH_MAX];
	bool found = false;

	if (!file)
		return false;
	/* NUMBER:CONTROLLERS:PATH; CONTROLLERS is empty in version 2. */
	while (!found && fgets(line, sizeof(line), file)) {
		char *controllers = strchr(line, ':'), *path;

		line[strcspn(line, "\n")] = '\0';
		path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path || strlen(path + 1) >= PATH_MAX)
			continue;
		*path++ = '\0';
		controllers++;
		found = version->option ? has_word(controllers, version->option)
					: *controllers == '\0';
		strcpy(own, path);
	}
	fclose(file);
	/* The path begins with "/.." if the cgroup is outside what is mounted here. */
	return found && own[0] == '/' && !strstr(own, "/..");
}

/* Applies the process's cgroup and the visible ones above it. In a container that sees only its own
 * part of the tree, its cgroup is the topmost. */
static void narrow_all(const char *root, const struct version *version, struct memory *memory)
{
	char own[PATH_MAX], inside[PATH_MAX], mount[PATH_MAX], folder[PATH_MAX];
	const char *below = own;
	size_t len;

	if (!find_own(root, version, own))
		return;
	find_mount(root, version, inside, mount);
	len = strlen(inside);
	if (strcmp(inside, "/") != 0)
		below = strncmp(own, inside, len) == 0 && (own[len] == '/' || own[len] == '\0')
				? own + len
				: "";
	if (snprintf(folder, sizeof(folder), "%s%s", mount, below) >= (int)sizeof(folder))
		return;
	while (folder[strlen(folder) - 1] == '/')
		folder[strlen(folder) - 1] = '\0';
	while (strlen(folder) >= strlen(mount)) {
		narrow(root, folder, version, memory);
		*strrchr(folder, '/') = '\0';
	}
}

static struct memory read_memory(const char *root)
{
	struct memory memory = of_machine(root);

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		narrow_all(root, &versions[i], &memory);
	return memory;
}

uint64_t host_memory_available(const char *root)
{
	return read_memory(root).available;
}

uint64_t host_memory_limit(const char *root)
{
	return read_memory(root).limit;
}
