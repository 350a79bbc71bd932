/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Reads all elements of a map of sessions. Threads read ahead, each a part of the map: the kernel
 * waits for memory at nearly every element, and the caller does so again.
 */
#ifndef SESSIOND_DATAPLANE_XDP_MAP_READER_H
#define SESSIOND_DATAPLANE_XDP_MAP_READER_H

#include <stdint.h>

#include <sessiond/map_abi.h>

struct map_page {
	uint8_t (*keys)[SESSD_KEY_SIZE];
	struct sessd_entry *entries;
	uint32_t count;
};

struct map_reader;

/* Bytes that a reader allocates at most. */
#define MAP_READER_BYTES (8ULL << 20)

/* Starts to read. `fd`: of the map, which stays the caller's and must outlive the reader. The
 * caller may delete elements that it was given; nobody may store any. NULL if memory or threads are
 * short. */
struct map_reader *map_reader_start(int fd);
/* Waits for the next page, in no order; each element is in one page. It is valid until the next
 * call. 1, 0 at the end, or a negative errno. */
int map_reader_next(struct map_reader *reader, const struct map_page **page);
/* Ends the threads and wipes the pages. NULL is allowed. */
void map_reader_end(struct map_reader *reader);

#endif
