/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/udp_set.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"

#define SETTLE_MS 100

static bool has(const struct udp_set *set, int fd)
{
	for (unsigned i = 0; set && i < set->count; i++)
		if (set->fds[i] == fd)
			return true;
	return false;
}

/* 0, or -E2BIG with error_message() set. */
static int add(struct udp_set *set, int fd, const struct endpoint *endpoint)
{
	if (set->count == UDP_SET_MAX)
		return error_set(E2BIG, "more than %d listening sockets", UDP_SET_MAX);
	set->listen[set->count] = *endpoint;
	set->fds[set->count++] = fd;
	return 0;
}

/* Uses the sockets of this address again. Returns how many. */
static unsigned take_over(
	struct udp_set *set, const struct udp_set *now, const struct endpoint *endpoint)
{
	unsigned n = 0;

	for (unsigned i = 0; now && i < now->count; i++)
		if (endpoint_equal(&now->listen[i], endpoint) &&
			add(set, now->fds[i], endpoint) == 0)
			n++;
	return n;
}

/* Lets a socket of `endpoint` be opened beside those of `now` that it includes, or that include it.
 * NULL: there are none, else one of them. */
static const struct endpoint *share_with(const struct udp_set *now, const struct endpoint *endpoint)
{
	const struct endpoint *found = NULL;

	for (unsigned i = 0; now && i < now->count; i++)
		if (endpoint_overlaps(&now->listen[i], endpoint) && udp_share(now->fds[i]) == 0)
			found = &now->listen[i];
	return found;
}

static int open_new(struct udp_set *set, const struct udp_set *now, const struct endpoint *endpoint,
	bool shared)
{
	char text[ADDRESS_TEXT], other_text[ADDRESS_TEXT];
	const struct endpoint *other = NULL;
	int fds[2], n, err = 0;

	n = udp_open_all(endpoint, 1, shared, fds, 2);
	/* Unshared first, so that another process's socket is not joined. */
	if (n == -EADDRINUSE && !shared)
		other = share_with(now, endpoint);
	if (other) {
		n = udp_open_all(endpoint, 1, true, fds, 2);
		if (n == -EADDRINUSE)
			return error_set(EADDRINUSE,
				"cannot listen on UDP %s beside %s, which another user opened: "
				"restart sessiond to apply it",
				endpoint_format(endpoint, text),
				endpoint_format(other, other_text));
	}
	for (int i = 0; i < n; i++) {
		if (!err)
			err = add(set, fds[i], endpoint);
		if (err)
			close(fds[i]);
	}
	return n < 0 ? n : err;
}

int udp_set_open(struct udp_set **out, const struct endpoint *listen, size_t count,
	const struct udp_set *now, bool shared)
{
	struct udp_set *set = calloc(1, sizeof(*set));
	int err = 0;

	if (!set)
		return error_set(ENOMEM, "out of memory for sockets");
	for (size_t i = 0; i < count && !err; i++)
		if (take_over(set, now, &listen[i]) == 0)
			err = open_new(set, now, &listen[i], shared);
	if (err) {
		udp_set_free(set, now);
		return err;
	}
	*out = set;
	return 0;
}

struct udp_set *udp_set_join(const struct udp_set *set, const struct udp_set *other)
{
	struct udp_set *both = malloc(sizeof(*both));

	if (!both)
		return NULL;
	*both = *set;
	for (unsigned i = 0; i < other->count; i++)
		if (!has(set, other->fds[i]))
			add(both, other->fds[i], &other->listen[i]);
	return both;
}

/* From now on the socket gets nothing, except from itself: what is sent to its address goes to
 * another socket that matches. What it has can still be read and answered. A failure is ignored. */
static void retire(int fd)
{
	struct sockaddr_storage self = {0};
	socklen_t size = sizeof(self);

	/* The wildcard address means loopback to connect. */
	if (getsockname(fd, (struct sockaddr *)&self, &size) == 0)
		(void)!connect(fd, (const struct sockaddr *)&self, size);
}

static bool is_empty(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof(info);

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) < 0 ||
	       info[SK_MEMINFO_RMEM_ALLOC] == 0;
}

void udp_change_settle(const struct udp_change *changes, unsigned count)
{
	unsigned waited = 1;

	/* All first: packets go to any socket of a shared port that is not retired. */
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < changes[i].now->count; k++)
			if (!has(changes[i].next, changes[i].now->fds[k]))
				retire(changes[i].now->fds[k]);
	usleep(1000); /* for packets whose socket was chosen before */
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < changes[i].now->count;) {
			int fd = changes[i].now->fds[k];

			if (has(changes[i].next, fd) || waited > SETTLE_MS || is_empty(fd)) {
				k++;
				continue;
			}
			usleep(1000);
			waited++;
		}
}

uint64_t udp_set_free(struct udp_set *set, const struct udp_set *kept)
{
	uint64_t drops = 0;

	for (unsigned i = 0; set && i < set->count; i++) {
		if (has(kept, set->fds[i]))
			continue;
		drops += udp_drops(set->fds[i]);
		close(set->fds[i]);
	}
	free(set);
	return drops;
}

int udp_set_share(const struct udp_set *set)
{
	int err = 0;

	for (unsigned i = 0; i < set->count && !err; i++)
		err = udp_share(set->fds[i]);
	return err;
}

uint64_t udp_set_drops(const struct udp_set *set)
{
	uint64_t drops = 0;

	for (unsigned i = 0; i < set->count; i++)
		drops += udp_drops(set->fds[i]);
	return drops;
}

void udp_set_give(const struct udp_set *set, uid_t uid, gid_t gid)
{
	/* The kernel compares the owners of two sockets, not of their processes. */
	for (unsigned i = 0; i < set->count; i++)
		if (fchown(set->fds[i], uid, gid) < 0)
			return;
}
