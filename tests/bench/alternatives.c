/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * GETs of the same keys and values from the alternatives: memcached over TCP or UDP, and Redis. It
 * stores the sessions over TCP, reads them in a closed loop with a window per connection
 * (pipelined, like fast clients), and prints JSON; percentiles are of the answered GETs. Every
 * reply is verified.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/histogram.h"
#include "bench/population.h"
#include "bench/zipf.h"

#define CONNECTIONS 4
#define WINDOW	    16
#define VALUE_LEN   144
#define UDP_HEADER  8 /* request id, sequence, datagrams, zero: 16 bits each */

enum kind {
	REDIS,
	MEMCACHED,
	MEMCACHED_UDP
};

static const char *const kind_names[] = {"redis", "memcached", "memcached-udp"};

static struct {
	enum kind kind;
	uint16_t port;
	const char *addr;
	uint32_t sessions;
	double seconds;
	bool no_store, store_only;
} settings = {.sessions = 100000, .seconds = 2};

static const struct population population = {1, VALUE_LEN, VALUE_LEN};
static struct histogram latency;
static uint64_t hits, wrong, lost;

struct asked {
	uint32_t number;
	uint16_t id; /* UDP */
	uint64_t at;
};

/* TCP: replies are in order, the oldest at `done`. UDP: by request id, one place each. */
struct connection {
	int fd;
	unsigned made, done;
	struct asked asked[WINDOW];
	bool open[WINDOW];
	size_t have;
	uint8_t in[65536];
};

static void die(const char *what)
{
	fprintf(stderr, "alternatives: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void session_bytes(uint32_t number, uint8_t key[SESSD_KEY_SIZE], uint8_t value[VALUE_LEN])
{
	__u64 words[POPULATION_KEY_WORDS], word;

	population_key(&population, number, words);
	memcpy(key, words, SESSD_KEY_SIZE);
	for (unsigned i = 0; i < VALUE_LEN / 8; i++) {
		word = population_value_word(words, i);
		memcpy(value + 8 * i, &word, 8);
	}
}

static void base64(const uint8_t key[SESSD_KEY_SIZE], char text[45])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = text;

	for (unsigned i = 0; i < SESSD_KEY_SIZE; i += 3) {
		unsigned left = SESSD_KEY_SIZE - i;
		uint32_t n = (uint32_t)key[i] << 16 | (left > 1 ? (uint32_t)key[i + 1] << 8 : 0) |
			     (left > 2 ? key[i + 2] : 0);

		*out++ = digits[n >> 18];
		*out++ = digits[n >> 12 & 63];
		*out++ = left > 1 ? digits[n >> 6 & 63] : '=';
		*out++ = left > 2 ? digits[n & 63] : '=';
	}
	*out = '\0';
}

static size_t make_set(uint32_t number, uint8_t *out)
{
	uint8_t key[SESSD_KEY_SIZE], value[VALUE_LEN];
	char text[45];
	int n;

	session_bytes(number, key, value);
	if (settings.kind == REDIS) {
		n = sprintf((char *)out, "*5\r\n$3\r\nSET\r\n$%d\r\n", SESSD_KEY_SIZE);
		memcpy(out + n, key, SESSD_KEY_SIZE);
		n += SESSD_KEY_SIZE;
		n += sprintf((char *)out + n, "\r\n$%d\r\n", VALUE_LEN);
		memcpy(out + n, value, VALUE_LEN);
		n += VALUE_LEN;
		return (size_t)(n + sprintf((char *)out + n, "\r\n$2\r\nEX\r\n$4\r\n3600\r\n"));
	}
	base64(key, text);
	n = sprintf((char *)out, "ms %s %d T3600 b\r\n", text, VALUE_LEN);
	memcpy(out + n, value, VALUE_LEN);
	n += VALUE_LEN;
	return (size_t)(n + sprintf((char *)out + n, "\r\n"));
}

static size_t make_get(uint32_t number, uint8_t *out)
{
	uint8_t key[SESSD_KEY_SIZE], value[VALUE_LEN];
	char text[45];
	int n;

	session_bytes(number, key, value);
	if (settings.kind == REDIS) {
		n = sprintf((char *)out, "*2\r\n$3\r\nGET\r\n$%d\r\n", SESSD_KEY_SIZE);
		memcpy(out + n, key, SESSD_KEY_SIZE);
		n += SESSD_KEY_SIZE;
		return (size_t)(n + sprintf((char *)out + n, "\r\n"));
	}
	base64(key, text);
	return (size_t)sprintf((char *)out, "mg %s v b\r\n", text);
}

static int dial(int type, uint16_t port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, type, 0), on = 1;

	if (fd < 0 || inet_pton(AF_INET, settings.addr, &addr.sin_addr) != 1 ||
		connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die("connecting");
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void send_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0)
			die("sending");
		data += n;
		len -= (size_t)n;
	}
}

/* Stores all, some hundred at a time; each has a reply of one line. */
static void store(uint16_t port)
{
	static uint8_t out[128 * 512], in[65536];
	int fd = dial(SOCK_STREAM, port);

	for (uint32_t first = 0; first < settings.sessions; first += 128) {
		unsigned count = settings.sessions - first < 128 ? settings.sessions - first : 128;
		unsigned lines = 0;
		size_t len = 0;

		for (unsigned i = 0; i < count; i++)
			len += make_set(first + i, out + len);
		send_all(fd, out, len);
		while (lines < count) {
			ssize_t n = recv(fd, in, sizeof(in), 0);

			if (n <= 0)
				die("storing");
			/* +OK or HD; anything else is an error. */
			if (memchr(in, '-', (size_t)n) || memchr(in, 'E', (size_t)n)) {
				fprintf(stderr, "alternatives: storing failed: %.60s\n", in);
				exit(1);
			}
			for (ssize_t i = 0; i < n; i++)
				lines += in[i] == '\n';
		}
	}
	close(fd);
}

/* The length of the correct reply at the beginning of `in`; 0 if incomplete, -1 if wrong. */
static int match(uint32_t number, const uint8_t *in, size_t have)
{
	uint8_t key[SESSD_KEY_SIZE], expected[VALUE_LEN + 32];
	int n = sprintf(
		(char *)expected, settings.kind == REDIS ? "$%d\r\n" : "VA %d\r\n", VALUE_LEN);
	size_t len = (size_t)n + VALUE_LEN + 2;

	session_bytes(number, key, expected + n);
	memcpy(expected + n + VALUE_LEN, "\r\n", 2);
	if (memcmp(in, expected, have < len ? have : len) != 0)
		return -1;
	return have < len ? 0 : (int)len;
}

static void count_hit(const struct asked *asked, uint64_t now)
{
	hits++;
	histogram_record(&latency, now - asked->at);
}

static void fill_tcp(struct connection *c, uint64_t *random)
{
	uint8_t out[WINDOW * 128];
	uint64_t now = now_ns();
	size_t len = 0;

	for (; c->made - c->done < WINDOW; c->made++) {
		uint32_t number = scale32(random_next(random), settings.sessions);

		c->asked[c->made % WINDOW] = (struct asked){number, (uint16_t)c->made, now};
		len += make_get(number, out + len);
	}
	if (len > 0)
		send_all(c->fd, out, len);
}

static void take_tcp(struct connection *c)
{
	ssize_t n = recv(c->fd, c->in + c->have, sizeof(c->in) - c->have, MSG_DONTWAIT);
	uint64_t now = now_ns();
	size_t used = 0;

	if (n == 0 || (n < 0 && errno != EAGAIN))
		die("receiving");
	if (n < 0)
		return;
	c->have += (size_t)n;
	while (c->done != c->made) {
		const struct asked *asked = &c->asked[c->done % WINDOW];
		int len = match(asked->number, c->in + used, c->have - used);

		if (len == 0)
			break;
		if (len < 0) {
			fprintf(stderr, "alternatives: a wrong reply\n");
			exit(1); /* the start of the next one is unknown */
		}
		count_hit(asked, now);
		used += (size_t)len;
		c->done++;
	}
	memmove(c->in, c->in + used, c->have - used);
	c->have -= used;
}

/* UDP: a place of the window is free after its reply, or after 200 ms. */
static void fill_udp(struct connection *c, uint64_t *random)
{
	static uint8_t out[WINDOW][128];
	struct iovec vectors[WINDOW];
	struct mmsghdr headers[WINDOW] = {0};
	uint64_t now = now_ns();
	unsigned count = 0;

	for (unsigned i = 0; i < WINDOW; i++) {
		/* The low bits are the place. */
		uint16_t id = (uint16_t)(c->made - c->made % WINDOW + i);
		uint16_t header[4] = {htons(id), 0, htons(1), 0};
		uint32_t number = scale32(random_next(random), settings.sessions);

		if (c->open[i] && now - c->asked[i].at < 200000000)
			continue;
		lost += c->open[i];
		c->open[i] = true;
		c->asked[i] = (struct asked){number, (uint16_t)c->made, now};
		c->asked[i].id = id;
		c->made++;
		memcpy(out[count], header, sizeof(header));
		vectors[count].iov_base = out[count];
		vectors[count].iov_len = UDP_HEADER + make_get(number, out[count] + UDP_HEADER);
		headers[count].msg_hdr.msg_iov = &vectors[count];
		headers[count].msg_hdr.msg_iovlen = 1;
		count++;
	}
	if (count > 0 && sendmmsg(c->fd, headers, count, 0) < 0 && errno != ECONNREFUSED)
		die("sending");
}

static void take_udp(struct connection *c)
{
	static uint8_t in[WINDOW][512];
	struct iovec vectors[WINDOW];
	struct mmsghdr headers[WINDOW] = {0};
	uint64_t now;
	int n;

	for (unsigned i = 0; i < WINDOW; i++) {
		vectors[i] = (struct iovec){in[i], sizeof(in[i])};
		headers[i].msg_hdr.msg_iov = &vectors[i];
		headers[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(c->fd, headers, WINDOW, MSG_DONTWAIT, NULL);
	now = now_ns();
	for (int i = 0; i < n; i++) {
		size_t len = headers[i].msg_len;
		uint16_t id = (uint16_t)(in[i][0] << 8 | in[i][1]);
		unsigned place = id % WINDOW;

		if (len <= UDP_HEADER || !c->open[place] || c->asked[place].id != id)
			continue;
		if (match(c->asked[place].number, in[i] + UDP_HEADER, len - UDP_HEADER) > 0)
			count_hit(&c->asked[place], now);
		else
			wrong++;
		c->open[place] = false;
	}
}

static double run(void)
{
	static struct connection connections[CONNECTIONS];
	struct pollfd polls[CONNECTIONS];
	bool udp = settings.kind == MEMCACHED_UDP;
	uint64_t start, end, random = 5;

	for (unsigned i = 0; i < CONNECTIONS; i++) {
		connections[i].fd = dial(udp ? SOCK_DGRAM : SOCK_STREAM, settings.port);
		polls[i] = (struct pollfd){.fd = connections[i].fd, .events = POLLIN};
	}
	start = now_ns();
	end = start + (uint64_t)(settings.seconds * 1e9);
	while (now_ns() < end) {
		for (unsigned i = 0; i < CONNECTIONS; i++)
			(udp ? fill_udp : fill_tcp)(&connections[i], &random);
		poll(polls, CONNECTIONS, 10);
		for (unsigned i = 0; i < CONNECTIONS; i++) {
			if (polls[i].revents)
				(udp ? take_udp : take_tcp)(&connections[i]);
		}
	}
	return (double)(now_ns() - start) / 1e9;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'n':
		settings.sessions = (uint32_t)strtoul(arg, NULL, 10);
		return 0;
	case 'd':
		settings.seconds = strtod(arg, NULL);
		return 0;
	case 'S':
		settings.store_only = true;
		return 0;
	case 'N':
		settings.no_store = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0) {
			while (strcmp(arg, kind_names[settings.kind]) != 0) {
				if (settings.kind++ == MEMCACHED_UDP)
					argp_error(state, "unknown: %s", arg);
			}
		} else if (state->arg_num == 1) {
			settings.port = (uint16_t)strtoul(arg, NULL, 10);
		} else {
			settings.addr = arg;
		}
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num != 3 || settings.sessions == 0)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"sessions", 'n', "N", 0, "Sessions to store and request (100000)", 0},
		{"duration", 'd', "SECONDS", 0, "Default 2", 0},
		{"store-only", 'S', NULL, 0, "Ask for nothing", 0},
		{"no-store", 'N', NULL, 0, "The sessions are there from an earlier run", 0},
		{0},
	};
	static const struct argp argp = {options, parse_option,
		"redis|memcached|memcached-udp PORT ADDR",
		"GET/s of caches that one would use instead.", NULL, NULL, NULL};
	double seconds;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (!settings.no_store)
		store(settings.port);
	if (settings.store_only)
		return 0;
	seconds = run();
	printf("{\"replies_per_second\": %.0f, \"p50\": %" PRIu64 ", \"p99\": %" PRIu64
	       ", \"lost\": %" PRIu64 ", \"wrong\": %" PRIu64 "}\n",
		(double)hits / seconds, histogram_percentile(&latency, 50),
		histogram_percentile(&latency, 99), lost, wrong);
	return wrong > 0 || hits == 0;
}
