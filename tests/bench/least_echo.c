/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * least_echo SESSIONS PORT: the least work that answers a GET over the kernel's UDP stack, by one
 * thread: recvmmsg, sendmmsg, and one message for all replies of a batch to one peer (UDP_SEGMENT).
 * Instead of a lookup it takes the session's number from the key of sessionbench's population, with
 * its default seed and values of 144 bytes, and copies the value from an array. It checks nothing,
 * answers from the address that routing chooses, and ignores NEWs and REMOVEs. Runs until a signal.
 */
#include <sessiond/protocol.h>

#include "bench/population.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define VALUE	 144
#define WORDS	 (VALUE / 8)
#define BATCH	 64 /* also the segments that a message may have (UDP_MAX_SEGMENTS) */
#define BUFFER	 2048
#define BUCKETS	 256
#define RECEIVED (8 << 20) /* bytes of receive buffer, as sessiond's */

static const struct population population = {.seed = 1, .value_min = VALUE, .value_max = VALUE};

/* Replies of one length to one peer. */
struct parcel {
	unsigned first, count;
	uint16_t length;
};

static struct {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_iov[BATCH], out_iov[BATCH];
	struct sockaddr_in names[BATCH];
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
	} control[BATCH];
	struct parcel parcels[BATCH];
	uint8_t parcel_of[BATCH];
	uint8_t newest[BUCKETS]; /* parcel + 1 */
	uint8_t data[BATCH][BUFFER] __attribute__((aligned(64)));
} batch;

static uint64_t (*values)[WORDS];
static uint64_t sessions;
static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static int make_values(void)
{
	values = calloc(sessions ? sessions : 1, sizeof(*values));
	if (!values)
		return -1;
	for (uint64_t number = 0; number < sessions; number++) {
		__u64 key[POPULATION_KEY_WORDS];

		population_key(&population, number, key);
		for (unsigned i = 0; i < WORDS; i++)
			values[number][i] = population_value_word(key, i);
	}
	return 0;
}

/* Turns the request into its reply. Returns the reply's length; 0: none. */
static uint16_t answer(uint8_t *data)
{
	struct sessd_header *header = (struct sessd_header *)data;
	uint64_t word, number;

	if (header->type != SESSD_GET)
		return 0;
	memcpy(&word, header->key, sizeof(word));
	number = population_number(&population, word);
	header->type = number < sessions ? SESSD_OK : SESSD_ERR;
	if (number >= sessions)
		return SESSD_HEADER_SIZE;
	memcpy(data + SESSD_HEADER_SIZE, values[number], VALUE);
	return SESSD_HEADER_SIZE + VALUE;
}

static struct parcel *parcel_for(unsigned i, uint16_t length, unsigned *count)
{
	const struct sockaddr_in *name = &batch.names[i];
	uint8_t *newest = &batch.newest[ntohs(name->sin_port) % BUCKETS];
	struct parcel *parcel = &batch.parcels[*newest ? *newest - 1 : 0];

	if (*newest && parcel->length == length &&
		batch.names[parcel->first].sin_port == name->sin_port &&
		batch.names[parcel->first].sin_addr.s_addr == name->sin_addr.s_addr)
		return parcel;
	parcel = &batch.parcels[(*count)++];
	*parcel = (struct parcel){.first = i, .length = length};
	*newest = (uint8_t)*count;
	return parcel;
}

/* Makes one message per parcel. */
static void make_messages(unsigned count)
{
	struct iovec *iov = batch.out_iov;

	for (unsigned i = 0; i < count; i++) {
		const struct parcel *parcel = &batch.parcels[i];
		struct msghdr *message = &batch.out[i].msg_hdr;

		*message = (struct msghdr){.msg_name = &batch.names[parcel->first],
			.msg_namelen = sizeof(batch.names[0]),
			.msg_iov = iov};
		iov += parcel->count;
		if (parcel->count == 1)
			continue;
		batch.control[i].head = (struct cmsghdr){
			CMSG_LEN(sizeof(parcel->length)), IPPROTO_UDP, UDP_SEGMENT};
		memcpy(CMSG_DATA(&batch.control[i].head), &parcel->length, sizeof(parcel->length));
		message->msg_control = batch.control[i].bytes;
		message->msg_controllen = sizeof(batch.control[i].bytes);
	}
}

static void serve(int fd)
{
	unsigned count = 0, sent = 0;
	int n;

	for (unsigned i = 0; i < BATCH; i++)
		batch.in[i].msg_hdr.msg_namelen = sizeof(batch.names[i]);
	memset(batch.newest, 0, sizeof(batch.newest));
	n = recvmmsg(fd, batch.in, BATCH, MSG_WAITFORONE, NULL);
	for (int i = 0; i < n; i++) {
		uint16_t length =
			batch.in[i].msg_len < SESSD_HEADER_SIZE ? 0 : answer(batch.data[i]);
		struct parcel *parcel;

		batch.parcel_of[i] = UINT8_MAX;
		if (length == 0)
			continue;
		parcel = parcel_for((unsigned)i, length, &count);
		parcel->count++;
		batch.parcel_of[i] = (uint8_t)(parcel - batch.parcels);
	}
	make_messages(count);
	for (int i = 0; i < n; i++) {
		struct msghdr *message = &batch.out[batch.parcel_of[i] % BATCH].msg_hdr;

		if (batch.parcel_of[i] != UINT8_MAX)
			message->msg_iov[message->msg_iovlen++] = (struct iovec){
				batch.data[i], batch.parcels[batch.parcel_of[i]].length};
	}
	while (sent < count) {
		int done = sendmmsg(fd, batch.out + sent, count - sent, 0);

		sent += done > 0 ? (unsigned)done : 1; /* a message that failed is lost */
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = RECEIVED;

	if (argc != 3 || atoi(argv[1]) < 0) {
		fprintf(stderr, "usage: least_echo SESSIONS PORT\n");
		return 2;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sessions = (uint64_t)atoi(argv[1]);
	any.sin_port = htons((uint16_t)atoi(argv[2]));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || make_values() < 0) {
		perror("least_echo");
		return 1;
	}
	for (unsigned i = 0; i < BATCH; i++) {
		batch.in_iov[i] = (struct iovec){batch.data[i], BUFFER};
		batch.in[i].msg_hdr = (struct msghdr){
			.msg_name = &batch.names[i], .msg_iov = &batch.in_iov[i], .msg_iovlen = 1};
	}
	while (!ended)
		serve(fd);
	close(fd);
	free(values);
	return 0;
}
