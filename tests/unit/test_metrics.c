/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The page for Prometheus: the metric of each figure, and nothing is counted twice.
 * tests/cli/metrics.sh checks that Prometheus accepts it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/host/metrics_address.h"
#include "control/stats/metrics.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static bool measured;

static void xdp_stats(void *ctx, stats_emit emit, void *emit_ctx)
{
	(void)ctx;
	emit(emit_ctx, "pid", 4711);
	emit(emit_ctx, "mode_socket", 0);
	emit(emit_ctx, "mode_xdp", 1);
	emit(emit_ctx, "sessions", 5);
	emit(emit_ctx, "capacity", 1000);
	emit(emit_ctx, "new_stored", 18446744073709551615ULL);
	emit(emit_ctx, "new_exists", 2);
	emit(emit_ctx, "sessions_adopted", 3);
	emit(emit_ctx, "sessions_expired", 4);
	emit(emit_ctx, "get_hits", 30);
	emit(emit_ctx, "get_retries", 0);
	emit(emit_ctx, "drop_short", 7);
	emit(emit_ctx, "drop_socket_buffer", 8);
	emit(emit_ctx, "slow_get_hits", 10);
	emit(emit_ctx, "slow_get_retries", 0);
	emit(emit_ctx, "slow_drop_short", 0);
	emit(emit_ctx, "xdp_get_hits", 20);
	emit(emit_ctx, "xdp_get_retries", 0);
	emit(emit_ctx, "xdp_drop_short", 7);
	emit(emit_ctx, "xdp_pass_new", 9);
	emit(emit_ctx, "xsk_drop_malformed", 11);
	emit(emit_ctx, "xsk_sockets", 2);
	emit(emit_ctx, "xsk_received", 12);
	emit(emit_ctx, "xdp_interfaces_native", 2);
	emit(emit_ctx, "xdp_interfaces_reattached", 3);
	emit(emit_ctx, "port", 54321);
	emit(emit_ctx, "answer_us_p99", 4712);
	emit(emit_ctx, "xdp_runs", 1000);
	emit(emit_ctx, "xdp_run_nanoseconds", 180000);
	emit(emit_ctx, "something_new", 6);
}

static void socket_stats(void *ctx, stats_emit emit, void *emit_ctx)
{
	(void)ctx;
	emit(emit_ctx, "mode_socket", 1);
	emit(emit_ctx, "mode_dpdk", 0);
	emit(emit_ctx, "get_hits", 30);
}

static void dpdk_stats(void *ctx, stats_emit emit, void *emit_ctx)
{
	(void)ctx;
	emit(emit_ctx, "mode_dpdk", 1);
	emit(emit_ctx, "get_hits", 30);
	emit(emit_ctx, "drop_short", 1);
	emit(emit_ctx, "dpdk_ports", 2);
	emit(emit_ctx, "dpdk_rx_packets", 77);
	emit(emit_ctx, "dpdk_drop_arp", 5);
	emit(emit_ctx, "dpdk_drop_ring_full", 6);
	for (unsigned i = 0; i < 2; i++) {
		static const char *const of_port[] = {"link", "queues", "rx_packets", "tx_packets",
			"imissed", "ierrors", "oerrors", "rx_nombuf", "mbufs_free"};
		static const char *const of_lcore[] = {
			"rx_packets", "polls", "empty_polls", "updates_waiting"};
		char name[64];

		for (unsigned k = 0; k < sizeof(of_port) / sizeof(of_port[0]); k++) {
			snprintf(name, sizeof(name), "dpdk_port%u_%s", i, of_port[k]);
			emit(emit_ctx, name, 10 * i + k);
		}
		for (unsigned k = 0; k < sizeof(of_lcore) / sizeof(of_lcore[0]); k++) {
			snprintf(name, sizeof(name), "dpdk_lcore%u_%s", 10 + i, of_lcore[k]);
			emit(emit_ctx, name, 10 * i + k);
		}
	}
}

static bool latency(void *ctx, struct latency *into)
{
	struct latency mine = {0};

	(void)ctx;
	latency_add(&mine, 1000, 1);	 /* a bound belongs to its bucket */
	latency_add(&mine, 1001, 2);	 /* up to 2 us */
	latency_add(&mine, 60000000, 1); /* over the last */
	latency_sum(into, &mine);
	return measured;
}

static bool xdp_answers(void *ctx, struct sessd_answer_times *into)
{
	(void)ctx;
	into->counts[0] = 1;			     /* up to 50 ns */
	into->counts[3] = 2;			     /* up to 150 ns */
	into->counts[SESSD_ANSWER_BOUND_COUNT] += 4; /* over 100 us */
	into->sum_ns = 500250;
	return measured;
}

static unsigned contexts(void *ctx, struct census_row rows[CENSUS_ROWS])
{
	(void)ctx;
	memset(rows, 0, 2 * sizeof(*rows));
	rows[0].context_len = 4;
	memcpy(rows[0].context, "a\"b\\", 4);
	rows[0].of[SESSION_TLS13] = (struct census_counts){3, 5, 4};
	rows[1].others = true;
	rows[1].of[SESSION_SEALED] = (struct census_counts){0, 7, 6};
	return 2;
}

static unsigned sources(void *ctx, struct source_place rows[SOURCE_LIST_SIZE])
{
	(void)ctx;
	rows[0] = (struct source_place){.sessions = 3, .stored = 5, .used = 4};
	address_from_ipv4(&rows[0].address, (const uint8_t[4]){192, 0, 2, 1});
	rows[1] = (struct source_place){.stored = 2, .used = 1};
	return 2;
}

static char *page(void (*stats)(void *ctx, stats_emit emit, void *emit_ctx), bool openmetrics)
{
	const struct metrics_figures figures = {
		.stats = stats,
		.slow_path = latency,
		.inserts = latency,
		.contexts = contexts,
		.sources = sources,
		.xdp_answers = xdp_answers,
	};
	size_t size;
	char *text = metrics_text(&figures, openmetrics, &size);

	assert_non_null(text);
	assert_int_equal(strlen(text), size);
	print_message("%s\n", text);
	return text;
}

static unsigned count(const char *text, const char *part)
{
	unsigned n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

static void assert_line(const char *text, const char *line)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	if (count(text, whole) != 1)
		fail_msg("%u times: %s", count(text, whole), line);
}

/* Checked by Prometheus's own tool, if installed. */
static void check_with_promtool(const char *text)
{
	FILE *promtool;

	if (system("command -v promtool >/dev/null") != 0)
		return;
	promtool = popen("promtool check metrics", "w");
	assert_non_null(promtool);
	fputs(text, promtool);
	assert_int_equal(pclose(promtool), 0);
}

static void test_xdp(void **state)
{
	char *text;

	(void)state;
	measured = true;
	text = page(xdp_stats, false);
	assert_line(text, "sessiond_context_sessions{context=\"0x6122625c\",tls=\"1.3\"} 3");
	assert_line(text, "sessiond_context_stored_total{context=\"(other)\",tls=\"sealed\"} 7");
	assert_line(text, "sessiond_context_used_total{context=\"(other)\",tls=\"sealed\"} 6");
	assert_line(text, "sessiond_source_sessions{source=\"192.0.2.1\"} 3");
	assert_line(text, "sessiond_source_stored_total{source=\"(other)\"} 2");
	assert_line(text, "sessiond_source_used_total{source=\"192.0.2.1\"} 4");
	assert_line(text, "sessiond_gets_total{path=\"daemon\",outcome=\"hits\"} 10");
	assert_line(text, "sessiond_gets_total{path=\"xdp\",outcome=\"hits\"} 20");
	assert_int_equal(count(text, "\nsessiond_gets_total{"), 2);
	assert_line(text, "sessiond_dropped_total{path=\"xdp\",reason=\"short\"} 7");
	assert_line(text, "sessiond_dropped_total{path=\"daemon\",reason=\"socket_buffer\"} 8");
	assert_line(text, "sessiond_dropped_total{path=\"af_xdp\",reason=\"malformed\"} 11");
	assert_line(text, "# TYPE sessiond_xsk_sockets gauge");
	assert_line(text, "sessiond_xsk_received_total 12");
	assert_line(text, "sessiond_passed_total{path=\"xdp\",reason=\"new\"} 9");
	assert_line(text, "sessiond_lookup_retries_total{path=\"xdp\"} 0");
	assert_line(text, "sessiond_news_total{outcome=\"stored\"} 18446744073709551615");
	assert_line(text, "sessiond_sessions 5");
	assert_line(text, "sessiond_sessions_adopted_total 3");
	assert_line(text, "sessiond_sessions_ended_total{reason=\"expired\"} 4");
	assert_line(text, "sessiond_mode{mode=\"xdp\"} 1");
	assert_line(text, "sessiond_xdp_interfaces{state=\"native\"} 2");
	/* A count of events is not a state of interfaces. */
	assert_line(text, "sessiond_xdp_reattached_total 3");
	assert_int_equal(count(text, "\nsessiond_xdp_interfaces{"), 1);
	assert_line(text, "sessiond_xdp_run_seconds_sum 0.000180000");
	assert_line(text, "sessiond_xdp_run_seconds_count 1000");
	assert_line(text, "sessiond_something_new_total 6");
	assert_line(text, "# TYPE sessiond_gets_total counter");
	assert_int_equal(count(text, "4711") + count(text, "4712") + count(text, "54321"), 0);
	assert_int_equal(count(text, "# EOF"), 0);
	assert_line(text, "# TYPE sessiond_answer_seconds histogram");
	assert_line(text, "sessiond_answer_seconds_bucket{le=\"1e-06\"} 1");
	assert_line(text, "sessiond_answer_seconds_bucket{le=\"2e-06\"} 3");
	assert_line(text, "sessiond_answer_seconds_bucket{le=\"0.05\"} 3");
	assert_line(text, "sessiond_answer_seconds_bucket{le=\"+Inf\"} 4");
	assert_line(text, "sessiond_answer_seconds_count 4");
	assert_line(text, "sessiond_answer_seconds_sum 0.060003002");
	assert_line(text, "sessiond_insert_seconds_count 4");
	assert_line(text, "# TYPE sessiond_xdp_answer_seconds histogram");
	assert_line(text, "sessiond_xdp_answer_seconds_bucket{le=\"5e-08\"} 1");
	assert_line(text, "sessiond_xdp_answer_seconds_bucket{le=\"1e-07\"} 1");
	assert_line(text, "sessiond_xdp_answer_seconds_bucket{le=\"1.5e-07\"} 3");
	assert_line(text, "sessiond_xdp_answer_seconds_bucket{le=\"0.0001\"} 3");
	assert_line(text, "sessiond_xdp_answer_seconds_bucket{le=\"+Inf\"} 7");
	assert_line(text, "sessiond_xdp_answer_seconds_count 7");
	assert_line(text, "sessiond_xdp_answer_seconds_sum 0.000500250");
	check_with_promtool(text);
	free(text);
}

static void test_others(void **state)
{
	char *text;

	(void)state;
	measured = false;
	text = page(socket_stats, true);
	assert_line(text, "sessiond_gets_total{path=\"daemon\",outcome=\"hits\"} 30");
	assert_line(text, "# TYPE sessiond_gets counter");
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	assert_int_equal(count(text, "answer_seconds") + count(text, "insert_seconds"), 0);
	free(text);
	text = page(dpdk_stats, false);
	assert_line(text, "sessiond_gets_total{path=\"dpdk\",outcome=\"hits\"} 30");
	assert_line(text, "sessiond_dropped_total{path=\"dpdk\",reason=\"short\"} 1");
	assert_line(text, "sessiond_dropped_total{path=\"dpdk\",reason=\"ring_full\"} 6");
	assert_line(text, "sessiond_dpdk_rx_packets_total 77");
	assert_line(text, "# TYPE sessiond_dpdk_port_link gauge");
	assert_line(text, "sessiond_dpdk_port_link{port=\"0\"} 0");
	assert_line(text, "sessiond_dpdk_port_link{port=\"1\"} 10");
	assert_line(text, "# TYPE sessiond_dpdk_port_queues gauge");
	assert_line(text, "# TYPE sessiond_dpdk_port_mbufs_free gauge");
	assert_line(text, "# TYPE sessiond_dpdk_lcore_updates_waiting gauge");
	assert_line(text, "sessiond_dpdk_lcore_updates_waiting{lcore=\"11\"} 13");
	assert_line(text, "# TYPE sessiond_dpdk_port_imissed_total counter");
	assert_line(text, "sessiond_dpdk_port_imissed_total{port=\"1\"} 14");
	assert_line(text, "sessiond_dpdk_port_rx_nombuf_total{port=\"0\"} 7");
	assert_line(text, "sessiond_dpdk_lcore_polls_total{lcore=\"10\"} 1");
	/* Numbers are labels, never part of a name. */
	assert_int_equal(count(text, "\nsessiond_dpdk_port0") + count(text, "core1"), 0);
	check_with_promtool(text);
	free(text);
}

static void test_quantiles(void **state)
{
	struct latency times = {0};

	(void)state;
	assert_int_equal(latency_quantile_us(&times, 99), 0);
	latency_add(&times, 3000, 1);
	assert_int_equal(latency_quantile_us(&times, 50), 5);
	assert_int_equal(latency_quantile_us(&times, 99), 5);
	latency_add(&times, 700, 98); /* 98 of 99 */
	assert_int_equal(latency_quantile_us(&times, 50), 1);
	assert_int_equal(latency_quantile_us(&times, 99), 5);
	latency_add(&times, 700, 1); /* 99 of 100 */
	assert_int_equal(latency_quantile_us(&times, 99), 1);
	latency_add(&times, 60000000, 2); /* 2 of 102 are over the last bound */
	assert_int_equal(latency_quantile_us(&times, 99), 50000);
	assert_int_equal(latency_quantile_us(&times, 50), 1);
	times.counts[3] = UINT64_MAX / 2; /* no overflow */
	assert_int_equal(latency_quantile_us(&times, 99), latency_bounds_us[3]);
}

static void test_addresses(void **state)
{
	static const char *const wrong[] = {"", "0", "65536", "127.0.0.1", "*:9000", "*", "[::1]",
		"localhost:9000", "1.2.3.4:0", "9000x", " 9000"};
	struct metrics_address address;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&address.storage;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address.storage;
	const struct sockaddr_un *un = (const struct sockaddr_un *)&address.storage;
	char long_path[200];

	(void)state;
	assert_int_equal(metrics_address_parse("9532", &address), 0);
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(ntohl(in->sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(ntohs(in->sin_port), 9532);
	assert_int_equal(metrics_address_parse("10.0.0.5:80", &address), 0);
	assert_int_equal(ntohl(in->sin_addr.s_addr), 0x0a000005);
	assert_int_equal(metrics_address_parse("[::1]:9532", &address), 0);
	assert_int_equal(in6->sin6_family, AF_INET6);
	assert_int_equal(ntohs(in6->sin6_port), 9532);
	assert_int_equal(metrics_address_parse("/run/x/metrics.sock", &address), 0);
	assert_int_equal(un->sun_family, AF_UNIX);
	assert_string_equal(un->sun_path, "/run/x/metrics.sock");
	memset(long_path, '/', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(metrics_address_parse(long_path, &address), -EINVAL);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(metrics_address_parse(wrong[i], &address), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xdp),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
