/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The allow list as lcores search it: sorted ranges without overlap, a binary search per family.
 * Immutable once made; any thread may read it.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_ALLOW_RANGES_H
#define SESSIOND_DATAPLANE_PACKET_ALLOW_RANGES_H

#include "common/address.h"
#include "dataplane/packet/frame.h"

struct allow_range4 {
	uint32_t first, last; /* host byte order, inclusive */
};

struct allow_range6 {
	unsigned __int128 first, last;
};

struct allow_ranges {
	unsigned count4, count6;
	struct allow_range4 *ip4;
	struct allow_range6 ip6[];
};

/* NULL if out of memory; release with free(). */
struct allow_ranges *allow_ranges_make(const struct allow_list *list);

FRAME_INLINE unsigned __int128 allow_word6(const uint8_t addr[16])
{
	return (unsigned __int128)__builtin_bswap64(load64(addr)) << 64 |
	       __builtin_bswap64(load64(addr + 8));
}

#define ALLOW_SEARCH(ranges, count, addr) \
	({ \
		unsigned low_ = 0, high_ = (count); \
		while (low_ < high_) { \
			unsigned middle_ = (low_ + high_) / 2; \
			if ((ranges)[middle_].last < (addr)) \
				low_ = middle_ + 1; \
			else \
				high_ = middle_; \
		} \
		low_ < (count) && (ranges)[low_].first <= (addr); \
	})

/* Whether a frame's source may ask. */
FRAME_INLINE bool allow_source(const struct allow_ranges *allow, const struct frame *frame)
{
	if (frame->v6) {
		unsigned __int128 addr = allow_word6(frame_ip6(frame)->source);

		return ALLOW_SEARCH(allow->ip6, allow->count6, addr);
	}
	uint32_t addr = ntohl(frame_ip4(frame)->source);

	return ALLOW_SEARCH(allow->ip4, allow->count4, addr);
}

#endif
