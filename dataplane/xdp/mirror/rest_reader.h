/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Reads the rests of long values from the overflow map (map_abi.h). One thread at a time.
 */
#ifndef SESSIOND_DATAPLANE_XDP_MIRROR_REST_READER_H
#define SESSIOND_DATAPLANE_XDP_MIRROR_REST_READER_H

#include <stdbool.h>
#include <stdint.h>

#include <sessiond/map_abi.h>

struct rest_reader {
	int fd;
	uint32_t rests, rest_size, block_size; /* in a block; bytes */
	uint8_t *block;			       /* used by rest_reader_get, in locked memory */
};

/* `fd` stays the caller's. 0, or -ENOMEM; rest_reader_close is allowed then, too. */
int rest_reader_open(struct rest_reader *reader, int fd, uint16_t value_max);
/* Wipes. Also for one that is all zeros. */
void rest_reader_close(struct rest_reader *reader);
/* Reads a block to `to`, of block_size bytes. False if there is none. */
bool rest_reader_block(const struct rest_reader *reader, uint32_t block, void *to);
/* Copies the rest of a long value, rest_size bytes. False if the map has none of this number. */
bool rest_reader_get(struct rest_reader *reader, uint32_t number, void *rest);

/* The number in the entry of a long value. */
uint32_t rest_number(const struct sessd_entry *entry);

#endif
