/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Asks a cache, here or elsewhere, whether it is ready: a GET of the status key, as any client
 * sends it, so that the answer is the fast path's.
 */
#include "control/sessionctl/sessionctl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sessiond/protocol.h>

#include "common/address.h"
#include "common/text.h"

/* A lost datagram must not take a cache out of service; less than a second in all. */
#define TRIES	3
#define WAIT_MS 300

static int open_socket(const struct endpoint *endpoint)
{
	struct sockaddr_storage address;
	socklen_t size = endpoint_to_sockaddr(endpoint, &address);
	int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(errno, "cannot open a socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, size) == 0)
		return fd;
	error_set(errno, "cannot send to it: %s", strerror(errno));
	close(fd);
	return -1;
}

/* The length of the reply, 0 for none within its time; or a negative errno. */
static ssize_t ask_once(int fd, const struct sessd_header *request, uint8_t *reply, size_t room)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	ssize_t n = send(fd, request, sizeof(*request), 0);

	if (n == (ssize_t)sizeof(*request) && poll(&pfd, 1, WAIT_MS) == 0)
		return 0;
	if (n >= 0)
		n = recv(fd, reply, room, MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

/* Whether the word `word` is in the text of the status. */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += len)
		if ((at == text || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' '))
			return true;
	return false;
}

static int judge(const struct sessd_header *request, const uint8_t *reply, size_t length)
{
	const struct sessd_header *header = (const struct sessd_header *)reply;
	char text[SESSD_STATUS_MAX + 1], quoted[TEXT_QUOTE];

	if (length < sizeof(*header) || header->version != SESSD_VERSION ||
		memcmp(header->key, request->key, SESSD_KEY_SIZE) != 0)
		return error_set(EPROTO, "what answers is no sessiond");
	if (header->type != SESSD_OK)
		return error_set(ENOENT,
			"it answers, but has no status: its daemon is dead or stuck, or is older "
			"than this program");
	snprintf(text, sizeof(text), "%.*s", (int)(length - sizeof(*header)),
		(const char *)reply + sizeof(*header));
	if (!has_word(text, "state=" SESSD_STATUS_READY))
		return error_set(EAGAIN, "it is not ready: %s", text_quote(text, quoted));
	puts(text);
	return 0;
}

static int check(const struct endpoint *endpoint)
{
	struct sessd_header request = {
		.version = SESSD_VERSION, .type = SESSD_GET, .key = SESSD_STATUS_KEY};
	uint8_t reply[SESSD_HEADER_SIZE + SESSD_VALUE_LIMIT] = {0};
	ssize_t length = 0;
	int fd = open_socket(endpoint);

	if (fd < 0)
		return -1;
	for (unsigned i = 0; i < TRIES && length == 0; i++)
		length = ask_once(fd, &request, reply, sizeof(reply));
	close(fd);
	if (length < 0)
		return error_set((int)-length, "it cannot be asked: %s", strerror((int)-length));
	if (length == 0)
		return error_set(ETIMEDOUT, "no reply within %d ms", TRIES * WAIT_MS);
	return judge(&request, reply, (size_t)length);
}

int ctl_check(const struct ctl *ctl)
{
	char text[ADDRESS_TEXT], why[256], quoted[TEXT_QUOTE];
	struct endpoint endpoint;

	if (endpoint_parse(ctl->argument, ctl->port ? ctl->port : SESSD_PORT, &endpoint) < 0 ||
		endpoint.any) {
		error_set(EINVAL,
			"check %s: expected ADDR, ADDR:PORT or [IPV6]:PORT, an address as "
			"a number",
			text_quote(ctl->argument, quoted));
		return ctl_fail(EXIT_USAGE);
	}
	if (check(&endpoint) == 0)
		return EXIT_SUCCESS;
	snprintf(why, sizeof(why), "%s", error_message());
	error_set(EIO, "%s: %s", endpoint_format(&endpoint, text), why);
	return ctl_fail(EXIT_RUNTIME);
}
