/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/farm/engine_url.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "common/log.h"
#include "common/text.h"

#define ADVICE "expected redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX; false if it does not fit, or would hold a NUL. */
static bool decode(const char *from, size_t size, char *to, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		char c = from[i];

		if (c == '%') {
			int high = i + 2 < size ? digit(from[i + 1]) : -1;
			int low = high >= 0 ? digit(from[i + 2]) : -1;

			if (low < 0 || (high == 0 && low == 0))
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (n + 1 >= room)
			return false;
		to[n++] = c;
	}
	to[n] = '\0';
	return true;
}

static bool parse_user(const char *text, size_t size, struct engine_url *url)
{
	const char *colon = memchr(text, ':', size);
	size_t user = colon ? (size_t)(colon - text) : size;

	if (!colon)
		return false;
	return decode(text, user, url->user, sizeof(url->user)) &&
	       decode(colon + 1, size - user - 1, url->password, sizeof(url->password)) &&
	       url->password[0] != '\0';
}

static bool host_valid(const char *host)
{
	if (!*host)
		return false;
	for (; *host; host++)
		if (!isalnum((unsigned char)*host) && !strchr(".-_:%", *host))
			return false;
	return true;
}

/* HOST, HOST:PORT, [IPv6] or [IPv6]:PORT, perhaps with / or /0, the only database that is used. */
static bool parse_host(const char *text, struct engine_url *url)
{
	const char *end = text + strcspn(text, "/"), *port = NULL, *host = text, *host_end = end;
	uint64_t number = FARM_PORT;
	char digits[6];

	if (*end && strcmp(end, "/") != 0 && strcmp(end, "/0") != 0)
		return false;
	if (*text == '[') {
		host++;
		host_end = memchr(text, ']', (size_t)(end - text));
		if (!host_end || (host_end + 1 != end && host_end[1] != ':'))
			return false;
		port = host_end + 1 == end ? NULL : host_end + 2;
	} else {
		const char *colon = memchr(text, ':', (size_t)(end - text));

		if (colon) {
			host_end = colon;
			port = colon + 1;
		}
	}
	if (port) {
		if ((size_t)(end - port) >= sizeof(digits))
			return false;
		memcpy(digits, port, (size_t)(end - port));
		digits[end - port] = '\0';
		if (!text_number(digits, 1, UINT16_MAX, &number))
			return false;
	}
	if ((size_t)(host_end - host) >= sizeof(url->host))
		return false;
	memcpy(url->host, host, (size_t)(host_end - host));
	url->port = (uint16_t)number;
	return host_valid(url->host);
}

static bool parse_path(const char *text, struct engine_url *url)
{
	if (*text != '/' || strlen(text) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return false;
	url->local = true;
	memcpy(url->host, text, strlen(text) + 1);
	return true;
}

int engine_url_parse(const char *text, struct engine_url *url)
{
	static const char *const schemes[] = {"redis://", "rediss://", "unix://"};
	char quoted[TEXT_QUOTE];
	const char *rest = NULL, *at;
	size_t scheme;

	memset(url, 0, sizeof(*url));
	for (scheme = 0; scheme < 3; scheme++) {
		if (strncmp(text, schemes[scheme], strlen(schemes[scheme])) == 0) {
			rest = text + strlen(schemes[scheme]);
			break;
		}
	}
	if (!rest) {
		/* A password may be in it, whatever it is. */
		at = strrchr(text, '@');
		text_quote(at ? at + 1 : text, quoted);
		return error_set(EINVAL, "%s: " ADVICE, quoted);
	}
	url->tls = scheme == 1;
	/* A password may hold an @ of its own; a host cannot. A path can, but not before its /. */
	at = scheme == 2 ? NULL : strrchr(rest, '@');
	if (scheme == 2 && *rest != '/') {
		const char *slash = strchr(rest, '/');

		at = slash && slash > rest && slash[-1] == '@' ? slash - 1 : NULL;
	}
	if (at && !parse_user(rest, (size_t)(at - rest), url)) {
		explicit_bzero(url, sizeof(*url));
		text_quote(at + 1, quoted);
		return error_set(EINVAL,
			"%s%s: the user and password before the @ are not USER:PASSWORD, with %%XX "
			"for "
			"special characters",
			schemes[scheme], quoted);
	}
	if (at)
		rest = at + 1;
	if ((size_t)snprintf(url->shown, sizeof(url->shown), "%s%s", schemes[scheme], rest) >=
			sizeof(url->shown) ||
		!(scheme == 2 ? parse_path(rest, url) : parse_host(rest, url))) {
		explicit_bzero(url, sizeof(*url));
		text_quote(rest, quoted);
		return error_set(EINVAL, "%s%s: " ADVICE, schemes[scheme], quoted);
	}
	return 0;
}
