/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/request.h"

#include <string.h>

void request_count_drop(struct request_counters *counters, enum request_kind kind)
{
	switch (kind) {
	case REQUEST_GET:
	case REQUEST_TAKE:
		counter_add(&counters->drop_limit_get, 1);
		break;
	case REQUEST_NEW:
	case REQUEST_REMOVE:
		counter_add(&counters->drop_limit_new, 1);
		break;
	case REQUEST_SHORT:
		counter_add(&counters->drop_short, 1);
		break;
	case REQUEST_VERSION:
		counter_add(&counters->drop_version, 1);
		break;
	case REQUEST_TYPE:
		counter_add(&counters->drop_type, 1);
		break;
	case REQUEST_REFUSED:
		counter_add(&counters->drop_not_allowed, 1);
		break;
	}
}

void request_counters_sum(struct request_counters *into, const struct request_counters *from)
{
#define X(name, ...) into->name += __atomic_load_n(&from->name, __ATOMIC_RELAXED);
	SESSD_REQUEST_COUNTERS(X)
#undef X
}

static inline size_t answer(struct table *table, uint64_t hash, const struct sessd_header *request,
	uint64_t now, void *reply, uint16_t *sum, struct request_counters *counters, bool take)
{
	struct sessd_header *header = reply;
	uint16_t len = 0, value_sum = 0;
	unsigned retries = 0;
	enum table_result result;

	if (reply != request)
		memcpy(header, request, sizeof(*header));
	result = (take ? table_take : table_get)(
		table, hash, request->key, now, header + 1, &len, &value_sum, &retries);
	if (retries)
		counter_add(&counters->get_retries, retries);
	(take ? request_count_take : request_count_get)(counters, result);
	header->type = result == TABLE_HIT ? SESSD_OK : SESSD_ERR;
	if (result != TABLE_HIT)
		len = value_sum = 0;
	if (sum)
		*sum = value_sum;
	return SESSD_HEADER_SIZE + len;
}

size_t request_get(struct table *table, uint64_t hash, const struct sessd_header *request,
	uint64_t now, void *reply, uint16_t *sum, struct request_counters *counters)
{
	return answer(table, hash, request, now, reply, sum, counters, false);
}

size_t request_take(struct table *table, uint64_t hash, const struct sessd_header *request,
	uint64_t now, void *reply, uint16_t *sum, struct request_counters *counters)
{
	return answer(table, hash, request, now, reply, sum, counters, true);
}
