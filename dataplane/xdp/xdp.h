/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the files of xdp mode share; private to this folder.
 *
 * Unless stated otherwise: functions that return int return 0, or a negative errno with
 * error_message() set; they are called by the main thread.
 */
#ifndef SESSIOND_DATAPLANE_XDP_XDP_H
#define SESSIOND_DATAPLANE_XDP_XDP_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "dataplane/engine.h"
#include "dataplane/reader.h"
#include "dataplane/take_desk.h"
#include "dataplane/udp_set.h"

#include "dataplane/xdp/mirror/mirror.h"
#include "dataplane/xdp/xsk/frame_rings.h"
#include "dataplane/xdp/xsk/link_ports.h"
#include "dataplane/xdp/xsk/redirect_slots.h"
#include "dataplane/xdp/xsk/xsk_set.h"

struct bpf_map;
struct sessiond_bpf; /* the skeleton */

/* An interface with the program on it. */
struct xdp_link {
	int fd;
	int ifindex;
	bool native;
	bool created; /* attached by this daemon; else found pinned and updated */
	int before;   /* program that attach_all detached (fd), until attach_settle; or -1 */
	bool before_native;
	bool gone;	  /* no interface has this name */
	bool no_ethernet; /* its packets have no Ethernet header: the program answers none */
	/* Used by veth.c only. */
	bool veth_lost; /* native XDP's replies do not arrive */
	uint64_t veth_received, veth_dropped, veth_replies;
	unsigned lossy; /* seconds in a row in which replies were lost */
	/* Used by supervise.c only. */
	unsigned wait, waited; /* seconds until the next try to attach again, and seconds gone */
	uint64_t packets_seen;
	unsigned idle, revived; /* seconds without a run, and what revive has done about them */
	int refused;		/* interface index at which attaching again failed; or 0 */
	unsigned tries;
	/* Of late_queues.c: a bond's, when they were last looked at. */
	struct link_port ports[LINK_PORTS_MAX];
	int port_count;
};

/* An address of this host at which the program answers. */
struct local {
	struct address addr; /* first: the tree's key */
	bool missing;	     /* the map has no room for it at some port */
	bool withheld;	     /* from the map: hidden_tags_hide */
	TAILQ_ENTRY(local) link;
};

TAILQ_HEAD(local_list, local);

struct engine {
	struct engine_config config;
	struct sessiond_bpf *skel;
	struct sessd_config settings; /* as in the map; written by the main thread */
	int lock_fd;		      /* the pin folder, locked */
	int root_fd;		      /* its parent folder */
	bool made_root;		      /* root_fd's folder was made by this daemon */
	bool adopted;		      /* the maps are the last daemon's */
	/* The last daemon's maps, whose sessions move into ours; else NULL. After the start, only
	 * the writer thread uses it. */
	struct old_maps *old;
	bool moved;	  /* sessions were moved from such maps */
	bool resized;	  /* the pins found have another capacity or max-session */
	bool foreign;	  /* the pins found belong to another network namespace */
	bool pinned;	  /* the pins refer to our maps */
	bool allow_ours;  /* the maps' allow lists are ours, no longer the last daemon's */
	bool locals_ours; /* likewise for the local addresses */
	bool local_made;  /* the maps are adopted except `local`, which was too small */
	bool started;
	bool settled;		 /* the start cannot fail any more */
	bool uncounted;		 /* the program's counters cannot be read; logged once */
	atomic_bool poll_failed; /* the writer has ended: do not wait for it */
	uint64_t *marks, *taken; /* one bit per slot, mapped */
	size_t marks_bytes;	 /* of each */
	void *notes;		 /* mapped; NULL: there are none */
	struct xdp_link links[ENGINE_INTERFACES_MAX];
	size_t link_count;
	struct redirect_slot slots[ENGINE_INTERFACES_MAX]; /* as the program has them */
	size_t slot_count;
	uint64_t reattached;
	uint64_t runs_seen;

	/* The main thread's copy of what the maps hold. */
	struct allow_list *allow;
	void *locals; /* tsearch(3) tree of struct local */
	struct local_list missing;
	struct hidden_tags *hidden_tags;
	struct udp_set *sockets, *both;
	uint64_t closed_drops; /* at sockets that were closed */

	/* Used by the writer thread. */
	struct mirror *mirror;
	struct claims *claims;
	struct take_queues *takes; /* NULL without --take farm */
	struct take_desk desk;
	struct update_sink sink;
	struct udp_batch *batch;
	struct vrf_ports *vrfs;			/* written by the main thread */
	_Atomic(const struct udp_set *) served; /* as `sockets`; `both` during a change */
	const struct udp_set *polled;		/* as last loaded: in fds */
	struct xsk_set *xsks;			/* NULL: no socket could be opened */
	struct frame_rings *rings;
	struct frame_intake intake; /* of both */
	struct pollfd *fds;	    /* wake_fd, the UDP sockets, the AF_XDP sockets, the rings' */
	bool more;		    /* the last poll left messages in the sockets or rings */
	bool pouring; /* the last poll found several messages by AF_XDP or in the rings */
	int wake_fd;
	atomic_bool measure, busy_poll; /* set by the main thread */
	_Atomic(const struct allow_list *) slow_allow;
	_Atomic uint64_t passes;
	struct reader_shared readers; /* for the one reader below */
	struct reader reader;
	struct latency latency;
	unsigned answers; /* GETs in this batch */
	bool asked;	  /* the batch has TAKEs that wait for the farm */
	uint64_t slow_send_failed;
	uint64_t slow_changes; /* NEWs and REMOVEs received by the UDP sockets */
};

/* maps.c: loads the program with its maps, adopted or new. */
int maps_open(struct engine *engine);
/* Writes the settings; the program answers from then on. */
int maps_publish(struct engine *engine);
/* Invalidates the program's access cache. Call after each change of the allow list or of the local
 * addresses. */
int maps_next_generation(struct engine *engine);
/* Writes which ports the program looks at: those of `a` and, if not NULL, of `b`. */
int maps_filter_ports(
	struct engine *engine, const struct engine_config *a, const struct engine_config *b);
/* Writes what the program reads of the options that may change while it runs. */
void maps_set_reloadable(struct engine *engine, const struct engine_config *config);
/* CPUs that may run the program. */
unsigned maps_cpus(void);
/* Whether a map is pinned; the others belong to one load of the program. */
bool maps_is_pinned(const struct bpf_map *map);
/* Reads the settings of the pin set in the engine's folder. NULL if the set can be adopted, else
 * the reason why not; "" if there is no pin set. */
const char *maps_read_settings(struct engine *engine, struct sessd_config *settings);
void maps_close(struct engine *engine);

/* notes.c: memory beside the pinned maps. Call notes_open once these are pinned; a failure is
 * logged. notes_of is the operation. */
void notes_open(struct engine *engine);
void *notes_of(struct engine *engine, size_t *size);
void notes_close(struct engine *engine);

/* kernel_clock.c: makes clock_tick follow the kernel's clock. Call after maps_open, before any
 * other thread starts. */
int kernel_clock_follow(struct engine *engine);

/* map_size.c: max_entries of the maps sessions, overflow (blocks) and limits. A pinned map of
 * sessions may have more, see maps_has_room. */
uint32_t maps_sessions(uint32_t capacity);
uint32_t maps_overflows(uint32_t capacity, uint16_t value_max);
uint32_t maps_limits(const struct engine_config *config);
/* Whether a pinned map of this name and max_entries is as large as is expected, or larger where
 * that does no harm: some daemons make the map of sessions larger than ours. */
bool maps_has_room(const char *name, uint32_t entries, uint32_t expected);
/* Bytes of the daemon's index, AF_XDP frames and rings, and, unless maps can be adopted, of the
 * kernel's maps. */
uint64_t maps_memory_needed(const struct engine_config *config);

/* stale_pins.c: what is pinned for a start with this configuration. */
enum stale_pins {
	STALE_PINS_NONE,
	STALE_PINS_FIT,	    /* adopted as they are */
	STALE_PINS_RESIZED, /* their sessions are moved into new maps */
	STALE_PINS_USELESS, /* their sessions are lost */
};
struct stale_shape {
	uint32_t capacity;
	uint16_t value_max;
};
/* `shape` is set for STALE_PINS_RESIZED, `*why`, if not NULL, to the reason for STALE_PINS_USELESS.
 */
enum stale_pins stale_pins_look(
	const struct engine_config *config, struct stale_shape *shape, const char **why);
/* The engine's operations would_adopt, start_cost and stale_pins. */
bool stale_pins_would_adopt(const struct engine_config *config);
bool stale_pins_cost(const struct engine_config *config, char *text, size_t size);
int stale_pins_find(const struct engine_config *config, struct engine_stale *stale);

/* pins.c: the folder on the bpffs. */
int pins_lock(struct engine *engine);
void pins_unlock(struct engine *engine);
char *pins_path(const struct engine *engine, const char *name, char path[PATH_MAX]);
int pins_add(struct engine *engine); /* pins the maps */
/* Unpins the maps, and with `links` also the links. */
void pins_remove(struct engine *engine, bool links);
/* Pin and unpin after privileges are dropped, when the path may be inaccessible: relative to
 * lock_fd. pins_add_late returns 0 or a negative errno. */
int pins_add_late(struct engine *engine, int fd, const char *name);
void pins_remove_late(struct engine *engine, const char *name);
/* Replaces a pinned map atomically: its pin is never missing. */
int pins_replace(struct engine *engine, const struct bpf_map *map);
int pins_give(struct engine *engine, uid_t uid, gid_t gid); /* chown of the pins and the folder */
void pins_remove_folder(struct engine *engine);		    /* if it is empty */

/* attach.c */
/* fd of the program for an interface: generic XDP has its own. */
int attach_program(const struct engine *engine, bool native);
int attach_all(struct engine *engine);
/* After a successful start: detaches from interfaces that are no longer configured. */
void attach_settle(struct engine *engine);
/* Undoes attach_all: removes the links it created and attaches what it detached. */
void attach_undo(struct engine *engine);
void attach_remove(struct engine *engine); /* detaches immediately */
/* Attaches the program: returns the link's descriptor, or a negative errno with error_message()
 * set. */
int attach_link(struct engine *engine, const char *name, int ifindex, bool *native);
/* Index of the interface that a link is attached to: 0 if the interface is gone, negative if the
 * kernel does not say. */
int attach_index(const struct xdp_link *link);
/* supervise.c: call once a second after a successful start. */
void supervise(struct engine *engine);
/* reattach.c, the operation set_interface: attaches the program to the interface that now has the
 * name of link `i`, unless it is attached there. `ifindex` 0: no interface has the name. */
int attach_again(struct engine *engine, size_t i, int ifindex);

/* Replaces native XDP by generic XDP. 0, or a negative errno with error_message() set. */
int attach_generic(struct engine *engine, size_t i);

/* veth.c: whether native XDP's replies arrive at the other end of an interface. */
enum veth_replies {
	VETH_NONE, /* not a veth */
	VETH_ARRIVE,
	VETH_LOST,
	VETH_UNKNOWN, /* the other end is not visible, or not without privileges */
};
enum veth_replies veth_replies(int ifindex);
/* Logs what to do if replies are lost. */
void veth_announce(const struct xdp_link *link, const char *name);
/* If replies are lost: attaches generic XDP in mode auto, else logs it. Call once a second. */
void veth_look(struct engine *engine, size_t i);

/* late_queues.c: logs receive queues and ports of bonds that were added after the AF_XDP sockets
 * were opened. Call once a second. */
void late_queues_look(struct engine *engine);
/* Removes the AF_XDP sockets of a slot from the program's map. */
void redirect_forget(struct engine *engine, size_t slot);

/* hidden_tags.c: VLANs whose tags the program does not see. NULL without memory. */
struct hidden_tags *hidden_tags_new(void);
void hidden_tags_free(struct hidden_tags *tags); /* NULL is allowed */
/* 0, or -ENOMEM. */
int hidden_tags_set_vlan(struct engine *engine, const struct sessd_vlan *vlan, bool present);
/* The operation set_vlan_address. */
int hidden_tags_set_address(
	struct engine *engine, uint32_t ifindex, const struct address *addr, bool present);
/* Whether requests to an address arrive in a VLAN whose tag the program does not see. */
bool hidden_tags_hide(const struct engine *engine, const struct address *addr);
/* Looks again, and logs what has changed. Call once a second. */
void hidden_tags_look(struct engine *engine);

/* adopt.c. Adopting allocates at most so many bytes, besides the mirror's. */
uint64_t adopt_bytes(void);
int adopt_sessions(struct engine *engine, const struct adoption *adoption);

struct entry_visitor {
	void (*each)(void *ctx, const uint8_t *key, const struct sessd_entry *entry);
	/* An entry that `each` gets a little later, unchecked; or NULL. */
	void (*soon)(void *ctx, const uint8_t *key, uint32_t slot);
	void *ctx;
};

/* Calls `each` for each entry of a map of sessions, also for those that were taken or are damaged;
 * not for the status, which each daemon makes anew. */
int adopt_each(int fd, const struct entry_visitor *visitor);

/* resize.c: sessions of pinned maps with another capacity or max-session. False if the maps cannot
 * be used: their sessions are lost. */
bool resize_open(struct engine *engine, const struct sessd_config *settings);
/* As adopt_sessions, into new maps. If not all fit, keeps those that GETs have asked for, then
 * those that end last. */
int resize_adopt(struct engine *engine, const struct adoption *adoption);
/* After the old program was replaced: waits until it runs on no CPU. XDP programs are RCU readers,
 * and this waits for all of them. */
void resize_wait_for_readers(void);
/* Takes from the new maps what TAKEs have taken from the old ones. Some seconds after the first
 * call, which is at the start, it closes the old maps. `held` as in find_taken. */
void resize_follow_takes(struct engine *engine,
	bool (*held)(void *ctx, uint32_t slot, struct session *session), void *ctx);
/* Puts the new maps' pins in the place of the old ones'. */
int resize_pin(struct engine *engine);
void resize_close(struct engine *engine);
/* Memory of a move, besides both sets of maps. */
uint64_t resize_bytes(uint32_t old_capacity);

/* access_maps.c: the allow list and the VLANs. */
int access_set_allow(struct engine *engine, const struct allow_list *allow);
int access_set_vlan(struct engine *engine, const struct sessd_vlan *vlan, bool present);
/* Writes the allow list into adopted maps and deletes the last daemon's. Call once the program is
 * attached to all interfaces: until then the last daemon's program answers by its list, and goes on
 * if this start fails. */
int access_publish(struct engine *engine);

/* local_map.c: the addresses and ports at which the program answers. */
uint32_t local_map_entries(const struct engine_config *config); /* with room to grow */
uint32_t local_map_pairs(const struct engine_config *config);	/* at present */
/* Bytes of the daemon's own lists of addresses. */
uint64_t local_map_own_bytes(const struct engine_config *config);
/* Whether the last daemon's map is too small for the present addresses. */
bool local_map_too_small(const struct engine_config *config, uint32_t entries);
void local_map_open(struct engine *engine);
/* If the map is full, sockets answer at this address (logged once); it is added when others are
 * removed. */
int local_map_set(struct engine *engine, const struct address *addr, bool present);
/* Applies hidden_tags_hide to an address: withholds it from the map, or no longer. */
int local_map_withhold(struct engine *engine, const struct address *addr);
/* As access_publish, for the addresses. A full map is no error here either. */
void local_map_publish(struct engine *engine);
/* Lets the program answer where `next` listens, in place of where it listened. On failure nothing
 * has changed. */
int local_map_listen(struct engine *engine, const struct engine_config *next);
/* Retries addresses that the map refused, up to the next refusal. Call once a second. */
void local_map_retry(struct engine *engine);
void local_map_close(struct engine *engine);

/* reload.c: the operation of that name. */
int xdp_reload(struct engine *engine, const struct engine_config *next);

/* stats_xdp.c: figures of the program and its links. */
void stats_xdp_figures(struct engine *engine, stats_emit emit, void *ctx);
/* Packets that the program has processed; the last value if that cannot be read. */
uint64_t stats_xdp_packets(struct engine *engine);
/* Replies that the program has sent; 0 if that cannot be read. */
uint64_t stats_xdp_replies(struct engine *engine);
void stats_xdp_latency(struct engine *engine, struct latency *into);
bool stats_xdp_answer_times(struct engine *engine, struct sessd_answer_times *into);
void stats_xdp_watch(struct engine *engine, unsigned one_in);
void stats_xdp_lost(struct engine *engine, const struct address *source);
void stats_xdp_observe(struct engine *engine, bool on);
/* `found` may be NULL. */
void stats_xdp_events(struct engine *engine,
	void (*found)(void *ctx, const struct sessd_request_event *event), void *ctx);
void stats_xdp_talkers(
	struct engine *engine, void (*found)(void *ctx, const struct talker *talker), void *ctx);

/* receive.c: the daemon's sockets. Call receive_start once xsks is set. xdp_poll: writer thread;
 * returns the number of changes, or a negative errno with error_message() set. */
int receive_open(struct engine *engine);
int receive_set_vrf(struct engine *engine, uint32_t port, uint32_t vrf, bool present);
int receive_start(struct engine *engine);
int xdp_poll(struct engine *engine, int timeout_ms);
/* Waits until the writer holds no pointer that it loaded before. */
void receive_wait_for_writer(struct engine *engine);
/* Opens the sockets of `next`; the writer serves them beside those that there are. receive_settle
 * ends that: `kept` stays, `closed` is closed and freed; one is `*opened`, the other
 * engine->sockets. */
int receive_listen(
	struct engine *engine, const struct engine_config *next, struct udp_set **opened);
void receive_settle(struct engine *engine, struct udp_set *kept, struct udp_set *closed);
void receive_close(struct engine *engine);

#endif
