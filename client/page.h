/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The page of counters and breakers that the processes of a client share.
 */
#ifndef SESSIOND_CLIENT_PAGE_MAKER_H
#define SESSIOND_CLIENT_PAGE_MAKER_H

#include <sessiond/client_page.h>

struct sessiond_client;

/* Makes client->page. In a file of `folder`, unless that is "" or cannot be written: then in
 * anonymous memory. Fails only for lack of memory: 0 or -ENOMEM. */
int page_open(struct sessiond_client *client, const char *folder);
/* NULL is allowed. Removes the file if no other process uses it. */
void page_close(struct sessiond_client *client);
/* In fork(), with threads_lock() held: in the parent, keeps places for the child. */
void page_before_fork(void);
/* In a child of fork(), with threads_lock() held: it uses its parent's pages as well.
 * Async-signal-safe. */
void page_in_child(void);

#endif
