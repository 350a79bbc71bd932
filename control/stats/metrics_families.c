/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/stats/metrics_families.h"

#include <stdio.h>
#include <string.h>

const struct metrics_family metrics_families[] = {
	{"get_retries", "sessiond_lookup_retries_total", NULL, true},
	{"get_*", "sessiond_gets_total", "outcome", true,
		"GETs answered, by what answered and outcome."},
	{"new_*", "sessiond_news_total", "outcome", false,
		"NEWs taken in, by what became of them."},
	{"remove_*", "sessiond_removes_total", "outcome", false,
		"REMOVEs taken in, by what became of them."},
	{"drop_*", "sessiond_dropped_total", "reason", true,
		"Requests dropped without an answer, by reason."},
	{"pass_*", "sessiond_passed_total", "reason", true,
		"Packets that the fast path left to the kernel, by reason."},
	{"send_failed", "sessiond_send_failed_total", NULL, false},
	{"sessions", "sessiond_sessions", NULL, false},
	{"sessions_adopted", "sessiond_sessions_adopted_total", NULL, false},
	{"sessions_*", "sessiond_sessions_ended_total", "reason", false,
		"Sessions that ended, by reason."},
	{"capacity", "sessiond_capacity_sessions", NULL, false},
	{"memory_reserved_bytes", "sessiond_memory_reserved_bytes", NULL, false},
	{"memory_resident_peak_bytes", "sessiond_memory_resident_peak_bytes", NULL, false},
	{"log_dropped", "sessiond_log_dropped_total", NULL, false},
	{"uptime_seconds", "sessiond_uptime_seconds", NULL, false},
	{"mode_*", "sessiond_mode", "mode", false, "1 for the mode that is in use."},
	{"xdp_interfaces_reattached", "sessiond_xdp_reattached_total", NULL, false,
		"Times that the XDP program was put on an interface that had been made anew."},
	{"xdp_interfaces_*", "sessiond_xdp_interfaces", "state", false,
		"Interfaces by how the XDP program is on them."},
	{"xsk_sockets", "sessiond_xsk_sockets", NULL, false, "AF_XDP sockets that NEWs come by."},
	{"xsk_sockets_zero_copy", "sessiond_xsk_sockets_zero_copy", NULL, false},
	{"dpdk_ports", "sessiond_dpdk_ports", NULL, false, "Ports of dpdk mode."},
	{"dpdk_lcores", "sessiond_dpdk_lcores", NULL, false, "Reader lcores of dpdk mode."},
	{"dpdk_port#_link", "sessiond_dpdk_port_link", "port", false,
		"1 while the port's link is up."},
	{"dpdk_port#_queues", "sessiond_dpdk_port_queues", "port", false,
		"Receive queues of the port."},
	{"dpdk_port#_mbufs_free", "sessiond_dpdk_port_mbufs_free", "port", false,
		"Packet buffers of the port that are free."},
	{"dpdk_port#_rx_packets", "sessiond_dpdk_port_rx_packets_total", "port", false,
		"Frames that the port has received."},
	{"dpdk_port#_tx_packets", "sessiond_dpdk_port_tx_packets_total", "port", false,
		"Frames that the port has sent."},
	{"dpdk_port#_imissed", "sessiond_dpdk_port_imissed_total", "port", false,
		"Frames that the port lost because no lcore took them in time."},
	{"dpdk_port#_ierrors", "sessiond_dpdk_port_ierrors_total", "port", false,
		"Frames that the port received broken."},
	{"dpdk_port#_oerrors", "sessiond_dpdk_port_oerrors_total", "port", false,
		"Frames that the port could not send."},
	{"dpdk_port#_rx_nombuf", "sessiond_dpdk_port_rx_nombuf_total", "port", false,
		"Frames that there was no packet buffer for."},
	{"dpdk_lcore#_rx_packets", "sessiond_dpdk_lcore_rx_packets_total", "lcore", false,
		"Frames that the lcore has received."},
	{"dpdk_lcore#_polls", "sessiond_dpdk_lcore_polls_total", "lcore", false,
		"Times that the lcore has looked for frames."},
	{"dpdk_lcore#_empty_polls", "sessiond_dpdk_lcore_empty_polls_total", "lcore", false,
		"Of these, times that there were none."},
	{"dpdk_lcore#_updates_waiting", "sessiond_dpdk_lcore_updates_waiting", "lcore", false,
		"NEWs and REMOVEs on their way from the lcore to the writer."},
	{"threads", "sessiond_threads", NULL, false},
};

const size_t metrics_family_count = sizeof(metrics_families) / sizeof(metrics_families[0]);

const char *const metrics_paths[][2] = {
	{"xdp_", "xdp"}, {"slow_", "daemon"}, {"xsk_", "af_xdp"}, {"dpdk_", "dpdk"}, {NULL, NULL}};

static bool is_like(const char *name, const char *pattern, struct metrics_place *place)
{
	size_t same = strcspn(pattern, "*#"), len = 0;
	const char *rest;

	if (strncmp(name, pattern, same) != 0)
		return false;
	rest = name + same;
	if (pattern[same] == '\0')
		return *rest == '\0';
	len = pattern[same] == '*' ? strlen(rest) : strspn(rest, "0123456789");
	place->value = rest;
	place->value_len = (int)len;
	return len > 0 && strcmp(rest + len, pattern + same + 1) == 0;
}

static const struct metrics_family *match(const char *name, struct metrics_place *place)
{
	for (size_t i = 0; i < metrics_family_count; i++)
		if (is_like(name, metrics_families[i].pattern, place))
			return &metrics_families[i];
	return NULL;
}

static void put_in(struct metrics_place *place, const struct metrics_family *family)
{
	const char *suffix = strrchr(family->name, '_');

	snprintf(place->name, sizeof(place->name), "%s", family->name);
	place->counter = strcmp(suffix, "_total") == 0;
	place->label = family->label;
	place->help = family->help;
}

static void put_alone(struct metrics_place *place, const char *name)
{
	place->counter = !place->figure || place->figure->kind != FIGURE_GAUGE;
	snprintf(place->name, sizeof(place->name), "sessiond_%s%s", name,
		place->counter ? "_total" : "");
	place->help = "As sessionctl stats has it.";
}

struct metrics_place metrics_place_of(const char *name, const char *mode_path)
{
	struct metrics_place place = {.figure = figure_find(name)};
	const struct metrics_family *family;

	for (size_t i = 0; metrics_paths[i][0]; i++) {
		size_t len = strlen(metrics_paths[i][0]);

		if (strncmp(name, metrics_paths[i][0], len) != 0)
			continue;
		family = match(name + len, &place);
		if (!family || !family->path)
			continue;
		if (!place.figure)
			place.figure = figure_find(name + len);
		put_in(&place, family);
		place.path = metrics_paths[i][1];
		return place;
	}
	family = match(name, &place);
	if (family)
		put_in(&place, family);
	else
		put_alone(&place, name);
	if (family && family->path)
		place.path = mode_path;
	return place;
}
