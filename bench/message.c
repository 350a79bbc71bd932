/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/message.h"

#include <arpa/inet.h>
#include <string.h>

static size_t put_value(const struct population *p, const uint64_t key[4], uint8_t *value)
{
	uint32_t len = population_value_len(p, (const __u64 *)key), i;
	uint64_t word;

	for (i = 0; i < len / 8; i++) {
		word = population_value_word((const __u64 *)key, i);
		memcpy(value + 8 * i, &word, 8);
	}
	word = population_value_word((const __u64 *)key, i);
	memcpy(value + 8 * i, &word, len % 8);
	return len;
}

size_t message_build(const struct population *p, enum sessd_type type, uint64_t number,
	uint16_t timeout, uint8_t message[MESSAGE_MAX])
{
	struct sessd_header *header = (struct sessd_header *)message;
	__u64 key[POPULATION_KEY_WORDS];

	population_key(p, number, key);
	header->version = SESSD_VERSION;
	header->type = (uint8_t)type;
	header->timeout = htons(timeout);
	memcpy(header->key, key, sizeof(key));
	if (type != SESSD_NEW && type != SESSD_OK)
		return SESSD_HEADER_SIZE;
	return SESSD_HEADER_SIZE + put_value(p, (const uint64_t *)key, message + SESSD_HEADER_SIZE);
}

enum verdict message_verify(
	const struct population *p, uint64_t number, uint16_t tag, const uint8_t *reply, size_t len)
{
	const struct sessd_header *header = (const struct sessd_header *)reply;
	uint8_t expected[MESSAGE_MAX];
	size_t expected_len;

	if (len < SESSD_HEADER_SIZE)
		return VERDICT_LENGTH;
	if (header->version != SESSD_VERSION ||
		(header->type != SESSD_OK && header->type != SESSD_ERR))
		return VERDICT_HEADER;
	if (header->type == SESSD_OK && (number & POPULATION_NEVER))
		return VERDICT_NEVER;
	expected_len = message_build(p, header->type, number, tag, expected);
	if (memcmp(header->key, ((struct sessd_header *)expected)->key, SESSD_KEY_SIZE) != 0)
		return VERDICT_KEY;
	if (header->timeout != htons(tag))
		return VERDICT_TIMEOUT;
	if (len != expected_len)
		return VERDICT_LENGTH;
	if (memcmp(reply, expected, len) != 0)
		return VERDICT_VALUE;
	return header->type == SESSD_OK ? VERDICT_HIT : VERDICT_MISS;
}

uint64_t *message_counter(struct bench_counters *counters, enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_HIT:
		return &counters->hits;
	case VERDICT_MISS:
		return &counters->misses;
	case VERDICT_LENGTH:
		return &counters->wrong_length;
	case VERDICT_HEADER:
		return &counters->wrong_header;
	case VERDICT_TIMEOUT:
		return &counters->wrong_timeout;
	case VERDICT_KEY:
		return &counters->wrong_key;
	case VERDICT_VALUE:
		return &counters->wrong_value;
	case VERDICT_NEVER:
		return &counters->wrong_hit;
	}
	return &counters->wrong_header;
}
