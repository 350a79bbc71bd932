/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Addresses, prefixes and the allow list, for both families at once: an IPv4 address is held as its
 * v4-mapped IPv6 form (RFC 4291 2.5.5.2), so that there is one comparison and one kind of list.
 */
#ifndef SESSIOND_COMMON_ADDRESS_H
#define SESSIOND_COMMON_ADDRESS_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
	uint8_t bytes[16];
};

struct endpoint {
	struct address addr;
	uint16_t port; /* host order */
	bool any;      /* every local address of both families; addr is then all zero */
	/* The interface of a link-local IPv6 address, which means nothing without; else "". All
	 * bytes after the name are zero. */
	char scope[IF_NAMESIZE];
};

/* A prefix. `length` counts bits of the v4-mapped form: IPv4 /24 is 120. */
struct prefix {
	struct address addr;
	uint8_t length;
};

/* Longest text of an address, prefix or endpoint, with its end: "[v6%interface]:65535", "v6/128".
 */
#define ADDRESS_TEXT 72

bool address_is_ipv4(const struct address *addr);
bool address_equal(const struct address *a, const struct address *b);
/* 0.0.0.0 or ::, the address of a socket that takes what is sent to any of its family. */
bool address_is_wildcard(const struct address *addr);
/* In fe80::/10. */
bool address_is_link_local(const struct address *addr);
/* Multicast, or the limited broadcast address. */
bool address_is_group(const struct address *addr);
void address_from_ipv4(struct address *addr, const uint8_t ipv4[4]);
/* -EAFNOSUPPORT unless AF_INET or AF_INET6. `port` (host order) may be NULL. */
int address_from_sockaddr(const struct sockaddr *sa, struct address *addr, uint16_t *port);
/* Returns the length of the sockaddr written: AF_INET for v4-mapped, else AF_INET6. */
socklen_t address_to_sockaddr(
	const struct address *addr, uint16_t port, struct sockaddr_storage *storage);
/* The same, with the scope. */
socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *storage);

/* Whether a socket of this endpoint takes what is sent to `addr`, whatever the port. */
bool endpoint_takes(const struct endpoint *endpoint, const struct address *addr);

/* The parsers return 0 or -EINVAL, and touch nothing but `*out`. */
int address_parse(const char *text, struct address *out);
/* ADDR, ADDR:PORT, [V6], [V6]:PORT, or * and *:PORT; `port` where the text names none. A link-local
 * V6 may have %INTERFACE at its end, which is not looked for. */
int endpoint_parse(const char *text, uint16_t port, struct endpoint *out);
/* ADDR or ADDR/LENGTH; -EINVAL too where bits are set past the length (a likely slip). */
int prefix_parse(const char *text, struct prefix *out);

/* Write at most ADDRESS_TEXT bytes and return `text`. */
char *address_format(const struct address *addr, char text[ADDRESS_TEXT]);
char *endpoint_format(const struct endpoint *endpoint, char text[ADDRESS_TEXT]);
char *prefix_format(const struct prefix *prefix, char text[ADDRESS_TEXT]);

/* An IPv4 address is in no IPv6 prefix, not even in ::/0. */
bool prefix_contains(const struct prefix *prefix, const struct address *addr);

/* Most entries of an allow list. */
#define ALLOW_MAX 1024

/* Immutable once it is handed to an engine, which swaps whole lists. */
struct allow_list {
	size_t count;
	struct prefix prefixes[ALLOW_MAX];
};

/* Loopback, private (RFC 1918), link-local and unique-local (RFC 4193) ranges. */
void allow_list_default(struct allow_list *list);
bool allow_list_contains(const struct allow_list *list, const struct address *addr);

#endif
