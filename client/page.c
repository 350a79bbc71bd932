/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A server opens its client as root, then forks, gives up root and changes its root folder. The
 * mapping outlives all of it, so the file is opened once and closed at once. Nothing here may stop
 * a server or keep it waiting.
 */
#include "client/page.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client_private.h"
#include "client/threads.h"
#include "common/client_pages.h"

#define SWEEP_FILES 256
#define NAME_TRIES  1000
#define NO_PLACE    CLIENT_PAGE_PROCESSES

_Static_assert(CLIENT_PAGE_CACHES == SESSIOND_CACHES_MAX, "one limit");
_Static_assert(sizeof(((struct client_page *)0)->scope) > SESSIOND_SCOPE_MAX, "a scope fits");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "processes share what they count");

static sessiond_client *with_pages; /* guarded by threads_lock() */

/* This process, as the page writes it. */
static uint64_t self(void)
{
	return (uint64_t)getpid() << 40 | client_pages_now();
}

static bool is_free(uint64_t process)
{
	if (CLIENT_PAGE_PID(process) == 0)
		return !client_pages_is_birth(process, client_pages_now());
	return kill(CLIENT_PAGE_PID(process), 0) < 0 && errno == ESRCH;
}

/* Takes a free place, or one of a process that has ended, and returns it. If there is none, returns
 * NO_PLACE: the page lives without this process being named. */
static unsigned enter(struct client_page *page, uint64_t as)
{
	for (unsigned i = 0; i < CLIENT_PAGE_PROCESSES; i++) {
		uint64_t process = atomic_load(&page->processes[i]);

		if (is_free(process) &&
			atomic_compare_exchange_strong(&page->processes[i], &process, as))
			return i;
	}
	return NO_PLACE;
}

static void leave(struct client_page *page)
{
	for (unsigned i = 0; i < CLIENT_PAGE_PROCESSES; i++) {
		uint64_t process = atomic_load(&page->processes[i]);

		if (CLIENT_PAGE_PID(process) == getpid())
			atomic_compare_exchange_strong(&page->processes[i], &process, 0);
	}
}

/* A server that goes to the background forks and ends: its child may not have run by then. Without
 * this, a sweep would find a file of nobody. */
void page_before_fork(void)
{
	int err = errno;

	for (sessiond_client *client = with_pages; client; client = client->next_with_page)
		client->birth_place = enter(client->page, client_pages_now());
	errno = err;
}

void page_in_child(void)
{
	int err = errno;

	for (sessiond_client *client = with_pages; client; client = client->next_with_page) {
		unsigned place = client->birth_place;
		uint64_t birth = place == NO_PLACE ? 0 : client->page->processes[place];

		if (place == NO_PLACE || CLIENT_PAGE_PID(birth) != 0 ||
			!atomic_compare_exchange_strong(
				&client->page->processes[place], &birth, self()))
			enter(client->page, self());
	}
	errno = err;
}

/* A new file, of the page's size, with its blocks: a page that has none kills who writes to it. */
static int create_file(int folder, char *name, size_t size, const char *program)
{
	char clean[16];
	int fd = -1;
	size_t i;

	for (i = 0; i < sizeof(clean) - 1 && program[i]; i++)
		clean[i] = isalnum((unsigned char)program[i]) ? program[i] : '-';
	clean[i] = '\0';
	for (unsigned number = 0; fd < 0 && number < NAME_TRIES; number++) {
		snprintf(name, size, "%s.%d.%u", clean, (int)getpid(), number);
		fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (fd < 0 && errno != EEXIST)
			return -1;
	}
	/* Whatever the umask is: everyone may read it. */
	if (fd >= 0 &&
		(fchmod(fd, 0644) < 0 || posix_fallocate(fd, 0, sizeof(struct client_page)) != 0)) {
		close(fd);
		unlinkat(folder, name, 0);
		return -1;
	}
	return fd;
}

/* This process may have executed itself anew, as HAProxy does to reload: then pages of its clients
 * of before still name it, and would stay as long as it lives. */
static void forget_before_exec(int folder)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	uint64_t here = client_pages_namespace(), none = 0;
	unsigned limit = SWEEP_FILES;
	struct client_page page;
	struct dirent *entry;

	if (!dir && copy >= 0)
		close(copy);
	while (dir && limit-- > 0 && (entry = readdir(dir))) {
		int fd = -1;

		if (entry->d_name[0] == '.' || !client_pages_read(folder, entry->d_name, &page) ||
			page.pid_namespace != here || here == 0)
			continue;
		for (unsigned i = 0; i < CLIENT_PAGE_PROCESSES; i++) {
			if (CLIENT_PAGE_PID(page.processes[i]) != getpid())
				continue;
			if (fd < 0)
				fd = openat(folder, entry->d_name,
					O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
			if (fd < 0 ||
				pwrite(fd, &none, sizeof(none),
					(off_t)offsetof(struct client_page, processes[i])) < 0)
				break;
		}
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
}

/* Before this program image has a client of its own. */
static void forget_once(int folder)
{
	static bool done;

	threads_lock();
	if (!done)
		forget_before_exec(folder);
	done = true;
	threads_unlock();
}

/* NULL if the page cannot be a file. */
static struct client_page *map_file(sessiond_client *client, const char *path, const char *program)
{
	void *page = MAP_FAILED;
	int folder, fd = -1;

	/* root makes the folder; others use one that is there. */
	if (geteuid() == 0 && mkdir(path, 0755) == 0)
		chmod(path, 0755);
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return NULL;
	forget_once(folder);
	client_pages_sweep(folder, SWEEP_FILES);
	fd = create_file(folder, client->page_name, sizeof(client->page_name), program);
	if (fd >= 0)
		page = mmap(NULL, sizeof(struct client_page), PROT_READ | PROT_WRITE, MAP_SHARED,
			fd, 0);
	if (fd >= 0)
		close(fd);
	if (page == MAP_FAILED && fd >= 0)
		unlinkat(folder, client->page_name, 0);
	if (page == MAP_FAILED)
		*client->page_name = '\0';
	close(folder);
	return page == MAP_FAILED ? NULL : page;
}

int page_open(struct sessiond_client *client, const char *folder)
{
	char program[16] = "";
	struct client_page *page = NULL;

	prctl(PR_GET_NAME, program);
	if (*folder && strlen(folder) < sizeof(client->page_folder)) {
		strcpy(client->page_folder, folder);
		page = map_file(client, folder, program);
	}
	if (!page) {
		page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
		if (page == MAP_FAILED)
			return -ENOMEM;
	}
#define X(name, help) page->counter_count++;
	SESSIOND_CLIENT_COUNTERS(X)
#undef X
	page->cache_count = client->cache_count;
	page->flags = (client->key_file ? CLIENT_PAGE_SEALED : 0) |
		      (client->flags & SESSIOND_SINGLE_USE ? CLIENT_PAGE_SINGLE_USE : 0);
	page->pid_namespace = client_pages_namespace();
	memcpy(page->program, program, sizeof(program));
	if (client->scope)
		strcpy(page->scope, client->scope);
	for (unsigned i = 0; i < client->cache_count; i++)
		snprintf(page->caches[i].text, sizeof(page->caches[i].text), "%s",
			client->caches[i].text);
	enter(page, self());
	/* Last: now it is one. */
	memcpy(page->magic, CLIENT_PAGE_MAGIC, sizeof(page->magic));
	threads_lock();
	client->page = page;
	client->next_with_page = with_pages;
	with_pages = client;
	threads_unlock();
	return 0;
}

/* A worker that has changed its root folder or user cannot remove it. The next client that opens,
 * and sessionctl, do. */
static void remove_file(const sessiond_client *client)
{
	int folder = open(client->page_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return;
	if (client_pages_user(client->page) == 0)
		unlinkat(folder, client->page_name, 0);
	close(folder);
}

void page_close(struct sessiond_client *client)
{
	sessiond_client **at = &with_pages;

	if (!client->page)
		return;
	threads_lock();
	while (*at && *at != client)
		at = &(*at)->next_with_page;
	if (*at)
		*at = client->next_with_page;
	threads_unlock();
	leave(client->page);
	if (*client->page_name)
		remove_file(client);
	munmap(client->page, sizeof(*client->page));
	client->page = NULL;
}
