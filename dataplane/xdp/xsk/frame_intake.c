/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/xsk/frame_intake.h"

#include <sessiond/protocol.h>

#include "dataplane/packet/datagram.h"
#include "dataplane/request.h"

#include <arpa/inet.h>
#include <string.h>

struct message {
	const uint8_t *at;
	size_t length;
	struct address source;
};

/* Counts a drop: a message of this source, or of nobody known. */
static void lose(const struct frame_intake *intake, uint64_t *counter, const struct address *source)
{
	counter_add(counter, 1);
	if (intake->reader && !address_is_wildcard(source))
		reader_lost(intake->reader, source);
}

static bool parse(const struct frame_intake *intake, struct frame_counters *counters,
	const struct frame *frame, struct message *message)
{
	switch (datagram_parse(
		frame->data, frame->size, &message->at, &message->length, &message->source)) {
	case DATAGRAM_WHOLE:
		if (message->length >= SESSD_HEADER_SIZE)
			return true;
		/* fallthrough */
	case DATAGRAM_MALFORMED:
		lose(intake, &counters->malformed, &message->source);
		return false;
	case DATAGRAM_CHECKSUM:
		lose(intake, &counters->checksum, &message->source);
		return false;
	}
	return false;
}

static void deliver(const struct frame_intake *intake, struct frame_counters *counters,
	const struct message *message, const struct update_sink *sink)
{
	struct sessd_header header;

	memcpy(&header, message->at, sizeof(header));
	switch (request_classify(message->at, message->length)) {
	case REQUEST_NEW:
		sink->on_new(sink->ctx, header.key, ntohs(header.timeout),
			message->at + sizeof(header), message->length - sizeof(header),
			&message->source);
		break;
	case REQUEST_REMOVE:
		sink->on_remove(sink->ctx, header.key);
		break;
	default: /* the program hands over nothing else */
		lose(intake, &counters->malformed, &message->source);
	}
}

/* Each stage prefetches what the next one reads, so that the cache misses of all overlap. */
void frame_intake(const struct frame_intake *intake, struct frame_counters *counters,
	const struct frame *frames, unsigned n, const struct update_sink *sink)
{
	struct message messages[FRAME_STAGE];
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		for (unsigned line = 0; line < 4; line++)
			__builtin_prefetch(frames[i].data + 64 * line);
	for (unsigned i = 0; i < n; i++) {
		struct message *message = &messages[count];

		if (!parse(intake, counters, &frames[i], message))
			continue;
		if (intake->table)
			table_prefetch_bucket(intake->table,
				table_hash(intake->table,
					message->at + offsetof(struct sessd_header, key)));
		count++;
	}
	for (unsigned i = 0; i < count; i++)
		deliver(intake, counters, &messages[i], sink);
	counter_add(&counters->received, n);
}

void frame_counters_add(struct frame_counters *sum, const struct frame_counters *counters)
{
	sum->received += __atomic_load_n(&counters->received, __ATOMIC_RELAXED);
	sum->malformed += __atomic_load_n(&counters->malformed, __ATOMIC_RELAXED);
	sum->checksum += __atomic_load_n(&counters->checksum, __ATOMIC_RELAXED);
}
