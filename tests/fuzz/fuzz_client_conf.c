/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * client.conf, up to a client. What is taken names caches within the limits; what is refused says
 * why in one line that a terminal can print and that has no value in it but addresses. No key file
 * is read: fuzz_key_file does that.
 */
#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "client/client_private.h"
#include "client/preload/settings.h"

static int fd;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[32];

	(void)argc;
	(void)argv;
	fd = memfd_create("client.conf", MFD_CLOEXEC);
	if (fd < 0)
		FUZZ_SKIP("no memfd can be made");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	setenv("SESSIOND_CLIENT_CONF", path, 1);
	return 0;
}

static void check_message(const char *text)
{
	size_t len = strnlen(text, SESSIOND_ERROR_SIZE);

	if (len == 0)
		FUZZ_FAIL("an error without a message");
	if (len == SESSIOND_ERROR_SIZE)
		FUZZ_FAIL("a message without an end");
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			FUZZ_FAIL("a control character in a message: %s", text);
}

static void check_client(const sessiond_client *client)
{
	if (client->cache_count < 1 || client->cache_count > SESSIOND_CACHES_MAX)
		FUZZ_FAIL("%u caches", client->cache_count);
	if (client->copies < 1 || client->copies > 2 || client->copies > client->cache_count)
		FUZZ_FAIL("%u copies of %u caches", client->copies, client->cache_count);
	if (client->deadline_ns < 100000 || client->deadline_ns > 1000000000)
		FUZZ_FAIL("a deadline of %lu ns", (unsigned long)client->deadline_ns);
	if (client->value_max > SESSIOND_VALUE_LIMIT || client->lifetime_s > 604800)
		FUZZ_FAIL("values of %u bytes, for %u s", client->value_max, client->lifetime_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[SESSIOND_ERROR_SIZE];
	struct settings settings;
	sessiond_client *client;
	int ret;

	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	ret = settings_read(&settings, error);
	if (ret < 0)
		check_message(error);
	if (ret <= 0)
		return 0;
	settings.named.options.key_file = settings.named.options.scope = NULL;
	if (sessiond_open(&client, &settings.named.options, error, sizeof(error)) < 0) {
		check_message(error);
		if (client)
			FUZZ_FAIL("refused, and yet there is a client");
		return 0;
	}
	check_client(client);
	sessiond_close(client);
	return 0;
}
