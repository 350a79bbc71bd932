/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Options against the host: interfaces and memory.
 */
#include "options.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>

#include "lifetime.h"
#include "privileges.h"
#include "text.h"

/* What the kernel spends on a session of the XDP map, at most, for values up to the default
 * maximum: element, bucket, visited mark, and the overflow element of a long one. */
#define KERNEL_BYTES 512

static uint64_t memory_available(void)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *file = fopen("/proc/meminfo", "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	fclose(file);
	return kib * 1024;
}

static uint64_t bytes_needed(const struct options *options)
{
	struct table_config table = {
		.capacity = options->capacity, .value_max = options->value_max};
	uint64_t lifetimes = lifetime_reserved_bytes(options->capacity);
	uint64_t served_here = table_reserved_bytes(&table), mirrored;

	if (options->interface_count == 0)
		return served_here + lifetimes;
	table.value_max = 0;
	mirrored = table_reserved_bytes(&table) + (uint64_t)options->capacity * KERNEL_BYTES;
	if (options->value_max > SESSD_VALUE_DEFAULT_MAX)
		mirrored += (uint64_t)options->capacity *
			    (options->value_max - SESSD_VALUE_DEFAULT_MAX);
	/* auto may come to either. */
	if (options->mode == MODE_AUTO && served_here > mirrored)
		return served_here + lifetimes;
	return mirrored + lifetimes;
}

int options_check_host(const struct options *options)
{
	uint64_t needed, available;
	struct identity identity;
	int err;

	for (size_t i = 0; i < options->interface_count; i++)
		if (if_nametoindex(options->interfaces[i]) == 0) {
			char quoted[TEXT_QUOTE];

			return error_set(EINVAL,
				"--interface %s: no such interface here: `ip link` lists them",
				text_quote(options->interfaces[i], quoted));
		}
	for (size_t i = 0; i < options->listen_count; i++) {
		const struct endpoint *listen = &options->listen[i];
		char text[ADDRESS_TEXT];

		if (listen->scope[0] && if_nametoindex(listen->scope) == 0)
			return error_set(EINVAL,
				"--listen %s: there is no such interface here: `ip link` lists "
				"them",
				endpoint_format(listen, text));
	}
#ifdef HAVE_DPDK
	if (options->mode == MODE_DPDK) {
		err = engine_dpdk_check(options->listen, options->listen_count, options->dpdk_args);
		if (err)
			return err;
	}
#endif
	err = privileges_identity(options, &identity);
	if (err)
		return err;
	needed = bytes_needed(options);
	available = memory_available();
	if (available > 0 && needed > available)
		return error_set(EINVAL,
			"--capacity %u: needs up to %llu MiB of memory, %llu MiB are available: "
			"lower it, or --max-session",
			options->capacity, (unsigned long long)(needed >> 20),
			(unsigned long long)(available >> 20));
	return 0;
}
