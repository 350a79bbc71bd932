/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/packet/local_endpoints.h"

#include "common/log.h"

#include <errno.h>

static bool address_usable(const struct address *addr)
{
	static const uint8_t zeros[15];

	if (address_is_ipv4(addr)) {
		uint8_t top = addr->bytes[12];

		return top != 0 && top != 127 && top < 224;
	}
	if (addr->bytes[0] == 0xff)
		return false;
	return memcmp(addr->bytes, zeros, sizeof(zeros)) != 0 || addr->bytes[15] > 1;
}

int local_endpoints_init(struct local_endpoints *local, const struct endpoint *listen, size_t count)
{
	char text[ADDRESS_TEXT];

	memset(local, 0, sizeof(*local));
	for (size_t i = 0; i < count; i++) {
		const struct endpoint *endpoint = &listen[i];

		if (endpoint->any)
			return error_set(EINVAL,
				"dpdk mode needs this node's addresses, which no kernel knows: "
				"add --listen ADDR for each of them");
		if (endpoint->scope[0])
			return error_set(EINVAL,
				"--listen %s: dpdk mode takes no interface here: remove %%%s",
				endpoint_format(endpoint, text), endpoint->scope);
		if (!address_usable(&endpoint->addr))
			return error_set(EINVAL,
				"--listen %s: not an address that a node can have on a network",
				endpoint_format(endpoint, text));
		if (local->ip4_count + local->ip6_count == LOCAL_ENDPOINTS_MAX)
			return error_set(EINVAL, "more than %d --listen", LOCAL_ENDPOINTS_MAX);
		if (address_is_ipv4(&endpoint->addr)) {
			struct local_endpoint_ip4 *ip4 = &local->ip4[local->ip4_count++];

			memcpy(&ip4->addr, endpoint->addr.bytes + 12, 4);
			ip4->port = htons(endpoint->port);
		} else {
			struct local_endpoint_ip6 *ip6 = &local->ip6[local->ip6_count++];

			memcpy(ip6->addr, endpoint->addr.bytes, 16);
			ip6->port = htons(endpoint->port);
		}
	}
	return 0;
}

bool local_endpoints_has_ip4(const struct local_endpoints *local, uint32_t addr)
{
	for (unsigned i = 0; i < local->ip4_count; i++) {
		if (local->ip4[i].addr == addr)
			return true;
	}
	return false;
}

bool local_endpoints_has_ip6(const struct local_endpoints *local, const uint8_t addr[16])
{
	for (unsigned i = 0; i < local->ip6_count; i++) {
		if (memcmp(local->ip6[i].addr, addr, 16) == 0)
			return true;
	}
	return false;
}

enum local_endpoint_match local_endpoints_why_not(
	const struct local_endpoints *local, const struct frame *frame)
{
	bool ours = frame->v6 ? local_endpoints_has_ip6(local, frame_ip6(frame)->dest)
			      : local_endpoints_has_ip4(local, frame_ip4(frame)->dest);

	if (!ours)
		return LOCAL_NONE;
	return local_endpoints_match(local, frame) ? LOCAL_ENDPOINT : LOCAL_OTHER_PORT;
}
