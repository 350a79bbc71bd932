/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/packet/allow_ranges.h"

#include <stdlib.h>

static int compare4(const void *a, const void *b)
{
	const struct allow_range4 *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static int compare6(const void *a, const void *b)
{
	const struct allow_range6 *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Joins sorted ranges that overlap; prefixes overlap only if one contains the other. */
#define RANGES_JOIN(ranges, count) \
	({ \
		unsigned kept_ = 0; \
		for (unsigned i_ = 0; i_ < (count); i_++) { \
			if (kept_ && (ranges)[i_].first <= (ranges)[kept_ - 1].last) { \
				if ((ranges)[i_].last > (ranges)[kept_ - 1].last) \
					(ranges)[kept_ - 1].last = (ranges)[i_].last; \
			} else { \
				(ranges)[kept_++] = (ranges)[i_]; \
			} \
		} \
		kept_; \
	})

struct allow_ranges *allow_ranges_make(const struct allow_list *list)
{
	size_t count = list->count;
	struct allow_ranges *allow = aligned_alloc(64,
		(sizeof(*allow) +
			count * (sizeof(struct allow_range6) + sizeof(struct allow_range4)) + 63) /
			64 * 64);

	if (!allow)
		return NULL;
	allow->count4 = allow->count6 = 0;
	allow->ip4 = (struct allow_range4 *)(allow->ip6 + count);
	for (size_t i = 0; i < count; i++) {
		const struct prefix *prefix = &list->prefixes[i];
		unsigned __int128 first = allow_word6(prefix->addr.bytes), last = first;

		if (prefix->length < 128)
			last |= ~(unsigned __int128)0 >> prefix->length;
		if (address_is_ipv4(&prefix->addr) && prefix->length >= 96) {
			allow->ip4[allow->count4++] =
				(struct allow_range4){(uint32_t)first, (uint32_t)last};
			continue;
		}
		/* ::/0 and the like contain no IPv4 addresses, as in prefix_contains. */
		allow->ip6[allow->count6++] = (struct allow_range6){first, last};
	}
	qsort(allow->ip4, allow->count4, sizeof(allow->ip4[0]), compare4);
	qsort(allow->ip6, allow->count6, sizeof(allow->ip6[0]), compare6);
	allow->count4 = RANGES_JOIN(allow->ip4, allow->count4);
	allow->count6 = RANGES_JOIN(allow->ip6, allow->count6);
	return allow;
}
