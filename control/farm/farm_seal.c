/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/farm/farm_seal.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "common/log.h"

#define NONCE	  12
#define USE_MAX	  32
#define INFO_SIZE (ENTRY_BOOT + 4 + 2 + FARM_NAME_MAX)

static char sha256[] = "SHA256";

int farm_seal_tools_open(struct farm_seal_tools *tools)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	memset(tools, 0, sizeof(*tools));
	if (kdf)
		tools->kdf = EVP_KDF_CTX_new(kdf);
	if (mac)
		tools->mac = EVP_MAC_CTX_new(mac);
	tools->aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	EVP_KDF_free(kdf);
	EVP_MAC_free(mac);
	if (tools->kdf && tools->mac && tools->aes)
		return 0;
	farm_seal_tools_close(tools);
	return error_set(ENOMEM, "OpenSSL has no HKDF, HMAC or AES-256-GCM, or no memory");
}

void farm_seal_tools_close(struct farm_seal_tools *tools)
{
	EVP_KDF_CTX_free(tools->kdf);
	EVP_MAC_CTX_free(tools->mac);
	EVP_CIPHER_free(tools->aes);
	memset(tools, 0, sizeof(*tools));
}

static bool hkdf(EVP_KDF_CTX *kdf, int mode, const uint8_t key[32], const void *info,
	size_t info_size, uint8_t *out, size_t size)
{
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, 32),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_size),
		OSSL_PARAM_construct_end(),
	};

	return EVP_KDF_derive(kdf, out, size, params) == 1;
}

/* One use of a file's key. The use's NUL separates it from the farm's name. */
static bool derive(EVP_KDF_CTX *kdf, const uint8_t key[32], const char *use, const char *farm,
	uint8_t *out, size_t size)
{
	char info[USE_MAX + FARM_NAME_MAX];
	size_t use_size = strlen(use) + 1, farm_size = strnlen(farm, FARM_NAME_MAX);

	memcpy(info, use, use_size);
	memcpy(info + use_size, farm, farm_size);
	return hkdf(kdf, EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND, key, info, use_size + farm_size, out,
		size);
}

int farm_ring_make(struct farm_ring *ring, const struct key_file *keys, const char *farm)
{
	struct farm_seal_tools tools;
	bool ok = true;
	int ret;

	memset(ring, 0, sizeof(*ring));
	ret = farm_seal_tools_open(&tools);
	if (ret < 0)
		return ret;
	ring->count = keys->count;
	for (unsigned i = 0; i < keys->count && ok; i++) {
		struct farm_ring_key *to = &ring->keys[i];
		const uint8_t *key = keys->keys[i].key;

		ok = derive(tools.kdf, key, "sessiond farm 1 id", farm, to->id, sizeof(to->id)) &&
		     derive(tools.kdf, key, "sessiond farm 1 seal", farm, to->seal,
			     sizeof(to->seal)) &&
		     derive(tools.kdf, key, "sessiond farm 1 take", farm, to->take,
			     sizeof(to->take));
	}
	farm_seal_tools_close(&tools);
	return ok ? 0 : error_set(ENOMEM, "OpenSSL cannot derive keys");
}

bool farm_take_name(const struct farm_seal_tools *tools, const struct farm_ring_key *key, char use,
	const void *what, size_t size, uint8_t name[FARM_TAKE_NAME])
{
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
		OSSL_PARAM_construct_end(),
	};
	uint8_t whole[32];
	size_t done = 0;

	if (EVP_MAC_init(tools->mac, key->take, sizeof(key->take), params) != 1 ||
		EVP_MAC_update(tools->mac, (const uint8_t *)&use, 1) != 1 ||
		EVP_MAC_update(tools->mac, what, size) != 1 ||
		EVP_MAC_final(tools->mac, whole, &done, sizeof(whole)) != 1 ||
		done != sizeof(whole)) {
		ERR_clear_error();
		return false;
	}
	memcpy(name, whole, FARM_TAKE_NAME);
	return true;
}

void farm_subkey_close(struct farm_subkey *subkey)
{
	EVP_CIPHER_CTX_free(subkey->cipher);
	memset(subkey, 0, sizeof(*subkey));
}

/* Makes the subkey serve this header. */
static bool prepare(const struct farm_seal_tools *tools, const struct farm_ring_key *key,
	struct farm_subkey *subkey, const struct entry_header *header, int encrypt)
{
	uint8_t secret[32], info[INFO_SIZE] = {0};
	uint32_t epoch = htobe32(header->epoch);
	uint16_t shard = htobe16(header->shard);
	bool ok;

	if (subkey->ready && subkey->epoch == header->epoch &&
		memcmp(subkey->key_id, key->id, ENTRY_KEY_ID) == 0)
		return true;
	subkey->ready = false;
	if (!subkey->cipher)
		subkey->cipher = EVP_CIPHER_CTX_new();
	if (!subkey->cipher)
		return false;
	memcpy(info, header->boot, ENTRY_BOOT);
	memcpy(info + ENTRY_BOOT, &epoch, 4);
	memcpy(info + ENTRY_BOOT + 4, &shard, 2);
	memcpy(info + ENTRY_BOOT + 6, header->node, strlen(header->node));
	ok = hkdf(tools->kdf, EVP_KDF_HKDF_MODE_EXPAND_ONLY, key->seal, info, sizeof(info), secret,
		     sizeof(secret)) &&
	     EVP_CipherInit_ex2(subkey->cipher, tools->aes, secret, NULL, encrypt, NULL) == 1;
	OPENSSL_cleanse(secret, sizeof(secret));
	subkey->ready = ok;
	subkey->epoch = header->epoch;
	memcpy(subkey->key_id, key->id, ENTRY_KEY_ID);
	return ok;
}

static void make_nonce(uint8_t nonce[NONCE], uint64_t sequence)
{
	sequence = htobe64(sequence);
	memset(nonce, 0, NONCE - sizeof(sequence));
	memcpy(nonce + NONCE - sizeof(sequence), &sequence, sizeof(sequence));
}

size_t farm_seal(const struct farm_seal_tools *tools, const struct farm_ring *ring,
	struct farm_subkey *subkey, struct entry_header *header, const struct batch *batch,
	uint8_t out[ENTRY_MAX])
{
	uint8_t nonce[NONCE], *text = out + ENTRY_HEADER;
	int done = 0, rest = 0;
	bool ok;

	header->records = batch->records;
	header->epoch = (uint32_t)(header->sequence >> ENTRY_EPOCH_SHIFT);
	memcpy(header->key_id, ring->keys[0].id, ENTRY_KEY_ID);
	entry_header_write(header, out);
	make_nonce(nonce, header->sequence);
	ERR_set_mark();
	ok = prepare(tools, &ring->keys[0], subkey, header, 1) &&
	     EVP_CipherInit_ex2(subkey->cipher, NULL, NULL, nonce, 1, NULL) == 1 &&
	     EVP_CipherUpdate(subkey->cipher, NULL, &rest, out, ENTRY_HEADER) == 1 &&
	     EVP_CipherUpdate(subkey->cipher, text, &done, batch->body, (int)batch->size) == 1 &&
	     EVP_CipherFinal_ex(subkey->cipher, text + done, &rest) == 1 &&
	     (uint32_t)(done + rest) == batch->size &&
	     EVP_CIPHER_CTX_ctrl(
		     subkey->cipher, EVP_CTRL_AEAD_GET_TAG, ENTRY_TAG, text + batch->size) == 1;
	ERR_pop_to_mark();
	return ok ? ENTRY_MIN + batch->size : 0;
}

int farm_open(const struct farm_seal_tools *tools, const struct farm_ring *ring,
	struct farm_subkey *subkey, const struct entry_header *header, const uint8_t *entry,
	size_t size, uint8_t out[ENTRY_BODY_MAX], enum farm_refused *why)
{
	const struct farm_ring_key *key = NULL;
	const uint8_t *text = entry + ENTRY_HEADER;
	size_t text_size = size - ENTRY_MIN;
	uint8_t nonce[NONCE];
	int done = 0, rest = 0;
	bool ok;

	for (unsigned i = 0; i < ring->count && !key; i++)
		if (memcmp(ring->keys[i].id, header->key_id, ENTRY_KEY_ID) == 0)
			key = &ring->keys[i];
	if (!key) {
		*why = FARM_REFUSED_KEY;
		return -1;
	}
	make_nonce(nonce, header->sequence);
	ERR_set_mark();
	ok = prepare(tools, key, subkey, header, 0) &&
	     EVP_CipherInit_ex2(subkey->cipher, NULL, NULL, nonce, 0, NULL) == 1 &&
	     EVP_CipherUpdate(subkey->cipher, NULL, &rest, entry, ENTRY_HEADER) == 1 &&
	     EVP_CipherUpdate(subkey->cipher, out, &done, text, (int)text_size) == 1 &&
	     EVP_CIPHER_CTX_ctrl(subkey->cipher, EVP_CTRL_AEAD_SET_TAG, ENTRY_TAG,
		     (void *)(text + text_size)) == 1 &&
	     EVP_CipherFinal_ex(subkey->cipher, out + done, &rest) == 1 &&
	     (size_t)done + (size_t)rest == text_size;
	ERR_pop_to_mark();
	if (ok)
		return 0;
	OPENSSL_cleanse(out, text_size);
	*why = FARM_REFUSED_SEAL;
	return -1;
}
