/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/mirror/map_changes.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* Temporary failures: a map without preallocation allocates from a per-CPU reserve that an
 * interrupt refills, and a bucket's lock is refused (EBUSY) if its holder was interrupted. */
#define RETRIES 8

/* Refused deletes that one call retries. */
#define UNDELETED_TRIES 32

/* Keys by which the list grows. */
#define UNDELETED_STEP 256

uint8_t *undeleted_find(const struct undeleted *old, const void *key)
{
	for (unsigned i = 0; i < old->count; i++) {
		if (memcmp(old->keys + i * old->key_size, key, old->key_size) == 0)
			return old->keys + i * old->key_size;
	}
	return NULL;
}

static void add_undeleted(struct undeleted *old, const uint8_t *key)
{
	if (undeleted_find(old, key))
		return;
	if (old->count == old->room) {
		uint8_t *more = reallocarray(old->keys, old->room + UNDELETED_STEP, old->key_size);

		if (!more)
			return; /* the program answers for it until it expires */
		old->keys = more;
		old->room += UNDELETED_STEP;
	}
	memcpy(old->keys + old->count++ * old->key_size, key, old->key_size);
}

void undeleted_forget(struct undeleted *old, const void *key)
{
	uint8_t *at = undeleted_find(old, key);

	if (at)
		memmove(at, old->keys + --old->count * old->key_size, old->key_size);
}

void undeleted_retry(int fd, struct undeleted *old)
{
	unsigned at = 0;

	for (unsigned i = 0; i < UNDELETED_TRIES && at < old->count; i++) {
		uint8_t *key = old->keys + at * old->key_size;
		__u32 done = 1;
		int err = bpf_map_delete_batch(fd, key, &done, NULL);

		if (!err || err == -ENOENT)
			undeleted_forget(old, key);
		else
			at++;
	}
}

void map_delete_all(int fd, const void *keys, unsigned count, struct undeleted *old)
{
	size_t key_size = old->key_size;
	unsigned at = 0, retries = 0;

	while (at < count) {
		const uint8_t *from = (const uint8_t *)keys + at * key_size;
		__u32 done = count - at;
		int err = bpf_map_delete_batch(fd, from, &done, NULL);

		if (!err)
			return;
		/* On some errors the kernel leaves `done` as it was. */
		if (done > 0 && done < count - at) {
			retries = 0;
			at += done;
			from += done * key_size;
		}
		if (err != -ENOENT && retries++ < RETRIES) {
			sched_yield();
			continue;
		}
		if (err != -ENOENT)
			add_undeleted(old, from);
		at++;
		retries = 0;
	}
}

void map_put_all(int fd, const struct map_puts *puts, unsigned count)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = BPF_ANY);
	unsigned at = 0, retries = 0;

	while (at < count) {
		__u32 done = count - at;
		int err = bpf_map_update_batch(fd,
			(const uint8_t *)puts->keys + at * puts->key_size,
			(const uint8_t *)puts->values + at * puts->value_size, &done, &opts);

		if (!err)
			return;
		/* On some errors the kernel leaves `done` as it was. */
		if (done > 0 && done < count - at) {
			retries = 0;
			at += done;
		}
		if (err != -E2BIG && retries++ < RETRIES) {
			sched_yield();
			continue;
		}
		puts->refused(puts->ctx, at);
		at++;
		retries = 0;
	}
}
