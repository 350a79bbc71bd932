/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The fast path. It answers GETs and TAKEs from the sessions map in the driver, hands NEWs and
 * REMOVEs to the daemon in a ring or by AF_XDP, and passes everything else unchanged to the kernel,
 * which delivers what is for sessiond to the daemon's UDP socket. It reads sessions, sets visited
 * marks, and makes a session that was taken a miss; only the daemon stores and deletes sessions.
 *
 * Runs on Linux 6.1 and later.
 */
#include "ebpf/access.bpf.h"
#include "ebpf/access_cache.bpf.h"
#include "ebpf/answer_times.bpf.h"
#include "ebpf/checksum.bpf.h"
#include "ebpf/claim.bpf.h"
#include "ebpf/drop_sample.bpf.h"
#include "ebpf/map_batch.bpf.h"
#include "ebpf/maps.bpf.h"
#include "ebpf/packet.bpf.h"
#include "ebpf/parse.bpf.h"
#include "ebpf/percpu.bpf.h"
#include "ebpf/plain.bpf.h"
#include "ebpf/rate_limit.bpf.h"
#include "ebpf/redirect.bpf.h"
#include "ebpf/reply.bpf.h"
#include "ebpf/session.bpf.h"
#include "ebpf/talkers.bpf.h"

#define LOOKUP_TRIES 3

char program_license[] SEC("license") = "Dual BSD/GPL";

INLINE int pass(__u64 *counter)
{
	++*counter;
	return XDP_PASS;
}

INLINE int drop(__u64 *counter)
{
	++*counter;
	return XDP_DROP;
}

INLINE int refuse(struct xdp_md *ctx, const struct packet *packet, struct percpu *own,
	__u64 *counter, enum sessd_drop_reason reason, __u8 detail)
{
	++*counter;
	if (reason != SESSD_DROP_NOT_ALLOWED)
		talkers_count_malformed(ctx, packet, own);
	drop_sample_send(ctx, packet, own, reason, detail);
	return XDP_DROP;
}

/* Returns NULL for a datagram to sessiond from a source that can be answered; otherwise the counter
 * under which to pass the packet to the kernel. */
INLINE __u64 *parse(struct xdp_md *ctx, struct packet *packet, struct sessd_xdp_counters *counters,
	const struct sessd_config *settings, struct percpu *own)
{
	const struct eth_header *eth = packet->data;
	__u64 *other;
	__be16 proto;

	other = parse_ethernet(ctx, packet, counters, &proto);
	if (other)
		return other;
	if (proto == bpf_htons(ETH_P_IP))
		other = parse_ip4(packet, counters);
	else if (proto == bpf_htons(ETH_P_IPV6))
		other = parse_ip6(packet, counters);
	else
		other = &counters->pass_not_ip;
	if (other)
		return other;
	if ((void *)(packet->udp + 1) > packet->end)
		return &counters->pass_truncated;
	if (!(settings->port_filter >> (bpf_ntohs(packet->udp->dest) % 64) & 1))
		return &counters->pass_other_port;
	access_cache_take_tag(packet, settings);
	packet->known = access_cache_known(packet, own);
	if (eth->dest[0] & 1 || (!packet->known && !access_local(packet)))
		return &counters->pass_not_local;
	other = parse_lengths(packet, counters);
	if (other)
		return other;
	if (eth->source[0] & 1 || !packet->udp->source ||
		(!packet->known && !access_source(packet)))
		return &counters->pass_bad_source;
	return NULL;
}

/* Answers a GET with ERR. */
INLINE int answer_error(struct xdp_md *ctx, struct packet *packet, struct percpu *own, __u64 sum,
	__u64 *counter, enum sessd_outcome outcome)
{
	if (!packet_resize(packet, ctx, SESSD_HEADER_SIZE) || !packet_reload(packet, ctx))
		return XDP_ABORTED;
	++*counter;
	talkers_count(packet, own, SESSD_GET, outcome);
	reply_make(packet, SESSD_ERR, SESSD_HEADER_SIZE, sum);
	return XDP_TX;
}

/* `sum`: one's complement sum of the pseudo header without its length, the ports and the request
 * header. A TAKE does as a GET does, and has the session only if nobody else took it since it was
 * found. */
INLINE int answer_get(struct xdp_md *ctx, struct packet *packet,
	struct sessd_xdp_counters *counters, const struct sessd_config *settings,
	struct percpu *own, __u64 sum, bool take)
{
	struct sessd_header *header;
	struct sessd_entry *entry;
	struct session session;
	struct mark mark;
	__u64 now = clock_tick(own);

	for (int try = 0; try < LOOKUP_TRIES; try++) {
		barrier_var(settings); /* keeps the compiler from hoisting all its uses out of the
					  loop */
		if (try)
			counters->get_retries++;
		if (!packet_message(packet, ctx, &header))
			return XDP_ABORTED;
		entry = bpf_map_lookup_elem(&sessions, header->key);
		if (!entry)
			return answer_error(ctx, packet, own, sum,
				take ? &counters->take_misses : &counters->get_misses,
				SESSD_OUTCOME_MISS);
		session_read(&session, entry);
		session_touch(entry);
		if (session_expired(&session, now))
			return answer_error(ctx, packet, own, sum,
				take ? &counters->take_misses : &counters->get_expired,
				SESSD_OUTCOME_EXPIRED);
		if (!session.len || session.len > value_max)
			continue;
		if (!mark_read(&mark, &session))
			continue;
		if (!packet_resize(packet, ctx, SESSD_HEADER_SIZE + session.len)) {
			if (try) /* the last try overwrote the request behind its header */
				break;
			return pass(&counters->pass_no_room);
		}
		if (!packet_message(packet, ctx, &header))
			return XDP_ABORTED;
		if (!session_copy(&session, entry, header, (void *)(long)ctx->data_end, settings)) {
			if (session.guard)
				continue;
			return answer_error(ctx, packet, own, sum,
				take ? &counters->take_misses : &counters->get_misses,
				SESSD_OUTCOME_MISS);
		}
		if (take) {
			__u32 slot = sessd_life_slot(session.life);

			if (slot >= settings->capacity) /* no session */
				return answer_error(ctx, packet, own, sum, &counters->take_misses,
					SESSD_OUTCOME_MISS);
			if (!claim_guard(entry, session.guard))
				return answer_error(ctx, packet, own, sum,
					&counters->take_lost_race, SESSD_OUTCOME_TORN);
			claim_tell(slot);
			counters->take_hits++;
		} else {
			mark_visited(&mark);
			counters->get_hits++;
		}
		if (!packet_reload(packet, ctx))
			return XDP_ABORTED;
		talkers_count(packet, own, SESSD_GET, SESSD_OUTCOME_HIT);
		reply_make(packet, SESSD_OK, SESSD_HEADER_SIZE + session.len, sum + session.sum);
		return XDP_TX;
	}
	return answer_error(ctx, packet, own, sum,
		take ? &counters->take_lost_race : &counters->get_torn, SESSD_OUTCOME_TORN);
}

/* Whether a GET or TAKE is a TAKE. It is read anew, and not known from a branch: the verifier then
 * follows what both have in common once. */
INLINE bool is_take(const struct sessd_header *header)
{
	return *(const volatile __u8 *)&header->type >> 1 & 1;
}

/* `generic`: generic XDP, whose packets are socket buffers. */
INLINE int handle(struct xdp_md *ctx, bool generic)
{
	struct packet packet = {
		.data = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	const struct sessd_config *settings;
	struct sessd_xdp_counters *counters;
	const struct sessd_header *header;
	__u64 *other, pseudo, sum;
	struct percpu *own;
	bool unfinished, limited;
	__u32 zero = 0;

	settings = bpf_map_lookup_elem(&config, &zero);
	counters = bpf_map_lookup_elem(&stats, &zero);
	own = bpf_map_lookup_elem(&percpu, &zero);
	if (!settings || !counters || !own || settings->abi != SESSD_ABI)
		return XDP_PASS;

	other = parse(ctx, &packet, counters, settings, own);
	if (other)
		return pass(other);
	if (!packet.known) {
		if (!access_allowed(&packet))
			return refuse(ctx, &packet, own, &counters->drop_not_allowed,
				SESSD_DROP_NOT_ALLOWED, 0);
		access_cache_store(&packet, own);
	}

	header = (void *)(packet.udp + 1);
	if (packet.payload_length < SESSD_HEADER_SIZE || (void *)(header + 1) > packet.end)
		return refuse(ctx, &packet, own, &counters->drop_short, SESSD_DROP_SHORT, 0);
	if (header->version != SESSD_VERSION)
		return refuse(ctx, &packet, own, &counters->drop_version, SESSD_DROP_VERSION,
			header->version);
	/* CHECKSUM_PARTIAL stays set on the buffer of the reply: a device would write a checksum
	 * into it. UDP_SEGMENT buffers look the same and hold several datagrams. Both go to the
	 * socket. */
	unfinished = generic && checksum_partial(&packet, checksum_pseudo(&packet));
	switch (header->type) {
	case SESSD_TAKE:
		if (!take_answered)
			return refuse(ctx, &packet, own, &counters->drop_type, SESSD_DROP_TYPE,
				header->type);
		/* The daemon counts it, and knows the limit. */
		if (take_passed)
			return pass(&counters->pass_no_room);
		/* fallthrough */
	case SESSD_GET:
		/* The daemon counts GETs that it answers. */
		if (unfinished)
			return pass(&counters->pass_bad_checksum);
		if (!limit_allows(&packet, own, true)) {
			talkers_count(&packet, own, SESSD_GET, SESSD_OUTCOME_DROPPED);
			return drop(&counters->drop_limit_get);
		}
		break;
	case SESSD_NEW:
	case SESSD_REMOVE:
		/* The daemon limits what it reads from its socket. */
		limited = !unfinished && !limit_allows(&packet, own, false);
		talkers_count(&packet, own, header->type,
			limited ? SESSD_OUTCOME_DROPPED : SESSD_OUTCOMES);
		if (unfinished)
			return pass(&counters->pass_bad_checksum);
		if (limited)
			return drop(&counters->drop_limit_new);
		return redirect_update(ctx, &packet,
			header->type == SESSD_NEW ? &counters->pass_new : &counters->pass_remove);
	default:
		return refuse(
			ctx, &packet, own, &counters->drop_type, SESSD_DROP_TYPE, header->type);
	}
	if (packet.payload_length > SESSD_HEADER_SIZE + SESSD_VALUE_LIMIT)
		return pass(&counters->pass_no_room);
	pseudo = checksum_pseudo(&packet);
	sum = checksum_words(header, SESSD_HEADER_SIZE / 4);
	if (!checksum_good(ctx, &packet, pseudo, sum))
		return pass(&counters->pass_bad_checksum);
	sum += pseudo + *(const __u32 *)packet.udp;
	packet_settle(&packet);
	return answer_get(ctx, &packet, counters, settings, own, sum, is_take(header));
}

INLINE int timed(struct xdp_md *ctx, bool generic)
{
	__u64 began = answer_times_begin();
	int verdict = generic ? PLAIN_NO : plain_answer(ctx);

	if (verdict == PLAIN_NO)
		verdict = handle(ctx, generic);
	answer_times_end(began, verdict);
	return verdict;
}

SEC("xdp")
int sessiond_xdp(struct xdp_md *ctx)
{
	return timed(ctx, false);
}

SEC("xdp")
int sessiond_skb(struct xdp_md *ctx)
{
	return timed(ctx, true);
}
