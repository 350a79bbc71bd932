/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Options against the host: interfaces and memory.
 */
#include "control/config/options.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>

#include "common/text.h"
#include "control/config/option_farm.h"
#include "control/config/option_source.h"
#include "control/host/host_memory.h"
#include "control/host/identity.h"
#include "control/host/local_addresses.h"
#include "control/sessions/lifetime.h"
#include "control/sessions/writer_farm.h"

uint64_t options_memory_needed(const struct options *options)
{
	const struct engine_config *config = &options->engine;
	const struct engine_mode *mode = options->mode ? options->mode : engines_auto(NULL, config);
	uint64_t most = 0;

	/* The maximum over the modes that auto may try. It tries no other mode when sessions are
	 * adopted. */
	while (mode) {
		uint64_t needed = engines_memory_needed(mode, config);

		if (needed > most)
			most = needed;
		if (options->mode || (mode->ops->would_adopt && mode->ops->would_adopt(config)))
			break;
		mode = engines_auto(mode, config);
	}
	if (options->farm.count > 0)
		most += writer_farm_bytes(config->capacity);
	return most + lifetime_reserved_bytes(config->capacity);
}

/* With the addresses of this host, of which xdp mode keeps lists. */
static uint64_t memory_needed_here(const struct options *options)
{
	struct options here = *options;

	here.engine.address_count = local_addresses_count();
	return options_memory_needed(&here);
}

/* The first error of a start counts, unless another one does not pass by itself. */
static void keep_worst(int *worst, int err)
{
	if (err && (!*worst || err == -EINVAL))
		*worst = err;
}

static int check_interfaces(const struct options *options, struct option_errors *errors)
{
	char text[ADDRESS_TEXT], quoted[TEXT_QUOTE];
	int worst = 0;

	for (size_t i = 0; i < options->engine.interface_count; i++)
		if (if_nametoindex(options->engine.interfaces[i]) == 0)
			keep_worst(&worst,
				option_errors_about(errors, options, "interface", i, ENODEV,
					"--interface %s: no such interface here: `ip link` lists "
					"them",
					text_quote(options->engine.interfaces[i], quoted)));
	for (size_t i = 0; i < options->engine.listen_count; i++) {
		const struct endpoint *listen = &options->engine.listen[i];

		if (listen->scope[0] && if_nametoindex(listen->scope) == 0)
			keep_worst(&worst,
				option_errors_about(errors, options, "listen", i, ENODEV,
					"--listen %s: there is no such interface here: `ip link` "
					"lists them",
					endpoint_format(listen, text)));
	}
	return worst;
}

/* Memory in use elsewhere may become free; a limit stays. */
static int check_memory(const struct options *options, struct option_errors *errors)
{
	uint64_t needed = memory_needed_here(options), available = host_memory_available("");

	if (available == 0 || needed <= available)
		return 0;
	return option_errors_about(errors, options, "capacity", 0,
		needed > host_memory_limit("") ? EINVAL : ENOMEM,
		"--capacity %u: needs up to %llu MiB of memory, %llu MiB are available: lower it, "
		"or --max-session",
		options->engine.capacity, (unsigned long long)(needed >> 20),
		(unsigned long long)(available >> 20));
}

static int check_user(
	const struct options *options, struct option_errors *errors, struct identity *identity)
{
	int err = identity_find(
		identity, options->user, engine_mode_has(options->mode, ENGINE_DRIVERS));
	char why[512];

	if (!err)
		return 0;
	snprintf(why, sizeof(why), "%s", error_message());
	return option_errors_about(errors, options, "user", 0, -err, "%s", why);
}

/* Adds error_message() if there is an error. */
static int add(struct option_errors *errors, int err)
{
	if (err)
		option_errors_add(errors);
	return err;
}

int options_check_host(const struct options *options, struct option_errors *errors)
{
	struct option_errors own = {0};
	struct identity identity;
	int worst, err;

	if (!errors)
		errors = &own;
	worst = check_interfaces(options, errors);
	if (options->mode && options->mode->ops->check)
		keep_worst(&worst, add(errors, options->mode->ops->check(&options->engine)));
	err = check_user(options, errors, &identity);
	if (!err && options->farm.count > 0)
		err = add(errors, option_farm_check(options, &identity));
	keep_worst(&worst, err);
	keep_worst(&worst, check_memory(options, errors));
	if (worst)
		(void)error_set(EINVAL, "%s", errors->first);
	return worst;
}

void options_check_names(const struct options *options, struct option_errors *errors)
{
	struct identity identity;

	check_interfaces(options, errors);
	if (options->user[0])
		check_user(options, errors, &identity);
}
