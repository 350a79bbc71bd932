/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The figures in `stats` that are not in a table of counters, for the manual. Names are stable.
 * Tests look that what a daemon prints is here or in one of those tables.
 */
#ifndef SESSIOND_CONTROL_STATS_FIGURES_H
#define SESSIOND_CONTROL_STATS_FIGURES_H

#define FIGURES_ALWAYS(X) \
	X(pid, "the daemon's process") \
	X(port, "the UDP port, which names its pins too") \
	X(uptime_seconds, "time since the daemon was started") \
	X(mode_socket, "1 in socket mode, else 0") \
	X(mode_xdp, "1 in xdp mode, else 0") \
	X(mode_dpdk, "1 in dpdk mode, else 0") \
	X(sessions, "sessions held") \
	X(capacity, "sessions at the most") \
	X(memory_reserved_bytes, "memory set aside for sessions in user space") \
	X(memory_resident_peak_bytes, "most memory that the process has had in use") \
	X(log_dropped, "log lines dropped: the log could not be written at once")

/* Only where --metrics has the times measured. */
#define FIGURES_MEASURED(X) \
	X(answer_us_p50, \
		"half of the daemon's answers since the start took at most so many microseconds, " \
		"from the request read to the answer sent; not of a fast path beside it") \
	X(answer_us_p99, "the same of 99 in a hundred; 50000 stands for more, too") \
	X(insert_us_p50, \
		"half of the NEWs since the start could be found by GETs after at most so many " \
		"microseconds") \
	X(insert_us_p99, "the same of 99 in a hundred")

/* Wherever the daemon has sockets of the kernel's: socket and xdp mode. */
#define FIGURES_SOCKETS(X) \
	X(drop_socket_buffer, "dropped by the kernel: the buffer of a socket was full") \
	X(send_failed, "answers that could not be sent")

#define FIGURES_SOCKET(X) \
	X(drop_queue_full, "dropped: NEW or REMOVE, the queue to the writer is full") \
	X(threads, "reader threads")

#define FIGURES_XDP(X) \
	X(xsk_sockets, "AF_XDP sockets, one for a receive queue") \
	X(xsk_sockets_zero_copy, "of these, those that the driver copies nothing for") \
	X(xsk_received, "NEWs and REMOVEs that came by AF_XDP") \
	X(xsk_fallback, "NEWs and REMOVEs that came by the kernel's stack") \
	X(xsk_drop_malformed, "dropped: by AF_XDP, but neither a NEW nor a REMOVE") \
	X(xsk_drop_checksum, "dropped: by AF_XDP, with a wrong UDP checksum") \
	X(xsk_drop_ring_full, \
		"dropped by the kernel: the daemon did not take from the ring in time") \
	X(xsk_drop_no_frame, "dropped by the kernel: no frame was free") \
	X(xsk_fill_ring_empty, "times that the kernel found the ring of free frames empty") \
	X(xdp_interfaces_native, "interfaces with the program in the driver") \
	X(xdp_interfaces_generic, "interfaces with the program in the kernel's stack: slow") \
	X(xdp_interfaces_detached, "interfaces that the program is off") \
	X(xdp_interfaces_reattached, \
		"times that the program was put on an interface that had been made anew") \
	X(xdp_runs, "runs of the program, while kernel.bpf_stats_enabled is 1") \
	X(xdp_run_nanoseconds, "the time that they took")

#define FIGURES_DPDK(X) \
	X(dpdk_ports, "ports") \
	X(dpdk_lcores, "lcores that answer")

/* For each port and lcore, by its number. */
#define FIGURES_DPDK_PORT(X) \
	X(link, "1 while the link is up") \
	X(queues, "receive queues") \
	X(rx_packets, "frames received") \
	X(tx_packets, "frames sent") \
	X(imissed, "frames lost: no lcore took them in time") \
	X(ierrors, "frames that were broken") \
	X(oerrors, "frames that could not be sent") \
	X(rx_nombuf, "frames lost: no packet buffer was free") \
	X(mbufs_free, "packet buffers that are free")

#define FIGURES_DPDK_LCORE(X) \
	X(rx_packets, "frames received") \
	X(polls, "times that it has looked for frames") \
	X(empty_polls, "of these, times that there were none") \
	X(updates_waiting, "NEWs and REMOVEs on their way to the writer")

#endif
