/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/farm_notes.h"

#include <string.h>

struct notes_memory {
	uint64_t current; /* 1 or 2: this copy is whole; 0: none is */
	uint64_t sizes[2];
	uint8_t bytes[]; /* `room` bytes each */
};

void farm_notes_open(struct farm_notes *notes, void *memory, size_t size)
{
	notes->memory = memory;
	notes->room = memory ? (size - sizeof(*notes->memory)) / 2 / 64 * 64 : 0;
	atomic_store(&notes->offered, false);
}

const void *farm_notes_read(const struct farm_notes *notes, size_t *size)
{
	const struct notes_memory *memory = notes->memory;
	uint64_t which;

	if (!memory)
		return NULL;
	which = __atomic_load_n(&memory->current, __ATOMIC_ACQUIRE);
	if (which < 1 || which > 2 || memory->sizes[which - 1] > notes->room)
		return NULL;
	*size = memory->sizes[which - 1];
	return memory->bytes + (which - 1) * notes->room;
}

bool farm_notes_offer(struct farm_notes *notes, const void *bytes, size_t size, uint64_t at)
{
	if (size > notes->room || size > sizeof(notes->bytes) || farm_notes_offered(notes))
		return false;
	memcpy(notes->bytes, bytes, size);
	notes->size = size;
	notes->at = at;
	atomic_store_explicit(&notes->offered, true, memory_order_release);
	return true;
}

void farm_notes_write(struct farm_notes *notes)
{
	struct notes_memory *memory = notes->memory;
	/* Never the copy that is whole. */
	uint64_t which = __atomic_load_n(&memory->current, __ATOMIC_RELAXED) == 1 ? 2 : 1;

	memcpy(memory->bytes + (which - 1) * notes->room, notes->bytes, notes->size);
	memory->sizes[which - 1] = notes->size;
	__atomic_store_n(&memory->current, which, __ATOMIC_RELEASE);
	atomic_store_explicit(&notes->offered, false, memory_order_release);
}
