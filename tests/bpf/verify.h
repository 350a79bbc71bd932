/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Checks a reply byte by byte, by the RFCs: nothing here is shared with the program under test.
 */
#ifndef TESTS_BPF_VERIFY_H
#define TESTS_BPF_VERIFY_H

#include <stddef.h>
#include <stdint.h>

/* NULL if `reply` is the correct reply to `request`, of message type `type` with `length` bytes of
 * `value`; otherwise the error. */
const char *verify_reply(const uint8_t *request, size_t request_size, const uint8_t *reply,
	size_t reply_size, uint8_t type, const void *value, size_t length);

#endif
