/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * mapwrite [SESSIONS [no-prealloc]]: nanoseconds per session stored in a map like the fast path's,
 * by each way from user space, alternately while one map fills up: an update per session,
 * BPF_MAP_UPDATE_BATCH, and a BPF_PROG_TYPE_SYSCALL program with shared memory, with and without
 * looking up the batch in advance. Then the same for a full map, where each session replaces the
 * oldest. With no-prealloc the kernel allocates the map's elements on demand. Needs root.
 */
#include "tests/bench/mapwrite.h"

#include "tests/bench/mapwrite.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum way {
	ONE_BY_ONE,
	BATCH,
	PROGRAM,
	PROGRAM_TOUCH,
	FILLING, /* the ways for a map that fills up */
	FULL_BATCH = FILLING,
	FULL_BATCH_PROGRAM,
	FULL_PROGRAM,
	FULL_PROGRAM_TOUCH,
	WAYS
};

static const char *const names[WAYS] = {"an update a session", "BPF_MAP_UPDATE_BATCH",
	"SYSCALL program", "SYSCALL program, looked up ahead",
	"full: BPF_MAP_DELETE_BATCH, BPF_MAP_UPDATE_BATCH",
	"full: BPF_MAP_DELETE_BATCH, SYSCALL program, looked up ahead", "full: SYSCALL program",
	"full: SYSCALL program, looked up ahead"};

static uint8_t keys[MAPWRITE_BATCH][SESSD_KEY_SIZE];
static uint8_t (*all_keys)[SESSD_KEY_SIZE]; /* of the map, by age */
static struct sessd_entry entries[MAPWRITE_BATCH];
static uint64_t state = 1;

static uint64_t next(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_program(
	struct mapwrite_bpf *bpf, struct mapwrite_batch *batch, const uint8_t *gone, bool touch)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);
	int err;

	for (unsigned i = 0; i < MAPWRITE_BATCH; i++) {
		memcpy(batch->puts[i].key, keys[i], SESSD_KEY_SIZE);
		batch->puts[i].entry = entries[i];
	}
	if (gone)
		memcpy(batch->gone_keys, gone, sizeof(batch->gone_keys));
	batch->count = MAPWRITE_BATCH;
	batch->gone = gone ? MAPWRITE_BATCH : 0;
	batch->touch = touch;
	batch->result = 0;
	err = bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.store), &run);
	return err ? err : (int)batch->result;
}

/* Stores `keys`; in a full map, deletes `gone` first. */
static int store(
	struct mapwrite_bpf *bpf, struct mapwrite_batch *batch, const uint8_t *gone, enum way way)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = BPF_ANY);
	int fd = bpf_map__fd(bpf->maps.sessions), err = 0;
	__u32 count = MAPWRITE_BATCH;

	if (way == FULL_BATCH || way == FULL_BATCH_PROGRAM) {
		err = bpf_map_delete_batch(fd, gone, &count, NULL);
		count = MAPWRITE_BATCH;
	}
	if (err)
		return err;
	switch (way) {
	case ONE_BY_ONE:
		for (unsigned i = 0; i < MAPWRITE_BATCH && !err; i++)
			err = bpf_map_update_elem(fd, keys[i], &entries[i], BPF_ANY);
		return err;
	case BATCH:
	case FULL_BATCH:
		return bpf_map_update_batch(fd, keys, entries, &count, &opts);
	case FULL_PROGRAM:
	case FULL_PROGRAM_TOUCH:
		return by_program(bpf, batch, gone, way == FULL_PROGRAM_TOUCH);
	default:
		return by_program(bpf, batch, NULL, way != PROGRAM);
	}
}

static void make_batch(unsigned first)
{
	for (unsigned i = 0; i < MAPWRITE_BATCH; i++) {
		for (unsigned k = 0; k < SESSD_KEY_SIZE; k += 8) {
			uint64_t word = next();

			memcpy(keys[i] + k, &word, 8);
		}
		entries[i].life = sessd_life(1000, first + i);
		entries[i].len = 144;
	}
}

int main(int argc, char **argv)
{
	unsigned sessions = argc > 1 ? (unsigned)atoi(argv[1]) : 1000000;
	struct mapwrite_bpf *bpf = mapwrite_bpf__open();
	double spent[WAYS] = {0}, batches[WAYS] = {0};
	struct mapwrite_batch *batch;
	size_t bytes = (sizeof(*batch) + 4095) / 4096 * 4096;
	unsigned batches_of_map = sessions / MAPWRITE_BATCH;

	if (!bpf || bpf_map__set_max_entries(bpf->maps.sessions, sessions + 4096) ||
		(argc > 2 && !strcmp(argv[2], "no-prealloc") &&
			bpf_map__set_map_flags(bpf->maps.sessions, BPF_F_NO_PREALLOC)) ||
		mapwrite_bpf__load(bpf)) {
		printf("skipped: the program cannot be loaded here: %s\n", strerror(errno));
		return 77;
	}
	all_keys = calloc(sessions, sizeof(*all_keys));
	if (!all_keys) {
		perror("calloc");
		return 1;
	}
	batch = mmap(
		NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(bpf->maps.batches), 0);
	if (batch == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	/* Fills the map, then replaces every session. */
	for (unsigned turn = 0; turn < 2 * batches_of_map; turn++) {
		bool full = turn >= batches_of_map;
		enum way way = full ? FILLING + turn / 64 % (WAYS - FILLING) : turn / 64 % FILLING;
		uint8_t *place = all_keys[turn % batches_of_map * MAPWRITE_BATCH];
		double start;

		make_batch(turn % batches_of_map * MAPWRITE_BATCH);
		start = now();
		if (store(bpf, batch, place, way)) {
			printf("%s failed: %s\n", names[way], strerror(errno));
			return 1;
		}
		spent[way] += now() - start;
		batches[way]++;
		memcpy(place, keys, sizeof(keys));
	}
	for (unsigned way = 0; way < WAYS; way++)
		printf("%-60s %5.0f ns a session\n", names[way],
			spent[way] / batches[way] / MAPWRITE_BATCH);
	mapwrite_bpf__destroy(bpf);
	free(all_keys);
	return 0;
}
