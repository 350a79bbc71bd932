/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the parts of xdp mode share. Nothing of this leaves the folder.
 */
#ifndef SESSIOND_DATAPLANE_XDP_XDP_H
#define SESSIOND_DATAPLANE_XDP_XDP_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "dataplane/engine.h"
#include "dataplane/reader.h"

#include "dataplane/xdp/mirror.h"
#include "dataplane/xdp/xsk_set.h"

struct bpf_map;
struct sessiond_bpf; /* the skeleton */

/* An interface with the program on it. */
struct xdp_link {
	int fd;
	int ifindex;
	bool native;
	bool created; /* by this daemon; else found pinned and updated */
	int before;   /* program that a link of another mode had, until attach_settle; or -1 */
	bool before_native;
	bool gone; /* there is no interface of the name */
	/* Of supervise.c. */
	unsigned wait, waited; /* seconds until it is put on again */
	uint64_t packets_seen;
	unsigned idle, revived;
	int refused; /* index of the interface to which it could not be attached again; or 0 */
	unsigned tries;
};

/* An address of this host. */
struct local {
	struct address addr; /* first: the tree's key */
	bool missing;	     /* the map did not take it at each port */
	TAILQ_ENTRY(local) link;
};

TAILQ_HEAD(local_list, local);

struct engine {
	struct engine_config config;
	struct sessiond_bpf *skel;
	struct sessd_config settings; /* as in the map; written by the main thread */
	int lock_fd;		      /* the pin folder, locked */
	int root_fd;		      /* the folder that it is in */
	bool made_root;		      /* by this daemon */
	bool adopted;		      /* the maps are those of the last daemon */
	bool foreign;		      /* the pins found are of another network namespace */
	bool pinned;		      /* the pins are those of our own maps */
	bool allow_ours;	      /* the allow lists in the maps are what was set */
	bool locals_ours;	      /* likewise the local addresses */
	bool local_made;	      /* of adopted maps that of addresses was too small */
	bool started;
	bool settled;		 /* and no failure of this start can follow */
	bool uncounted;		 /* the program's counters cannot be read, and that was said */
	atomic_bool poll_failed; /* the writer has ended: nobody waits for it */
	uint64_t *marks, *taken; /* bits of the slots, mapped */
	size_t marks_bytes;	 /* of each */
	struct xdp_link links[ENGINE_INTERFACES_MAX];
	size_t link_count;
	uint64_t reattached;
	uint64_t runs_seen;

	/* The main thread's idea of what the maps hold. */
	struct allow_list *allow;
	void *locals; /* a tree of tsearch(3) of struct local */
	struct local_list missing;

	/* The writer thread's. */
	struct mirror *mirror;
	struct claims *claims;
	struct update_sink sink;
	struct udp_batch *batch;
	int sockets[2 * ENGINE_LISTEN_MAX];
	unsigned socket_count;
	struct xsk_set *xsks; /* NULL: none could be opened */
	struct pollfd *fds;   /* wake_fd, the sockets, and those of AF_XDP */
	bool more;	      /* something was left when the last poll ended */
	bool pouring;	      /* it found several messages at the sockets of AF_XDP */
	int wake_fd;
	_Atomic(const struct allow_list *) slow_allow;
	_Atomic uint64_t passes;
	struct reader_shared readers; /* of the one reader */
	struct reader reader;
	struct latency latency;
	unsigned answers; /* in this batch */
	uint64_t slow_send_failed;
	uint64_t slow_changes; /* NEWs and REMOVEs that came by the plain sockets */
};

/* maps.c: opens the program with its maps, adopted or new. */
int maps_open(struct engine *engine);
/* Writes the settings, so that the program begins to answer. */
int maps_publish(struct engine *engine);
/* Makes the program forget what it remembers of addresses: after each change of the allow list or
 * of the local addresses. */
int maps_next_generation(struct engine *engine);
/* Whether a map is one of those that are pinned; the others are the program's own. */
bool maps_is_pinned(const struct bpf_map *map);
/* Reads the settings of the pin set in the engine's folder. NULL if they can be adopted, else why
 * not; "" if there is no pin set at all. */
const char *maps_read_settings(struct engine *engine, struct sessd_config *settings);
void maps_close(struct engine *engine);

/* kernel_clock.c: makes clock_tick tell the kernel's time: 0, or a negative errno with
 * error_message() set. After maps_open, before any other thread. */
int kernel_clock_follow(struct engine *engine);

/* map_size.c: elements of the maps of sessions and of overflow. */
uint32_t maps_sessions(uint32_t capacity);
uint32_t maps_overflows(uint32_t capacity, uint16_t value_max);
/* Bytes of the daemon's index, and of the kernel's for the maps unless those are there already. */
uint64_t maps_memory_needed(const struct engine_config *config);

/* stale_pins.c: the operations would_adopt and stale_pins. */
bool stale_pins_adoptable(const struct engine_config *config);
int stale_pins_find(const struct engine_config *config, struct engine_stale *stale);

/* pins.c: the folder on the bpffs. */
int pins_lock(struct engine *engine);
void pins_unlock(struct engine *engine);
char *pins_path(const struct engine *engine, const char *name, char path[PATH_MAX]);
int pins_add(struct engine *engine);		     /* pins the maps */
void pins_remove(struct engine *engine, bool links); /* unpins the maps, and links if told to */
/* Pins a descriptor, and unpins, where the path may no longer be passed: by the open folder. */
int pins_add_late(struct engine *engine, int fd, const char *name);
void pins_remove_late(struct engine *engine, const char *name);
/* Pins a map in the place of another, which is not missing for a moment. */
int pins_replace(struct engine *engine, const struct bpf_map *map);
int pins_give(struct engine *engine, uid_t uid, gid_t gid); /* chown of pins and folder */
void pins_remove_folder(struct engine *engine);		    /* if it is empty */

/* attach.c */
/* The program for an interface: generic XDP has one of its own. */
int attach_program(const struct engine *engine, bool native);
int attach_all(struct engine *engine);
/* The start has succeeded: takes the program off interfaces that are no longer asked for. */
void attach_settle(struct engine *engine);
/* Takes back what attach_all has created, and puts on again what it has taken off. */
void attach_undo(struct engine *engine);
void attach_remove(struct engine *engine); /* takes the program off, at once */
/* A link of the program on an interface: a descriptor, or a negative errno with error_message()
 * set. */
int attach_link(struct engine *engine, const char *name, int ifindex, bool *native);
/* Index of the interface that a link is on: 0 if that is gone, negative if the kernel does not say.
 */
int attach_index(const struct xdp_link *link);
/* supervise.c: once a second, once the start has succeeded. */
void supervise(struct engine *engine);
/* reattach.c: puts it on the interface that has the name of link `i` now, if it is not:
 * set_interface. */
int attach_again(struct engine *engine, size_t i, int ifindex);

/* adopt.c. It takes no memory for a session but a bit: adopt_bytes, at the most. */
uint64_t adopt_bytes(uint32_t capacity);
int adopt_sessions(
	struct engine *engine, bool (*found)(void *ctx, const struct session *session), void *ctx);

/* access_maps.c: the allow list, and VLANs. */
int access_set_allow(struct engine *engine, const struct allow_list *allow);
int access_set_vlan(struct engine *engine, const struct sessd_vlan *vlan, bool present);
/* Writes what was set into adopted maps, and takes out what was not: once the program is on all
 * interfaces. Until then the lists are those of the last daemon, whose program goes on answering
 * by them if this start fails. */
int access_publish(struct engine *engine);

/* local_map.c: the addresses and ports that the program answers at. */
uint32_t local_map_entries(const struct engine_config *config); /* with room to grow */
/* Whether a map of the last daemon is too small for the addresses of now. */
bool local_map_too_small(const struct engine_config *config, uint32_t entries);
void local_map_open(struct engine *engine);
/* Where the map has no room sockets answer, and that is said once; the address is put into it when
 * others have gone. */
int local_map_set(struct engine *engine, const struct address *addr, bool present);
/* As access_publish. What a fresh start would go on without, so does this. */
void local_map_publish(struct engine *engine);
/* Puts in some of what was refused, until the next is refused again: once a second. */
void local_map_retry(struct engine *engine);
void local_map_close(struct engine *engine);

/* stats_xdp.c: what the program and its links say of themselves. */
void stats_xdp_figures(struct engine *engine, stats_emit emit, void *ctx);
/* Packets that the program has met; as before where that cannot be read. */
uint64_t stats_xdp_packets(struct engine *engine);
void stats_xdp_latency(struct engine *engine, struct latency *into);
bool stats_xdp_answer_times(struct engine *engine, struct sessd_answer_times *into);
void stats_xdp_watch(struct engine *engine, unsigned one_in);
void stats_xdp_talkers(
	struct engine *engine, void (*found)(void *ctx, const struct talker *talker), void *ctx);

/* receive.c: the daemon's own sockets. receive_start, once xsks is set. */
int receive_open(struct engine *engine);
int receive_start(struct engine *engine);
int xdp_poll(struct engine *engine, int timeout_ms);
void receive_close(struct engine *engine);

#endif
