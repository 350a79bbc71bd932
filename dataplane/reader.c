/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/reader.h"

#include <errno.h>
#include <stdio.h>

int reader_shared_open(struct reader_shared *shared, uint32_t limit_gets, uint32_t limit_news,
	unsigned talkers_of, bool take)
{
	*shared = (struct reader_shared){.talkers_of = talkers_of, .no_take = !take};
	if (reader_shared_set_limits(shared, limit_gets, limit_news) < 0)
		goto err;
	shared->talkers = talkers_create();
	if (!shared->talkers)
		goto err;
	return 0;
err:
	reader_shared_close(shared);
	return -ENOMEM;
}

int reader_shared_set_limits(struct reader_shared *shared, uint32_t limit_gets, uint32_t limit_news)
{
	if (shared->limit)
		rate_limit_set(shared->limit, limit_gets, limit_news);
	else if (limit_gets || limit_news)
		shared->limit = rate_limit_create(limit_gets, limit_news);
	return (limit_gets || limit_news) && !shared->limit ? -ENOMEM : 0;
}

void reader_shared_close(struct reader_shared *shared)
{
	talkers_destroy(shared->talkers);
	rate_limit_destroy(shared->limit);
	*shared = (struct reader_shared){0};
}

void reader_drop(struct reader *reader, enum request_kind kind, const struct udp_datagram *datagram,
	uint64_t now)
{
	request_count_drop(&reader->counters, kind);
	if (kind != REQUEST_REFUSED)
		reader_lost(reader, &datagram->source);
	drop_sample_request(
		&reader->samples, kind, datagram->data, &datagram->source, datagram->port, now);
}

bool reader_take_token(
	struct reader *reader, enum request_kind kind, const struct address *source, uint64_t now)
{
	if (rate_limit_take(
		    reader_limit(reader), source, kind == REQUEST_GET || kind == REQUEST_TAKE, now))
		return true;
	request_count_drop(&reader->counters, kind);
	return false;
}

void reader_emit(
	const struct request_counters *counters, const char *prefix, stats_emit emit, void *ctx)
{
	char text[64];

#define X(name, ...) \
	snprintf(text, sizeof(text), "%s" #name, prefix); \
	emit(ctx, text, counters->name);
	SESSD_REQUEST_COUNTERS(X)
#undef X
}
