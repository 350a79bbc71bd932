/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/mirror/rest_reader.h"

#include "common/locked_memory.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int rest_reader_open(struct rest_reader *reader, int fd, uint16_t value_max)
{
	reader->fd = fd;
	reader->rests = SESSD_RESTS(value_max);
	reader->rest_size = SESSD_REST_SIZE(value_max);
	reader->block_size = SESSD_BLOCK_SIZE(value_max);
	reader->block = calloc(1, reader->block_size);
	if (!reader->block)
		return -ENOMEM;
	memory_lock(reader->block, reader->block_size);
	return 0;
}

void rest_reader_close(struct rest_reader *reader)
{
	if (reader->block)
		explicit_bzero(reader->block, reader->block_size);
	free(reader->block);
	reader->block = NULL;
}

bool rest_reader_block(const struct rest_reader *reader, uint32_t block, void *to)
{
	return bpf_map_lookup_elem(reader->fd, &block, to) == 0;
}

bool rest_reader_get(struct rest_reader *reader, uint32_t number, void *rest)
{
	uint32_t place = number % SESSD_RESTS_MAX;

	if (place >= reader->rests ||
		!rest_reader_block(reader, number >> SESSD_REST_BITS, reader->block))
		return false;
	memcpy(rest, reader->block + (size_t)place * reader->rest_size, reader->rest_size);
	explicit_bzero(reader->block, reader->block_size);
	return true;
}

uint32_t rest_number(const struct sessd_entry *entry)
{
	uint32_t number;

	memcpy(&number, entry->data + SESSD_SPLIT, sizeof(number));
	return number;
}
