/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * meddle PORT CACHE-ADDRESS CACHE-PORT: stands between clients on loopback and a cache, and loses,
 * delays and falsifies what it passes on: many kernels lack sch_netem, which moreover could not
 * falsify. Reads commands from stdin, one a line, and repeats each on stdout once it holds:
 *
 *   honest            passes everything on
 *   loss PERCENT      of each direction
 *   delay MS          of replies
 *   forged            one bit of each value is another
 *   swapped           each value is that of another reply
 *   truncated         each value lacks its last byte
 *   replayed          each reply is followed by none, an earlier one comes in its place
 *   key, version      replies are of another key, of another version
 *   noise             a stray of each kind before each reply
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <sessiond/protocol.h>

#define CLIENTS 128
#define WAITING 4096 /* delayed replies */

enum what {
	HONEST,
	FORGED,
	SWAPPED,
	TRUNCATED,
	REPLAYED,
	KEY,
	VERSION,
	NOISE
};
static const char *const names[] = {
	"honest", "forged", "swapped", "truncated", "replayed", "key", "version", "noise"};

struct datagram {
	size_t size;
	struct sessd_header header;
	uint8_t value[SESSD_VALUE_LIMIT];
};

struct client {
	struct sockaddr_in name;
	int to_cache;
};

struct delayed {
	uint64_t due; /* ms */
	struct sockaddr_in to;
	struct datagram datagram;
};

static enum what what;
static unsigned loss, delay_ms;
static int front;
static struct sockaddr_in cache;
static struct client clients[CLIENTS];
static unsigned client_count, client_next;
static struct delayed waiting[WAITING];
static unsigned waiting_first, waiting_count;
static struct datagram before; /* the last OK that came */

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static bool is_lost(void)
{
	return (unsigned)(random() % 100) < loss;
}

static void transmit(const struct sockaddr_in *to, const struct datagram *datagram)
{
	sendto(front, &datagram->header, datagram->size, 0, (const struct sockaddr *)to,
		sizeof(*to));
}

static void noise(const struct sockaddr_in *to, const struct datagram *reply)
{
	struct datagram stray = *reply;

	stray.header.key[0] ^= 1;
	transmit(to, &stray);
	stray = *reply;
	stray.header.timeout ^= 1;
	transmit(to, &stray);
	stray = *reply;
	stray.header.version++;
	transmit(to, &stray);
	stray.size = 1;
	transmit(to, &stray);
}

static void falsify(const struct sockaddr_in *to, struct datagram *reply)
{
	size_t len = reply->size - sizeof(reply->header);
	struct datagram came = *reply;

	switch (what) {
	case FORGED:
		if (len)
			reply->value[len / 2] ^= 0x10;
		break;
	case SWAPPED:
		if (len && before.size) {
			reply->size = before.size;
			memcpy(reply->value, before.value, sizeof(reply->value));
		}
		break;
	case TRUNCATED:
		reply->size -= len > 0;
		break;
	case REPLAYED:
		if (before.size)
			*reply = before;
		break;
	case KEY:
		reply->header.key[31] ^= 1;
		break;
	case VERSION:
		reply->header.version++;
		break;
	case NOISE:
		noise(to, reply);
		break;
	case HONEST:
		break;
	}
	if (len)
		before = came;
}

static void on_reply(struct client *client)
{
	struct datagram reply;
	ssize_t size = recv(
		client->to_cache, &reply.header, sizeof(reply) - sizeof(reply.size), MSG_DONTWAIT);

	if (size < (ssize_t)sizeof(reply.header) || is_lost())
		return;
	reply.size = (size_t)size;
	falsify(&client->name, &reply);
	if (delay_ms && waiting_count < WAITING) {
		struct delayed *delayed = &waiting[(waiting_first + waiting_count++) % WAITING];

		*delayed = (struct delayed){.due = now_ms() + delay_ms, .to = client->name};
		delayed->datagram = reply;
		return;
	}
	transmit(&client->name, &reply);
}

static struct client *client_of(const struct sockaddr_in *name)
{
	struct client *client;

	for (unsigned i = 0; i < client_count; i++)
		if (memcmp(&clients[i].name, name, sizeof(*name)) == 0)
			return &clients[i];
	client = &clients[client_next];
	client_next = (client_next + 1) % CLIENTS;
	if (client_count < CLIENTS)
		client_count++;
	else
		close(client->to_cache);
	client->name = *name;
	client->to_cache = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (client->to_cache < 0 ||
		connect(client->to_cache, (struct sockaddr *)&cache, sizeof(cache)) < 0) {
		perror("meddle");
		exit(1);
	}
	return client;
}

static void on_request(void)
{
	uint8_t request[sizeof(struct sessd_header) + SESSD_VALUE_LIMIT];
	struct sockaddr_in from = {0};
	socklen_t len = sizeof(from);
	ssize_t size = recvfrom(
		front, request, sizeof(request), MSG_DONTWAIT, (struct sockaddr *)&from, &len);

	if (size >= 0 && !is_lost())
		send(client_of(&from)->to_cache, request, (size_t)size, 0);
}

/* False at the end of the commands. */
static bool on_command(void)
{
	char line[64], word[32];
	unsigned number = 0, name;

	if (!fgets(line, sizeof(line), stdin))
		return false;
	loss = delay_ms = 0;
	what = HONEST;
	if (sscanf(line, "%31s %u", word, &number) < 1)
		return true;
	for (name = 0; name < sizeof(names) / sizeof(names[0]); name++)
		if (strcmp(names[name], word) == 0)
			what = (enum what)name;
	if (strcmp(word, "loss") == 0)
		loss = number;
	else if (strcmp(word, "delay") == 0)
		delay_ms = number;
	else if (strcmp(names[what], word) != 0) {
		fprintf(stderr, "meddle: %s?\n", word);
		exit(2);
	}
	printf("%s", line);
	fflush(stdout);
	return true;
}

static void send_due(void)
{
	while (waiting_count && waiting[waiting_first].due <= now_ms()) {
		transmit(&waiting[waiting_first].to, &waiting[waiting_first].datagram);
		waiting_first = (waiting_first + 1) % WAITING;
		waiting_count--;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	cache.sin_family = AF_INET;
	if (argc != 4 || inet_pton(AF_INET, argv[2], &cache.sin_addr) != 1) {
		fprintf(stderr, "usage: meddle PORT CACHE-ADDRESS CACHE-PORT\n");
		return 2;
	}
	cache.sin_port = htons((uint16_t)atoi(argv[3]));
	name.sin_port = htons((uint16_t)atoi(argv[1]));
	/* One command a read: poll does not see what stdio holds back. */
	setvbuf(stdin, NULL, _IONBF, 0);
	front = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (front < 0 || bind(front, (struct sockaddr *)&name, sizeof(name)) < 0) {
		perror("meddle");
		return 1;
	}
	for (;;) {
		struct pollfd fds[2 + CLIENTS] = {{STDIN_FILENO, POLLIN, 0}, {front, POLLIN, 0}};
		unsigned count = client_count;

		for (unsigned i = 0; i < count; i++)
			fds[2 + i] = (struct pollfd){clients[i].to_cache, POLLIN, 0};
		poll(fds, 2 + count, waiting_count ? 1 : -1);
		send_due();
		if (fds[0].revents && !on_command())
			return 0;
		for (unsigned i = 0; i < count; i++)
			if (fds[2 + i].revents)
				on_reply(&clients[i]);
		if (fds[1].revents)
			on_request();
	}
}
