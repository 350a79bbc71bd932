/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * differential WAY WAY PORT: the same corpus of requests by two ways (way.h) must get the same
 * bytes or no reply, as the protocol requires. Needs a cache without the sessions below and with
 * the default limits.
 */
#include "tests/e2e/sample.h"
#include "tests/e2e/way.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_WAIT_MS	1000
#define TRIES		5 /* of a request whose reply is late or lost, on a busy machine */
#define SILENCE_WAIT_MS 8
#define SILENCES	32 /* requests that get no reply share one wait for it */
#define LONGEST_REQUEST 1400

static struct way ways[2];
static unsigned cases, failures, silences;
static uint64_t seed;

/* Sends a request, and checks its reply. */
struct request {
	uint8_t data[2048];
	size_t len;
	uint8_t reply[2048];
	ssize_t reply_len; /* -1: no reply */
};

/* Replies that may still come, because a request was sent again. */
static struct {
	uint8_t reply[2048];
	ssize_t len;
	unsigned count;
} late[2];

static void start(struct request *r, uint8_t type, uint16_t timeout, uint64_t session)
{
	memset(r, 0, sizeof(*r));
	sample_get(r->data, seed, session);
	r->data[1] = type;
	r->data[2] = timeout >> 8;
	r->data[3] = timeout & 0xff;
	r->len = SESSD_HEADER_SIZE;
	r->reply_len = -1;
}

/* A NEW whose value has `len` bytes. */
static void make_new(struct request *r, uint16_t timeout, uint64_t session, unsigned len)
{
	start(r, SESSD_NEW, timeout, session);
	sample_value(seed, session, r->data + r->len, len);
	r->len += len;
}

/* A GET that finds a value of `len` bytes, or nothing if it is 0. */
static void make_get(struct request *r, uint16_t timeout, uint64_t session, unsigned len)
{
	start(r, SESSD_GET, timeout, session);
	memcpy(r->reply, r->data, SESSD_HEADER_SIZE);
	r->reply[1] = len ? SESSD_OK : SESSD_ERR;
	sample_value(seed, session, r->reply + SESSD_HEADER_SIZE, len);
	r->reply_len = SESSD_HEADER_SIZE + len;
}

static void fail(const char *what, const struct request *r, const char *way, ssize_t got)
{
	if (failures++ < 20)
		printf("%s: %s: request of %zu bytes (version %u type %u): reply of %zd bytes, "
		       "expected %zd%s\n",
			what, way, r->len, r->data[0], r->data[1], got, r->reply_len,
			got == r->reply_len ? ", other bytes" : "");
}

static void send_both(const struct request *r)
{
	cases++;
	for (int i = 0; i < 2; i++)
		way_send(&ways[i], r->data, r->len);
}

static bool is_reply(const struct request *r, const uint8_t *reply, ssize_t len)
{
	return len == r->reply_len && (len < 0 || memcmp(reply, r->reply, (size_t)len) == 0);
}

/* The next reply by way `i`, or -1. `r` is the request. Skips the late replies to an earlier one.
 */
static ssize_t hear(int i, const struct request *r, uint8_t reply[2048], int wait_ms)
{
	ssize_t got;

	for (;;) {
		got = way_receive(&ways[i], reply, 2048, wait_ms);
		if (got < 0 || late[i].count == 0 || is_reply(r, reply, got) ||
			got != late[i].len || memcmp(reply, late[i].reply, (size_t)got) != 0)
			return got;
		late[i].count--;
	}
}

/* Any reply is wrong: it is reported with `r`, the last request that must get no reply. */
static void hear_silence(const char *what, const struct request *r, int wait_ms)
{
	uint8_t reply[2048];
	ssize_t got;

	for (int i = 0; i < 2; i++)
		while ((got = hear(i, r, reply, wait_ms)) >= 0)
			fail(what, r, ways[i].name, got);
}

/* A request that must get no reply. After the last of a kind, hear_silence() waits for one. */
static void unanswered(const char *what, const struct request *r)
{
	hear_silence(what, r, ++silences % SILENCES == 0 ? SILENCE_WAIT_MS : 0);
	send_both(r);
}

static void exchange(const char *what, struct request *r)
{
	uint8_t reply[2][2048];
	ssize_t got[2];

	send_both(r);
	for (int i = 0; i < 2; i++) {
		unsigned again = 0;

		while ((got[i] = hear(i, r, reply[i], REPLY_WAIT_MS)) < 0 && again < TRIES - 1) {
			way_send(&ways[i], r->data, r->len);
			again++;
		}
		if (again > 0) {
			memcpy(late[i].reply, r->reply, sizeof(late[i].reply));
			late[i].len = r->reply_len;
			late[i].count = again;
		}
	}
	for (int i = 0; i < 2; i++)
		if (!is_reply(r, reply[i], got[i]))
			fail(what, r, ways[i].name, got[i]);
}

/* The same by one way: `i` picks it. A request that is lost is not sent again. */
static void exchange_alone(const char *what, struct request *r, unsigned i)
{
	struct way *way = &ways[i % 2];
	uint8_t reply[2048];
	ssize_t got;

	cases++;
	way_send(way, r->data, r->len);
	got = hear(i % 2, r, reply, TRIES * REPLY_WAIT_MS);
	if (!is_reply(r, reply, got))
		fail(what, r, way->name, got);
}

/* Sends a NEW or REMOVE by one way, chosen by `i`. */
static void tell(const struct request *r, unsigned i)
{
	way_send(&ways[i % 2], r->data, r->len);
}

/* Waits until all earlier requests are processed: sends two further NEWs, one by each way. */
static void settle(void)
{
	static uint64_t sentinel = 1 << 20;

	for (int i = 0; i < 2; i++) {
		uint64_t end = now_ns() + 5000000000;
		unsigned asked = 0, answered = 0;
		uint8_t reply[2048];
		struct request r;

		make_new(&r, 60, ++sentinel, 40);
		tell(&r, i);
		make_get(&r, 0, sentinel, 40);
		for (;;) {
			ssize_t got;

			way_send(&ways[i], r.data, r.len);
			asked++;
			got = hear(i, &r, reply, 100);
			answered += got >= 0;
			if (got == r.reply_len)
				break;
			if (now_ns() > end) {
				printf("%s: a NEW was not stored within 5 s\n", ways[i].name);
				exit(1);
			}
		}
		/* On a busy machine some replies arrive late: they must not count for the next
		 * request. */
		while (answered < asked && hear(i, &r, reply, 500) >= 0)
			answered++;
	}
}

/* Values of every length, and GETs of every length. */
static void lengths(void)
{
	struct request r;

	for (unsigned len = 1; len <= SESSD_VALUE_DEFAULT_MAX; len++) {
		make_new(&r, 60, len, len);
		tell(&r, len);
		if (len % 64 == 0)
			settle();
	}
	for (unsigned len = 1; len <= SESSD_VALUE_DEFAULT_MAX; len++) {
		make_get(&r, 0, len, len);
		exchange("value of this length", &r);
	}
	for (size_t len = SESSD_HEADER_SIZE; len <= LONGEST_REQUEST; len += len < 600 ? 1 : 50) {
		make_get(&r, 0, 1 + len % SESSD_VALUE_DEFAULT_MAX,
			1 + len % SESSD_VALUE_DEFAULT_MAX);
		memset(r.data + r.len, 0xa5, len - r.len);
		r.len = len;
		exchange("GET with trailing bytes", &r);
		make_get(&r, 0, 5000 + len, 0);
		r.len = len;
		exchange("missing GET with trailing bytes", &r);
	}
	for (unsigned timeout = 1; timeout <= UINT16_MAX; timeout = timeout * 3 + 1) {
		make_get(&r, timeout, 144, 144);
		exchange("timeout is echoed", &r);
		make_get(&r, timeout, 6000, 0);
		exchange("timeout is echoed in a miss", &r);
	}
}

static void malformed(void)
{
	struct request r;

	for (size_t len = 0; len < SESSD_HEADER_SIZE; len++) {
		start(&r, SESSD_GET, 0, 144);
		r.len = len;
		unanswered("short", &r);
	}
	hear_silence("short", &r, SILENCE_WAIT_MS);
	for (unsigned version = 0; version < 256; version++) {
		start(&r, SESSD_GET, 0, 144);
		r.data[0] = version;
		if (version != SESSD_VERSION)
			unanswered("version", &r);
	}
	hear_silence("version", &r, SILENCE_WAIT_MS);
	for (unsigned type = SESSD_TAKE + 1; type < 256; type++) {
		start(&r, type, 0, 144);
		unanswered("type", &r);
	}
	hear_silence("type", &r, SILENCE_WAIT_MS);
}

/* NEWs that must not be stored, REMOVEs, first write wins, ends of sessions. */
static void changes(void)
{
	struct request r;

	for (unsigned i = 0; i < 2; i++) {
		make_new(&r, 0, 7000 + i, 100);
		tell(&r, i);
		make_new(&r, 60, 7100 + i, 0);
		tell(&r, i);
		make_new(&r, 60, 7200 + i, SESSD_VALUE_DEFAULT_MAX + 1);
		tell(&r, i);
		make_new(&r, 60, 7300 + i, SESSD_VALUE_LIMIT);
		tell(&r, i);
		make_new(&r, 1, 7400 + i, 100);
		tell(&r, i);
		make_new(&r, 60, 100 + i, 90); /* there already, with another value */
		tell(&r, i);
		start(&r, SESSD_REMOVE, 0, 200 + i);
		tell(&r, i);
		start(&r, SESSD_REMOVE, 0, 210 + i);
		r.len += 50; /* trailing bytes */
		tell(&r, i);
		settle();
	}
	sleep_until_ns(now_ns() + 1100000000);
	for (unsigned i = 0; i < 2; i++) {
		make_get(&r, 0, 7000 + i, 0);
		exchange("NEW with timeout 0", &r);
		make_get(&r, 0, 7100 + i, 0);
		exchange("NEW without a value", &r);
		make_get(&r, 0, 7200 + i, 0);
		exchange("NEW over the maximum by 1", &r);
		make_get(&r, 0, 7300 + i, 0);
		exchange("NEW of the longest value", &r);
		make_get(&r, 0, 7400 + i, 0);
		exchange("expired", &r);
		make_get(&r, 0, 100 + i, 100 + i);
		exchange("first write wins", &r);
		make_get(&r, 0, 200 + i, 0);
		exchange("removed", &r);
		make_get(&r, 0, 210 + i, 0);
		exchange("removed with trailing bytes", &r);
	}
	for (unsigned i = 0; i < 2; i++) { /* an expired session's key can be used again */
		make_new(&r, 60, 7400 + i, 120);
		tell(&r, i + 1);
		settle();
		make_get(&r, 0, 7400 + i, 120);
		exchange("stored again", &r);
	}
}

/* Of all TAKEs, by whatever way, one gets the session; no GET does after it. */
static void takes(void)
{
	enum {
		FIRST = 20000
	};
	struct request r;

	for (unsigned len = 1; len <= SESSD_VALUE_DEFAULT_MAX; len += len < 170 ? 1 : 19) {
		make_new(&r, 60, FIRST + len, len);
		tell(&r, len);
		if (len % 64 == 0)
			settle();
	}
	settle();
	for (unsigned len = 1; len <= SESSD_VALUE_DEFAULT_MAX; len += len < 170 ? 1 : 19) {
		make_get(&r, (uint16_t)len, FIRST + len, len);
		exchange("GET before TAKE", &r);
		r.data[1] = SESSD_TAKE;
		memset(r.data + r.len, 0xa5, len % 40);
		r.len += len % 40;
		exchange_alone("TAKE", &r, len / 2);
		make_get(&r, 7, FIRST + len, 0);
		r.data[1] = SESSD_TAKE;
		exchange("TAKE of what was taken", &r);
		r.data[1] = SESSD_GET;
		exchange("GET of what was taken", &r);
		make_get(&r, 7, 2 * FIRST + len, 0);
		r.data[1] = SESSD_TAKE;
		exchange("TAKE of nothing", &r);
	}
	/* A NEW of the same key stores again. */
	for (unsigned i = 0; i < 8; i++) {
		make_new(&r, 60, FIRST + 1 + i, 200 + i);
		tell(&r, i / 2);
		settle();
		make_get(&r, 0, FIRST + 1 + i, 200 + i);
		exchange("stored again after TAKE", &r);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: differential WAY WAY PORT\n");
		return 2;
	}
	for (int i = 0; i < 2; i++)
		way_open(&ways[i], argv[1 + i], argv[3]);
	seed = now_ns(); /* so that a cache can be used twice */
	lengths();
	malformed();
	changes();
	takes();
	printf("%s and %s: %u requests by each, %u wrong (seed %" PRIu64 ")\n", ways[0].name,
		ways[1].name, cases, failures, seed);
	return failures ? 1 : 0;
}
