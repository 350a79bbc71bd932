/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Finds the UDP payload of a received frame and checks the frame completely. For AF_XDP: the XDP
 * program has checked the frame before, but the daemon does not rely on that.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_DATAGRAM_H
#define SESSIOND_DATAPLANE_PACKET_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "common/address.h"

enum datagram_result {
	DATAGRAM_WHOLE,
	DATAGRAM_MALFORMED, /* not one whole UDP datagram over IPv4 or IPv6 */
	DATAGRAM_CHECKSUM,  /* wrong IP header or UDP checksum */
};

/* Finds the UDP payload of the frame of `size` bytes: Ethernet, up to two VLAN tags, IPv4 without
 * options or IPv6 without extension headers. `*message` points into the frame, at any alignment;
 * `*length` is in bytes. Both are set for DATAGRAM_WHOLE only. Checksums are checked as the
 * kernel's stack does: IPv4 may have none, and the pseudo header's sum alone is accepted, which a
 * sender on this host leaves for offload (CHECKSUM_PARTIAL). `*source` is who sent it; the wildcard
 * address unless it is whole or only its UDP checksum is wrong. Any thread. */
enum datagram_result datagram_parse(const uint8_t *data, size_t size, const uint8_t **message,
	size_t *length, struct address *source);

#endif
