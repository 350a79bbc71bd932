/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/fuzz/packet_judge.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/packet_dpdk.h"
#include "tests/wire.h"

#include "common/clock.h"
#include "dataplane/packet/datagram.h"
#include "dataplane/request.h"

#include <arpa/inet.h>
#include <linux/bpf.h>

static struct table *table;

void packet_judge_open(struct table *stored)
{
	table = stored;
}

/* Socket mode's reply to a payload: its length, 0 for none. */
static size_t by_socket(const uint8_t *payload, size_t len, uint8_t *reply)
{
	enum request_kind kind = request_classify(payload, len);
	struct request_counters counters = {0};
	uint8_t *copy;
	size_t size = 0;

	if (kind != REQUEST_GET && kind != REQUEST_TAKE)
		return 0;
	/* A separate block, so that a read past it is noticed; aligned like a slot, as buffers
	 * are. */
	copy = malloc(len);
	memcpy(copy, payload, len);
	size = (kind == REQUEST_TAKE ? request_take : request_get)(table,
		table_hash(table, ((struct sessd_header *)copy)->key), (struct sessd_header *)copy,
		clock_tick(), reply, NULL, &counters);
	free(copy);
	return size;
}

/* The change that a mode passes to its writer for this payload. */
static void update_of(const uint8_t *payload, size_t len, struct packet_update *update)
{
	struct sessd_header header;
	enum request_kind kind;

	memset(update, 0, sizeof(*update));
	kind = request_classify(payload, len);
	if (kind != REQUEST_NEW && kind != REQUEST_REMOVE)
		return;
	memcpy(&header, payload, sizeof(header));
	update->count = 1;
	memcpy(update->key, header.key, SESSD_KEY_SIZE);
	if (kind == REQUEST_REMOVE)
		return;
	update->is_new = true;
	update->timeout = ntohs(header.timeout);
	update->len = len - SESSD_HEADER_SIZE;
	if (update->len <= VALUE_MAX)
		memcpy(update->value, payload + SESSD_HEADER_SIZE, update->len);
}

/* The result of an AF_XDP socket's reader for the frame, in a separate block. */
static enum datagram_result by_xsk(const struct fuzz_frame *request, struct packet_update *update)
{
	uint8_t *frame = malloc(request->len);
	const uint8_t *message;
	enum datagram_result parsed;
	struct address source;
	size_t len;

	memset(update, 0, sizeof(*update));
	memcpy(frame, request->bytes, request->len);
	parsed = datagram_parse(frame, request->len, &message, &len, &source);
	if (parsed == DATAGRAM_WHOLE) {
		/* A separate block, so that a read past it is noticed. */
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, message, len);
		update_of(copy, len, update);
		free(copy);
	}
	free(frame);
	return parsed;
}

static void dump(const char *name, const uint8_t *bytes, size_t len)
{
	fprintf(stderr, "%s, %zu bytes:", name, len);
	for (size_t i = 0; i < len && i < 160; i++)
		fprintf(stderr, "%s%02x", i % 16 ? " " : "\n  ", bytes[i]);
	fputc('\n', stderr);
}

static void compare(
	const char *what, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	if (a_len == b_len && memcmp(a, b, a_len) == 0)
		return;
	dump("one", a, a_len);
	dump("other", b, b_len);
	FUZZ_FAIL("%s", what);
}

/* A GET's reply, or the change for the writer, if XDP passes the packet to the daemon's socket. */
static void judge_passed(const struct fuzz_frame *request, const struct fuzz_frame *dpdk)
{
	uint8_t reply[SESSD_HEADER_SIZE + VALUE_MAX];
	struct packet_update update;
	size_t at, size, other, len;
	bool v6;

	if (!dpdk->len && !packet_dpdk_update.count)
		return;
	at = frame_udp(request, &v6);
	size = at ? frame_udp_length(request, at, v6) : 0;
	if (!size) {
		dump("request", request->bytes, request->len);
		FUZZ_FAIL("dpdk mode accepts an incomplete datagram");
	}
	update_of(request->bytes + at + 8, size - 8, &update);
	compare("dpdk and socket mode hand on different updates", (uint8_t *)&packet_dpdk_update,
		sizeof(update), (uint8_t *)&update, sizeof(update));
	len = by_socket(request->bytes + at + 8, size - 8, reply);
	other = dpdk->len ? frame_udp(dpdk, &v6) + 8 : 0;
	compare("dpdk and socket mode differ", dpdk->bytes + other, dpdk->len - other, reply, len);
}

/* Packets that the program counted as a NEW or REMOVE. */
static void judge_update(const struct fuzz_frame *request, enum datagram_result parsed,
	const struct packet_update *by_xsk)
{
	struct packet_update update;
	size_t at, size;
	bool v6;

	if (parsed != DATAGRAM_WHOLE) {
		if (packet_dpdk_update.count)
			FUZZ_FAIL("dpdk mode stores what AF_XDP's reader refuses");
		return;
	}
	at = frame_udp(request, &v6);
	if (!at)
		FUZZ_FAIL("AF_XDP's reader accepts a frame that is not UDP");
	size = get16(request->bytes + at + 4);
	update_of(request->bytes + at + 8, size - 8, &update);
	if (!update.count)
		FUZZ_FAIL("the program redirects a frame that is neither NEW nor REMOVE");
	compare("AF_XDP's reader and the socket hand on different updates", (uint8_t *)by_xsk,
		sizeof(update), (uint8_t *)&update, sizeof(update));
	/* From a sender on this host with checksum offload; a frame from a wire has a full
	 * checksum. */
	if (!packet_dpdk_update.count && wire_sum(frame_pseudo_header(request, at, v6), NULL, 0) ==
						 get16(request->bytes + at + 6))
		return;
	compare("AF_XDP's reader and dpdk mode hand on different updates", (uint8_t *)by_xsk,
		sizeof(update), (uint8_t *)&packet_dpdk_update, sizeof(update));
}

void packet_judge(const struct fuzz_frame *request, uint32_t verdict, const struct fuzz_frame *xdp,
	const struct fuzz_frame *dpdk, bool is_nobodys, bool is_update)
{
	struct packet_update update;
	enum datagram_result parsed = by_xsk(request, &update);
	uint8_t reply[SESSD_HEADER_SIZE + VALUE_MAX];
	size_t at, other, len = 0;
	bool v6;

	if (verdict == XDP_ABORTED)
		FUZZ_FAIL("the program gave up");
	if (verdict == XDP_DROP || (verdict == XDP_PASS && is_nobodys)) {
		if (dpdk->len) {
			dump("dpdk mode", dpdk->bytes, dpdk->len);
			FUZZ_FAIL("dpdk mode answers what XDP %s",
				verdict == XDP_DROP ? "drops" : "leaves to the kernel to drop");
		}
		if (packet_dpdk_update.count)
			FUZZ_FAIL("dpdk mode stores what XDP %s",
				verdict == XDP_DROP ? "drops" : "leaves to the kernel to drop");
		return;
	}
	if (verdict == XDP_PASS && is_update)
		judge_update(request, parsed, &update);
	else if (verdict == XDP_PASS)
		judge_passed(request, dpdk);
	at = frame_udp(request, &v6);
	if (at && verdict == XDP_TX) {
		size_t size = get16(request->bytes + at + 4);

		len = by_socket(request->bytes + at + 8, size - 8, reply);
		other = frame_udp(xdp, &v6);
		if (!other)
			FUZZ_FAIL("XDP's reply is no UDP");
		compare("XDP and socket mode differ", xdp->bytes + other + 8, xdp->len - other - 8,
			reply, len);
	}
	if (verdict == XDP_TX) {
		if (!dpdk->len)
			FUZZ_FAIL("XDP answers, dpdk mode does not");
		at = frame_udp(xdp, &v6);
		other = frame_udp(dpdk, &v6);
		if (!other)
			FUZZ_FAIL("dpdk mode's reply is no UDP");
		compare("XDP and dpdk mode differ", xdp->bytes + at, xdp->len - at,
			dpdk->bytes + other, dpdk->len - other);
		compare("they answer to different stations", xdp->bytes, 12, dpdk->bytes, 12);
	}
}
