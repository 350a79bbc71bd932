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

int served_init(struct served *served, const struct endpoint *listen, size_t count)
{
	char text[ADDRESS_TEXT];

	memset(served, 0, sizeof(*served));
	for (size_t i = 0; i < count; i++) {
		const struct endpoint *endpoint = &listen[i];

		if (endpoint->any)
			return error_set(EINVAL,
				"dpdk mode answers for the addresses that --listen names, because "
				"no kernel knows them: add --listen ADDR for each address of this "
				"node");
		if (endpoint->scope[0])
			return error_set(EINVAL,
				"--listen %s: in dpdk mode no interface is named: leave %%%s out",
				endpoint_format(endpoint, text), endpoint->scope);
		if (!address_usable(&endpoint->addr))
			return error_set(EINVAL,
				"--listen %s: not an address that a node can have on a network",
				endpoint_format(endpoint, text));
		if (served->ip4_count + served->ip6_count == ENGINE_LISTEN_MAX)
			return error_set(EINVAL, "more than %d --listen", ENGINE_LISTEN_MAX);
		if (address_is_ipv4(&endpoint->addr)) {
			struct served_ip4 *ip4 = &served->ip4[served->ip4_count++];

			memcpy(&ip4->addr, endpoint->addr.bytes + 12, 4);
			ip4->port = htons(endpoint->port);
		} else {
			struct served_ip6 *ip6 = &served->ip6[served->ip6_count++];

			memcpy(ip6->addr, endpoint->addr.bytes, 16);
			ip6->port = htons(endpoint->port);
		}
	}
	return 0;
}

bool served_has_ip4(const struct served *served, uint32_t addr)
{
	for (unsigned i = 0; i < served->ip4_count; i++) {
		if (served->ip4[i].addr == addr)
			return true;
	}
	return false;
}

bool served_has_ip6(const struct served *served, const uint8_t addr[16])
{
	for (unsigned i = 0; i < served->ip6_count; i++) {
		if (memcmp(served->ip6[i].addr, addr, 16) == 0)
			return true;
	}
	return false;
}

enum served_match served_why_not(const struct served *served, const struct frame *frame)
{
	bool local = frame->v6 ? served_has_ip6(served, frame_ip6(frame)->dest)
			       : served_has_ip4(served, frame_ip4(frame)->dest);

	if (!local)
		return SERVED_NOT_LOCAL;
	return served_match(served, frame) ? SERVED : SERVED_OTHER_PORT;
}
