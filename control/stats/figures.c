/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/stats/figures.h"

#include <string.h>

#include <sessiond/counters.h>

#include "control/sessions/writer_counters.h"
#include "dataplane/dpdk/counters.h"

/* The manual lists the rows of a mode in this order. */
const struct figure figure_table[] = {
	{"pid", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE, "the daemon's process"},
	{"port", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE, "the UDP port, which names its pins too"},
	{"uptime_seconds", FIGURE_GAUGE, FIGURE_EVERY_MODE, "time since the daemon was started"},
	{"mode_socket", FIGURE_GAUGE, FIGURE_EVERY_MODE, "1 in socket mode, else 0"},
	{"mode_xdp", FIGURE_GAUGE, FIGURE_EVERY_MODE, "1 in xdp mode, else 0"},
	{"mode_dpdk", FIGURE_GAUGE, FIGURE_EVERY_MODE, "1 in dpdk mode, else 0"},
	{"sessions", FIGURE_GAUGE, FIGURE_EVERY_MODE, "sessions held"},
	{"capacity", FIGURE_GAUGE, FIGURE_EVERY_MODE, "sessions at the most"},
	{"memory_reserved_bytes", FIGURE_GAUGE, FIGURE_EVERY_MODE,
		"memory set aside for sessions in user space"},
	{"memory_resident_peak_bytes", FIGURE_GAUGE, FIGURE_EVERY_MODE,
		"most memory that the process has had in use"},
	{"log_dropped", FIGURE_COUNTER, FIGURE_EVERY_MODE,
		"log lines dropped: the log could not be written at once"},

#define X(name, kind, help) {#name, FIGURE_##kind, FIGURE_EVERY_MODE, help},
	WRITER_COUNTERS(X) SESSD_REQUEST_COUNTERS(X)
#undef X

		{"answer_us_p50", FIGURE_STATS_ONLY, FIGURE_MEASURED,
			"half of the daemon's answers since the start took at most so many "
			"microseconds, "
			"from the request read to the answer sent; not of a fast path beside it"},
	{"answer_us_p99", FIGURE_STATS_ONLY, FIGURE_MEASURED,
		"the same of 99 in a hundred; 50000 stands for more, too"},
	{"insert_us_p50", FIGURE_STATS_ONLY, FIGURE_MEASURED,
		"half of the NEWs since the start could be found by GETs after at most so many "
		"microseconds"},
	{"insert_us_p99", FIGURE_STATS_ONLY, FIGURE_MEASURED, "the same of 99 in a hundred"},

#define X(name, kind, help) {"xdp_" #name, FIGURE_##kind, FIGURE_XDP, help},
	SESSD_XDP_COUNTERS(X)
#undef X
		{"xsk_sockets", FIGURE_GAUGE, FIGURE_XDP,
			"AF_XDP sockets, one for a receive queue"},
	{"xsk_sockets_zero_copy", FIGURE_GAUGE, FIGURE_XDP,
		"of these, those that the driver copies nothing for"},
	{"xsk_received", FIGURE_COUNTER, FIGURE_XDP, "NEWs and REMOVEs that came by AF_XDP"},
	{"xsk_fallback", FIGURE_COUNTER, FIGURE_XDP,
		"NEWs and REMOVEs that came by the kernel's stack"},
	{"xsk_drop_malformed", FIGURE_LOSS, FIGURE_XDP,
		"dropped: by AF_XDP, but neither a NEW nor a REMOVE"},
	{"xsk_drop_checksum", FIGURE_LOSS, FIGURE_XDP,
		"dropped: by AF_XDP, with a wrong UDP checksum"},
	{"xsk_drop_ring_full", FIGURE_LOSS, FIGURE_XDP,
		"dropped by the kernel: the daemon did not take from the ring in time"},
	{"xsk_drop_no_frame", FIGURE_LOSS, FIGURE_XDP, "dropped by the kernel: no frame was free"},
	{"xsk_fill_ring_empty", FIGURE_COUNTER, FIGURE_XDP,
		"times that the kernel found the ring of free frames empty"},
	{"xdp_interfaces_native", FIGURE_GAUGE, FIGURE_XDP,
		"interfaces with the program in the driver"},
	{"xdp_interfaces_generic", FIGURE_GAUGE, FIGURE_XDP,
		"interfaces with the program in the kernel's stack: slow"},
	{"xdp_interfaces_detached", FIGURE_GAUGE, FIGURE_XDP, "interfaces that the program is off"},
	{"xdp_interfaces_reattached", FIGURE_COUNTER, FIGURE_XDP,
		"times that the program was put on an interface that had been made anew"},
	/* In metrics as the summary sessiond_xdp_run_seconds. */
	{"xdp_runs", FIGURE_STATS_ONLY, FIGURE_XDP,
		"runs of the program, while kernel.bpf_stats_enabled is 1"},
	{"xdp_run_nanoseconds", FIGURE_STATS_ONLY, FIGURE_XDP, "the time that they took"},

	{"drop_socket_buffer", FIGURE_LOSS, FIGURE_SOCKET | FIGURE_XDP,
		"dropped by the kernel: the buffer of a socket was full"},
	{"send_failed", FIGURE_COUNTER, FIGURE_SOCKET | FIGURE_XDP,
		"answers that could not be sent"},

	{"drop_queue_full", FIGURE_LOSS, FIGURE_SOCKET,
		"dropped: NEW or REMOVE, the queue to the writer is full"},
	{"threads", FIGURE_GAUGE, FIGURE_SOCKET, "reader threads"},

#define X(name, kind, help) {"dpdk_" #name, FIGURE_##kind, FIGURE_DPDK, help},
	DPDK_COUNTERS(X)
#undef X
		{"dpdk_ports", FIGURE_GAUGE, FIGURE_DPDK, "ports"},
	{"dpdk_lcores", FIGURE_GAUGE, FIGURE_DPDK, "lcores that answer"},
	{"dpdk_port#_link", FIGURE_GAUGE, FIGURE_DPDK, "1 while the link is up"},
	{"dpdk_port#_queues", FIGURE_GAUGE, FIGURE_DPDK, "receive queues"},
	{"dpdk_port#_rx_packets", FIGURE_COUNTER, FIGURE_DPDK, "frames received"},
	{"dpdk_port#_tx_packets", FIGURE_COUNTER, FIGURE_DPDK, "frames sent"},
	{"dpdk_port#_imissed", FIGURE_LOSS, FIGURE_DPDK, "frames lost: no lcore took them in time"},
	{"dpdk_port#_ierrors", FIGURE_COUNTER, FIGURE_DPDK, "frames that were broken"},
	{"dpdk_port#_oerrors", FIGURE_COUNTER, FIGURE_DPDK, "frames that could not be sent"},
	{"dpdk_port#_rx_nombuf", FIGURE_LOSS, FIGURE_DPDK,
		"frames lost: no packet buffer was free"},
	{"dpdk_port#_mbufs_free", FIGURE_GAUGE, FIGURE_DPDK, "packet buffers that are free"},
	{"dpdk_lcore#_rx_packets", FIGURE_COUNTER, FIGURE_DPDK, "frames received"},
	{"dpdk_lcore#_polls", FIGURE_COUNTER, FIGURE_DPDK, "times that it has looked for frames"},
	{"dpdk_lcore#_empty_polls", FIGURE_COUNTER, FIGURE_DPDK,
		"of these, times that there were none"},
	{"dpdk_lcore#_updates_waiting", FIGURE_GAUGE, FIGURE_DPDK,
		"NEWs and REMOVEs on their way to the writer"},
};

const size_t figure_count = sizeof(figure_table) / sizeof(figure_table[0]);

static bool is_called(const char *name, const char *row)
{
	size_t same = strcspn(row, "#"), digits;

	if (strncmp(name, row, same) != 0)
		return false;
	name += same;
	row += same;
	digits = *row ? strspn(name, "0123456789") : 0;
	return *row ? digits > 0 && strcmp(name + digits, row + 1) == 0 : *name == '\0';
}

const struct figure *figure_find(const char *name)
{
	for (size_t i = 0; i < figure_count; i++)
		if (is_called(name, figure_table[i].name))
			return &figure_table[i];
	return NULL;
}

bool figure_is_loss(const char *name)
{
	const struct figure *figure = figure_find(name);

	return figure && figure->kind == FIGURE_LOSS;
}
