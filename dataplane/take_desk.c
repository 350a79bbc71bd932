/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/take_desk.h"

#include "common/clock.h"
#include "common/locked_memory.h"

#include <errno.h>
#include <string.h>

#define ANSWERS_MAX   64 /* some 0.2 ms in xdp mode */
#define WAITING_BYTES (TAKE_PLACES * sizeof(struct take_waiting))

int take_desk_open(struct take_desk *desk, struct take_queue *queue, int reader_fd)
{
	desk->waiting = memory_reserve(WAITING_BYTES, true);
	if (!desk->waiting)
		return -ENOMEM;
	desk->queue = queue;
	queue->reader_fd = reader_fd;
	return 0;
}

void take_desk_close(struct take_desk *desk)
{
	memory_release(desk->waiting, WAITING_BYTES);
	memset(desk, 0, sizeof(*desk));
}

bool take_desk_ask(struct take_desk *desk, struct udp_batch *batch, unsigned i, int fd,
	const struct udp_datagram *datagram, uint64_t left)
{
	const struct sessd_header *header = (const struct sessd_header *)datagram->data;
	int place;

	if (left == 0)
		return false;
	place = take_queue_ask(desk->queue, header->key, (uint32_t)clock_seconds(left));
	if (place < 0)
		return false;
	desk->waiting[place].header = *header;
	desk->waiting[place].source = datagram->source;
	udp_keep_way(batch, i, fd, &desk->waiting[place].way);
	return true;
}

/* A reload may have closed the socket, and another file may have its number. */
static bool has(const struct udp_set *set, int fd)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->fds[i] == fd)
			return true;
	return false;
}

unsigned take_desk_answer(struct take_desk *desk, struct reader *reader, take_claim *claim,
	void *ctx, const struct udp_set *set, bool *more)
{
	uint8_t reply[SESSD_HEADER_SIZE + ENGINE_VALUE_ROOM] __attribute__((aligned(8)));
	struct sessd_header *header = (struct sessd_header *)reply;
	struct take_answer answer;
	unsigned failed = 0;

	if (!desk->queue)
		return 0;
	for (unsigned i = 0; take_queue_hear(desk->queue, &answer); i++) {
		const struct take_waiting *waiting = &desk->waiting[answer.place];
		size_t length = SESSD_HEADER_SIZE;

		*header = waiting->header;
		if (answer.decision == TAKE_WON) {
			length = claim(ctx, header);
		} else {
			request_count_take(&reader->counters,
				answer.decision == TAKE_LOST ? TABLE_LOST : TABLE_MISS);
			header->type = SESSD_ERR;
		}
		failed += !has(set, waiting->way.fd) || !udp_send_way(&waiting->way, reply, length);
		reader_answered(
			reader, REQUEST_TAKE, &waiting->source, header, header->type == SESSD_OK);
		explicit_bzero(header + 1, length - SESSD_HEADER_SIZE);
		if (i + 1 == ANSWERS_MAX) {
			*more = true;
			break;
		}
	}
	return failed;
}
