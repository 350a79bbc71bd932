/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Hands the sessions of a table in plain memory to the next daemon: in a sealed memory file, which
 * the service manager keeps meanwhile.
 *
 * The file has a struct handover_head, and for each session a struct handover_session and its
 * value, without gaps, in the byte order of this machine. It is read by the same or another version
 * of the daemon on the same kernel: ticks count from its start.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_HANDOVER_H
#define SESSIOND_CONTROL_SESSIONS_HANDOVER_H

#include <stddef.h>
#include <stdint.h>

#include <sessiond/map_abi.h>

#include "control/sessions/writer.h"

/* The last byte is the version of the format. */
#define HANDOVER_MAGIC "sessiond table\0\1"

struct handover_head {
	uint8_t magic[16];
	uint64_t sessions;
	uint64_t bytes; /* of the whole file */
};

struct handover_session {
	uint8_t key[SESSD_KEY_SIZE];
	uint64_t expires; /* tick (map_abi.h) */
	uint16_t len;	  /* bytes of the value that follows */
	uint8_t visited;  /* 1: a GET has asked for it */
	uint8_t zero[5];
};

_Static_assert(sizeof(struct handover_head) == 32 && sizeof(struct handover_session) == 48,
	"the format has no padding");

/* Bytes of the file that handover_write makes. */
uint64_t handover_bytes(const struct writer *writer);

/* Writes the live sessions of a writer that was stopped, once no reader runs. A descriptor, and
 * their number in `*sessions`; or a negative errno with error_message() set. */
int handover_write(struct writer *writer, uint64_t *sessions);

/* Stores the sessions of such a file with a writer that has not started. If not all fit, keeps
 * those that GETs have asked for, then those that end last. 0, or a negative errno with
 * error_message() set and nothing stored: -EINVAL if the file is not whole or not sealed. `fd`
 * stays open. */
int handover_read(struct writer *writer, int fd);

#endif
