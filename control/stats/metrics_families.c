/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/stats/metrics_families.h"

#include <string.h>

const struct metrics_family metrics_families[] = {
	{"get_retries", METRICS_COUNTER, "sessiond_lookup_retries_total", NULL, true,
		"Lookups repeated because the session changed while it was read."},
	{"get_*", METRICS_COUNTER, "sessiond_gets_total", "outcome", true,
		"GETs answered, by what answered and outcome."},
	{"new_*", METRICS_COUNTER, "sessiond_news_total", "outcome", false,
		"NEWs taken in, by what became of them."},
	{"remove_*", METRICS_COUNTER, "sessiond_removes_total", "outcome", false,
		"REMOVEs taken in, by what became of them."},
	{"drop_*", METRICS_COUNTER, "sessiond_dropped_total", "reason", true,
		"Requests dropped without an answer, by reason."},
	{"pass_*", METRICS_COUNTER, "sessiond_passed_total", "reason", true,
		"Packets that the fast path left to the kernel, by reason."},
	{"send_failed", METRICS_COUNTER, "sessiond_send_failed_total", NULL, false,
		"Answers that could not be sent."},
	{"sessions", METRICS_GAUGE, "sessiond_sessions", NULL, false, "Sessions held."},
	{"sessions_adopted", METRICS_COUNTER, "sessiond_sessions_adopted_total", NULL, false,
		"Sessions taken over from the last daemon."},
	{"sessions_*", METRICS_COUNTER, "sessiond_sessions_ended_total", "reason", false,
		"Sessions that ended, by reason."},
	{"capacity", METRICS_GAUGE, "sessiond_capacity_sessions", NULL, false,
		"Sessions at the most."},
	{"memory_reserved_bytes", METRICS_GAUGE, "sessiond_memory_reserved_bytes", NULL, false,
		"Memory set aside for sessions in user space."},
	{"memory_resident_peak_bytes", METRICS_GAUGE, "sessiond_memory_resident_peak_bytes", NULL,
		false, "Most memory that the process has had in use."},
	{"log_dropped", METRICS_COUNTER, "sessiond_log_dropped_total", NULL, false,
		"Log lines dropped: the log could not be written at once."},
	{"uptime_seconds", METRICS_GAUGE, "sessiond_uptime_seconds", NULL, false,
		"Time since the daemon was started."},
	{"mode_*", METRICS_GAUGE, "sessiond_mode", "mode", false, "1 for the mode that is in use."},
	{"xdp_interfaces_reattached", METRICS_COUNTER, "sessiond_xdp_reattached_total", NULL, false,
		"Times that the XDP program was put on an interface that had been made anew."},
	{"xdp_interfaces_*", METRICS_GAUGE, "sessiond_xdp_interfaces", "state", false,
		"Interfaces by how the XDP program is on them."},
	{"xsk_sockets", METRICS_GAUGE, "sessiond_xsk_sockets", NULL, false,
		"AF_XDP sockets that NEWs come by."},
	{"xsk_sockets_zero_copy", METRICS_GAUGE, "sessiond_xsk_sockets_zero_copy", NULL, false,
		"Of these, those that the driver copies nothing for."},
	{"dpdk_ports", METRICS_GAUGE, "sessiond_dpdk_ports", NULL, false, "Ports of dpdk mode."},
	{"dpdk_lcores", METRICS_GAUGE, "sessiond_dpdk_lcores", NULL, false,
		"Reader lcores of dpdk mode."},
	{"dpdk_port#_link", METRICS_GAUGE, "sessiond_dpdk_port_link", "port", false,
		"1 while the port's link is up."},
	{"dpdk_port#_queues", METRICS_GAUGE, "sessiond_dpdk_port_queues", "port", false,
		"Receive queues of the port."},
	{"dpdk_port#_mbufs_free", METRICS_GAUGE, "sessiond_dpdk_port_mbufs_free", "port", false,
		"Packet buffers of the port that are free."},
	{"dpdk_port#_rx_packets", METRICS_COUNTER, "sessiond_dpdk_port_rx_packets_total", "port",
		false, "Frames that the port has received."},
	{"dpdk_port#_tx_packets", METRICS_COUNTER, "sessiond_dpdk_port_tx_packets_total", "port",
		false, "Frames that the port has sent."},
	{"dpdk_port#_imissed", METRICS_COUNTER, "sessiond_dpdk_port_imissed_total", "port", false,
		"Frames that the port lost because no lcore took them in time."},
	{"dpdk_port#_ierrors", METRICS_COUNTER, "sessiond_dpdk_port_ierrors_total", "port", false,
		"Frames that the port received broken."},
	{"dpdk_port#_oerrors", METRICS_COUNTER, "sessiond_dpdk_port_oerrors_total", "port", false,
		"Frames that the port could not send."},
	{"dpdk_port#_rx_nombuf", METRICS_COUNTER, "sessiond_dpdk_port_rx_nombuf_total", "port",
		false, "Frames that there was no packet buffer for."},
	{"dpdk_lcore#_rx_packets", METRICS_COUNTER, "sessiond_dpdk_lcore_rx_packets_total", "lcore",
		false, "Frames that the lcore has received."},
	{"dpdk_lcore#_polls", METRICS_COUNTER, "sessiond_dpdk_lcore_polls_total", "lcore", false,
		"Times that the lcore has looked for frames."},
	{"dpdk_lcore#_empty_polls", METRICS_COUNTER, "sessiond_dpdk_lcore_empty_polls_total",
		"lcore", false, "Of these, times that there were none."},
	{"dpdk_lcore#_updates_waiting", METRICS_GAUGE, "sessiond_dpdk_lcore_updates_waiting",
		"lcore", false, "NEWs and REMOVEs on their way from the lcore to the writer."},
	{"threads", METRICS_GAUGE, "sessiond_threads", NULL, false, "Reader threads."},
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
	place->label = rest;
	place->label_len = (int)len;
	return len > 0 && strcmp(rest + len, pattern + same + 1) == 0;
}

static bool match(const char *name, struct metrics_place *place)
{
	for (size_t i = 0; i < metrics_family_count; i++) {
		if (!is_like(name, metrics_families[i].pattern, place))
			continue;
		place->family = &metrics_families[i];
		return true;
	}
	place->family = NULL;
	return false;
}

struct metrics_place metrics_place_of(const char *name, const char *mode_path)
{
	struct metrics_place place = {NULL};

	for (size_t i = 0; metrics_paths[i][0]; i++) {
		size_t len = strlen(metrics_paths[i][0]);

		if (strncmp(name, metrics_paths[i][0], len) == 0 && match(name + len, &place) &&
			place.family->path) {
			place.path = metrics_paths[i][1];
			return place;
		}
	}
	if (match(name, &place) && place.family->path)
		place.path = mode_path;
	return place;
}
