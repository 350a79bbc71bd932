/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "client/exchange.h"

#include <arpa/inet.h>
#include <string.h>

void exchange_header(uint8_t *to, uint8_t type, uint16_t field, const uint8_t key[SESSD_KEY_SIZE])
{
	struct sessd_header header = {
		.version = SESSD_VERSION, .type = type, .timeout = htons(field)};

	memcpy(header.key, key, SESSD_KEY_SIZE);
	memcpy(to, &header, sizeof(header));
}

enum exchange_reply exchange_read(const uint8_t *datagram, size_t size,
	const uint8_t key[SESSD_KEY_SIZE], uint16_t tag, struct exchange_value *value)
{
	struct sessd_header header;

	if (size < sizeof(header) || size > sizeof(header) + SESSD_VALUE_LIMIT)
		return EXCHANGE_STRAY;
	memcpy(&header, datagram, sizeof(header));
	if (header.version != SESSD_VERSION || header.timeout != htons(tag) ||
		memcmp(header.key, key, SESSD_KEY_SIZE) != 0)
		return EXCHANGE_STRAY;
	if (header.type == SESSD_ERR && size == sizeof(header))
		return EXCHANGE_ERR;
	if (header.type != SESSD_OK || size == sizeof(header))
		return EXCHANGE_STRAY;
	value->bytes = datagram + sizeof(header);
	value->len = size - sizeof(header);
	return EXCHANGE_OK;
}
