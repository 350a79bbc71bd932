/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The layout of the pinned BPF maps, which the XDP program and the daemon share. A daemon adopts
 * pinned maps only if their SESSD_ABI equals its own, so any change to this file or guard.h needs a
 * new SESSD_ABI_LAYOUT. In counters.h only a reordering does: a new counter changes SESSD_ABI by
 * itself.
 *
 * Integers are in host byte order unless typed __be*.
 */
#ifndef SESSIOND_MAP_ABI_H
#define SESSIOND_MAP_ABI_H

#include <linux/types.h>

#include <sessiond/counters.h>
#include <sessiond/guard.h>
#include <sessiond/protocol.h>

#define SESSD_ABI_LAYOUT   7
#define SESSD_ABI_COUNTERS 29 /* counters when layout 7 was made */
#define SESSD_ABI \
	(SESSD_ABI_LAYOUT + \
		(((__u32)(sizeof(struct sessd_xdp_counters) / sizeof(__u64)) - SESSD_ABI_COUNTERS) \
			<< 16))

/* Names of the pinned maps inside a pin directory. */
#define SESSD_PIN_SESSIONS "sessions" /* HASH, key[32] -> struct sessd_entry */
#define SESSD_PIN_OVERFLOW "overflow" /* HASH, block -> rests of long values; see below */
#define SESSD_PIN_MARKS	   "marks"    /* ARRAY, mmap-able: one bit per slot, see visited.h */
#define SESSD_PIN_TAKEN	   "taken"    /* ARRAY, mmap-able: a bit a slot, as marks; see below */
#define SESSD_PIN_CONFIG   "config"   /* ARRAY of one struct sessd_config */
#define SESSD_PIN_STATS	   "stats"    /* PERCPU_ARRAY of one struct sessd_xdp_counters */
#define SESSD_PIN_ALLOW4   "allow4"   /* LPM_TRIE, struct sessd_lpm4 -> __u8 */
#define SESSD_PIN_ALLOW6   "allow6"   /* LPM_TRIE, struct sessd_lpm6 -> __u8 */
#define SESSD_PIN_LOCAL	   "local"    /* HASH, struct sessd_local -> __u8: addresses served */
#define SESSD_PIN_EVENTS   "events"   /* RINGBUF of struct sessd_drop_sample */

/* Time. Lifetimes are in ticks of 2^20 ns (1.048576 ms) of CLOCK_MONOTONIC: one shift makes them of
 * the kernel's nanoseconds (ebpf/clock.bpf.h), and steps of the wall clock have no effect. `life`
 * packs the tick at which a session ends with its slot number: one word to read, check and guard.
 * 38 bits of ticks last for 9 years of uptime. */
#define SESSD_TICK_SHIFT 20
#define SESSD_SLOT_BITS	 26
#define SESSD_SLOT_LIMIT (1U << SESSD_SLOT_BITS) /* sessions per cache, at most: 67,108,864 */

static inline __attribute__((always_inline)) __u64 sessd_life(__u64 expires_tick, __u32 slot)
{
	return expires_tick << SESSD_SLOT_BITS | slot;
}

static inline __attribute__((always_inline)) __u64 sessd_life_expires(__u64 life)
{
	return life >> SESSD_SLOT_BITS;
}

static inline __attribute__((always_inline)) __u32 sessd_life_slot(__u64 life)
{
	return life & (SESSD_SLOT_LIMIT - 1);
}

/* A session in the BPF map. Values of up to SESSD_INLINE_MAX bytes, nearly all, are inline. Of a
 * longer value, the first SESSD_SPLIT bytes are inline and the rest is in the overflow map: a miss
 * and a common hit cost one lookup, and long values take no room in the entries of short ones.
 *
 * 176 bytes make an element of 256 bytes, with the kernel's 48 bytes of element header and 32 of
 * key: four cache lines exactly. Stock stunnel 5.68 made no session of more than 148 bytes without
 * SNI or a client certificate. */
#define SESSD_INLINE_MAX 156
#define SESSD_SPLIT	 136 /* bytes; a multiple of 8, at most SESSD_INLINE_MAX - 8: see guard.h */

struct sessd_entry {
	__u64 guard; /* guard.h: over all fields below, the key and the whole value; 0: taken */
	__u64 life;  /* see above */
	__u16 len;   /* bytes of the value, 1 to --max-session */
	__u16 sum;   /* the value's Internet checksum (RFC 1071), not complemented */
	__u8 data[SESSD_INLINE_MAX]; /* bytes past the value are zero */
} __attribute__((packed, aligned(4)));

_Static_assert(sizeof(struct sessd_entry) == 176, "an element is four lines");
_Static_assert(__builtin_offsetof(struct sessd_entry, life) == 8, "life at offset 8");
_Static_assert(__builtin_offsetof(struct sessd_entry, len) == 16, "len at offset 16");
_Static_assert(__builtin_offsetof(struct sessd_entry, data) == 20, "data at offset 20");

/*
 * Rests. An element of the overflow map is a block of several rests. The kernel makes 16 bytes of
 * buckets for each element that a map may hold, even if no session is long: there are fewer blocks
 * than rests. The number of a rest is in its entry, a __u32 at data[SESSD_SPLIT]: the place in the
 * block in the SESSD_REST_BITS low bits, the block above them. The guard does not cover the number,
 * but the rest: the one of a wrong number does not match.
 */
#define SESSD_REST_BITS 6
#define SESSD_RESTS_MAX (1 << SESSD_REST_BITS) /* in a block */

/* Bytes of a block at most. With the kernel's head of 48 bytes, 8 for the key and 8 for the
 * allocator, a block takes a page. */
#define SESSD_BLOCK_ROOM 4032

/* Bytes of a rest, rests in a block, bytes of a block, and of those before its last rest, by
 * --max-session. */
#define SESSD_REST_SIZE(value_max) \
	((value_max) > SESSD_INLINE_MAX ? ((value_max)-SESSD_SPLIT + 7) / 8 * 8 : 8)
#define SESSD_RESTS(value_max) \
	(SESSD_BLOCK_ROOM / SESSD_REST_SIZE(value_max) < SESSD_RESTS_MAX \
			? SESSD_BLOCK_ROOM / SESSD_REST_SIZE(value_max) \
			: SESSD_RESTS_MAX)
#define SESSD_BLOCK_SIZE(value_max) (SESSD_RESTS(value_max) * SESSD_REST_SIZE(value_max))
#define SESSD_LAST_REST(value_max)  (SESSD_BLOCK_SIZE(value_max) - SESSD_REST_SIZE(value_max))

/* Visited marks (visited.h): slots per element, which is one cache line. */
#define SESSD_MARKS_PER_ELEM 512

/* Elements of the maps of marks and of what was taken. There is a slot more than sessions. */
#define SESSD_MARKS_ELEMS(capacity) ((capacity) / SESSD_MARKS_PER_ELEM + 1)

/*
 * TAKE. A session is taken by whoever changes the guard of its entry to 0, by compare-and-swap.
 * From then on it is a miss. Then the taker sets the slot's bit in `taken`. The daemon clears the
 * bit, looks whether the guard of the slot's session is 0, and deletes the entry: a bit may be an
 * earlier session's. A session whose guard would be 0 is stored with another lifetime.
 */

/* Settings that change while the program runs, or that must match for adoption. */
struct sessd_config {
	__u32 abi;	   /* SESSD_ABI; 0 until the pin set is complete */
	__u32 capacity;	   /* sessions */
	__u32 value_max;   /* bytes: --max-session */
	__u32 netns;	   /* inode of the network namespace that the links belong to */
	__u64 port_filter; /* bit (port % 64) is set for each served port: rejects most other ports
			      early */
	__u64 generation;  /* incremented at each change of allow4, allow6 or local */
	__u64 secret[SESSD_GUARD_KEYS]; /* odd random numbers: guard.h */
};

_Static_assert(__builtin_offsetof(struct sessd_config, abi) == 0, "abi is read before all else");
_Static_assert(__builtin_offsetof(struct sessd_config, secret) == 32, "secrets at offset 32");

/* Keys of the allow lists: BPF's LPM trie wants the prefix length, in bits, before the address, in
 * network byte order. */
struct sessd_lpm4 {
	__u32 prefixlen;
	__u8 addr[4];
};

struct sessd_lpm6 {
	__u32 prefixlen;
	__u8 addr[16];
};

/* An address and port that is served. IPv4 addresses are v4-mapped (RFC 4291 2.5.5.2). */
struct sessd_local {
	__u8 addr[16];
	__be16 port;
	__u16 zero;
};

_Static_assert(sizeof(struct sessd_local) == 20, "no padding in a hash key");

/* A VLAN of this host, as its frames arrive on an interface: up to two tags, the inner one in the
 * low half. Not in a pinned map, so not part of the ABI. */
struct sessd_vlan {
	__u32 ifindex;
	__u32 tags;
};

#define SESSD_VLANS_MAX 16384 /* pairs of interface and VLAN */

/* A tag of struct sessd_vlan. `tci`: host byte order; `service`: 802.1ad. 0 for VLAN 0, which
 * carries only a priority and counts as untagged. */
static inline __attribute__((always_inline)) __u32 sessd_vlan_tag(__u16 tci, int service)
{
	__u32 id = tci & 0xfff;

	return id ? id | (service ? 0x1000 : 0) : 0;
}

/* struct sessd_vlan's tags, of two tags; `inner` is 0 if there is none. */
static inline __attribute__((always_inline)) __u32 sessd_vlan_push(__u32 outer, __u32 inner)
{
	return inner ? outer << 16 | inner : outer;
}

struct sessd_xdp_counters {
#define X(name, ...) __u64 name;
	SESSD_REQUEST_COUNTERS(X)
	SESSD_XDP_COUNTERS(X)
#undef X
};

/* Samples of malformed and refused packets for the daemon's log: at most one per second, reason and
 * CPU. */
enum sessd_drop_reason {
	SESSD_DROP_SHORT,
	SESSD_DROP_VERSION,
	SESSD_DROP_TYPE,
	SESSD_DROP_NOT_ALLOWED,
	SESSD_DROP_REASONS
};

struct sessd_drop_sample {
	__u8 source[16]; /* v4-mapped for IPv4 */
	__be16 port;
	__u8 reason; /* enum sessd_drop_reason */
	__u8 detail; /* the version or type found */
	__u32 ifindex;
};

_Static_assert(sizeof(struct sessd_drop_sample) == 24, "no padding in an event");

#endif
