/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool address_is_ipv4(const struct address *addr)
{
	return memcmp(addr->bytes, v4_mapped, sizeof(v4_mapped)) == 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool address_is_wildcard(const struct address *addr)
{
	static const uint8_t zero[16];

	if (address_is_ipv4(addr))
		return memcmp(addr->bytes + 12, zero, 4) == 0;
	return memcmp(addr->bytes, zero, sizeof(zero)) == 0;
}

bool address_is_group(const struct address *addr)
{
	if (!address_is_ipv4(addr))
		return addr->bytes[0] == 0xff;
	return addr->bytes[12] >> 4 == 14 || memcmp(addr->bytes + 12, "\xff\xff\xff\xff", 4) == 0;
}

bool address_is_link_local(const struct address *addr)
{
	return addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

bool endpoint_takes(const struct endpoint *endpoint, const struct address *addr)
{
	if (endpoint->any || address_equal(&endpoint->addr, addr))
		return true;
	return address_is_wildcard(&endpoint->addr) &&
	       address_is_ipv4(&endpoint->addr) == address_is_ipv4(addr);
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->any == b->any && a->port == b->port && address_equal(&a->addr, &b->addr) &&
	       strcmp(a->scope, b->scope) == 0;
}

bool endpoint_overlaps(const struct endpoint *a, const struct endpoint *b)
{
	bool same_family = address_is_ipv4(&a->addr) == address_is_ipv4(&b->addr);

	if (a->port != b->port)
		return false;
	return a->any || b->any ||
	       (same_family && (address_is_wildcard(&a->addr) || address_is_wildcard(&b->addr)));
}

void address_from_ipv4(struct address *addr, const uint8_t ipv4[4])
{
	memcpy(addr->bytes, v4_mapped, sizeof(v4_mapped));
	memcpy(addr->bytes + 12, ipv4, 4);
}

int address_from_sockaddr(const struct sockaddr *sa, struct address *addr, uint16_t *port)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

		address_from_ipv4(addr, (const uint8_t *)&in->sin_addr);
		if (port)
			*port = ntohs(in->sin_port);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;

		memcpy(addr->bytes, &in6->sin6_addr, 16);
		if (port)
			*port = ntohs(in6->sin6_port);
		return 0;
	}
	return -EAFNOSUPPORT;
}

socklen_t address_to_sockaddr(
	const struct address *addr, uint16_t port, struct sockaddr_storage *storage)
{
	memset(storage, 0, sizeof(*storage));
	if (address_is_ipv4(addr)) {
		struct sockaddr_in *in = (struct sockaddr_in *)storage;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, addr->bytes + 12, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, addr->bytes, 16);
	return sizeof(*in6);
}

socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *storage)
{
	socklen_t size = address_to_sockaddr(&endpoint->addr, endpoint->port, storage);

	if (endpoint->scope[0])
		((struct sockaddr_in6 *)storage)->sin6_scope_id = if_nametoindex(endpoint->scope);
	return size;
}

int address_parse(const char *text, struct address *out)
{
	struct address addr;
	uint8_t ipv4[4];

	if (inet_pton(AF_INET, text, ipv4) == 1)
		address_from_ipv4(&addr, ipv4);
	else if (inet_pton(AF_INET6, text, addr.bytes) != 1)
		return -EINVAL;
	*out = addr;
	return 0;
}

/* Parses a decimal number from `min` to `max`, and nothing else. */
static int number_parse(const char *text, unsigned min, unsigned max, unsigned *out)
{
	unsigned long value;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end != '\0' || value < min || value > max)
		return -EINVAL;
	*out = (unsigned)value;
	return 0;
}

/* Splits the %INTERFACE off `host`. */
static int scope_parse(char *host, char scope[IF_NAMESIZE])
{
	char *name = strchr(host, '%');
	size_t length;

	if (!name)
		return 0;
	*name++ = '\0';
	length = strlen(name);
	if (length == 0 || length >= IF_NAMESIZE || strpbrk(name, ":/ "))
		return -EINVAL;
	memcpy(scope, name, length);
	return 0;
}

int endpoint_parse(const char *text, uint16_t port, struct endpoint *out)
{
	struct endpoint endpoint = {.port = port};
	char copy[ADDRESS_TEXT];
	char *host = copy, *port_text = NULL;
	unsigned number;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	if (copy[0] == '[') {
		char *close = strchr(copy, ']');

		if (!close || !strchr(copy, ':') || (close[1] != '\0' && close[1] != ':'))
			return -EINVAL;
		host = copy + 1;
		port_text = close[1] == ':' ? close + 2 : NULL;
		*close = '\0';
		if (!strchr(host, ':'))
			return -EINVAL;
	} else {
		char *colon = strchr(copy, ':');

		/* Two colons and no brackets: an IPv6 address without a port. */
		if (colon && !strchr(colon + 1, ':')) {
			*colon = '\0';
			port_text = colon + 1;
		}
	}
	if (port_text) {
		if (number_parse(port_text, 1, 65535, &number) < 0)
			return -EINVAL;
		endpoint.port = (uint16_t)number;
	}
	if (scope_parse(host, endpoint.scope) < 0)
		return -EINVAL;
	if (strcmp(host, "*") == 0)
		endpoint.any = true;
	else if (address_parse(host, &endpoint.addr) < 0)
		return -EINVAL;
	if (endpoint.scope[0] && (endpoint.any || !address_is_link_local(&endpoint.addr)))
		return -EINVAL;
	*out = endpoint;
	return 0;
}

static uint8_t prefix_byte_mask(unsigned length, unsigned i)
{
	if (length >= 8 * (i + 1))
		return 0xff;
	if (length <= 8 * i)
		return 0;
	return (uint8_t)(0xff << (8 - (length - 8 * i)));
}

int prefix_parse(const char *text, struct prefix *out)
{
	char copy[ADDRESS_TEXT];
	struct prefix prefix;
	unsigned length, bits;
	char *slash;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	slash = strchr(copy, '/');
	if (slash)
		*slash = '\0';
	if (address_parse(copy, &prefix.addr) < 0)
		return -EINVAL;
	bits = strchr(copy, ':') ? 128 : 32;
	length = bits;
	if (slash && number_parse(slash + 1, 0, bits, &length) < 0)
		return -EINVAL;
	prefix.length = (uint8_t)(length + 128 - bits);
	for (unsigned i = 0; i < 16; i++) {
		if (prefix.addr.bytes[i] & ~prefix_byte_mask(prefix.length, i))
			return -EINVAL;
	}
	*out = prefix;
	return 0;
}

char *address_format(const struct address *addr, char text[ADDRESS_TEXT])
{
	if (address_is_ipv4(addr))
		inet_ntop(AF_INET, addr->bytes + 12, text, ADDRESS_TEXT);
	else
		inet_ntop(AF_INET6, addr->bytes, text, ADDRESS_TEXT);
	return text;
}

char *endpoint_format(const struct endpoint *endpoint, char text[ADDRESS_TEXT])
{
	char addr[ADDRESS_TEXT];

	if (endpoint->any)
		snprintf(text, ADDRESS_TEXT, "*:%u", endpoint->port);
	else if (address_is_ipv4(&endpoint->addr))
		snprintf(text, ADDRESS_TEXT, "%.15s:%u", address_format(&endpoint->addr, addr),
			endpoint->port);
	else
		snprintf(text, ADDRESS_TEXT, "[%.45s%s%.15s]:%u",
			address_format(&endpoint->addr, addr), endpoint->scope[0] ? "%" : "",
			endpoint->scope, endpoint->port);
	return text;
}

char *prefix_format(const struct prefix *prefix, char text[ADDRESS_TEXT])
{
	bool v4 = address_is_ipv4(&prefix->addr) && prefix->length >= 96;
	char addr[ADDRESS_TEXT];

	snprintf(text, ADDRESS_TEXT, "%.45s/%u", address_format(&prefix->addr, addr),
		v4 ? prefix->length - 96U : prefix->length);
	return text;
}

bool prefix_contains(const struct prefix *prefix, const struct address *addr)
{
	unsigned whole = prefix->length / 8;

	/* ::/0 and the like are for IPv6, although their bits match v4-mapped addresses. */
	if (prefix->length < 96 && address_is_ipv4(addr))
		return false;
	if (memcmp(prefix->addr.bytes, addr->bytes, whole) != 0)
		return false;
	return whole == 16 || ((prefix->addr.bytes[whole] ^ addr->bytes[whole]) &
				      prefix_byte_mask(prefix->length, whole)) == 0;
}

void allow_list_default(struct allow_list *list)
{
	static const char *const ranges[] = {
		"127.0.0.0/8",
		"10.0.0.0/8",
		"172.16.0.0/12",
		"192.168.0.0/16",
		"169.254.0.0/16",
		"::1/128",
		"fc00::/7",
		"fe80::/10",
	};

	list->count = 0;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (prefix_parse(ranges[i], &list->prefixes[list->count]) == 0)
			list->count++;
	}
}

bool allow_list_contains(const struct allow_list *list, const struct address *addr)
{
	for (size_t i = 0; i < list->count; i++) {
		if (prefix_contains(&list->prefixes[i], addr))
			return true;
	}
	return false;
}
