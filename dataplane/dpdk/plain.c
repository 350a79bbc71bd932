/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dpdk/burst.h"

/* One more thing that all must have in common. */
static void must(struct plain_template *template, unsigned at, uint8_t value, uint8_t mask)
{
	template->value[at] = value;
	template->mask[at] = mask;
}

static void must16(struct plain_template *template, unsigned at, unsigned value)
{
	must(template, at, (uint8_t)(value >> 8), 0xff);
	must(template, at + 1, (uint8_t)value, 0xff);
}

void plain_prepare(struct port *port)
{
	struct plain_template *template = &port->plain;

	memset(template, 0, sizeof(*template));
	for (unsigned i = 0; i < FRAME_MAC; i++)
		must(template, i, port->mac[i], 0xff);
	must(template, FRAME_MAC, 0, 1); /* no group's MAC address as a source */
	must16(template, 12, ETHERTYPE_IP);
	must(template, PLAIN_IP, 0x45, 0xff);
	must16(template, PLAIN_IP + 2, 20 + PLAIN_UDP_LENGTH);
	must(template, PLAIN_IP + 6, 0, 0x3f); /* MF, offset */
	must(template, PLAIN_IP + 7, 0, 0xff);
	must(template, PLAIN_IP + 9, IPPROTO_UDP, 0xff);
	must16(template, PLAIN_UDP + 4, PLAIN_UDP_LENGTH);
	must16(template, PLAIN_REQUEST, SESSD_VERSION << 8 | SESSD_GET);
}

bool source_search(struct burst *burst, uint32_t source)
{
	/* What a source may be: neither 0/8, nor loopback, nor a group. */
	static const struct allow_range4 usable[] = {
		{0x01000000, 0x7effffff},
		{0x80000000, 0xdfffffff},
	};
	const struct allow_ranges *allow = burst->allow;

	for (unsigned i = 0; allow && i < allow->count4; i++) {
		const struct allow_range4 *range = &allow->ip4[i];

		for (unsigned k = 0; k < 2; k++) {
			uint32_t first = RTE_MAX(range->first, usable[k].first);
			uint32_t last = RTE_MIN(range->last, usable[k].last);

			if (source < first || source > last)
				continue;
			burst->recent.first = first;
			burst->recent.size = last - first + 1;
			return true;
		}
	}
	return false;
}
