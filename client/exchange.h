/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Messages to a cache and from it. A request carries a tag in the field `timeout`, which the cache
 * echoes: so a reply to an earlier question about the same key is told apart.
 */
#ifndef SESSIOND_CLIENT_EXCHANGE_H
#define SESSIOND_CLIENT_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include <sessiond/protocol.h>

/* `field`: the tag, or the seconds of a NEW, in host byte order. */
void exchange_header(uint8_t *to, uint8_t type, uint16_t field, const uint8_t key[SESSD_KEY_SIZE]);

enum exchange_reply {
	EXCHANGE_STRAY, /* answers another question, or is no reply at all */
	EXCHANGE_ERR,
	EXCHANGE_OK,
};

struct exchange_value {
	const uint8_t *bytes; /* in the datagram; 1 to SESSD_VALUE_LIMIT */
	size_t len;
};

/* What a datagram of `size` bytes says to the question with this key and tag. */
enum exchange_reply exchange_read(const uint8_t *datagram, size_t size,
	const uint8_t key[SESSD_KEY_SIZE], uint16_t tag, struct exchange_value *value);

#endif
