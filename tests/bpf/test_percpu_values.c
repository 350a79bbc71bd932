/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The number of per-CPU values comes from what the kernel writes, not from /sys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/xdp/percpu_values.h"

#include "common/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define POSSIBLE "/sys/devices/system/cpu/possible"
#define WORDS	 45

static int real, map, other;

static int array(size_t size)
{
	return bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "test_percpu", 4, (__u32)size, 1, NULL);
}

/* Fills it with the kernel's count of values, before /sys shows another. */
static void fill(int fd, size_t words, __u64 first)
{
	__u64 *values = calloc((size_t)real * words, sizeof(*values));
	uint32_t zero = 0;

	assert_non_null(values);
	for (size_t i = 0; i < (size_t)real * words; i++)
		values[i] = first + i;
	assert_int_equal(bpf_map_update_elem(fd, &zero, values, BPF_ANY), 0);
	free(values);
}

static void show(const char *cpus)
{
	char path[] = "/tmp/possible.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, cpus, strlen(cpus)), strlen(cpus));
	close(fd);
	assert_int_equal(mount(path, POSSIBLE, NULL, MS_BIND, NULL), 0);
	unlink(path);
}

static void check(void)
{
	__u64 sum[WORDS] = {0}, one = 5, *values;
	unsigned count;

	assert_int_equal(percpu_count(map, sizeof(sum)), real);
	assert_int_equal(percpu_sum(map, WORDS, sum), 0);
	for (int i = 0; i < WORDS; i++) {
		__u64 expected = 0;

		for (int cpu = 0; cpu < real; cpu++)
			expected += 1000 + (__u64)(cpu * WORDS + i);
		assert_int_equal(sum[i], expected);
	}
	values = percpu_read(other, sizeof(*values), &count);
	assert_non_null(values);
	assert_int_equal(count, real);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(values[i], i);
	free(values);
	assert_int_equal(percpu_sum(other, 1, &one), 0);
	assert_int_equal(one, 5 + real * (real - 1) / 2);
}

/* The first read, which counts, sees what a container may see. */
static void fewer_are_shown(void **state)
{
	(void)state;
	show("0\n");
	libbpf_num_possible_cpus(); /* which would believe it */
	check();
	assert_int_equal(umount2(POSSIBLE, MNT_DETACH), 0);
}

static void more_are_shown(void **state)
{
	(void)state;
	show("0-511\n");
	check();
	assert_int_equal(umount2(POSSIBLE, MNT_DETACH), 0);
}

static void nothing_is_shown(void **state)
{
	(void)state;
	assert_int_equal(mount("none", "/sys", "tmpfs", 0, NULL), 0);
	check();
	assert_int_equal(umount2("/sys", MNT_DETACH), 0);
}

static void cannot_be_read(void **state)
{
	__u64 sum[WORDS] = {7};
	unsigned count;

	(void)state;
	assert_true(percpu_sum(-1, WORDS, sum) < 0);
	assert_int_equal(sum[0], 7);
	assert_non_null(strstr(error_message(), "Bad file descriptor"));
	assert_null(percpu_read(-1, sizeof(sum), &count));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fewer_are_shown),
		cmocka_unit_test(more_are_shown),
		cmocka_unit_test(nothing_is_shown),
		cmocka_unit_test(cannot_be_read),
	};
	char text[32] = "";
	int fd = open(POSSIBLE, O_RDONLY | O_CLOEXEC), last = 0;

	/* Not by libbpf, which caches its first read. */
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || sscanf(text, "0-%d", &last) != 1) {
		printf("skipped: " POSSIBLE " shows no more than one CPU, or is not whole\n");
		return 77;
	}
	close(fd);
	real = last + 1;
	map = array(WORDS * sizeof(__u64));
	other = array(sizeof(__u64));
	if (map < 0 || other < 0) {
		printf("skipped: no BPF maps can be made: %s\n", strerror(errno));
		return 77;
	}
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		printf("skipped: no mount namespace can be made: %s\n", strerror(errno));
		return 77;
	}
	fill(map, WORDS, 1000);
	fill(other, 1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
