/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/stats/losses.h"

#include <stdlib.h>
#include <string.h>

/* In dpdk mode all that is on the wire comes here, what the kernel would pass over in silence too.
 * The alert SessiondDrops leaves out the same. */
static const char *const for_others[] = {"other_host", "not_ip", "arp", "icmp", "not_udp",
	"other_port", "not_local", "ip_options", "fragment"};

static const char *after(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(name, prefix, len) == 0 ? name + len : NULL;
}

/* What a port had no descriptor or buffer for: "0_imissed", after "dpdk_port". */
static bool is_port_loss(const char *rest)
{
	char *end;

	strtoul(rest, &end, 10);
	return end > rest && (strcmp(end, "_imissed") == 0 || strcmp(end, "_rx_nombuf") == 0);
}

bool figure_is_loss(const char *name)
{
	const char *reason = after(name, "dpdk_drop_"), *port = after(name, "dpdk_port");

	if (port)
		return is_port_loss(port);
	if (!reason)
		return after(name, "drop_") || after(name, "xsk_drop_");
	for (size_t i = 0; i < sizeof(for_others) / sizeof(for_others[0]); i++)
		if (strcmp(reason, for_others[i]) == 0)
			return false;
	return true;
}
