/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/percpu_values.h"

#include "common/log.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The largest CONFIG_NR_CPUS. With more CPUs the read fails: an inaccessible page follows the
 * buffer. */
#define CPUS_MAX 8192

static int cannot_read(int err)
{
	return error_set(
		-err, "cannot read the per-CPU counters of a BPF program: %s", strerror(-err));
}

static int look_up(int fd, void *values)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(fd, &zero, values) < 0 ? -errno : 0;
}

/* Fills the buffer with a byte, reads the element into it, and returns how many bytes up to the
 * last one that differs. */
static ssize_t written(int fd, uint8_t *buffer, size_t bytes, uint8_t filler)
{
	int err;

	memset(buffer, filler, bytes);
	err = look_up(fd, buffer);
	if (err)
		return err;
	while (bytes > 0 && buffer[bytes - 1] == filler)
		bytes--;
	return (ssize_t)bytes;
}

/* Two passes: a value may end in one filler byte, but not in both. */
static int count_in(int fd, size_t size, uint8_t *buffer)
{
	ssize_t a = written(fd, buffer, CPUS_MAX * size, 0x00);
	ssize_t b = a < 0 ? a : written(fd, buffer, CPUS_MAX * size, 0xff);
	size_t bytes = (size_t)(a > b ? a : b);

	if (b < 0)
		return (int)b;
	return bytes > 0 ? (int)((bytes + size - 1) / size) : -EIO;
}

static int count_values(int fd, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = (CPUS_MAX * size + page - 1) / page * page;
	uint8_t *area = mmap(
		NULL, bytes + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int count;

	if (area == MAP_FAILED)
		return -errno;
	if (mprotect(area, bytes, PROT_READ | PROT_WRITE) < 0)
		count = -errno;
	else
		count = count_in(fd, size, area + bytes - CPUS_MAX * size);
	munmap(area, bytes + page);
	return count;
}

int percpu_count(int fd, size_t size)
{
	static atomic_int known;
	int count = atomic_load(&known);

	if (count > 0)
		return count;
	count = count_values(fd, size);
	if (count < 0)
		return cannot_read(count);
	atomic_store(&known, count);
	return count;
}

void *percpu_read(int fd, size_t size, unsigned *count)
{
	int cpus = percpu_count(fd, size), err;
	void *values;

	if (cpus < 0)
		return NULL;
	values = calloc((size_t)cpus, size);
	err = values ? look_up(fd, values) : -ENOMEM;
	if (err) {
		free(values);
		cannot_read(err);
		return NULL;
	}
	*count = (unsigned)cpus;
	return values;
}

int percpu_sum(int fd, size_t words, __u64 *sum)
{
	unsigned count;
	__u64 *values = percpu_read(fd, words * sizeof(*values), &count);

	if (!values)
		return -EIO;
	for (size_t i = 0; i < count * words; i++)
		sum[i % words] += values[i];
	free(values);
	return 0;
}
