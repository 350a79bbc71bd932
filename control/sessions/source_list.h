/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Who made the sessions: a bounded list of addresses, referred to by a byte. Writer thread.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_SOURCE_LIST_H
#define SESSIOND_CONTROL_SESSIONS_SOURCE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"

#define SOURCE_LIST_SIZE 256
/* The place of unknown sources, and of those that find no place. */
#define SOURCE_UNKNOWN 0

struct source_list {
	unsigned count;	   /* places in use or used before; SOURCE_UNKNOWN is always */
	uint8_t near[256]; /* by a hash of the address: the place found last */
	struct address addresses[SOURCE_LIST_SIZE];
	uint64_t sessions[SOURCE_LIST_SIZE]; /* now */
};

/* The place of an address, for a session of it; NULL is allowed. A source without sessions gives
 * way to a new one. Release it when the session ends. */
uint8_t source_list_take(struct source_list *list, const struct address *source);
void source_list_release(struct source_list *list, uint8_t place);

#endif
