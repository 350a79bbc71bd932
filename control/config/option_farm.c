/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/config/option_farm.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/key_file.h"
#include "common/text.h"

#define URL_EXPECTED \
	"expected redis://HOST[:PORT], rediss://HOST[:PORT] or unix:///PATH, with USER:PASSWORD@ " \
	"before HOST or PATH if the server asks for it"

#define ENGINES_WAIT_MS 1000

static const char *after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool is_port(const char *text)
{
	uint64_t port;

	return text_number(text, 1, 65535, &port);
}

/* HOST[:PORT]; an IPv6 address in brackets. */
static bool is_host(const char *text)
{
	char host[FARM_URL_MAX];
	size_t len;

	if (*text == '[') {
		struct in6_addr address;

		len = strcspn(++text, "]");
		if (text[len] != ']')
			return false;
		memcpy(host, text, len);
		host[len] = '\0';
		text += len + 1;
		if (inet_pton(AF_INET6, host, &address) != 1)
			return false;
	} else {
		len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   ".-_");
		if (len == 0 || *text == '.' || *text == '-')
			return false;
		text += len;
	}
	return *text == '\0' || (*text == ':' && is_port(text + 1));
}

const char *option_farm_check_url(const char *url)
{
	const char *rest, *at, *path = after(url, "unix://");

	rest = path ? path : after(url, "redis://");
	if (!rest)
		rest = after(url, "rediss://");
	if (!rest)
		return URL_EXPECTED;
	if (strlen(url) >= FARM_URL_MAX)
		return "too long, expected at most 255 bytes";
	for (const char *c = rest; *c; c++)
		if (!isgraph((unsigned char)*c))
			return "there is a blank or a control character in it: write %20 for a "
			       "blank in a password";
	at = strrchr(rest, '@');
	if (at)
		rest = at + 1;
	if (path ? rest[0] != '/' || !rest[1] : !is_host(rest))
		return URL_EXPECTED;
	return NULL;
}

const char *option_farm_check_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > FARM_NAME_MAX)
		return "expected 1 to 32 characters";
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr(".-_", name[i]))
			return "expected letters, digits, '.', '-' and '_'";
	return NULL;
}

int option_farm_host_name(char name[FARM_NAME_MAX + 1])
{
	char host[HOST_NAME_MAX + 1] = "";
	const char *wrong;

	gethostname(host, sizeof(host) - 1);
	wrong = option_farm_check_name(host);
	if (wrong)
		return error_set(EINVAL,
			"the host's name cannot be the name of this cache in its farm (%s): add "
			"--farm-node NAME",
			wrong);
	strcpy(name, host);
	return 0;
}

struct farm_config option_farm_config(const struct options *options)
{
	struct farm_config config = {
		.engine_count = options->farm.count,
		.key_file = options->farm_key,
		.ca_file = options->farm_ca[0] ? options->farm_ca : NULL,
		.name = options->farm_name,
		.node = options->farm_node,
		.capacity = options->engine.capacity,
		.value_max = options->engine.value_max,
		.takes_local = options->engine.take == TAKE_LOCAL,
		.on_thread = options->engine.on_thread,
	};

	for (unsigned i = 0; i < options->farm.count; i++)
		config.engines[i] = options->farm.urls[i];
	return config;
}

static int check_key(const struct options *options, const struct identity *identity)
{
	struct key_file keys;
	char why[512];
	int err = key_file_read(options->farm_key, &keys);

	explicit_bzero(&keys, sizeof(keys));
	if (!err)
		return 0;
	snprintf(why, sizeof(why), "%s", error_message());
	return error_set(EINVAL, "--farm-key %s%s%s%s", why,
		identity->change ? " (the daemon reads it as user " : "",
		identity->change ? identity->name : "", identity->change ? ")" : "");
}

static int check(const struct options *options, const struct identity *identity)
{
	struct farm_config config = option_farm_config(options);
	char why[512];
	int err = check_key(options, identity);

	if (err || farm_check(&config) == 0)
		return err;
	snprintf(why, sizeof(why), "%s", error_message());
	return error_set(EINVAL, "--farm: %s", why);
}

int option_farm_check(const struct options *options, const struct identity *identity)
{
	bool become = identity->change && geteuid() == 0;
	int err, dumpable = prctl(PR_GET_DUMPABLE);
	gid_t gid = getegid();

	/* As the daemon reads it, which has given up its privileges by then. */
	if (become && (setegid(identity->gid) < 0 || seteuid(identity->uid) < 0))
		err = error_set(EINVAL, "--farm: cannot become user %s: %s", identity->name,
			strerror(errno));
	else
		err = check(options, identity);
	if (become && (seteuid(0) < 0 || setegid(gid) < 0))
		return error_set(EINVAL, "--farm: cannot become root again: %s", strerror(errno));
	/* A change of user resets it, and LeakSanitizer needs it. */
	prctl(PR_SET_DUMPABLE, dumpable);
	return err;
}

void option_farm_check_engines(
	const struct options *options, void (*tell)(void *ctx, const char *line), void *ctx)
{
	struct farm_config config = option_farm_config(options);
	int dumpable = prctl(PR_GET_DUMPABLE);
	struct identity identity;
	bool become;

	if (config.engine_count == 0 || identity_find(&identity, options->user,
						engine_mode_has(options->mode, ENGINE_DRIVERS)) < 0)
		return;
	/* Only the daemon's user may reach the socket of an engine, by one of its groups. */
	become = identity.change && geteuid() == 0;
	if (become && (initgroups(identity.name, identity.gid) < 0 || setegid(identity.gid) < 0 ||
			      seteuid(identity.uid) < 0))
		return;
	farm_check_engines(&config, ENGINES_WAIT_MS, tell, ctx);
	if (become && seteuid(0) == 0)
		prctl(PR_SET_DUMPABLE, dumpable); /* as above */
}
