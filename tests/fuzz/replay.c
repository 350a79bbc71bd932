/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * TARGET FILE|FOLDER...: runs each file through the target once, as libFuzzer does with files, for
 * compilers without libFuzzer.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

static unsigned runs;

static void run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	static uint8_t data[1 << 16];
	uint8_t *copy;
	size_t size;

	if (!file) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	/* A separate block, so that a sanitizer finds a read past its end. */
	copy = malloc(size ? size : 1);
	if (!copy)
		exit(1);
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	runs++;
}

static void run_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char file[4096];

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		run_file(file);
	}
	if (dir)
		closedir(dir);
}

int main(int argc, char **argv)
{
	struct stat st;

	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			run_folder(argv[i]);
		else
			run_file(argv[i]);
	}
	printf("%u inputs\n", runs);
	return runs == 0;
}
