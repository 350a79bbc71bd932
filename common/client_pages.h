/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Files that clients leave: which are of living processes.
 */
#ifndef SESSIOND_COMMON_CLIENT_PAGES_H
#define SESSIOND_COMMON_CLIENT_PAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <sessiond/client_page.h>

/* The inode of this process's pid namespace, or 0. */
uint64_t client_pages_namespace(void);
/* Now, as pages count time. */
uint64_t client_pages_now(void);
/* Whether this place of client_page.processes is kept for a child that fork() is making. */
bool client_pages_is_birth(uint64_t process, uint64_t now);
/* Reads a page from a file of `folder`, as it is now. False if it is none. */
bool client_pages_read(int folder, const char *name, struct client_page *page);
/* A process that uses the page: its pid, 0 if there is none, or -1 if this process cannot tell:
 * it is in another pid namespace, or the user is still being forked. */
pid_t client_pages_user(const struct client_page *page);
/* Removes the files of processes that are gone; at most `limit` files are looked at. */
void client_pages_sweep(int folder, unsigned limit);

#endif
