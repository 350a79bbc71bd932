/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Sealing: what leaves for a cache is under AES-256-GCM, and under a name that tells nothing of the
 * session's id.
 *
 *   HKDF-SHA-256 over the file's key, one output for each use, `scope` in each info:
 *     "sessiond 1 id"    4 bytes: which key sealed this value
 *     "sessiond 1 name"  the wire key is HMAC-SHA-256(this, session id)
 *     "sessiond 1 seal"  a session's key is HKDF-Expand(this, wire key)
 *   A value: 0xd1, key id (4), nonce (12, random), ciphertext, tag (16).
 *   Authenticated beside it: the first five bytes, the wire key, the TLS version (2, big endian),
 *   the context's length (1) and the context. The scope is in every key.
 *
 * A key a session keeps the number of random nonces under one key small: one for all would be spent
 * after 2^32 sessions (NIST SP 800-38D 8.3). Names and keys come from separate outputs, because
 * clients choose session ids, and names are seen on the wire.
 */
#ifndef SESSIOND_CLIENT_SEAL_H
#define SESSIOND_CLIENT_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <sessiond/client.h>
#include <sessiond/protocol.h>

#include "common/key_file.h"

struct seal_slot {
	uint8_t id[4];
	uint8_t name[32], seal[32];
};

/* What a client has: `count` 0 means plain. Secret. */
struct seal_ring {
	unsigned count;
	struct seal_slot slots[KEY_FILE_KEYS_MAX]; /* the first seals */
};

#define SEAL_NONCE  12
#define SEAL_NONCES 16

/* An HMAC that remembers the key it was used with last. */
struct seal_mac {
	EVP_MAC_CTX *ctx;
	bool keyed;
	uint8_t key[32];
};

/* What a thread works with. Secret. */
struct seal_tools {
	struct seal_mac name, seal;
	EVP_CIPHER_CTX *cipher;
	bool keeps_key; /* OpenSSL can use an HMAC again without its key */
	unsigned nonces_left;
	uint8_t nonces[SEAL_NONCES][SEAL_NONCE]; /* random, drawn together */
};

/* 0 or -ENOMEM, which stands for whatever OpenSSL lacks. */
int seal_ring_make(struct seal_ring *ring, const struct key_file *keys, const char *scope);
int seal_tools_open(struct seal_tools *tools);
void seal_tools_close(struct seal_tools *tools);
/* In a child of fork(): forgets what its parent may use, too. */
void seal_tools_forked(struct seal_tools *tools);

/* The key on the wire. Plain (slot NULL): the id, padded with zeros. */
bool seal_name(struct seal_tools *tools, const struct seal_slot *slot, const struct sessiond_id *id,
	uint8_t wire_key[SESSD_KEY_SIZE]);

/* Writes `len` + SESSIOND_SEAL_OVERHEAD bytes. */
bool seal_value(struct seal_tools *tools, const struct seal_slot *slot,
	const struct sessiond_id *id, const uint8_t wire_key[SESSD_KEY_SIZE], const uint8_t *value,
	size_t len, uint8_t *sealed);

/* Writes `len` - SESSIOND_SEAL_OVERHEAD bytes. False if it was not sealed by this slot, under this
 * wire key and binding; then nothing is left in `value`. */
bool seal_open(struct seal_tools *tools, const struct seal_slot *slot, const struct sessiond_id *id,
	const uint8_t wire_key[SESSD_KEY_SIZE], const uint8_t *sealed, size_t len, uint8_t *value);

#endif
