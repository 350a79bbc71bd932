/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The wire format of protocol v1, as stunnel's `sessiond` option speaks it. This is its only
 * description in code: the XDP program, every data plane, the daemon and the clients include it.
 *
 * A message is one UDP datagram: a 36-byte header and a value of 0 to 512 bytes (up to
 * SESSD_VALUE_LIMIT if --max-session allows it), whose length is the datagram's minus the header's.
 * Multi-byte fields are in network byte order.
 */
#ifndef SESSIOND_PROTOCOL_H
#define SESSIOND_PROTOCOL_H

#include <linux/types.h>
#ifndef __bpf__
#include <assert.h>
#include <stddef.h>
#endif

/* Default UDP port, host order: stunnel's documented default for `sessiond`. */
#define SESSD_PORT 54321

#define SESSD_VERSION 1

/* Bytes of a key: a TLS session id (at most 32, RFC 5246 7.4.1.2), zero-padded on the right. */
#define SESSD_KEY_SIZE 32

/* Bytes of the header: the length of the shortest message and of each reply to a miss. */
#define SESSD_HEADER_SIZE 36

/* Bytes of the longest value that stunnel sends, and the default of --max-session. */
#define SESSD_VALUE_DEFAULT_MAX 512

/* Bytes of the longest value that --max-session may allow: with IPv6, UDP, two VLAN tags and the
 * header it still fits an Ethernet MTU of 1500. */
#define SESSD_VALUE_LIMIT 1400

/*
 * The status key, padded with zeros as any: a GET of it tells whether the cache is ready. It is
 * found for as long as the daemon renews it, and SESSD_STATUS_SECONDS more. Its value is text,
 * words apart by a blank, each but the first NAME=VALUE; readers pass over names that they do not
 * know. NEW, REMOVE and TAKE do not change it.
 */
#define SESSD_STATUS_KEY    "sessiond-status"
#define SESSD_STATUS_FORMAT "sessiond/%d take=%s state=%s" /* SESSD_VERSION; yes or no; a state */
#define SESSD_STATUS_TAKE_FARM \
	"yes exclusive=farm" /* of all caches of a farm one gives a session */
#define SESSD_STATUS_READY	"ready"
#define SESSD_STATUS_WARMING_UP "warming-up" /* it still reads the sessions of other caches */
#define SESSD_STATUS_MAX	64	     /* bytes of the value, at most */
#define SESSD_STATUS_SECONDS	3

enum sessd_type {
	SESSD_NEW = 0x00,    /* store; never answered */
	SESSD_GET = 0x01,    /* look up; answered by OK or ERR */
	SESSD_REMOVE = 0x02, /* delete; never answered */
	SESSD_TAKE = 0x03,   /* look up and delete at once; answered as a GET. Not from stunnel */
	SESSD_ERR = 0x80,    /* reply: no live session */
	SESSD_OK = 0x81,     /* reply: the value follows */
};

struct sessd_header {
	__u8 version;
	__u8 type;	/* enum sessd_type */
	__be16 timeout; /* seconds; NEW only, echoed in replies */
	__u8 key[SESSD_KEY_SIZE];
} __attribute__((packed));

_Static_assert(sizeof(struct sessd_header) == SESSD_HEADER_SIZE, "wire header is 36 bytes");
_Static_assert(__builtin_offsetof(struct sessd_header, timeout) == 2, "timeout at offset 2");
_Static_assert(__builtin_offsetof(struct sessd_header, key) == 4, "key at offset 4");

#endif
