/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Finds the message in a frame from an AF_XDP socket. The XDP program has checked the frame;
 * everything is checked again here, because the daemon trusts no map contents.
 */
#ifndef SESSIOND_DATAPLANE_XDP_XSK_PARSE_H
#define SESSIOND_DATAPLANE_XDP_XSK_PARSE_H

#include <stddef.h>
#include <stdint.h>

enum xsk_parsed {
	XSK_MESSAGE,
	XSK_MALFORMED, /* not one whole UDP datagram over IPv4 or IPv6 */
	XSK_CHECKSUM,  /* wrong IP header or UDP checksum */
};

/* Finds the UDP payload of the frame: Ethernet, up to two VLAN tags, IPv4 without options or IPv6
 * without extension headers. `*message` points into the frame, at any alignment; `*length` is in
 * bytes. Checksums are checked as the kernel's stack does: IPv4 may have none, and the pseudo
 * header's sum alone is accepted, which a sender on this host leaves for offload
 * (CHECKSUM_PARTIAL). Any thread. */
enum xsk_parsed xsk_parse(
	const uint8_t *data, size_t size, const uint8_t **message, size_t *length);

#endif
