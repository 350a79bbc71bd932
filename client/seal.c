/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "client/seal.h"

#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#define FORMAT	   0xd1 /* not 0x30, with which DER begins */
#define KEY_ID	   4
#define NONCE	   12
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
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);

	memset(tools, 0, sizeof(*tools));
	if (mac)
		tools->mac = EVP_MAC_CTX_new(mac);
	if (kdf)
		tools->kdf = EVP_KDF_CTX_new(kdf);
	tools->cipher = EVP_CIPHER_CTX_new();
	tools->aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	EVP_MAC_free(mac);
	EVP_KDF_free(kdf);
	if (tools->mac && tools->kdf && tools->cipher && tools->aes &&
		EVP_MAC_CTX_set_params(tools->mac, digest) == 1 &&
		EVP_KDF_CTX_set_params(tools->kdf, digest) == 1)
		return 0;
	seal_tools_close(tools);
	return -ENOMEM;
}

void seal_tools_close(struct seal_tools *tools)
{
	EVP_MAC_CTX_free(tools->mac);
	EVP_KDF_CTX_free(tools->kdf);
	EVP_CIPHER_CTX_free(tools->cipher);
	EVP_CIPHER_free(tools->aes);
	memset(tools, 0, sizeof(*tools));
}

static bool hkdf(EVP_KDF_CTX *kdf, int mode, const uint8_t key[32], const void *info,
	size_t info_len, uint8_t *out, size_t len)
{
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, 32),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_len),
		OSSL_PARAM_construct_end(),
	};

	return EVP_KDF_derive(kdf, out, len, params) == 1;
}

/* One use of a file's key. */
static bool derive(EVP_KDF_CTX *kdf, const uint8_t key[32], const char *use, const char *scope,
	uint8_t *out, size_t len)
{
	uint8_t info[16 + SESSIOND_SCOPE_MAX];
	size_t use_len = strlen(use) + 1, scope_len = strlen(scope);

	/* The use's end is in it, so that no use and scope are those of another. */
	memcpy(info, use, use_len);
	memcpy(info + use_len, scope, scope_len);
	return hkdf(kdf, EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND, key, info, use_len + scope_len, out,
		len);
}

int seal_ring_make(struct seal_ring *ring, const struct key_file *keys, const char *scope)
{
	struct seal_tools tools;
	bool ok = true;
	int ret;

	ret = seal_tools_open(&tools);
	if (ret < 0)
		return ret;
	ring->count = keys->count;
	for (unsigned i = 0; i < keys->count && ok; i++) {
		struct seal_slot *slot = &ring->slots[i];
		const uint8_t *key = keys->keys[i].key;

		ok = derive(tools.kdf, key, "sessiond 1 id", scope, slot->id, KEY_ID) &&
		     derive(tools.kdf, key, "sessiond 1 name", scope, slot->name, 32) &&
		     derive(tools.kdf, key, "sessiond 1 seal", scope, slot->seal, 32);
	}
	seal_tools_close(&tools);
	return ok ? 0 : -ENOMEM;
}

bool seal_name(const struct seal_tools *tools, const struct seal_slot *slot,
	const struct sessiond_id *id, uint8_t wire_key[SESSD_KEY_SIZE])
{
	size_t len = 0;

	if (!slot) {
		memset(wire_key, 0, SESSD_KEY_SIZE);
		memcpy(wire_key, id->bytes, id->len);
		return true;
	}
	return EVP_MAC_init(tools->mac, slot->name, sizeof(slot->name), NULL) == 1 &&
	       EVP_MAC_update(tools->mac, id->bytes, id->len) == 1 &&
	       EVP_MAC_final(tools->mac, wire_key, &len, SESSD_KEY_SIZE) == 1 &&
	       len == SESSD_KEY_SIZE;
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

static bool begin(const struct seal_tools *tools, const struct seal_slot *slot,
	const struct sessiond_id *id, const uint8_t wire_key[SESSD_KEY_SIZE], const uint8_t *nonce,
	int encrypt)
{
	uint8_t key[32], beside[BOUND_SIZE];
	int done, len = bound(slot, id, wire_key, beside);
	bool ok;

	ok = hkdf(tools->kdf, EVP_KDF_HKDF_MODE_EXPAND_ONLY, slot->seal, wire_key, SESSD_KEY_SIZE,
		     key, sizeof(key)) &&
	     EVP_CipherInit_ex2(tools->cipher, tools->aes, key, nonce, encrypt, NULL) == 1 &&
	     EVP_CipherUpdate(tools->cipher, NULL, &done, beside, len) == 1;
	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

bool seal_value(const struct seal_tools *tools, const struct seal_slot *slot,
	const struct sessiond_id *id, const uint8_t wire_key[SESSD_KEY_SIZE], const uint8_t *value,
	size_t len, uint8_t *sealed)
{
	uint8_t *nonce = sealed + PREFIX, *text = nonce + NONCE;
	int done, rest;

	sealed[0] = FORMAT;
	memcpy(sealed + 1, slot->id, KEY_ID);
	return RAND_bytes(nonce, NONCE) == 1 && begin(tools, slot, id, wire_key, nonce, 1) &&
	       EVP_CipherUpdate(tools->cipher, text, &done, value, (int)len) == 1 &&
	       EVP_CipherFinal_ex(tools->cipher, text + done, &rest) == 1 &&
	       (size_t)(done + rest) == len &&
	       EVP_CIPHER_CTX_ctrl(tools->cipher, EVP_CTRL_AEAD_GET_TAG, TAG, text + len) == 1;
}

bool seal_open(const struct seal_tools *tools, const struct seal_slot *slot,
	const struct sessiond_id *id, const uint8_t wire_key[SESSD_KEY_SIZE], const uint8_t *sealed,
	size_t len, uint8_t *value)
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
	     (size_t)(done + rest) == text_len;
	ERR_pop_to_mark();
	if (!ok)
		OPENSSL_cleanse(value, text_len);
	return ok;
}
