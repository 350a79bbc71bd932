/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Batched changes of a BPF map that go on after a temporary failure of the kernel. One thread at a
 * time for each map.
 */
#ifndef SESSIOND_DATAPLANE_XDP_MIRROR_MAP_CHANGES_H
#define SESSIOND_DATAPLANE_XDP_MIRROR_MAP_CHANGES_H

#include <stddef.h>
#include <stdint.h>

/* Keys that the kernel refused to delete. The program answers GETs for them until a retry
 * succeeds. */
struct undeleted {
	uint8_t *keys; /* freed by the owner */
	size_t key_size;
	unsigned count, room;
};

/* The key's place in the list, or NULL. */
uint8_t *undeleted_find(const struct undeleted *old, const void *key);
/* The key was deleted, or stored again. */
void undeleted_forget(struct undeleted *old, const void *key);
/* Retries some. */
void undeleted_retry(int fd, struct undeleted *old);

/* Deletes `count` keys; missing ones are no error. Adds refused ones to `old`. */
void map_delete_all(int fd, const void *keys, unsigned count, struct undeleted *old);

struct map_puts {
	const void *keys, *values;
	size_t key_size, value_size; /* bytes */
	/* Called with the index of each element that the map refuses. */
	void (*refused)(void *ctx, unsigned index);
	void *ctx;
};
void map_put_all(int fd, const struct map_puts *puts, unsigned count);

#endif
