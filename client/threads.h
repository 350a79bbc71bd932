/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Each thread has a look-up of its own for each client it uses, with its sockets. It is made at the
 * first call, and goes with the thread or with the client.
 */
#ifndef SESSIOND_CLIENT_THREADS_H
#define SESSIOND_CLIENT_THREADS_H

#include <stdint.h>

#include <sessiond/client.h>

/* This thread's, or NULL with errno. */
sessiond_lookup *threads_lookup(sessiond_client *client);
/* The client ends: nobody uses it any more. */
void threads_forget(sessiond_client *client);
/* Changes in a child of fork(), where the parent's sockets must not be used. */
unsigned threads_fork_generation(void);
/* One lock for whatever threads share. fork() takes it, so a child never finds it held. */
void threads_lock(void);
void threads_unlock(void);
/* Called by sessiond_open. 0 or a negative errno. */
int threads_prepare(void);

#endif
