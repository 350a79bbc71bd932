/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The map's cursor is the number of a bucket (kernel/bpf/hashtab.c, since Linux 5.6): a thread can
 * begin at any one, and after each read it is that of the next bucket that is not empty. A read has
 * no end other than its room. One that runs on into the next part is repeated with less room, down
 * to a single bucket.
 */
#include "dataplane/xdp/map_reader.h"

#include "common/locked_memory.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Elements per read: more than any bucket holds, so that the kernel never returns ENOSPC. */
#define READ_BATCH 4096

/* A part has at least as many buckets. */
#define PART_BUCKETS (1U << 16)
#define PARTS_MAX    4
#define PART_PAGES   2

struct part {
	struct map_reader *reader;
	__u32 cursor, end; /* buckets */
	__u32 room;	   /* for the next read */
	bool begun;	   /* the bucket at `cursor` is not empty */
	struct map_page pages[PART_PAGES];
	bool full[PART_PAGES];
	unsigned fill, take; /* the next page to fill, to take */
	bool ended;
	pthread_t thread;
	bool started;
};

struct map_reader {
	int fd;
	pthread_mutex_t lock; /* of all that follows, and of full and ended */
	pthread_cond_t changed;
	bool stop;
	int err;
	struct part *lent; /* whose page the caller has */
	unsigned turn;
	unsigned part_count;
	struct part parts[PARTS_MAX];
};

_Static_assert(PARTS_MAX *PART_PAGES *READ_BATCH *(SESSD_KEY_SIZE + sizeof(struct sessd_entry)) <=
		       MAP_READER_BYTES,
	"all pages");

/* Reads from bucket `from` on. 0, -ENOENT at the end of the map, -ENOSPC if the first bucket has
 * more than `room` elements, or another error. */
static int read_from(struct part *part, __u32 from, __u32 *next, struct map_page *page, __u32 room)
{
	page->count = room;
	return bpf_map_lookup_batch(part->reader->fd, from ? &from : NULL, next, page->keys,
		page->entries, &page->count, NULL);
}

/* Whether a page, the single bucket of a part's first read, belongs to a later part: this one is
 * empty. Reads the page again. */
static bool is_later(struct part *part, struct map_page *page, __u32 room)
{
	uint8_t key[SESSD_KEY_SIZE];
	__u32 next;

	if (page->count == 0)
		return true;
	memcpy(key, page->keys[0], sizeof(key));
	read_from(part, part->end, &next, page, room);
	if (page->count && memcmp(page->keys[0], key, sizeof(key)) == 0)
		return true;
	read_from(part, part->cursor, &next, page, room);
	return false;
}

/* Reads the part's next page. `*last`: it has no more. 0 or a negative errno. */
static int read_page(struct part *part, struct map_page *page, bool *last)
{
	__u32 room = part->room, next = 0;
	bool end, beyond, single = false;
	int err;

	for (;;) {
		err = read_from(part, part->cursor, &next, page, room);
		if (err == -ENOSPC && room < READ_BATCH) {
			single = true; /* the least room for the first bucket */
			room++;
			continue;
		}
		if (err && err != -ENOENT)
			return err;
		end = err == -ENOENT;
		beyond = part->end != UINT32_MAX && (end || next > part->end);
		if (!beyond || single || room == 1)
			break;
		room /= 2;
		part->room = room;
	}
	*last = end || next >= part->end;
	if (beyond && !part->begun && is_later(part, page, room))
		page->count = 0;
	part->begun = true;
	part->cursor = next;
	return 0;
}

static void *run(void *arg)
{
	struct part *part = arg;
	struct map_reader *reader = part->reader;
	bool last = false;
	int err;

	pthread_mutex_lock(&reader->lock);
	while (!last && !reader->stop) {
		if (part->full[part->fill]) {
			pthread_cond_wait(&reader->changed, &reader->lock);
			continue;
		}
		pthread_mutex_unlock(&reader->lock);
		err = read_page(part, &part->pages[part->fill], &last);
		pthread_mutex_lock(&reader->lock);
		if (err) {
			reader->err = err;
			reader->stop = true;
			break;
		}
		part->full[part->fill] = true;
		part->fill = (part->fill + 1) % PART_PAGES;
		part->ended = last;
		pthread_cond_broadcast(&reader->changed);
	}
	part->ended = true;
	pthread_cond_broadcast(&reader->changed);
	pthread_mutex_unlock(&reader->lock);
	return NULL;
}

/* The kernel makes as many buckets as elements, rounded up to a power of two; 0 if unknown. */
static uint32_t buckets_of(int fd)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info), buckets = 1;

	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return 0;
	while (buckets < info.max_entries)
		buckets *= 2;
	return buckets;
}

static unsigned parts_of(uint32_t buckets)
{
	cpu_set_t cpus;
	unsigned count = 1, most = buckets / PART_BUCKETS;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		count = (unsigned)CPU_COUNT(&cpus);
	if (count > PARTS_MAX)
		count = PARTS_MAX;
	if (count > most)
		count = most;
	return count ? count : 1;
}

static bool make_part(struct part *part)
{
	part->room = READ_BATCH;
	for (unsigned i = 0; i < PART_PAGES; i++) {
		struct map_page *page = &part->pages[i];

		page->keys = calloc(READ_BATCH, sizeof(*page->keys));
		page->entries = calloc(READ_BATCH, sizeof(*page->entries));
		if (!page->keys || !page->entries)
			return false;
		memory_lock(page->entries, READ_BATCH * sizeof(*page->entries));
	}
	return true;
}

struct map_reader *map_reader_start(int fd)
{
	struct map_reader *reader = calloc(1, sizeof(*reader));
	uint32_t buckets = buckets_of(fd);
	sigset_t all, before;
	bool made = true;

	if (!reader)
		return NULL;
	reader->fd = fd;
	pthread_mutex_init(&reader->lock, NULL);
	pthread_cond_init(&reader->changed, NULL);
	reader->part_count = parts_of(buckets);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < reader->part_count; i++) {
		struct part *part = &reader->parts[i];

		part->reader = reader;
		part->cursor = (uint32_t)((uint64_t)buckets * i / reader->part_count);
		part->end = i + 1 == reader->part_count
				    ? UINT32_MAX
				    : (uint32_t)((uint64_t)buckets * (i + 1) / reader->part_count);
		made = made && make_part(part);
	}
	for (unsigned i = 0; made && i < reader->part_count; i++)
		made = reader->parts[i].started =
			pthread_create(&reader->parts[i].thread, NULL, run, &reader->parts[i]) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (made)
		return reader;
	map_reader_end(reader);
	return NULL;
}

/* A full page of any part; `*ended`: there will be none. */
static struct part *find_full(struct map_reader *reader, bool *ended)
{
	*ended = true;
	for (unsigned i = 0; i < reader->part_count; i++) {
		struct part *part = &reader->parts[(reader->turn + i) % reader->part_count];

		if (part->full[part->take]) {
			reader->turn = (unsigned)(part - reader->parts) + 1;
			return part;
		}
		*ended = *ended && part->ended;
	}
	return NULL;
}

int map_reader_next(struct map_reader *reader, const struct map_page **page)
{
	struct part *part = NULL;
	bool ended = false;
	int ret = 1;

	pthread_mutex_lock(&reader->lock);
	if (reader->lent) {
		reader->lent->full[reader->lent->take] = false;
		reader->lent->take = (reader->lent->take + 1) % PART_PAGES;
		reader->lent = NULL;
		pthread_cond_broadcast(&reader->changed);
	}
	while (!reader->err && !(part = find_full(reader, &ended)) && !ended)
		pthread_cond_wait(&reader->changed, &reader->lock);
	reader->lent = part;
	if (part)
		*page = &part->pages[part->take];
	else
		ret = reader->err;
	pthread_mutex_unlock(&reader->lock);
	return ret;
}

void map_reader_end(struct map_reader *reader)
{
	if (!reader)
		return;
	pthread_mutex_lock(&reader->lock);
	reader->stop = true;
	pthread_cond_broadcast(&reader->changed);
	pthread_mutex_unlock(&reader->lock);
	for (unsigned i = 0; i < reader->part_count; i++) {
		struct part *part = &reader->parts[i];

		if (part->started)
			pthread_join(part->thread, NULL);
		for (unsigned j = 0; j < PART_PAGES; j++) {
			if (part->pages[j].entries)
				explicit_bzero(part->pages[j].entries,
					READ_BATCH * sizeof(struct sessd_entry));
			free(part->pages[j].entries);
			free(part->pages[j].keys);
		}
	}
	pthread_cond_destroy(&reader->changed);
	pthread_mutex_destroy(&reader->lock);
	free(reader);
}
