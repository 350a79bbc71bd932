/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/stats/figures.h"

#include <string.h>

#include <sessiond/counters.h>

#include "control/sessions/farm_counters.h"
#include "control/sessions/writer_counters.h"
#include "dataplane/dpdk/counters.h"

#define EVERY_MODE(name, kind, help) {#name, FIGURE_##kind, FIGURE_EVERY_MODE, help},
#define FARM(name, kind, help)	     {#name, FIGURE_##kind, FIGURE_IN_FARM, help},
#define XDP(name, kind, help)	     {"xdp_" #name, FIGURE_##kind, FIGURE_XDP, help},
#define DPDK(name, kind, help)	     {"dpdk_" #name, FIGURE_##kind, FIGURE_DPDK, help},

/* The manual lists the rows of each mode in this order. */
const struct figure figure_table[] = {
	{"pid", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE, "process id of the daemon"},
	{"port", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"UDP port; the folder of its pins has the same name"},
	{"uptime_seconds", FIGURE_GAUGE, FIGURE_EVERY_MODE, "time since the daemon started"},
	{"reload_ok", FIGURE_GAUGE, FIGURE_EVERY_MODE,
		"0 if the last reload failed; 1 if it succeeded, or if there was none"},
	{"reload_timestamp_seconds", FIGURE_GAUGE, FIGURE_EVERY_MODE,
		"when the configuration was last read without an error, as Unix time"},
	{"mode_socket", FIGURE_GAUGE, FIGURE_EVERY_MODE, "1 in socket mode, else 0"},
	{"mode_xdp", FIGURE_GAUGE, FIGURE_EVERY_MODE, "1 in xdp mode, else 0"},
	{"mode_dpdk", FIGURE_GAUGE, FIGURE_EVERY_MODE, "1 in dpdk mode, else 0"},
	{"sessions", FIGURE_GAUGE, FIGURE_EVERY_MODE, "sessions stored"},
	{"capacity", FIGURE_GAUGE, FIGURE_EVERY_MODE, "maximum number of sessions"},
	{"memory_reserved_bytes", FIGURE_GAUGE, FIGURE_EVERY_MODE,
		"memory reserved for sessions in user space"},
	{"memory_resident_peak_bytes", FIGURE_GAUGE, FIGURE_EVERY_MODE,
		"peak resident memory of the process"},
	{"evicted_age_seconds", FIGURE_GAUGE, FIGURE_EVERY_MODE,
		"median age of the sessions evicted last; 0 if there were none"},
	{"resumed_estimate", FIGURE_COUNTER, FIGURE_EVERY_MODE,
		"sessions that were asked for and then, it is estimated, resumed"},
	{"not_resumed_estimate", FIGURE_COUNTER, FIGURE_EVERY_MODE,
		"sessions that were asked for, but then, it is estimated, followed by a full "
		"handshake"},
	{"resumption_paused", FIGURE_GAUGE, FIGURE_EVERY_MODE,
		"1 while the two estimates pause: a terminator stores too many sessions a second, "
		"or the daemon has to wait for its CPU"},
	/* In metrics by context: sessiond_context_sessions. */
	{"tls13_sessions", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE, "sessions of TLS 1.3, stored now"},
	{"tls13_stored", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"sessions of TLS 1.3, stored since the start"},
	{"tls13_used", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"sessions of TLS 1.3 that were asked for at least once"},
	{"tls12_sessions", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE, "sessions of TLS 1.2, stored now"},
	{"tls12_stored", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"sessions of TLS 1.2, stored since the start"},
	{"tls12_used", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"sessions of TLS 1.2 that were asked for at least once"},
	{"tls_other_sessions", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"sessions of other TLS versions, stored now"},
	{"tls_other_stored", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"sessions of other TLS versions, stored since the start"},
	{"tls_other_used", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"sessions of other TLS versions that were asked for at least once"},
	{"sealed_sessions", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"sessions sealed by libsessiond, stored now"},
	{"sealed_stored", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"sessions sealed by libsessiond, stored since the start"},
	{"sealed_used", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"sessions sealed by libsessiond that were asked for at least once"},
	{"opaque_sessions", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"sessions with a value that is neither OpenSSL's nor sealed, stored now"},
	{"opaque_stored", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"sessions with a value that is neither OpenSSL's nor sealed, stored since the "
		"start"},
	{"opaque_used", FIGURE_STATS_ONLY, FIGURE_EVERY_MODE,
		"sessions with a value that is neither OpenSSL's nor sealed that were asked for at "
		"least once"},
	{"log_dropped", FIGURE_COUNTER, FIGURE_EVERY_MODE,
		"log lines dropped: the log could not be written at once"},

	{"answer_us_p50", FIGURE_STATS_ONLY, FIGURE_MEASURED,
		"median time of the daemon's replies since the start, in microseconds, "
		"rounded up: from reading the request until the reply is sent; replies of "
		"a fast path are not included"},
	{"answer_us_p99", FIGURE_STATS_ONLY, FIGURE_MEASURED,
		"the 99th percentile of the same; 50000 also stands for more"},
	{"insert_us_p50", FIGURE_STATS_ONLY, FIGURE_MEASURED,
		"median time of NEWs since the start, in microseconds, rounded up: from receiving "
		"one until GETs find the session"},
	{"insert_us_p99", FIGURE_STATS_ONLY, FIGURE_MEASURED,
		"the 99th percentile of the same; 50000 also stands for more"},

	{"xsk_sockets", FIGURE_GAUGE, FIGURE_XDP, "AF_XDP sockets, one per receive queue"},
	{"xsk_sockets_zero_copy", FIGURE_GAUGE, FIGURE_XDP, "AF_XDP sockets in zero-copy mode"},
	{"xsk_received", FIGURE_COUNTER, FIGURE_XDP,
		"NEWs and REMOVEs received from the XDP program: in its rings, or by AF_XDP"},
	{"xsk_fallback", FIGURE_COUNTER, FIGURE_XDP,
		"NEWs and REMOVEs received by the kernel's UDP sockets"},
	{"xsk_drop_malformed", FIGURE_LOSS, FIGURE_XDP,
		"dropped: handed over by the XDP program, but neither a NEW nor a REMOVE"},
	{"xsk_drop_checksum", FIGURE_LOSS, FIGURE_XDP,
		"dropped: handed over by the XDP program with a wrong UDP checksum"},
	{"xsk_drop_ring_full", FIGURE_LOSS, FIGURE_XDP,
		"dropped by the kernel: a ring of the XDP program, or of an AF_XDP socket, was "
		"full"},
	{"xsk_drop_no_frame", FIGURE_LOSS, FIGURE_XDP,
		"dropped by the kernel: an AF_XDP socket had no free frame"},
	{"xsk_fill_ring_empty", FIGURE_COUNTER, FIGURE_XDP,
		"times the kernel found the fill ring of an AF_XDP socket empty"},
	{"xdp_interfaces_native", FIGURE_GAUGE, FIGURE_XDP,
		"interfaces with the XDP program in the driver"},
	{"xdp_interfaces_generic", FIGURE_GAUGE, FIGURE_XDP,
		"interfaces with the XDP program in the kernel's stack: slow"},
	{"xdp_interfaces_detached", FIGURE_GAUGE, FIGURE_XDP,
		"interfaces that have lost the XDP program"},
	{"xdp_interfaces_reattached", FIGURE_COUNTER, FIGURE_XDP,
		"times the XDP program was attached again to an interface that was recreated"},
	/* In metrics as the summary sessiond_xdp_run_seconds. */
	{"xdp_runs", FIGURE_STATS_ONLY, FIGURE_XDP,
		"runs of the XDP program while kernel.bpf_stats_enabled is 1"},
	{"xdp_run_nanoseconds", FIGURE_STATS_ONLY, FIGURE_XDP,
		"run time of the XDP program while kernel.bpf_stats_enabled is 1"},

	{"drop_socket_buffer", FIGURE_LOSS, FIGURE_SOCKET | FIGURE_XDP,
		"dropped by the kernel: the receive buffer of a socket was full"},
	{"drop_group", FIGURE_LOSS, FIGURE_SOCKET | FIGURE_XDP,
		"dropped: sent to a broadcast or multicast address"},
	{"send_failed", FIGURE_COUNTER, FIGURE_SOCKET | FIGURE_XDP,
		"replies that could not be sent"},

	{"drop_queue_full", FIGURE_LOSS, FIGURE_SOCKET,
		"dropped: NEW, REMOVE or TAKE, the queue to the writer is full"},
	{"threads", FIGURE_GAUGE, FIGURE_SOCKET, "reader threads"},

	{"dpdk_ports", FIGURE_GAUGE, FIGURE_DPDK, "ports in use"},
	{"dpdk_lcores", FIGURE_GAUGE, FIGURE_DPDK, "lcores that read the ports"},
	{"dpdk_port#_link", FIGURE_GAUGE, FIGURE_DPDK, "1 while the link of the port is up"},
	{"dpdk_port#_queues", FIGURE_GAUGE, FIGURE_DPDK, "receive queues of the port"},
	{"dpdk_port#_rx_packets", FIGURE_COUNTER, FIGURE_DPDK, "frames received by the port"},
	{"dpdk_port#_tx_packets", FIGURE_COUNTER, FIGURE_DPDK, "frames sent by the port"},
	{"dpdk_port#_imissed", FIGURE_LOSS, FIGURE_DPDK, "frames lost: no lcore took them in time"},
	{"dpdk_port#_ierrors", FIGURE_COUNTER, FIGURE_DPDK, "frames received with errors"},
	{"dpdk_port#_oerrors", FIGURE_COUNTER, FIGURE_DPDK, "frames that the port failed to send"},
	{"dpdk_port#_rx_nombuf", FIGURE_LOSS, FIGURE_DPDK, "frames lost: no free packet buffer"},
	{"dpdk_port#_mbufs_free", FIGURE_GAUGE, FIGURE_DPDK, "free packet buffers of the port"},
	{"dpdk_lcore#_rx_packets", FIGURE_COUNTER, FIGURE_DPDK, "frames received by the lcore"},
	{"dpdk_lcore#_polls", FIGURE_COUNTER, FIGURE_DPDK, "times the lcore has polled its ports"},
	{"dpdk_lcore#_empty_polls", FIGURE_COUNTER, FIGURE_DPDK, "polls that found no frame"},
	{"dpdk_lcore#_updates_waiting", FIGURE_GAUGE, FIGURE_DPDK,
		"NEWs and REMOVEs waiting in the ring from the lcore to the writer"},

	{"farm_ready", FIGURE_GAUGE, FIGURE_IN_FARM,
		"1 once this cache has the sessions of the others, or need not wait for them"},
	{"farm_warm_up_percent", FIGURE_GAUGE, FIGURE_IN_FARM,
		"how much of the others' sessions was read at start"},
	{"farm_warm_up_sessions", FIGURE_GAUGE, FIGURE_IN_FARM, "sessions read at start"},
	{"farm_warm_up_ms", FIGURE_GAUGE, FIGURE_IN_FARM,
		"how long that took, or takes so far, in milliseconds"},
	{"farm_engines", FIGURE_GAUGE, FIGURE_IN_FARM, "engines in use (Redis, Valkey)"},
	{"farm_engines_up", FIGURE_GAUGE, FIGURE_IN_FARM, "engines that answer"},
	{"farm_engine_faults", FIGURE_GAUGE, FIGURE_IN_FARM,
		"settings of engines that are wrong: see sessionctl doctor"},
	{"farm_engine_connects", FIGURE_COUNTER, FIGURE_IN_FARM, "connections made to engines"},
	{"farm_engine_restarts", FIGURE_COUNTER, FIGURE_IN_FARM,
		"times an engine came back as another process, or without its streams"},
	{"farm_engine_rtt_us", FIGURE_GAUGE, FIGURE_IN_FARM,
		"round trip to the slower engine, in microseconds"},
	{"farm_engine_drops", FIGURE_COUNTER, FIGURE_IN_FARM,
		"records not published to one engine; another may have them"},
	{"farm_caches_alive", FIGURE_GAUGE, FIGURE_IN_FARM,
		"other caches that were heard of in the last 5 seconds"},
	{"farm_lag_ms", FIGURE_GAUGE, FIGURE_IN_FARM,
		"time until what another cache published was read here, in milliseconds, of the "
		"slowest"},
	{"farm_gaps", FIGURE_COUNTER, FIGURE_IN_FARM, "batches of other caches that no engine had"},
	{"farm_resends_asked", FIGURE_COUNTER, FIGURE_IN_FARM,
		"times this cache asked another to publish its sessions again"},
	{"farm_resends", FIGURE_COUNTER, FIGURE_IN_FARM,
		"times this cache was asked to publish its sessions again"},
	{"farm_batches", FIGURE_COUNTER, FIGURE_IN_FARM, "batches published"},
	{"farm_published", FIGURE_COUNTER, FIGURE_IN_FARM,
		"NEWs, REMOVEs, TAKEs and flushes published"},
	{"farm_received", FIGURE_COUNTER, FIGURE_IN_FARM,
		"NEWs, REMOVEs, TAKEs and flushes of other caches received"},
	{"farm_copies", FIGURE_COUNTER, FIGURE_IN_FARM,
		"batches that had come by the other engine already"},
	{"farm_expired", FIGURE_COUNTER, FIGURE_IN_FARM,
		"sessions of other caches that had expired when they were read"},
	{"farm_tombstoned", FIGURE_COUNTER, FIGURE_IN_FARM,
		"sessions of other caches that had been removed when they were read"},
	{"farm_unknown", FIGURE_COUNTER, FIGURE_IN_FARM,
		"records of a type that this version does not know: another cache is newer"},
	{"farm_too_long", FIGURE_COUNTER, FIGURE_IN_FARM,
		"sessions of other caches longer than --max-session of this one"},
	{"farm_held_up", FIGURE_COUNTER, FIGURE_IN_FARM,
		"times records waited for the writer; none is lost"},
	{"farm_name_clash", FIGURE_GAUGE, FIGURE_IN_FARM,
		"1 while another cache has the name of this one (--farm-node)"},
	{"farm_take_asked", FIGURE_COUNTER, FIGURE_IN_FARM, "TAKEs put to the farm's arbiter"},
	{"farm_take_won", FIGURE_COUNTER, FIGURE_IN_FARM,
		"of these, TAKEs that no other cache had answered"},
	{"farm_take_lost", FIGURE_COUNTER, FIGURE_IN_FARM,
		"of these, TAKEs of sessions that were taken before"},
	{"farm_take_late", FIGURE_COUNTER, FIGURE_IN_FARM,
		"TAKEs answered ERR: the arbiter did not decide within 20 ms"},
	{"farm_take_refused", FIGURE_COUNTER, FIGURE_IN_FARM,
		"TAKEs answered ERR: the arbiter restarted less than 60 seconds before"},
	{"farm_take_down", FIGURE_COUNTER, FIGURE_IN_FARM,
		"TAKEs answered ERR: the engine that is their arbiter is down"},
	{"farm_take_disagreed", FIGURE_COUNTER, FIGURE_IN_FARM,
		"TAKEs answered ERR: another cache has other engines (--farm), another key, or "
		"--take local"},
	{"farm_take_full", FIGURE_COUNTER, FIGURE_IN_FARM,
		"TAKEs answered ERR: too many waited for the arbiter"},
	{"farm_take_failed", FIGURE_COUNTER, FIGURE_IN_FARM,
		"TAKEs answered ERR: the arbiter refused the command"},
	{"farm_drop_too_long", FIGURE_COUNTER, FIGURE_IN_FARM,
		"sessions not published: longer than --max-session"},
	{"farm_drop_engine_slow", FIGURE_COUNTER, FIGURE_IN_FARM,
		"records not published: every engine is down, or too slow"},
	{"farm_drop_engine_full", FIGURE_COUNTER, FIGURE_IN_FARM,
		"records not published: every engine refused them, out of memory or permission"},
	{"farm_drop_stopped", FIGURE_COUNTER, FIGURE_IN_FARM,
		"records not published: the daemon ended first"},
	{"farm_refused_key", FIGURE_COUNTER, FIGURE_IN_FARM,
		"batches refused: sealed with a key that is not in --farm-key"},
	{"farm_refused_seal", FIGURE_COUNTER, FIGURE_IN_FARM,
		"batches refused: they were changed on the way, or forged"},
	{"farm_refused_version", FIGURE_COUNTER, FIGURE_IN_FARM,
		"batches refused: of a format that this version does not know"},
	{"farm_refused_sequence", FIGURE_COUNTER, FIGURE_IN_FARM,
		"batches refused: read before from the same engine"},
	{"farm_refused_truncated", FIGURE_COUNTER, FIGURE_IN_FARM,
		"batches refused: shorter than they say"},
	{"farm_refused_foreign", FIGURE_COUNTER, FIGURE_IN_FARM,
		"batches refused: of another cache than the stream is of, or of one cache too "
		"many"},

	/* Counters declared elsewhere. */
	FARM_COUNTERS(FARM) WRITER_COUNTERS(EVERY_MODE) SESSD_REQUEST_COUNTERS(EVERY_MODE)
		SESSD_XDP_COUNTERS(XDP) DPDK_COUNTERS(DPDK)};

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

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

bool figure_is_hit(const char *name)
{
	static const char *const hits[] = {"get_hits", "take_hits"};

	return is_one_of(name, hits, sizeof(hits) / sizeof(hits[0]));
}

bool figure_is_miss(const char *name)
{
	static const char *const misses[] = {
		"get_misses", "get_expired", "get_torn", "take_misses", "take_lost_race"};

	return is_one_of(name, misses, sizeof(misses) / sizeof(misses[0]));
}
