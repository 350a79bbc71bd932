/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Headers and their checksums, for both programs of the live-frame engine.
 */
#ifndef BENCH_FRAMES_BPF_H
#define BENCH_FRAMES_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <sessiond/checksum.h>

#include "bench/frames_config.h"

/* Layout of sent and expected frames of each family: no VLAN tag, no options. */
#define FRAME_IP_AT	    sizeof(struct ethhdr)
#define FRAME_IP_SIZE(ipv6) ((ipv6) ? sizeof(struct ipv6hdr) : sizeof(struct iphdr))
#define FRAME_UDP_AT(ipv6)  (FRAME_IP_AT + FRAME_IP_SIZE(ipv6))
#define FRAME_SIZE(ipv6)    (FRAME_UDP_AT(ipv6) + sizeof(struct udphdr) + SESSD_HEADER_SIZE)

/* The key starts at an odd multiple of 4 in the frame, but can be summed as words. */
static __always_inline __u64 sum_header(const struct sessd_header *message, const __u64 key[4])
{
	__u64 sum = *(const __u32 *)message;

	for (int i = 0; i < POPULATION_KEY_WORDS; i++)
		sum += checksum_halve(key[i]);
	return sum;
}

#endif
