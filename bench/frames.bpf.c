/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The programs of the live-frame engine. BPF_PROG_TEST_RUN runs `generate`, which builds requests;
 * `check` is attached to the interface and consumes the replies.
 *
 * Pages of live frames are recycled with the other end's changes, so `generate` writes every byte
 * of each frame.
 */
#include "bench/frames.bpf.h"

const volatile struct frames_config config;

/* Words of a value handled with one bounds check. */
#define CHUNK 4

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct frames_lane);
} lanes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct frames_counters);
} counters SEC(".maps");

/* Drawn session numbers; with uniform keys one unused entry. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} popular SEC(".maps");

static __always_inline void load_population(struct population *p)
{
	p->seed = config.population.seed;
	p->value_min = config.population.value_min;
	p->value_max = config.population.value_max;
}

static __always_inline __u64 next_random(struct frames_lane *lane)
{
	return mix64(lane->random += POPULATION_GOLDEN);
}

/* The number of a stored session. */
static __always_inline __u32 stored_number(__u64 random)
{
	__u32 index = (random >> 32) & config.popular_mask, *drawn;

	if (!config.popular_mask)
		return scale32(random, config.sessions);
	drawn = bpf_map_lookup_elem(&popular, &index);
	return drawn ? *drawn : 0;
}

/* Decides on the next message. */
static __always_inline __u64 next_number(struct frames_lane *lane, __u64 random, __u8 *type)
{
	int new = config.workload == FRAMES_NEW;

	if (lane->warm_up > 0) {
		lane->warm_up--;
		lane->gets++;
		*type = SESSD_GET;
		return stored_number(random);
	}
	if (config.workload == FRAMES_CHURN && config.changes) {
		if (mix64(random) & 1) {
			*type = SESSD_NEW;
			lane->news++;
		} else {
			*type = SESSD_REMOVE;
			lane->removes++;
		}
		return scale32(random, config.sessions);
	}
	if (config.workload == FRAMES_MIX) {
		new = lane->second || (__u32)mix64(random) > config.resumed;
		lane->second = !lane->second;
	}
	if (config.workload == FRAMES_REMOVE) {
		*type = SESSD_REMOVE;
		return lane->removes++ * config.threads + lane->lane;
	}
	if (config.workload == FRAMES_TAKE || config.each) {
		*type = config.each ? SESSD_GET : SESSD_TAKE;
		/* Not in the order in which they lie in memory. */
		lane->gets++;
		return (lane->each++ * config.threads + lane->lane) * POPULATION_SPREAD %
		       config.sessions;
	}
	if (new) {
		*type = SESSD_NEW;
		return ((__u64)config.run << POPULATION_RUN_SHIFT |
			       (__u64)lane->lane << POPULATION_LANE_BITS) +
		       lane->news++;
	}
	*type = SESSD_GET;
	lane->gets++;
	if (config.workload == FRAMES_MISS)
		return random | POPULATION_NEVER;
	return stored_number(random);
}

/* With FRAMES_CHURN, `key` is population_generation's and the first word the generation. */
static __always_inline __u64 value_word(const __u64 key[4], __u64 generation, __u32 i)
{
	if (config.workload == FRAMES_CHURN && i == 0)
		return generation;
	return population_value_word(key, i);
}

/* Writes `len` bytes of the value at `at`, and adds them to `*sum`. 0, or -1 if there is no
 * room. */
static __always_inline int put_value(
	const __u64 key[4], __u64 generation, __u8 *at, const void *end, __u32 len, __u64 *sum)
{
	__u32 words = len / 8, rest = len % 8, i = 0;
	__u64 word;

	for (; i + CHUNK <= POPULATION_VALUE_WORDS; i += CHUNK, at += 8 * CHUNK) {
		if (i + CHUNK > words)
			break;
		if ((void *)(at + 8 * CHUNK) > end)
			return -1;
#pragma unroll
		for (int j = 0; j < CHUNK; j++) {
			word = value_word(key, generation, i + j);
			*(__u64 *)(at + 8 * j) = word;
			*sum += checksum_halve(word);
		}
	}
	for (int j = 0; j < CHUNK; j++, i++, at += 8) {
		if (i >= words)
			break;
		if ((void *)(at + 8) > end)
			return -1;
		word = value_word(key, generation, i);
		*(__u64 *)at = word;
		*sum += checksum_halve(word);
	}
	if (rest == 0)
		return 0;
	word = population_value_word(key, words) & ((1ULL << 8 * rest) - 1);
	*sum += checksum_halve(word);
	for (__u32 j = 0; j < 7; j++, at++, word >>= 8) {
		if (j >= rest)
			break;
		if ((void *)(at + 1) > end)
			return -1;
		*at = word;
	}
	return 0;
}

static __always_inline void put_ethernet(struct ethhdr *eth, __be16 protocol)
{
	for (int i = 0; i < 6; i++) {
		eth->h_dest[i] = config.target_mac[i];
		eth->h_source[i] = config.source_mac[i];
	}
	eth->h_proto = protocol;
}

static __always_inline void put_ipv4(struct iphdr *ip, __u16 udp_len)
{
	__u64 sum;

	ip->version = 4;
	ip->ihl = 5;
	ip->tos = 0;
	ip->tot_len = bpf_htons(sizeof(*ip) + udp_len);
	ip->id = 0;
	ip->frag_off = bpf_htons(0x4000); /* do not fragment */
	ip->ttl = 64;
	ip->protocol = IPPROTO_UDP;
	ip->saddr = *(const volatile __u32 *)config.source;
	ip->daddr = *(const volatile __u32 *)config.target;
	sum = bpf_htons(0x4500) + ip->tot_len + bpf_htons(0x4000) +
	      bpf_htons(64 << 8 | IPPROTO_UDP);
	ip->check = ~checksum_fold(sum + config.address_sum);
}

static __always_inline void put_ipv6(struct ipv6hdr *ip, __u16 udp_len)
{
	*(__be32 *)ip = bpf_htonl(6U << 28);
	ip->payload_len = bpf_htons(udp_len);
	ip->nexthdr = IPPROTO_UDP;
	ip->hop_limit = 64;
	for (int i = 0; i < 16; i++) {
		ip->saddr.in6_u.u6_addr8[i] = config.source[i];
		ip->daddr.in6_u.u6_addr8[i] = config.target[i];
	}
}

static __always_inline int put_message(struct udphdr *udp, struct sessd_header *message,
	const __u64 key[4], const __u64 words[4], __u64 generation, __u8 type, __u32 len,
	__u16 source_port, const void *end)
{
	__u16 udp_len = sizeof(*udp) + SESSD_HEADER_SIZE + len, check;
	__u64 sum;

	message->version = SESSD_VERSION;
	message->type = type;
	/* The tag of a GET is derived from its key, because `check` keeps no state per request. */
	message->timeout = type == SESSD_NEW ? config.timeout : (__u16)key[3];
	for (int i = 0; i < POPULATION_KEY_WORDS; i++)
		*(__u64 *)(message->key + 8 * i) = key[i];
	udp->source = bpf_htons(source_port);
	udp->dest = config.target_port;
	udp->len = bpf_htons(udp_len);
	sum = sum_header(message, key) + config.address_sum + bpf_htons(IPPROTO_UDP) +
	      2 * (__u64)udp->len + udp->source + udp->dest;
	if (put_value(words, generation, (__u8 *)(message + 1), end, len, &sum) < 0)
		return -1;
	check = ~checksum_fold(sum);
	udp->check = check ? check : 0xffff;
	return 0;
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	struct population p;
	__u64 key[POPULATION_KEY_WORDS], words[POPULATION_KEY_WORDS], random, generation = 0;
	struct frames_lane *lane;
	__u32 zero = 0, len = 0, size, base;
	__u16 port;
	__u8 type;
	void *data, *end;
	int ret;

	lane = bpf_map_lookup_elem(&lanes, &zero);
	if (!lane)
		return XDP_ABORTED;
	load_population(&p);
	random = next_random(lane);
	population_key(&p, next_number(lane, random, &type), key);
	if (config.workload == FRAMES_CHURN) {
		generation = (__u64)config.run << POPULATION_RUN_SHIFT | lane->news;
		population_generation(key, generation, words);
	} else {
		__builtin_memcpy(words, key, sizeof(words));
	}
	if (type == SESSD_NEW)
		len = population_value_len(&p, words);

	base = FRAME_SIZE(config.ipv6);
	size = ctx->data_end - ctx->data;
	if (size != base + len && bpf_xdp_adjust_tail(ctx, (int)(base + len) - (int)size) < 0)
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	port = config.source_port + scale32(random << 32, config.ports);
	if (data + base > end)
		return XDP_ABORTED;
	if (config.ipv6) {
		put_ethernet(data, bpf_htons(ETH_P_IPV6));
		put_ipv6(data + FRAME_IP_AT, base + len - FRAME_UDP_AT(1));
	} else {
		put_ethernet(data, bpf_htons(ETH_P_IP));
		put_ipv4(data + FRAME_IP_AT, base + len - FRAME_UDP_AT(0));
	}
	ret = put_message(data + FRAME_UDP_AT(config.ipv6), data + base - SESSD_HEADER_SIZE, key,
		words, generation, type, len, port, end);
	return ret < 0 ? XDP_ABORTED : XDP_TX;
}

/* Whether `len` bytes at `at` equal the session's value; adds them to `*sum`. */
static __always_inline int same_value(const __u64 key[4], __u64 generation, const __u8 *at,
	const void *end, __u32 len, __u64 *sum)
{
	__u32 words = len / 8, rest = len % 8, i = 0;
	__u64 difference = 0, word;

	for (; i + CHUNK <= POPULATION_VALUE_WORDS; i += CHUNK, at += 8 * CHUNK) {
		if (i + CHUNK > words)
			break;
		if ((void *)(at + 8 * CHUNK) > end)
			return 0;
#pragma unroll
		for (int j = 0; j < CHUNK; j++) {
			word = *(const __u64 *)(at + 8 * j);
			difference |= word ^ value_word(key, generation, i + j);
			*sum += checksum_halve(word);
		}
	}
	for (int j = 0; j < CHUNK; j++, i++, at += 8) {
		if (i >= words)
			break;
		if ((void *)(at + 8) > end)
			return 0;
		difference |= *(const __u64 *)at ^ value_word(key, generation, i);
		*sum += checksum_halve(*(const __u64 *)at);
	}
	word = 0;
	for (__u32 j = 0; j < 7; j++, at++) {
		if (j >= rest)
			break;
		if ((void *)(at + 1) > end)
			return 0;
		word |= (__u64)*at << 8 * j;
	}
	*sum += checksum_halve(word);
	if (rest > 0)
		difference |= word ^ (population_value_word(key, words) & ((1ULL << 8 * rest) - 1));
	return difference == 0;
}

/* The counter for this reply. */
static __always_inline __u64 *judge(struct frames_counters *c, const struct udphdr *udp,
	const struct sessd_header *message, const void *end)
{
	struct population p;
	__u64 key[POPULATION_KEY_WORDS], words[POPULATION_KEY_WORDS], generation = 0;
	__u64 number, sum, pseudo;
	__u32 len = (const __u8 *)end - (const __u8 *)(message + 1), same = 1;
	int hit = message->type == SESSD_OK;

	load_population(&p);
	if (message->version != SESSD_VERSION ||
		(!hit && message->type != (config.reflector ? SESSD_GET : SESSD_ERR)))
		return &c->wrong_header;
	number = population_number(&p, *(const __u64 *)message->key);
	population_key(&p, number, key);
	for (int i = 1; i < POPULATION_KEY_WORDS; i++)
		same &= *(const __u64 *)(message->key + 8 * i) == key[i];
	if (!same || (config.workload == FRAMES_MISS) != number >> 63 ||
		(config.workload != FRAMES_MISS && number >= config.sessions))
		return &c->wrong_key;
	if (message->timeout != (__u16)key[3])
		return &c->wrong_timeout;
	if (hit && config.workload == FRAMES_MISS)
		return &c->wrong_hit;
	__builtin_memcpy(words, key, sizeof(words));
	if (hit && config.workload == FRAMES_CHURN) {
		if ((const void *)(message + 1) + sizeof(generation) > end)
			return &c->wrong_length;
		generation = *(const __u64 *)(message + 1);
		if (generation >> POPULATION_RUN_SHIFT != config.run)
			return &c->wrong_value;
		population_generation(key, generation, words);
	}
	if (len != (hit ? population_value_len(&p, words) : 0) ||
		udp->len != bpf_htons(sizeof(*udp) + SESSD_HEADER_SIZE + len))
		return &c->wrong_length;

	pseudo = config.address_sum + bpf_htons(IPPROTO_UDP) + udp->len;
	sum = pseudo + udp->len + udp->source + udp->dest + sum_header(message, key);
	if (hit && !same_value(words, generation, (const __u8 *)(message + 1), end, len, &sum))
		return &c->wrong_value;
	/* The kernel's stack leaves the checksum to the device (CHECKSUM_PARTIAL), and a veth does
	 * not compute it: then the field has the sum of the pseudo header. */
	if (!checksum_right(sum + udp->check) && udp->check != checksum_fold(pseudo))
		return &c->wrong_checksum;
	return hit ? &c->hits : &c->misses;
}

SEC("xdp")
int check(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = data;
	const struct sessd_header *message;
	const struct udphdr *udp;
	struct frames_counters *c;
	__u32 zero = 0;

	if (data + FRAME_SIZE(config.ipv6) > end)
		return XDP_PASS;
	if (config.ipv6) {
		const struct ipv6hdr *ip = data + FRAME_IP_AT;

		if (eth->h_proto != bpf_htons(ETH_P_IPV6) || ip->nexthdr != IPPROTO_UDP)
			return XDP_PASS;
	} else {
		const struct iphdr *ip = data + FRAME_IP_AT;

		if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5 ||
			ip->protocol != IPPROTO_UDP)
			return XDP_PASS;
	}
	udp = data + FRAME_UDP_AT(config.ipv6);
	message = data + FRAME_SIZE(config.ipv6) - SESSD_HEADER_SIZE;
	if (udp->source != config.target_port ||
		(__u16)(bpf_ntohs(udp->dest) - config.source_port) >= config.ports)
		return XDP_PASS;
	c = bpf_map_lookup_elem(&counters, &zero);
	if (!c)
		return XDP_ABORTED;
	++*judge(c, udp, message, end);
	return XDP_DROP;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
