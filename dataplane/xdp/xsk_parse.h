/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * From a frame that an AF_XDP socket has received to the message in it. The program has looked at
 * it before; nothing is taken on trust from there.
 */
#ifndef SESSIOND_DATAPLANE_XDP_XSK_PARSE_H
#define SESSIOND_DATAPLANE_XDP_XSK_PARSE_H

#include <stddef.h>
#include <stdint.h>

enum xsk_parsed {
	XSK_MESSAGE,
	XSK_MALFORMED, /* not a whole UDP datagram, alone, in IPv4 or IPv6 */
	XSK_CHECKSUM,  /* its IP header's or UDP checksum is wrong */
};

/* Finds the UDP payload of the frame: Ethernet, up to two VLAN tags, IPv4 without options or IPv6
 * without extension headers. `*message` points into the frame, to any alignment. Checksums are
 * judged as the kernel's stack would: none at all is fine for IPv4, and so is the pseudo header's
 * sum alone, which a sender on this host leaves to hardware that the frame never met. */
enum xsk_parsed xsk_parse(
	const uint8_t *data, size_t size, const uint8_t **message, size_t *length);

#endif
