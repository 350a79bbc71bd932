/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * least_new INTERFACE SESSIONS: the least work that stores a NEW where the fast path finds it. It
 * receives frames by AF_XDP and stores them by BPF_MAP_UPDATE_BATCH, and nothing else: no checks,
 * no index, no eviction, no guard. SESSIONS is the map's size. Runs until a signal. Needs root. The
 * NEWs of a run are new keys with values of 144 bytes, over IPv4 and untagged: sessionbench's own.
 */
#include "dataplane/xdp/xsk/xsk_queue.h"

#include "common/bpf_skeleton.h"
#include "common/ethtool.h"
#include "common/spin_wait.h"

#include "tests/bench/least_new.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sessiond/checksum.h>
#include <sessiond/map_abi.h>

#define KEY_AT	 (14 + 20 + 8 + 4)
#define VALUE_AT (14 + 20 + 8 + SESSD_HEADER_SIZE)
#define VALUE	 144

#define BATCH	   256
#define FRAMES	   4096 /* as sessiond's */
#define QUEUES_MAX 64

/* As sessiond's writer: dataplane/xdp/receive.c */
#define POURING	     4
#define SPIN_WAIT_NS 30000

static uint8_t keys[BATCH][SESSD_KEY_SIZE];
static struct sessd_entry entries[BATCH];
static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static int fail(const char *what)
{
	fprintf(stderr, "least_new: %s: %s\n", what, strerror(errno));
	return 1;
}

/* Stores what waits in a queue, a batch at most. Adds the number of frames to `*received`. */
static int serve(struct xsk_queue *queue, int map_fd, unsigned *received)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = BPF_ANY);
	uint32_t at, to, n = xsk_ring_cons__peek(&queue->rx, BATCH, &at), count = 0;

	if (n == 0)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&queue->rx, at + i);
		const uint8_t *frame = queue->frames + desc->addr;

		if (desc->len < VALUE_AT + VALUE)
			continue;
		memcpy(keys[count], frame + KEY_AT, SESSD_KEY_SIZE);
		memcpy(entries[count].data, frame + VALUE_AT, VALUE);
		entries[count].sum = checksum_fold(checksum_bytes(frame + VALUE_AT, VALUE));
		count++;
	}
	if (xsk_ring_prod__reserve(&queue->fill, n, &to) == n) {
		for (uint32_t i = 0; i < n; i++)
			*xsk_ring_prod__fill_addr(&queue->fill, to + i) =
				xsk_ring_cons__rx_desc(&queue->rx, at + i)->addr;
		xsk_ring_prod__submit(&queue->fill, n);
	}
	xsk_ring_cons__release(&queue->rx, n);
	*received += n;
	return count == 0 ? 0 : bpf_map_update_batch(map_fd, keys, entries, &count, &opts);
}

/* Waits as sessiond does. While frames pour in, it looks at intervals instead of being woken, which
 * would take time of the CPU that answers GETs. `received`: frames of the last pass. */
static int wait_for_frames(struct pollfd *fds, unsigned count, unsigned received)
{
	if (received < POURING)
		return poll(fds, count, -1);
	if (received < BATCH)
		spin_wait(SPIN_WAIT_NS);
	for (unsigned i = 0; i < count; i++)
		fds[i].revents = POLLIN;
	return (int)count;
}

static int run(struct xsk_queue *queues, unsigned count, int map_fd)
{
	struct pollfd fds[QUEUES_MAX];
	unsigned received = 0;

	for (unsigned i = 0; i < count; i++)
		fds[i] = (struct pollfd){.fd = queues[i].fd, .events = POLLIN};
	while (!ended) {
		if (wait_for_frames(fds, count, received) < 0)
			continue;
		received = 0;
		for (unsigned i = 0; i < count; i++) {
			/* A full map: the round has asked for more than there is room for. */
			if (fds[i].revents && serve(&queues[i], map_fd, &received) < 0 &&
				errno != E2BIG)
				return fail("storing a batch");
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct xsk_queue queues[QUEUES_MAX];
	struct sigaction action = {.sa_handler = on_signal};
	struct least_new_bpf *bpf;
	unsigned count, opened = 0;
	int index, code = 1;

	if (argc != 3 || atoi(argv[2]) <= 0) {
		fprintf(stderr, "usage: least_new INTERFACE SESSIONS\n");
		return 2;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	for (unsigned i = 0; i < BATCH; i++)
		entries[i].len = VALUE;
	index = (int)if_nametoindex(argv[1]);
	count = ethtool_receive_queues(argv[1]);
	if (!index || count > QUEUES_MAX)
		return fail(argv[1]);
	bpf = least_new_bpf__open();
	if (!bpf || bpf_map__set_max_entries(bpf->maps.sessions, (uint32_t)atoi(argv[2])) ||
		least_new_bpf__load(bpf))
		return fail("loading the program");
	for (; opened < count; opened++) {
		int err = xsk_queue_open(&queues[opened], argv[1], opened, FRAMES, false, false);

		if (!err)
			err = bpf_map_update_elem(bpf_map__fd(bpf->maps.sockets), &opened,
				&queues[opened].fd, BPF_ANY);
		if (err) {
			errno = -err;
			fail("AF_XDP");
			goto close;
		}
	}
	if (bpf_xdp_attach(index, bpf_program__fd(bpf->progs.least_new), XDP_FLAGS_DRV_MODE, NULL) <
		0) {
		fail("attaching the program");
		goto close;
	}
	puts("ready");
	fflush(stdout);
	code = run(queues, opened, bpf_map__fd(bpf->maps.sessions));
	bpf_xdp_detach(index, XDP_FLAGS_DRV_MODE, NULL);
close:
	while (opened > 0)
		xsk_queue_close(&queues[--opened]);
	least_new_bpf__destroy(bpf);
	return code;
}
