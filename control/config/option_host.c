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

int options_check_host(const struct options *options)
{
	uint64_t needed, available;
	struct identity identity;
	int err;

	for (size_t i = 0; i < options->engine.interface_count; i++)
		if (if_nametoindex(options->engine.interfaces[i]) == 0) {
			char quoted[TEXT_QUOTE];

			return error_set(ENODEV,
				"--interface %s: no such interface here: `ip link` lists them",
				text_quote(options->engine.interfaces[i], quoted));
		}
	for (size_t i = 0; i < options->engine.listen_count; i++) {
		const struct endpoint *listen = &options->engine.listen[i];
		char text[ADDRESS_TEXT];

		if (listen->scope[0] && if_nametoindex(listen->scope) == 0)
			return error_set(ENODEV,
				"--listen %s: there is no such interface here: `ip link` lists "
				"them",
				endpoint_format(listen, text));
	}
	if (options->mode && options->mode->ops->check) {
		err = options->mode->ops->check(&options->engine);
		if (err)
			return err;
	}
	err = identity_find(
		&identity, options->user, engine_mode_has(options->mode, ENGINE_DRIVERS));
	if (err)
		return err;
	if (options->farm.count > 0) {
		err = option_farm_check(options, &identity);
		if (err)
			return err;
	}
	needed = memory_needed_here(options);
	available = host_memory_available("");
	/* Memory in use elsewhere may become free; a limit stays. */
	if (available > 0 && needed > available)
		return error_set(needed > host_memory_limit("") ? EINVAL : ENOMEM,
			"--capacity %u: needs up to %llu MiB of memory, %llu MiB are available: "
			"lower it, or --max-session",
			options->engine.capacity, (unsigned long long)(needed >> 20),
			(unsigned long long)(available >> 20));
	return 0;
}
