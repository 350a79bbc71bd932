/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "client/seal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#define KEEPS_KEY  0x30000030L /* OpenSSL 3.0.3 */
#define FORMAT	   0xd1	       /* not 0x30, with which DER begins */
#define KEY_ID	   4
#define NONCE	   SEAL_NONCE
#define TAG	   16
#define PREFIX	   (1 + KEY_ID)
#define BOUND_SIZE (PREFIX + SESSD_KEY_SIZE + 2 + 1 + SESSIOND_CONTEXT_MAX)

_Static_assert(PREFIX + NONCE + TAG == SESSIOND_SEAL_OVERHEAD, "as the header says");

static char sha256[] = "SHA256";

int seal_tools_open(struct seal_tools *tools)
{
	/* Set once: OpenSSL looks a digest up by its name each time that it is given. */
	const OSSL_PARAM digest[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_ALG_PARAM_DIGEST, sha256, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	bool ok;

	memset(tools, 0, sizeof(*tools));
	if (mac) {
		tools->name.ctx = EVP_MAC_CTX_new(mac);
		tools->seal.ctx = EVP_MAC_CTX_new(mac);
	}
	tools->cipher = EVP_CIPHER_CTX_new();
	/* Before, EVP_MAC_init without a key did nothing, and said that it was done. */
	tools->keeps_key = OpenSSL_version_num() >= KEEPS_KEY;
	/* The cipher once, too: OpenSSL sets the context up anew each time that it is given. */
	ok = tools->name.ctx && tools->seal.ctx && tools->cipher && aes &&
	     EVP_MAC_CTX_set_params(tools->name.ctx, digest) == 1 &&
	     EVP_MAC_CTX_set_params(tools->seal.ctx, digest) == 1 &&
	     EVP_CipherInit_ex2(tools->cipher, aes, NULL, NULL, 1, NULL) == 1;
	EVP_MAC_free(mac);
	EVP_CIPHER_free(aes);
	if (ok)
		return 0;
	seal_tools_close(tools);
	return -ENOMEM;
}

void seal_tools_close(struct seal_tools *tools)
{
	EVP_MAC_CTX_free(tools->name.ctx);
	EVP_MAC_CTX_free(tools->seal.ctx);
	EVP_CIPHER_CTX_free(tools->cipher);
	OPENSSL_cleanse(tools, sizeof(*tools));
}

void seal_tools_forked(struct seal_tools *tools)
{
	tools->nonces_left = 0;
}

/* One use of a file's key. */
static bool derive(EVP_KDF_CTX *kdf, const uint8_t key[32], const char *use, const char *scope,
	uint8_t *out, size_t len)
{
	int mode = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND;
	char info[32 + SESSIOND_SCOPE_MAX];
	/* The use's end is in it, so that no use and scope are those of another. */
	int info_len = snprintf(info, sizeof(info), "%s%c%s", use, '\0', scope);
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, 32),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, (size_t)info_len),
		OSSL_PARAM_construct_end(),
	};

	return EVP_KDF_derive(kdf, out, len, params) == 1;
}

int seal_ring_make(struct seal_ring *ring, const struct key_file *keys, const char *scope)
{
	EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *kdf = hkdf ? EVP_KDF_CTX_new(hkdf) : NULL;
	bool ok = kdf;

	EVP_KDF_free(hkdf);
	ring->count = keys->count;
	for (unsigned i = 0; i < keys->count && ok; i++) {
		struct seal_slot *slot = &ring->slots[i];
		const uint8_t *key = keys->keys[i].key;

		ok = derive(kdf, key, "sessiond 1 id", scope, slot->id, KEY_ID) &&
		     derive(kdf, key, "sessiond 1 name", scope, slot->name, 32) &&
		     derive(kdf, key, "sessiond 1 seal", scope, slot->seal, 32);
	}
	EVP_KDF_CTX_free(kdf);
	return ok ? 0 : -ENOMEM;
}

/* Half of the work is to take up the key: mostly it is the one of before. */
static bool start(struct seal_tools *tools, struct seal_mac *mac, const uint8_t key[32])
{
	if (mac->keyed && memcmp(mac->key, key, sizeof(mac->key)) == 0)
		return EVP_MAC_init(mac->ctx, NULL, 0, NULL) == 1;
	mac->keyed = false;
	if (EVP_MAC_init(mac->ctx, key, sizeof(mac->key), NULL) != 1)
		return false;
	memcpy(mac->key, key, sizeof(mac->key));
	mac->keyed = tools->keeps_key;
	return true;
}

/* HMAC-SHA-256 over `one` and `two`. */
static bool hmac(struct seal_tools *tools, struct seal_mac *mac, const uint8_t key[32],
	const void *one, size_t one_len, const void *two, size_t two_len, uint8_t out[32])
{
	size_t len = 0;

	return start(tools, mac, key) && EVP_MAC_update(mac->ctx, one, one_len) == 1 &&
	       EVP_MAC_update(mac->ctx, two, two_len) == 1 &&
	       EVP_MAC_final(mac->ctx, out, &len, 32) == 1 && len == 32;
}

/* HKDF-Expand over one block (RFC 5869 2.3): HMAC(key, info | 0x01). OpenSSL's own takes more than
 * twice as long to set up. */
static bool expand(struct seal_tools *tools, const uint8_t key[32], const void *info,
	size_t info_len, uint8_t out[32])
{
	static const uint8_t first = 1;

	return hmac(tools, &tools->seal, key, info, info_len, &first, sizeof(first), out);
}

static bool draw_nonce(struct seal_tools *tools, uint8_t nonce[NONCE])
{
	if (tools->nonces_left == 0 &&
		RAND_bytes(tools->nonces[0], (int)sizeof(tools->nonces)) != 1)
		return false;
	if (tools->nonces_left == 0)
		tools->nonces_left = SEAL_NONCES;
	memcpy(nonce, tools->nonces[--tools->nonces_left], NONCE);
	return true;
}

bool seal_name(struct seal_tools *tools, const struct seal_slot *slot, const struct sessiond_id *id,
	uint8_t wire_key[SESSD_KEY_SIZE])
{
	if (!slot) {
		memset(wire_key, 0, SESSD_KEY_SIZE);
		memcpy(wire_key, id->bytes, id->len);
		return true;
	}
	return hmac(tools, &tools->name, slot->name, id->bytes, id->len, NULL, 0, wire_key);
}

/* What is authenticated beside the value. Returns its length. */
static int bound(const struct seal_slot *slot, const struct sessiond_id *id,
	const uint8_t wire_key[SESSD_KEY_SIZE], uint8_t to[BOUND_SIZE])
{
	uint8_t *at = to;

	*at++ = FORMAT;
	memcpy(at, slot->id, KEY_ID);
	at += KEY_ID;
	memcpy(at, wire_key, SESSD_KEY_SIZE);
	at += SESSD_KEY_SIZE;
	*at++ = (uint8_t)(id->tls_version >> 8);
	*at++ = (uint8_t)id->tls_version;
	*at++ = (uint8_t)id->context_len;
	if (id->context_len)
		memcpy(at, id->context, id->context_len);
	return (int)(at - to) + (int)id->context_len;
}

static bool begin(struct seal_tools *tools, const struct seal_slot *slot,
	const struct sessiond_id *id, const uint8_t wire_key[SESSD_KEY_SIZE], const uint8_t *nonce,
	int encrypt)
{
	uint8_t key[32], beside[BOUND_SIZE];
	int done, len = bound(slot, id, wire_key, beside);
	bool ok;

	ok = expand(tools, slot->seal, wire_key, SESSD_KEY_SIZE, key) &&
	     EVP_CipherInit_ex2(tools->cipher, NULL, key, nonce, encrypt, NULL) == 1 &&
	     EVP_CipherUpdate(tools->cipher, NULL, &done, beside, len) == 1;
	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

bool seal_value(struct seal_tools *tools, const struct seal_slot *slot,
	const struct sessiond_id *id, const uint8_t wire_key[SESSD_KEY_SIZE], const uint8_t *value,
	size_t len, uint8_t *sealed)
{
	uint8_t *nonce = sealed + PREFIX, *text = nonce + NONCE;
	int done, rest;

	sealed[0] = FORMAT;
	memcpy(sealed + 1, slot->id, KEY_ID);
	return draw_nonce(tools, nonce) && begin(tools, slot, id, wire_key, nonce, 1) &&
	       EVP_CipherUpdate(tools->cipher, text, &done, value, (int)len) == 1 &&
	       EVP_CipherFinal_ex(tools->cipher, text + done, &rest) == 1 &&
	       (size_t)done + (size_t)rest == len &&
	       EVP_CIPHER_CTX_ctrl(tools->cipher, EVP_CTRL_AEAD_GET_TAG, TAG, text + len) == 1;
}

bool seal_open(struct seal_tools *tools, const struct seal_slot *slot, const struct sessiond_id *id,
	const uint8_t wire_key[SESSD_KEY_SIZE], const uint8_t *sealed, size_t len, uint8_t *value)
{
	const uint8_t *nonce = sealed + PREFIX, *text = nonce + NONCE;
	size_t text_len = len - SESSIOND_SEAL_OVERHEAD;
	int done = 0, rest = 0;
	bool ok;

	if (len <= SESSIOND_SEAL_OVERHEAD || sealed[0] != FORMAT ||
		memcmp(sealed + 1, slot->id, KEY_ID) != 0)
		return false;
	/* A value that does not open is no error of the program's that uses this. */
	ERR_set_mark();
	ok = begin(tools, slot, id, wire_key, nonce, 0) &&
	     EVP_CipherUpdate(tools->cipher, value, &done, text, (int)text_len) == 1 &&
	     EVP_CIPHER_CTX_ctrl(
		     tools->cipher, EVP_CTRL_AEAD_SET_TAG, TAG, (void *)(text + text_len)) == 1 &&
	     EVP_CipherFinal_ex(tools->cipher, value + done, &rest) == 1 &&
	     (size_t)done + (size_t)rest == text_len;
	ERR_pop_to_mark();
	if (!ok)
		OPENSSL_cleanse(value, text_len);
	return ok;
}
