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
#include "control/host/host_memory.h"
#include "control/host/identity.h"
#include "control/sessions/lifetime.h"

/* Of the kernel, for xdp mode: nothing where the start adopts maps that have it already. */
static uint64_t kernel_bytes(const struct options *options, bool *adopts)
{
#ifdef HAVE_XDP
	*adopts = engine_xdp_would_adopt(&options->engine);
	return *adopts ? 0
		       : engine_xdp_kernel_bytes(
				 options->engine.capacity, options->engine.value_max);
#else
	(void)options;
	*adopts = false;
	return 0;
#endif
}

uint64_t options_memory_needed(const struct options *options)
{
	struct table_config table = {
		.capacity = options->engine.capacity, .value_max = options->engine.value_max};
	uint64_t lifetimes = lifetime_reserved_bytes(options->engine.capacity);
	uint64_t served_here = table_reserved_bytes(&table), mirrored;
	bool adopts;

	if (options->engine.interface_count == 0)
		return served_here + lifetimes;
	table.value_max = 0;
	mirrored = table_reserved_bytes(&table) + kernel_bytes(options, &adopts);
	/* auto may come to either. */
	if (options->mode == MODE_AUTO && !adopts && served_here > mirrored)
		return served_here + lifetimes;
	return mirrored + lifetimes;
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
			return error_set(EINVAL,
				"--listen %s: there is no such interface here: `ip link` lists "
				"them",
				endpoint_format(listen, text));
	}
#ifdef HAVE_DPDK
	if (options->mode == MODE_DPDK) {
		err = engine_dpdk_check(options->engine.listen, options->engine.listen_count,
			options->engine.dpdk_args);
		if (err)
			return err;
	}
#endif
	err = identity_find(&identity, options->user, options->mode == MODE_DPDK);
	if (err)
		return err;
	needed = options_memory_needed(options);
	available = host_memory_available("");
	if (available > 0 && needed > available)
		return error_set(EINVAL,
			"--capacity %u: needs up to %llu MiB of memory, %llu MiB are available: "
			"lower it, or --max-session",
			options->engine.capacity, (unsigned long long)(needed >> 20),
			(unsigned long long)(available >> 20));
	return 0;
}
