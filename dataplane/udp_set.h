/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The UDP sockets of a list of addresses, and how it becomes another list while they are read: new
 * sockets first, in a set that has both; the old ones are closed once they are empty.
 *
 * A set does not change once a reader has it. Functions are for one thread, any one.
 */
#ifndef SESSIOND_DATAPLANE_UDP_SET_H
#define SESSIOND_DATAPLANE_UDP_SET_H

#include "dataplane/engine.h"
#include "dataplane/udp.h"

/* Two families of each address, before and after a change. */
#define UDP_SET_MAX (2 * 2 * ENGINE_LISTEN_MAX)

struct udp_set {
	unsigned count;
	int fds[UDP_SET_MAX];
	struct endpoint listen[UDP_SET_MAX]; /* what each was opened for */
};

/* Opens the sockets of `listen`; those that `now` has for the same address are used again. NULL:
 * there is none. `shared` as in udp_open_all. 0, or a negative errno with error_message() set and
 * nothing left open or changed. */
int udp_set_open(struct udp_set **set, const struct endpoint *listen, size_t count,
	const struct udp_set *now, bool shared);
/* All of `set`, and those that only `other` has. NULL without memory. */
struct udp_set *udp_set_join(const struct udp_set *set, const struct udp_set *other);
/* A reader's sockets during a change. It reads those of `both`. */
struct udp_change {
	struct udp_set *now, *both, *next;
};
/* Takes the sockets out of service that are not in `next`, of all readers of a port: what is sent
 * to their addresses goes to others, if there are any. Then waits, at most a tenth of a second,
 * until the readers have read them empty. */
void udp_change_settle(const struct udp_change *changes, unsigned count);
/* Frees the set, and closes the sockets that `kept`, if not NULL, lacks. Returns how many datagrams
 * the kernel had dropped at those. `set` may be NULL. */
uint64_t udp_set_free(struct udp_set *set, const struct udp_set *kept);

/* As udp_share and udp_drops, for all. */
int udp_set_share(const struct udp_set *set);
uint64_t udp_set_drops(const struct udp_set *set);
/* Lets processes of this user open sockets that overlap, in addition to those of the user that
 * opened them. The kernel's refusal is no error. */
void udp_set_give(const struct udp_set *set, uid_t uid, gid_t gid);

#endif
