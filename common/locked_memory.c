/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/locked_memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)

static size_t round_up(size_t bytes)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

void *memory_reserve(size_t bytes, bool secret)
{
	size_t size = round_up(bytes);
	size_t slack = size >= HUGE_PAGE ? HUGE_PAGE : 0;
	size_t before = 0;
	char *memory;

	memory = mmap(
		NULL, size + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	if (slack) {
		before = -(uintptr_t)memory % HUGE_PAGE;
		if (before)
			munmap(memory, before);
		if (slack > before)
			munmap(memory + before + size, slack - before);
		memory += before;
	}
	if (secret)
		madvise(memory, size, MADV_DONTDUMP);
	return memory;
}

void memory_prefer_huge(void *memory, size_t bytes)
{
	/* Errors are ignored: a kernel without huge pages refuses this. */
	madvise(memory, round_up(bytes), MADV_HUGEPAGE);
}

int memory_populate(void *memory, size_t bytes)
{
	size_t size = round_up(bytes);

	memory_prefer_huge(memory, bytes);
	if (madvise(memory, size, MADV_POPULATE_WRITE) < 0 && errno == ENOMEM)
		return -ENOMEM;
	return 0;
}

static atomic_bool lock_failed;

bool memory_lock(void *memory, size_t bytes)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = (uintptr_t)memory & -page;

	if (mlock2((void *)begin, (uintptr_t)memory + bytes - begin, MLOCK_ONFAULT) == 0)
		return true;
	atomic_store(&lock_failed, true);
	return false;
}

bool memory_lock_failed(void)
{
	return atomic_load(&lock_failed);
}

void memory_clear(void *memory, size_t bytes)
{
	madvise(memory, round_up(bytes), MADV_DONTNEED);
}

void memory_release(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, round_up(bytes));
}
