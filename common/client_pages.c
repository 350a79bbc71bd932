/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/client_pages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TICKS_PER_S 100 /* of client_page.h */

uint64_t client_pages_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? (uint64_t)st.st_ino : 0;
}

uint64_t client_pages_now(void)
{
	struct timespec ts = {0};

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * TICKS_PER_S +
	       (uint64_t)ts.tv_nsec / (1000000000 / TICKS_PER_S);
}

bool client_pages_is_birth(uint64_t process, uint64_t now)
{
	/* A time to come was that of another boot. */
	return process != 0 && CLIENT_PAGE_PID(process) == 0 &&
	       now - CLIENT_PAGE_SINCE(process) < CLIENT_PAGE_BIRTH_MAX;
}

static bool is_sound(const struct client_page *page)
{
	if (memcmp(page->magic, CLIENT_PAGE_MAGIC, sizeof(page->magic)) != 0 ||
		page->cache_count > CLIENT_PAGE_CACHES ||
		page->counter_count > CLIENT_PAGE_COUNTERS ||
		!memchr(page->program, '\0', sizeof(page->program)) ||
		!memchr(page->scope, '\0', sizeof(page->scope)))
		return false;
	for (unsigned i = 0; i < page->cache_count; i++)
		if (!memchr(page->caches[i].text, '\0', sizeof(page->caches[i].text)))
			return false;
	return true;
}

bool client_pages_read(int folder, const char *name, struct client_page *page)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t size = -1;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		size = pread(fd, page, sizeof(*page), 0);
	close(fd);
	return size == (ssize_t)sizeof(*page) && is_sound(page);
}

/* When a process started, in 10 ms since boot; false if there is none. UINT64_MAX: not known. */
static bool start_of(pid_t pid, uint64_t *start)
{
	char path[64], text[1024], *at;
	long ticks = sysconf(_SC_CLK_TCK);
	FILE *file;
	size_t len;

	*start = UINT64_MAX;
	if (kill(pid, 0) < 0 && errno == ESRCH)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return true;
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	/* The 2nd field is a name in brackets, which may contain anything; the 22nd is the time. */
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++) {
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	if (at && ticks > 0)
		*start = strtoull(at, NULL, 10) * TICKS_PER_S / (uint64_t)ticks;
	return true;
}

pid_t client_pages_user(const struct client_page *page)
{
	uint64_t start, here = client_pages_namespace(), now = client_pages_now();
	pid_t found = 0;

	if (page->pid_namespace == 0 || page->pid_namespace != here)
		return -1;
	for (unsigned i = 0; i < CLIENT_PAGE_PROCESSES; i++) {
		uint64_t process = page->processes[i];
		pid_t pid = CLIENT_PAGE_PID(process);

		if (client_pages_is_birth(process, now))
			found = -1;
		if (pid <= 0 || !start_of(pid, &start))
			continue;
		/* Both are rounded down. */
		if (start == UINT64_MAX || start <= CLIENT_PAGE_SINCE(process) + 1)
			return pid;
	}
	return found;
}

void client_pages_sweep(int folder, unsigned limit)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct client_page page;
	struct dirent *entry;

	if (!dir && copy >= 0)
		close(copy);
	while (dir && limit-- > 0 && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && client_pages_read(folder, entry->d_name, &page) &&
			client_pages_user(&page) == 0)
			unlinkat(folder, entry->d_name, 0);
	if (dir)
		closedir(dir);
}
