/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Sealing of entries: AES-256-GCM, the header authenticated beside the records.
 *
 *   HKDF-SHA-256 over a key of the key file, the farm's name in each info:
 *     "sessiond farm 1 id"    4 bytes: which key sealed an entry
 *     "sessiond farm 1 seal"  entries are sealed by HKDF-Expand(this, boot, epoch, shard, node)
 *     "sessiond farm 1 take"  names of keys at the arbiter of TAKEs
 *   Nonce: 4 zero bytes, the sequence.
 *
 * A boot is 128 random bits and its sequences never repeat, so no nonce is used twice with one key.
 * An epoch ends after 2^20 entries, far below the bound of 2^32 blocks times entries that NIST SP
 * 800-38D sets.
 */
#ifndef SESSIOND_CONTROL_FARM_FARM_SEAL_H
#define SESSIOND_CONTROL_FARM_FARM_SEAL_H

#include <openssl/evp.h>

#include "common/key_file.h"
#include "control/farm/farm_entry.h"

/* Secret. */
struct farm_ring {
	unsigned count;
	struct farm_ring_key {
		uint8_t id[ENTRY_KEY_ID];
		uint8_t seal[32];
		uint8_t take[32];
	} keys[KEY_FILE_KEYS_MAX]; /* the first seals */
};

/* 0 or -ENOMEM, which stands for whatever OpenSSL lacks, with error_message() set. */
int farm_ring_make(struct farm_ring *ring, const struct key_file *keys, const char *farm);

/* Bytes of a name at the arbiter. */
#define FARM_TAKE_NAME 16

/* What one thread works with. */
struct farm_seal_tools {
	EVP_KDF_CTX *kdf;
	EVP_MAC_CTX *mac;
	EVP_CIPHER *aes; /* fetched once: looking it up each time takes longer than to seal */
};
/* 0 or -ENOMEM with error_message() set. */
int farm_seal_tools_open(struct farm_seal_tools *tools);
void farm_seal_tools_close(struct farm_seal_tools *tools);

/* Names something at the arbiter: HMAC-SHA-256, shortened to 128 bits. `use` separates kinds of
 * things. False if OpenSSL fails. */
bool farm_take_name(const struct farm_seal_tools *tools, const struct farm_ring_key *key, char use,
	const void *what, size_t size, uint8_t name[FARM_TAKE_NAME]);

/* The key of one boot, shard and epoch, ready for use in one direction. Zeroed: none yet. */
struct farm_subkey {
	EVP_CIPHER_CTX *cipher;
	uint32_t epoch;
	uint8_t key_id[ENTRY_KEY_ID];
	bool ready;
};
void farm_subkey_close(struct farm_subkey *subkey);

/* Seals by the ring's first key, and completes header->key_id, epoch and records. Returns the bytes
 * written to `out`; 0 if OpenSSL fails. */
size_t farm_seal(const struct farm_seal_tools *tools, const struct farm_ring *ring,
	struct farm_subkey *subkey, struct entry_header *header, const struct batch *batch,
	uint8_t out[ENTRY_MAX]);

/* Opens an entry whose header entry_header_read read. Writes size - ENTRY_MIN bytes of records.
 * 0; or -1 with *why set, and then nothing is left in `out`. `subkey` serves one boot and shard. */
int farm_open(const struct farm_seal_tools *tools, const struct farm_ring *ring,
	struct farm_subkey *subkey, const struct entry_header *header, const uint8_t *entry,
	size_t size, uint8_t out[ENTRY_BODY_MAX], enum farm_refused *why);

#endif
