/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * flood KIND INTERFACE SOURCE SOURCE-MAC TARGET TARGET-MAC PORT SECONDS: unwanted packets by XDP
 * live frames, as fast as the CPU can send, and a count of the replies. KIND is garbage, strangers,
 * spoofed, unknown or new, or strangers6, spoofed6 or unknown6 with IPv6 addresses; flood.h
 * describes them. Ends by itself; prints `sent N BYTES replies N BYTES seconds S`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tests/stress/flood.h"

#include "tests/stress/flood.skel.h" /* needs flood.h */

/* Frames of one call; the kernel waits for all CPUs at its beginning and end. */
#define CALL 200000

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int mac_parse(const char *text, __u8 mac[6])
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		       &mac[4], &mac[5]) == 6
		       ? 0
		       : -1;
}

static int parse(char **argv, struct flood_config *config)
{
	static const char *const kinds[] = {"garbage", "strangers", "spoofed", "unknown", "new",
		"strangers6", "spoofed6", "unknown6"};
	int family;

	for (config->kind = 0; strcmp(kinds[config->kind], argv[1]) != 0;) {
		if (++config->kind == sizeof(kinds) / sizeof(kinds[0]))
			return -1;
	}
	config->seed = (__u32)time(NULL) & 0xffffff; /* keys of no earlier flood */
	config->port = htons((__u16)atoi(argv[7]));
	family = FLOOD_IS_IPV6(config->kind) ? AF_INET6 : AF_INET;
	if (inet_pton(family, argv[3],
		    family == AF_INET ? (void *)&config->source : config->source6) != 1 ||
		inet_pton(family, argv[5],
			family == AF_INET ? (void *)&config->target : config->target6) != 1)
		return -1;
	return mac_parse(argv[4], config->source_mac) < 0 ? -1
							  : mac_parse(argv[6], config->target_mac);
}

static int run(struct flood_bpf *bpf, int ifindex, double seconds)
{
	static const __u8 zeros[FLOOD_FRAME];
	struct xdp_md ctx = {.data_end = sizeof(zeros), .ingress_ifindex = (__u32)ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = zeros, .data_size_in = sizeof(zeros),
		.ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = CALL,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
	double end = seconds_now() + seconds;

	while (seconds_now() < end) {
		if (bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.flood), &opts) < 0)
			return -errno;
	}
	usleep(50000);
	return 0;
}

static int report(struct flood_bpf *bpf, double seconds)
{
	int cpus = libbpf_num_possible_cpus();
	struct flood_counters sum = {0}, *all;
	__u32 zero = 0;

	all = cpus > 0 ? calloc((size_t)cpus, sizeof(*all)) : NULL;
	if (!all || bpf_map_lookup_elem(bpf_map__fd(bpf->maps.counters), &zero, all) < 0) {
		free(all);
		return -1;
	}
	for (int i = 0; i < cpus; i++) {
		sum.sent += all[i].sent;
		sum.sent_bytes += all[i].sent_bytes;
		sum.replies += all[i].replies;
		sum.reply_bytes += all[i].reply_bytes;
	}
	free(all);
	printf("sent %llu %llu replies %llu %llu seconds %.2f\n", (unsigned long long)sum.sent,
		(unsigned long long)sum.sent_bytes, (unsigned long long)sum.replies,
		(unsigned long long)sum.reply_bytes, seconds);
	return 0;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	struct flood_config config = {0};
	struct flood_bpf *bpf;
	int ifindex, link, err;
	double began;

	if (argc != 9 || parse(argv, &config) < 0)
		return 2;
	ifindex = (int)if_nametoindex(argv[2]);
	bpf = flood_bpf__open();
	if (!ifindex || !bpf) {
		perror("flood");
		return 1;
	}
	memcpy((void *)&bpf->rodata->config, &config, sizeof(config));
	err = flood_bpf__load(bpf);
	if (err == 0) {
		link = bpf_link_create(bpf_program__fd(bpf->progs.sink), ifindex, BPF_XDP, &opts);
		err = link < 0 ? link : 0;
	}
	began = seconds_now();
	if (err == 0)
		err = run(bpf, ifindex, atof(argv[8]));
	if (err)
		fprintf(stderr, "flood: %s\n", strerror(-err));
	else
		err = report(bpf, seconds_now() - began);
	flood_bpf__destroy(bpf);
	return err ? 1 : 0;
}
