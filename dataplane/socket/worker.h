/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A reader thread of socket mode: receives a batch, answers its GETs from the table, queues its
 * NEWs and REMOVEs for the writer.
 */
#ifndef SESSIOND_DATAPLANE_SOCKET_WORKER_H
#define SESSIOND_DATAPLANE_SOCKET_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "dataplane/engine.h"
#include "dataplane/reader.h"
#include "dataplane/take_desk.h"
#include "dataplane/udp.h"
#include "dataplane/udp_set.h"
#include "dataplane/update_ring.h"

/* Shared by all workers of an engine. */
struct worker_shared {
	struct table *table;
	_Atomic(const struct allow_list *) allow;
	atomic_bool stop;
	atomic_int writer_sleeps; /* 1: the writer must be woken through writer_fd */
	int writer_fd;		  /* eventfd */
	struct reader_shared readers;
	struct vrf_ports *vrfs;		/* written by the main thread */
	atomic_bool measure, busy_poll; /* set by the main thread */
	void (*on_thread)(void);	/* engine_config.on_thread */
};

struct worker {
	struct reader reader;
	struct latency latency;
	uint64_t drop_queue_full; /* atomic, written by this worker only */
	uint64_t send_failed;	  /* likewise */
	struct update_ring ring;
	struct take_desk desk;
	struct udp_batch *batch;
	struct worker_shared *shared;
	_Atomic uint64_t
		passes; /* incremented per pass: pointers loaded before are not used after */
	_Atomic(const struct udp_set *)
		served;		 /* as `sockets`, or with the next ones during a change */
	struct udp_set *sockets; /* the main thread's; NULL before they are open */
	int wake_fd;		 /* eventfd */
	pthread_t thread;
	bool started;
};

/* pthread_create's function; takes a struct worker. */
void *worker_run(void *arg);

#endif
