/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/host/metrics_address.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "common/address.h"
#include "common/text.h"

int metrics_address_parse(const char *text, struct metrics_address *address)
{
	static const uint8_t loopback[4] = {127, 0, 0, 1};
	struct sockaddr_un *local = (struct sockaddr_un *)&address->storage;
	struct endpoint endpoint = {0};
	uint64_t port;

	memset(address, 0, sizeof(*address));
	if (text[0] == '/') {
		if (strlen(text) >= sizeof(local->sun_path))
			return -EINVAL;
		local->sun_family = AF_UNIX;
		strcpy(local->sun_path, text);
		address->size = sizeof(*local);
		return 0;
	}
	if (text_number(text, 1, 65535, &port)) {
		address_from_ipv4(&endpoint.addr, loopback);
		endpoint.port = (uint16_t)port;
	} else if (endpoint_parse(text, 0, &endpoint) < 0 || endpoint.any || endpoint.port == 0) {
		return -EINVAL;
	}
	address->size = endpoint_to_sockaddr(&endpoint, &address->storage);
	return 0;
}

bool metrics_address_same(const char *a, const char *b)
{
	struct metrics_address of_a, of_b;

	return metrics_address_parse(a, &of_a) == 0 && metrics_address_parse(b, &of_b) == 0 &&
	       of_a.size == of_b.size &&
	       memcmp(&of_a.storage, &of_b.storage, sizeof(of_a.storage)) == 0;
}
