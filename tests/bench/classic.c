/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The counterpart of sessiond in benchmarks: a straightforward session cache. One thread, one
 * recvfrom and one sendto per packet, a balanced tree of sessions (tsearch), a heap of their ends,
 * and eviction of the session that ends first.
 *
 * Its faults are for the tests of sessionbench: a load generator must notice wrong, lost and late
 * replies.
 */
#include <sessiond/protocol.h>

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <search.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct item {
	uint8_t key[SESSD_KEY_SIZE]; /* first member: the tree compares items by it */
	time_t expires;
	size_t heap_at;
	size_t len;
	uint8_t value[];
};

enum fault {
	FAULT_NONE,
	FAULT_VALUE,   /* one bit of the value is flipped */
	FAULT_KEY,     /* one bit of the echoed key is flipped */
	FAULT_TIMEOUT, /* the timeout is not echoed */
	FAULT_LENGTH,  /* the last byte is missing */
	FAULT_OTHER,   /* the reply carries another session's value */
	FAULT_MISS,    /* a miss is answered OK, with some bytes */
	FAULT_LOSE,    /* no reply */
	FAULT_DELAY,   /* the reply comes 5 ms late */
};

static const char *const fault_names[] = {
	"none", "value", "key", "timeout", "length", "other", "miss", "lose", "delay"};

static struct settings {
	uint16_t port;
	size_t capacity;
	enum fault fault;
	unsigned every;
	int receive_buffer; /* bytes; 0: the system's default */
} settings = {.port = SESSD_PORT, .capacity = 1000000, .every = 100};

static void *tree;
static struct item **heap;
static size_t items;
static volatile sig_atomic_t ended;

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, SESSD_KEY_SIZE);
}

static void heap_set(size_t at, struct item *item)
{
	heap[at] = item;
	item->heap_at = at;
}

static void heap_settle(size_t at, struct item *item)
{
	size_t child;

	for (; at > 0 && heap[(at - 1) / 2]->expires > item->expires; at = (at - 1) / 2)
		heap_set(at, heap[(at - 1) / 2]);
	for (; (child = 2 * at + 1) < items; at = child) {
		if (child + 1 < items && heap[child + 1]->expires < heap[child]->expires)
			child++;
		if (heap[child]->expires >= item->expires)
			break;
		heap_set(at, heap[child]);
	}
	heap_set(at, item);
}

static void forget(struct item *item)
{
	size_t at = item->heap_at;

	tdelete(item, &tree, compare);
	items--;
	if (at != items)
		heap_settle(at, heap[items]);
	free(item);
}

static struct item *find(const uint8_t *key)
{
	void *node = tfind(key, &tree, compare);

	return node ? *(struct item **)node : NULL;
}

static void store(const struct sessd_header *header, const uint8_t *value, size_t len, time_t now)
{
	unsigned timeout = ntohs(header->timeout);
	struct item *item;

	if (timeout == 0 || len == 0 || find(header->key))
		return;
	if (items == settings.capacity)
		forget(heap[0]);
	item = malloc(sizeof(*item) + len);
	if (!item)
		return;
	memcpy(item->key, header->key, SESSD_KEY_SIZE);
	memcpy(item->value, value, len);
	item->expires = now + timeout;
	item->len = len;
	if (!tsearch(item, &tree, compare)) {
		free(item);
		return;
	}
	items++;
	heap_settle(items - 1, item);
}

/* Corrupts a reply of `len` bytes; returns its new length, 0 to send none. */
static size_t spoil(uint8_t *reply, size_t len)
{
	struct sessd_header *header = (struct sessd_header *)reply;
	bool hit = header->type == SESSD_OK;

	switch (settings.fault) {
	case FAULT_NONE:
		break;
	case FAULT_VALUE:
		if (hit)
			reply[SESSD_HEADER_SIZE + (len - SESSD_HEADER_SIZE) / 2] ^= 0x10;
		break;
	case FAULT_KEY:
		header->key[17] ^= 1;
		break;
	case FAULT_TIMEOUT:
		header->timeout ^= htons(1);
		break;
	case FAULT_LENGTH:
		return len - 1;
	case FAULT_OTHER:
		if (hit && items > 1) {
			const struct item *other = heap[0];

			if (memcmp(other->key, header->key, SESSD_KEY_SIZE) == 0)
				other = heap[1];
			memcpy(reply + SESSD_HEADER_SIZE, other->value, other->len);
			return SESSD_HEADER_SIZE + other->len;
		}
		break;
	case FAULT_MISS:
		if (!hit) {
			header->type = SESSD_OK;
			memset(reply + SESSD_HEADER_SIZE, 0, 144);
			return SESSD_HEADER_SIZE + 144;
		}
		break;
	case FAULT_LOSE:
		return 0;
	case FAULT_DELAY:
		usleep(5000);
		break;
	}
	return len;
}

static size_t answer(const struct sessd_header *request, uint8_t *reply)
{
	static unsigned long answers;
	const struct item *item = find(request->key);
	size_t len = SESSD_HEADER_SIZE;

	memcpy(reply, request, SESSD_HEADER_SIZE);
	if (item) {
		memcpy(reply + SESSD_HEADER_SIZE, item->value, item->len);
		len += item->len;
	}
	((struct sessd_header *)reply)->type = item ? SESSD_OK : SESSD_ERR;
	if (settings.fault != FAULT_NONE && ++answers % settings.every == 0)
		len = spoil(reply, len);
	return len;
}

static void serve(int fd)
{
	uint8_t packet[SESSD_HEADER_SIZE + SESSD_VALUE_LIMIT], reply[sizeof(packet)];
	const struct sessd_header *header = (const struct sessd_header *)packet;
	struct sockaddr_in6 from;
	struct item *item;

	while (!ended) {
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(
			fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &from_len);
		time_t now = time(NULL);
		size_t len;

		while (items > 0 && heap[0]->expires <= now)
			forget(heap[0]);
		if (n < SESSD_HEADER_SIZE || header->version != SESSD_VERSION)
			continue;
		switch (header->type) {
		case SESSD_NEW:
			store(header, packet + SESSD_HEADER_SIZE, (size_t)n - SESSD_HEADER_SIZE,
				now);
			break;
		case SESSD_GET:
			len = answer(header, reply);
			if (len > 0)
				sendto(fd, reply, len, 0, (struct sockaddr *)&from, from_len);
			break;
		case SESSD_REMOVE:
			item = find(header->key);
			if (item)
				forget(item);
			break;
		}
	}
}

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'n':
		settings.capacity = strtoul(arg, NULL, 10);
		if (settings.capacity == 0)
			argp_error(state, "--capacity must be at least 1");
		return 0;
	case 'f':
		for (unsigned i = 0; i < sizeof(fault_names) / sizeof(fault_names[0]); i++) {
			if (strcmp(arg, fault_names[i]) == 0) {
				settings.fault = (enum fault)i;
				return 0;
			}
		}
		argp_error(state, "unknown fault: %s", arg);
		return 0;
	case 'e':
		settings.every = (unsigned)strtoul(arg, NULL, 10);
		if (settings.every == 0)
			argp_error(state, "--every must be at least 1");
		return 0;
	case 'b':
		settings.receive_buffer = (int)strtol(arg, NULL, 10);
		if (settings.receive_buffer <= 0)
			argp_error(state, "--receive-buffer must be at least 1");
		return 0;
	case ARGP_KEY_ARG:
		settings.port = (uint16_t)strtoul(arg, NULL, 10);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option option_table[] = {
	{"capacity", 'n', "SESSIONS", 0, "Most sessions held (1000000)", 0},
	{"corrupt", 'f', "FAULT", 0,
		"Spoil replies: value, key, timeout, length, other, miss, lose or delay", 0},
	{"every", 'e', "N", 0, "Spoil one reply in N (100)", 0},
	{"receive-buffer", 'b', "BYTES", 0,
		"Socket receive buffer (the system's default); needs CAP_NET_ADMIN", 0},
	{0},
};

int main(int argc, char **argv)
{
	static const struct argp argp = {option_table, parse_option, "[PORT]",
		"The classic way to write a session cache, to be measured against. A PORT of 0 "
		"takes a free one; the line on stdout names it.",
		NULL, NULL, NULL};
	struct sockaddr_in6 addr = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
	socklen_t addr_len = sizeof(addr);
	struct sigaction action = {.sa_handler = on_signal};
	int fd, off = 0;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	heap = calloc(settings.capacity, sizeof(struct item *));
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	addr.sin6_port = htons(settings.port);
	if (fd >= 0 && settings.receive_buffer &&
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &settings.receive_buffer,
			sizeof(settings.receive_buffer)) < 0) {
		fprintf(stderr, "classic: --receive-buffer: %s\n", strerror(errno));
		return 1;
	}
	if (!heap || fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
		bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
		getsockname(fd, (struct sockaddr *)&addr, &addr_len) < 0) {
		fprintf(stderr, "classic: port %u: %s\n", settings.port, strerror(errno));
		return 1;
	}
	printf("port %u\n", ntohs(addr.sin6_port));
	fflush(stdout);
	serve(fd);
	return 0;
}
