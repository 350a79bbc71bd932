/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Fields of packets that tests build and check, and a simple Internet checksum (RFC 1071), which
 * shares no code with <sessiond/checksum.h>.
 */
#ifndef TESTS_WIRE_H
#define TESTS_WIRE_H

#include <stddef.h>
#include <stdint.h>

/* 16 bits in network order; returns what follows them. */
static inline uint8_t *put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static inline unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* Adds the one's complement sum of 16-bit numbers in network order to `sum`, with an odd byte
 * padded: 0xffff if `data` contains its correct checksum. */
static inline unsigned wire_sum(unsigned sum, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? at[i] : (unsigned)at[i] << 8;
	while (sum > 0xffff)
		sum = sum / 0x10000 + sum % 0x10000;
	return sum;
}

#endif
