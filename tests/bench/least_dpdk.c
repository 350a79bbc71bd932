/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The limit of one lcore in dpdk mode. See usage_text. It swaps addresses and ports as testpmd's
 * 5tswap does, and then touches the memory that an answer needs:
 *   copy    144 bytes of a session, to behind the request
 *   lines   the same, after the line that locates the session, and with the key's line
 *   miss    the line that would locate the session
 * It checks nothing. There are several ways to fetch lines ahead; it tries each at its start, and
 * goes on with the fastest on this host.
 */
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sessiond/protocol.h>

static const char usage_text[] =
	"usage: least_dpdk EAL-ARGUMENTS -- copy|lines|miss SESSIONS MBUFS\n";

#define BURST	    32
#define AHEAD	    4 /* frames fetched ahead */
#define PORTS_MAX   8
#define HEADERS	    42
#define KEY_AT	    (HEADERS + 4)
#define END	    (HEADERS + SESSD_HEADER_SIZE)
#define VALUE	    144
#define DESCRIPTORS 1024

/* As in dataplane/table: ten sessions in a bucket, which is a line; six of them in a full table. A
 * session has head, end, key and value in three of a slot's four lines. */
#define CELLS	   10
#define LOAD	   6
#define LINE	   64
#define SLOT	   256
#define SLOT_KEY   16
#define SLOT_VALUE 48

/* Bursts of one trial of a way, and trials of each. */
#define TRIAL  4000
#define TRIALS 5

enum work {
	COPY,
	LINES,
	MISS
};

typedef uint8_t bytes16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t words16 __attribute__((vector_size(16), aligned(1), may_alias));

struct bucket {
	uint8_t tags[24];
	uint32_t slots[CELLS];
};

_Static_assert(sizeof(struct bucket) == LINE, "a bucket is a line");

static struct bucket *buckets;
static uint8_t *slots;
static uint64_t bucket_count, sessions;
static volatile sig_atomic_t ended;

/* Sessions that are fetched ahead of the one that is copied. */
static const unsigned distances[] = {4, 8, 12, 16, 24, BURST};

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static void fail(const char *what)
{
	rte_exit(1, "least_dpdk: %s\n", what);
}

static __rte_always_inline void swap(uint8_t *data)
{
	bytes16 ethernet = *(bytes16 *)data, tail = *(bytes16 *)(data + 26);

	*(bytes16 *)data = __builtin_shufflevector(
		ethernet, ethernet, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15);
	*(bytes16 *)(data + 26) = __builtin_shufflevector(
		tail, tail, 4, 5, 6, 7, 0, 1, 2, 3, 10, 11, 8, 9, 12, 13, 14, 15);
}

/* Keys are random. */
static __rte_always_inline uint64_t key_word(const uint8_t *data)
{
	uint64_t word;

	memcpy(&word, data + KEY_AT, sizeof(word));
	return word;
}

static __rte_always_inline uint64_t below(uint64_t random, uint64_t count)
{
	return (uint64_t)((unsigned __int128)random * count >> 64);
}

static __rte_always_inline const struct bucket *locate(const uint8_t *data)
{
	return &buckets[below(key_word(data), bucket_count)];
}

static __rte_always_inline const uint8_t *find(const uint8_t *data, enum work work)
{
	uint64_t word = key_word(data);
	const uint8_t *slot;

	if (work == COPY)
		return slots + below(word, sessions) * SLOT;
	slot = slots + (uint64_t)locate(data)->slots[word % LOAD] * SLOT;
	for (unsigned line = 0; line < 3; line++)
		rte_prefetch0(slot + LINE * line);
	return slot;
}

static __rte_always_inline void answer(
	struct rte_mbuf *mbuf, uint8_t *data, const uint8_t *slot, enum work work)
{
	swap(data);
	if (work == MISS) {
		data[HEADERS + 1] = locate(data)->tags[0];
		return;
	}
	if (work == LINES) {
		const words16 *have = (const words16 *)(slot + SLOT_KEY);
		const words16 *want = (const words16 *)(data + KEY_AT);
		words16 differ = (have[0] ^ want[0]) | (have[1] ^ want[1]);

		data[HEADERS + 1] = (differ[0] | differ[1]) != 0;
	}
	memcpy(data + END, slot + SLOT_VALUE, VALUE);
	mbuf->data_len = END + VALUE;
	mbuf->pkt_len = END + VALUE;
}

static __rte_always_inline void handle(
	struct rte_mbuf **mbufs, unsigned n, unsigned distance, enum work work)
{
	const uint8_t *found[BURST];
	uint8_t *data[BURST];

	for (unsigned i = 0; i < AHEAD; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
	for (unsigned i = 0; i < n; i++) {
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + AHEAD], void *));
		data[i] = rte_pktmbuf_mtod(mbufs[i], uint8_t *);
		if (work != COPY)
			rte_prefetch0(locate(data[i]));
	}
	for (unsigned i = 0; work == LINES && i < n && i < distance; i++)
		found[i] = find(data[i], work);
	for (unsigned i = 0; i < n; i++) {
		if (work == LINES && i + distance < n)
			found[i + distance] = find(data[i + distance], work);
		if (work == COPY)
			found[i] = find(data[i], work);
		answer(mbufs[i], data[i], work == MISS ? slots : found[i], work);
	}
}

static __rte_always_inline void handle_any(
	struct rte_mbuf **mbufs, unsigned n, unsigned distance, enum work work)
{
	if (work == COPY)
		handle(mbufs, n, distance, COPY);
	else if (work == LINES)
		handle(mbufs, n, distance, LINES);
	else
		handle(mbufs, n, distance, MISS);
}

static void handle_base(struct rte_mbuf **mbufs, unsigned n, unsigned distance, enum work work)
{
	handle_any(mbufs, n, distance, work);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void handle_avx2(
	struct rte_mbuf **mbufs, unsigned n, unsigned distance, enum work work)
{
	handle_any(mbufs, n, distance, work);
}
#endif

typedef void handle_burst(struct rte_mbuf **mbufs, unsigned n, unsigned distance, enum work work);

static handle_burst *choose(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return handle_avx2;
#endif
	return handle_base;
}

static void make_table(enum work work)
{
	bucket_count = (sessions + LOAD - 1) / LOAD;
	buckets = rte_zmalloc("buckets", bucket_count * sizeof(*buckets), LINE);
	slots = work == MISS ? NULL : rte_zmalloc("slots", sessions * SLOT, LINE);
	if (!buckets || (work != MISS && !slots))
		fail("not enough hugepages");
	for (uint64_t i = 0; i < bucket_count; i++) {
		for (unsigned cell = 0; cell < CELLS; cell++)
			buckets[i].slots[cell] =
				(uint32_t)((i * LOAD + cell) * 2654435761U % sessions);
	}
	for (uint64_t i = 0; slots && i < sessions * SLOT; i += sizeof(i))
		memcpy(slots + i, &i, sizeof(i));
}

static void open_port(uint16_t port, struct rte_mempool *pool)
{
	const struct rte_eth_conf config = {0};
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;

	if (rte_eth_dev_configure(port, 1, 1, &config) < 0 ||
		rte_eth_dev_adjust_nb_rx_tx_desc(port, &rx, &tx) < 0 ||
		rte_eth_rx_queue_setup(port, 0, rx, SOCKET_ID_ANY, NULL, pool) < 0 ||
		rte_eth_tx_queue_setup(port, 0, tx, SOCKET_ID_ANY, NULL) < 0 ||
		rte_eth_dev_start(port) < 0)
		fail("a port does not start");
}

/* One burst at each port; returns the cycles of the work itself. */
static uint64_t burst(uint16_t ports, handle_burst *turn, unsigned distance, enum work work)
{
	struct rte_mbuf *mbufs[BURST + AHEAD];
	uint64_t spent = 0;

	for (uint16_t port = 0; port < ports; port++) {
		uint16_t n = rte_eth_rx_burst(port, 0, mbufs, BURST), sent;
		uint64_t start;

		if (n == 0)
			continue;
		for (unsigned i = 0; i < AHEAD; i++)
			mbufs[n + i] = mbufs[0];
		start = rte_rdtsc();
		turn(mbufs, n, distance, work);
		spent += rte_rdtsc() - start;
		sent = rte_eth_tx_burst(port, 0, mbufs, n);
		rte_pktmbuf_free_bulk(mbufs + sent, n - sent);
	}
	return spent;
}

/* The distance with the quickest trial: others that use the CPU only make trials slower. */
static unsigned best_distance(uint16_t ports, handle_burst *turn, enum work work)
{
	uint64_t best = UINT64_MAX;
	unsigned distance = BURST;

	for (unsigned trial = 0; work == LINES && trial < TRIALS; trial++) {
		for (size_t i = 0; i < RTE_DIM(distances); i++) {
			uint64_t cycles = 0;

			for (unsigned k = 0; k < TRIAL; k++)
				cycles += burst(ports, turn, distances[i], work);
			if (cycles >= best)
				continue;
			best = cycles;
			distance = distances[i];
		}
	}
	return distance;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	handle_burst *turn = choose();
	struct rte_mempool *pool;
	unsigned distance;
	uint16_t ports;
	enum work work;
	int used = rte_eal_init(argc, argv);

	if (used < 0)
		return 1;
	argc -= used;
	argv += used;
	if (argc != 4 || atoll(argv[2]) < LOAD || atoi(argv[3]) <= 0)
		rte_exit(2, "%s", usage_text);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	work = strcmp(argv[1], "copy") == 0 ? COPY : strcmp(argv[1], "lines") == 0 ? LINES : MISS;
	sessions = (uint64_t)atoll(argv[2]);
	ports = rte_eth_dev_count_avail();
	pool = rte_pktmbuf_pool_create(
		"mbufs", (unsigned)atoi(argv[3]), 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!pool || ports == 0 || ports > PORTS_MAX)
		fail("no buffers, or no ports");
	make_table(work);
	for (uint16_t port = 0; port < ports; port++)
		open_port(port, pool);
	distance = best_distance(ports, turn, work);
	printf("ready: sessions fetched %u ahead\n", distance);
	fflush(stdout);
	while (!ended)
		burst(ports, turn, distance, work);
	for (uint16_t port = 0; port < ports; port++) {
		rte_eth_dev_stop(port);
		rte_eth_dev_close(port);
	}
	rte_eal_cleanup();
	return 0;
}
