/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/dpdk/hugepage_room.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>

#define FOLDER "/sys/kernel/mm/hugepages"

static uint64_t count_of(const char *root, const char *size, const char *name)
{
	char path[PATH_MAX];
	unsigned long long count = 0;
	FILE *file;

	if (snprintf(path, sizeof(path), "%s" FOLDER "/%s/%s", root, size, name) >=
		(int)sizeof(path))
		return 0;
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%llu", &count) != 1)
		count = 0;
	fclose(file);
	return count;
}

static uint64_t less(uint64_t from, uint64_t by)
{
	return from > by ? from - by : 0;
}

uint64_t hugepage_room(const char *root)
{
	char path[PATH_MAX];
	struct dirent *entry;
	uint64_t room = 0;
	DIR *folder;

	if (snprintf(path, sizeof(path), "%s" FOLDER, root) >= (int)sizeof(path))
		return UINT64_MAX;
	folder = opendir(path);
	if (!folder)
		return UINT64_MAX;
	while ((entry = readdir(folder))) {
		const char *size = entry->d_name;
		unsigned long long kib;

		if (sscanf(size, "hugepages-%llukB", &kib) != 1)
			continue;
		room += kib * 1024 *
			(less(count_of(root, size, "free_hugepages"),
				 count_of(root, size, "resv_hugepages")) +
				less(count_of(root, size, "nr_overcommit_hugepages"),
					count_of(root, size, "surplus_hugepages")));
	}
	closedir(folder);
	return room;
}
