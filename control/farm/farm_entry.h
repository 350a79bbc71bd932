/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * An entry of a stream, as bytes. Multi-byte fields are in network byte order.
 *
 *   offset  size
 *        0     1  version: 1
 *        1     1  bytes of the node's name, 1 to 32
 *        2     2  records
 *        4     4  which key sealed it
 *        8    16  boot: random, new at each start of the node
 *       24     4  epoch: sequence / 2^20
 *       28     2  shard: 0 in the stream of sessions, 65535 in the farm's control stream
 *       30     2  0
 *       32     8  sequence: 1, 2, 3, ... for each boot and shard
 *       40     8  when it was sealed: milliseconds of the node's CLOCK_MONOTONIC
 *       48    32  the node's name, padded with zeros
 *       80        the records under AES-256-GCM
 *      end    16  tag
 *
 * A record: type (1), length of its body (2), body. FARM_NEW: key (32), seconds left (4), value.
 * FARM_REMOVE, FARM_TAKEN: key. FARM_FLUSH: empty. Bytes after these belong to a newer version, and
 * are ignored; so are whole records of an unknown type.
 *
 * Functions that read take any bytes. Any thread may call the functions.
 */
#ifndef SESSIOND_CONTROL_FARM_FARM_ENTRY_H
#define SESSIOND_CONTROL_FARM_FARM_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/farm/farm.h"
#include "control/farm/record.h"

#define ENTRY_VERSION	  1
#define ENTRY_HEADER	  80
#define ENTRY_TAG	  16
#define ENTRY_BOOT	  16
#define ENTRY_KEY_ID	  4
#define ENTRY_RECORDS_MAX 64
#define ENTRY_BODY_MAX	  12288
#define ENTRY_MIN	  (ENTRY_HEADER + ENTRY_TAG)
#define ENTRY_MAX	  (ENTRY_HEADER + ENTRY_BODY_MAX + ENTRY_TAG)
#define ENTRY_EPOCH_SHIFT 20

#define ENTRY_SHARD_SESSIONS 0
#define ENTRY_SHARD_CONTROL  0xffff

/* Record types of the control stream. */
#define ENTRY_HELLO  128
#define ENTRY_RESEND 129

struct entry_header {
	uint16_t records;
	uint16_t shard;
	uint32_t epoch;
	uint64_t sequence;
	uint64_t sealed;
	uint8_t key_id[ENTRY_KEY_ID];
	uint8_t boot[ENTRY_BOOT];
	char node[FARM_NAME_MAX + 1];
};

/* A name of a farm or a node: 1 to FARM_NAME_MAX letters, digits, '.', '_' and '-'. */
bool entry_name_valid(const char *name, size_t size);

void entry_header_write(const struct entry_header *header, uint8_t out[ENTRY_HEADER]);
/* 0, or -1 with *why set. */
int entry_header_read(
	const uint8_t *entry, size_t size, struct entry_header *header, enum farm_refused *why);

/* The records of an entry that is being filled. Secret: wipe it with batch_clear. */
struct batch {
	uint32_t size; /* bytes of body in use */
	uint16_t records;
	uint16_t sessions;
	uint32_t seconds_max; /* the longest life in it */
	uint8_t body[ENTRY_BODY_MAX];
};

enum batch_added {
	BATCH_ADDED,
	BATCH_FULL,    /* seal it, clear it, add again */
	BATCH_REFUSED, /* fits into no batch, or is no record */
};
enum batch_added batch_add(struct batch *batch, const struct farm_record *record);
/* Any record. */
enum batch_added batch_add_bytes(struct batch *batch, uint8_t type, const void *bytes, size_t size);
void batch_clear(struct batch *batch);

struct record_cursor {
	const uint8_t *at;
	size_t left;
};
struct entry_record {
	uint8_t type;
	uint16_t size;
	const uint8_t *body;
};
/* 1: a record; 0: the end; -1: what is left is no record. */
int record_next(struct record_cursor *cursor, struct entry_record *record);

enum record_kind {
	RECORD_GOOD,
	RECORD_UNKNOWN,
	RECORD_BROKEN,
};
/* Reads one of record.h's. `out->value` points into the record. */
enum record_kind record_read(const struct entry_record *record, struct farm_record *out);

/* What each node says once a second. */
struct entry_hello {
	uint64_t sequence; /* of its last entry in its stream of sessions; 0: none yet */
	unsigned count;	   /* nodes whose streams it knows */
	char nodes[FARM_NODES_MAX][FARM_NAME_MAX + 1];
	bool takes_local; /* it may give a session to a TAKE without asking the arbiter */
};
bool entry_hello_add(struct batch *batch, const struct entry_hello *hello);
bool entry_hello_read(const struct entry_record *record, struct entry_hello *hello);

/* Asks a node to publish its sessions again. */
struct entry_resend {
	uint8_t boot[ENTRY_BOOT];
	char node[FARM_NAME_MAX + 1];
};
bool entry_resend_add(struct batch *batch, const struct entry_resend *resend);
bool entry_resend_read(const struct entry_record *record, struct entry_resend *resend);

#endif
