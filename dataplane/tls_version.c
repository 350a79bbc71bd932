/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/tls_version.h"

#include <stdint.h>
#include <string.h>

#define DER_SEQUENCE 0x30

bool session_is_tls13(const void *value, size_t len)
{
	/* Structure version 1; TLS 1.3. */
	static const uint8_t begin[] = {0x02, 1, 1, 0x02, 2, 0x03, 0x04};
	const uint8_t *bytes = value;
	size_t header, content;

	/* DER requires the shortest form of a length (X.690 10.1). */
	if (len < 2 || bytes[0] != DER_SEQUENCE)
		return false;
	if (bytes[1] < 0x80) {
		header = 2;
		content = bytes[1];
	} else if (bytes[1] == 0x81 && len >= 3 && bytes[2] >= 0x80) {
		header = 3;
		content = bytes[2];
	} else if (bytes[1] == 0x82 && len >= 4 && bytes[2] > 0) {
		header = 4;
		content = (size_t)bytes[2] << 8 | bytes[3];
	} else {
		return false;
	}
	return content == len - header && content >= sizeof(begin) &&
	       memcmp(bytes + header, begin, sizeof(begin)) == 0;
}
