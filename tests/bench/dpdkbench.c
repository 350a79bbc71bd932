/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The tools of the DPDK benchmark tests/bench/dpdk. See usage_text.
 */
#include <sessiond/protocol.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/wire.h"

static const char usage_text[] =
	"usage: dpdkbench pcap FILE get|miss|mix SESSIONS PACKETS\n"
	"                 a capture of requests for 10.99.0.1: GETs that hit, uniformly over the\n"
	"                 sessions; GETs that miss; GETs that hit, each session as often if\n"
	"                 there are packets enough, and NEWs of as many others in turn\n"
	"       dpdkbench store HOST SESSIONS RATE\n"
	"                 sends a NEW for each session, RATE a second\n"
	"       dpdkbench sample PID TELEMETRY-SOCKET SECONDS\n"
	"                 prints the packets that port 0 received meanwhile, and the nanoseconds\n"
	"                 of CPU time of the thread that had most, and that thread's id\n";

#define VALUE_SIZE 144

static uint64_t mix64(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Writes the request of a session: its key, and a NEW's value too. */
static size_t request(uint8_t *out, enum sessd_type type, uint64_t session)
{
	struct sessd_header *header = (struct sessd_header *)out;
	uint64_t word;

	*header = (struct sessd_header){.version = SESSD_VERSION,
		.type = (uint8_t)type,
		.timeout = htons(type == SESSD_NEW ? 64800 : 0)};
	for (unsigned i = 0; i < 4; i++) {
		word = mix64(session * 4 + i);
		memcpy(header->key + 8 * i, &word, 8);
	}
	if (type != SESSD_NEW)
		return SESSD_HEADER_SIZE;
	for (unsigned i = 0; i < VALUE_SIZE / 8; i++) {
		word = mix64(~session * 32 + i);
		memcpy(out + SESSD_HEADER_SIZE + 8 * i, &word, 8);
	}
	return SESSD_HEADER_SIZE + VALUE_SIZE;
}

/* A frame from 10.99.0.2 to 10.99.0.1 at the MAC address that the first net_pcap port has. */
static size_t frame(uint8_t *out, enum sessd_type type, uint64_t session)
{
	static const uint8_t ethernet[14] = {2, 'p', 'c', 'a', 'p', 0, 2, 0, 0, 0, 0, 2, 8, 0};
	uint8_t *ip = out + 14, *udp = ip + 20;
	size_t len = 8 + request(udp + 8, type, session);

	memcpy(out, ethernet, sizeof(ethernet));
	memcpy(ip, "\x45\0\0\0\0\0\x40\0\x40\x11\0\0\x0a\x63\0\2\x0a\x63\0\1", 20);
	put16(ip + 2, (uint32_t)(20 + len));
	put16(ip + 10, ~wire_sum(0, ip, 20));
	put16(udp, 1024 + mix64(session) % 60000);
	put16(udp + 2, SESSD_PORT);
	put16(udp + 4, (uint32_t)len);
	put16(udp + 6, 0);
	put16(udp + 6, ~wire_sum(wire_sum(17 + (unsigned)len, ip + 12, 8), udp, len));
	return 34 + len;
}

static int write_capture(const char *path, const char *kind, uint64_t sessions, uint64_t packets)
{
	static const uint32_t head[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};
	bool miss = strcmp(kind, "miss") == 0, mix = strcmp(kind, "mix") == 0;
	FILE *file = fopen(path, "w");
	uint8_t data[512];

	if (!file) {
		perror(path);
		return 1;
	}
	fwrite(head, sizeof(head), 1, file);
	for (uint64_t i = 0; i < packets; i++) {
		bool new = mix &&i % 2;
		/* In random order: sessions stored in sequence are neighbours in the table. */
		uint64_t session = mix64(i) % sessions;
		size_t len;

		if (mix && packets / 2 >= sessions)
			session = i / 2 * 7919 % sessions;
		if (new)
			session = (1ULL << 41) + i / 2;
		if (miss)
			session += 1ULL << 40;
		len = frame(data, new ? SESSD_NEW : SESSD_GET, session);
		uint32_t record[4] = {0, 0, (uint32_t)len, (uint32_t)len};

		fwrite(record, sizeof(record), 1, file);
		fwrite(data, len, 1, file);
	}
	if (fclose(file) != 0) {
		perror(path);
		return 1;
	}
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static int store(const char *host, uint64_t sessions, uint64_t rate)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(SESSD_PORT)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	uint64_t start = now_ns();
	uint8_t data[512];

	if (inet_pton(AF_INET, host, &to.sin_addr) != 1 ||
		connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror(host);
		return 1;
	}
	for (uint64_t i = 0; i < sessions; i++) {
		if (send(fd, data, request(data, SESSD_NEW, i), 0) < 0) {
			perror("send");
			return 1;
		}
		while (i % 64 == 0 && now_ns() - start < i * 1000000000 / rate)
			usleep(50);
	}
	close(fd);
	return 0;
}

/* Queries DPDK's telemetry, and finds a number in the reply. */
static int telemetry(const char *path, const char *command, const char *name, uint64_t *value)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	static char answer[65536];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	char pattern[64], *at;
	ssize_t n;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		perror(path);
		return -1;
	}
	n = recv(fd, answer, sizeof(answer) - 1, 0); /* the greeting */
	if (n > 0 && send(fd, command, strlen(command), 0) > 0)
		n = recv(fd, answer, sizeof(answer) - 1, 0);
	close(fd);
	if (n <= 0)
		return -1;
	answer[n] = '\0';
	snprintf(pattern, sizeof(pattern), "\"%s\":", name);
	at = strstr(answer, pattern);
	if (!at)
		return -1;
	*value = strtoull(at + strlen(pattern) + (at[strlen(pattern)] == ' '), NULL, 10);
	return 0;
}

#define THREADS_MAX 64

struct thread {
	int id;
	uint64_t ns;
};

static unsigned threads(int pid, struct thread *list)
{
	char path[300];
	struct dirent *entry;
	unsigned count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) && count < THREADS_MAX) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, entry->d_name);
		file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (!file)
			continue;
		list[count].id = atoi(entry->d_name);
		if (fscanf(file, "%lu", &list[count].ns) == 1)
			count++;
		fclose(file);
	}
	if (dir)
		closedir(dir);
	return count;
}

static int sample(int pid, const char *path, double seconds)
{
	struct thread before[THREADS_MAX], after[THREADS_MAX], most = {0};
	uint64_t first, last;
	unsigned n, m;

	n = threads(pid, before);
	if (telemetry(path, "/ethdev/stats,0", "ipackets", &first) < 0)
		return 1;
	usleep((useconds_t)(seconds * 1e6));
	m = threads(pid, after);
	if (telemetry(path, "/ethdev/stats,0", "ipackets", &last) < 0)
		return 1;
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < m; k++) {
			if (before[i].id == after[k].id && after[k].ns - before[i].ns > most.ns)
				most = (struct thread){after[k].id, after[k].ns - before[i].ns};
		}
	}
	printf("%lu %lu %d\n", last - first, most.ns, most.id);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "pcap") == 0)
		return write_capture(
			argv[2], argv[3], strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10));
	if (argc == 5 && strcmp(argv[1], "store") == 0)
		return store(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	if (argc == 5 && strcmp(argv[1], "sample") == 0)
		return sample(atoi(argv[2]), argv[3], atof(argv[4]));
	fputs(usage_text, stderr);
	return 2;
}
