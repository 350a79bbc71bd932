/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Addresses, prefixes and the allow list, for both families: an IPv4 address is stored in its
 * v4-mapped IPv6 form (RFC 4291 2.5.5.2), so that one comparison and one kind of list suffice. Any
 * thread may call the functions; none allocates.
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
	uint16_t port; /* host byte order */
	bool any;      /* every local address of both families; addr is then all zeros */
	/* The interface of a link-local IPv6 address, which is ambiguous without one; else "". All
	 * bytes after the name are zero. */
	char scope[IF_NAMESIZE];
};

/* A prefix. `length` is in bits of the v4-mapped form: IPv4 /24 is 120. */
struct prefix {
	struct address addr;
	uint8_t length;
};

/* Bytes of the longest text of an address, prefix or endpoint, with its NUL:
 * "[v6%interface]:65535", "v6/128". */
#define ADDRESS_TEXT 72

bool address_is_ipv4(const struct address *addr);
bool address_equal(const struct address *a, const struct address *b);
/* 0.0.0.0 or ::, to which a socket binds for all addresses of its family. */
bool address_is_wildcard(const struct address *addr);
/* Whether the address is in fe80::/10. */
bool address_is_link_local(const struct address *addr);
/* Multicast, or the limited broadcast address. */
bool address_is_group(const struct address *addr);
void address_from_ipv4(struct address *addr, const uint8_t ipv4[4]);
/* 0, or -EAFNOSUPPORT unless AF_INET or AF_INET6. `port` (host byte order) may be NULL. */
int address_from_sockaddr(const struct sockaddr *sa, struct address *addr, uint16_t *port);
/* `port`: host byte order. Returns the length of the sockaddr written: AF_INET for v4-mapped, else
 * AF_INET6. */
socklen_t address_to_sockaddr(
	const struct address *addr, uint16_t port, struct sockaddr_storage *storage);
/* address_to_sockaddr with the scope. */
socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *storage);

/* Whether a socket of this endpoint receives what is sent to `addr`, whatever the port. */
bool endpoint_takes(const struct endpoint *endpoint, const struct address *addr);

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
/* Whether the kernel refuses to bind both: some packets would match both. False for equal ones with
 * one address. */
bool endpoint_overlaps(const struct endpoint *a, const struct endpoint *b);

/* The parsers return 0 or -EINVAL. They write `*out` only, not error_message(). */
int address_parse(const char *text, struct address *out);
/* ADDR, ADDR:PORT, [V6], [V6]:PORT, * or *:PORT; `port` is the default. A link-local V6 may end in
 * %INTERFACE, which need not exist. */
int endpoint_parse(const char *text, uint16_t port, struct endpoint *out);
/* ADDR or ADDR/LENGTH; also -EINVAL if bits are set past the length (a likely mistake). */
int prefix_parse(const char *text, struct prefix *out);

/* Write at most ADDRESS_TEXT bytes, and return `text`. */
char *address_format(const struct address *addr, char text[ADDRESS_TEXT]);
char *endpoint_format(const struct endpoint *endpoint, char text[ADDRESS_TEXT]);
char *prefix_format(const struct prefix *prefix, char text[ADDRESS_TEXT]);

/* An IPv4 address is not in any IPv6 prefix, not even ::/0. */
bool prefix_contains(const struct prefix *prefix, const struct address *addr);

/* Entries of an allow list, at most. */
#define ALLOW_MAX 1024

/* Immutable once passed to an engine, which replaces whole lists. */
struct allow_list {
	size_t count;
	struct prefix prefixes[ALLOW_MAX];
};

/* Loopback, private (RFC 1918), link-local and unique-local (RFC 4193) ranges. */
void allow_list_default(struct allow_list *list);
bool allow_list_contains(const struct allow_list *list, const struct address *addr);

#endif
