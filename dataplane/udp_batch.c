/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/udp.h"

#include <sessiond/protocol.h>

#include "common/locked_memory.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/uio.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* Datagrams and bytes that the kernel takes in one message (UDP_MAX_SEGMENTS of the oldest
 * kernels). */
#define SEGMENTS_MAX	  64
#define SEGMENT_BYTES_MAX 60000

/* After a message with several datagrams was refused, so many batches are sent datagram by
 * datagram. */
#define SPLIT_SENDS 1000

#define PKTINFO_SPACE CMSG_SPACE(sizeof(struct in6_pktinfo))
#define SEGMENT_SPACE CMSG_SPACE(sizeof(uint16_t))

/* Replies of one length to one peer, from one of our addresses: sent as one message
 * (UDP_SEGMENT). */
struct parcel {
	unsigned first; /* index of the datagram whose addresses it uses */
	unsigned length;
	unsigned count;
};

struct reply {
	unsigned datagram;
	unsigned parcel;
};

#define BUCKETS (2 * UDP_BATCH)

struct udp_batch {
	const struct vrf_ports *vrfs; /* NULL: it knows of none */
	struct mmsghdr in[UDP_BATCH];
	struct mmsghdr out[UDP_BATCH];
	struct iovec in_iov[UDP_BATCH];
	struct sockaddr_storage names[UDP_BATCH];
	union {
		struct cmsghdr align;
		uint8_t bytes[PKTINFO_SPACE + SEGMENT_SPACE];
	} control[UDP_BATCH];
	struct reply replies[UDP_BATCH];
	struct parcel parcels[UDP_BATCH];
	struct iovec segments[UDP_BATCH];
	unsigned reply_count, parcel_count;
	unsigned received;	   /* datagrams in `data` that are not wiped yet */
	uint8_t kept[UDP_BATCH];   /* of these, the indices that the caller sees */
	uint64_t group_drops;	   /* written by the batch's thread, read by any (relaxed) */
	size_t replied[UDP_BATCH]; /* bytes of reply written over a datagram */
	unsigned split;		   /* batches still to be sent datagram by datagram */
	uint8_t last[BUCKETS];	   /* index + 1 of the bucket's newest parcel; 0: none */
	uint8_t data[UDP_BATCH][UDP_BUFFER] __attribute__((aligned(64)));
};

struct udp_batch *udp_batch_create(void)
{
	/* Of mapped memory, buffers take pages when datagrams come. */
	struct udp_batch *batch = memory_reserve(sizeof(*batch), true);

	if (!batch)
		return NULL;
	for (unsigned i = 0; i < UDP_BATCH; i++) {
		batch->in_iov[i].iov_base = batch->data[i];
		batch->in_iov[i].iov_len = UDP_BUFFER;
		batch->in[i].msg_hdr.msg_iov = &batch->in_iov[i];
		batch->in[i].msg_hdr.msg_iovlen = 1;
		batch->in[i].msg_hdr.msg_name = &batch->names[i];
		batch->in[i].msg_hdr.msg_control = batch->control[i].bytes;
	}
	memory_lock(batch, sizeof(*batch));
	return batch;
}

void udp_batch_destroy(struct udp_batch *batch)
{
	if (!batch)
		return;
	explicit_bzero(batch->data, sizeof(batch->data));
	memory_release(batch, sizeof(*batch));
}

void udp_batch_use_vrfs(struct udp_batch *batch, const struct vrf_ports *ports)
{
	batch->vrfs = ports;
}

static void forget_replies(struct udp_batch *batch)
{
	batch->reply_count = batch->parcel_count = 0;
	memset(batch->last, 0, sizeof(batch->last));
}

/* Whether a datagram was sent to a broadcast or multicast address. For those, IPv4's ipi_spec_dst
 * differs from the destination address. */
static bool to_group(struct msghdr *message)
{
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);
	struct in_pktinfo ip4;
	struct in6_pktinfo ip6;

	if (!cmsg)
		return false;
	if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO) {
		memcpy(&ip4, CMSG_DATA(cmsg), sizeof(ip4));
		return ip4.ipi_addr.s_addr != ip4.ipi_spec_dst.s_addr;
	}
	if (cmsg->cmsg_level != IPPROTO_IPV6 || cmsg->cmsg_type != IPV6_PKTINFO)
		return false;
	memcpy(&ip6, CMSG_DATA(cmsg), sizeof(ip6));
	return IN6_IS_ADDR_MULTICAST(&ip6.ipi6_addr);
}

static void wipe(struct udp_batch *batch, unsigned i)
{
	size_t length = batch->in[i].msg_len;

	if (length < batch->replied[i])
		length = batch->replied[i];
	if (length > UDP_BUFFER)
		length = UDP_BUFFER;
	if (length > SESSD_HEADER_SIZE)
		explicit_bzero(batch->data[i] + SESSD_HEADER_SIZE, length - SESSD_HEADER_SIZE);
}

/* Drops broadcast and multicast datagrams: every socket of this port gets a copy, and each would
 * reply. */
static unsigned keep(struct udp_batch *batch)
{
	unsigned count = 0;

	for (unsigned i = 0; i < batch->received; i++) {
		if (__builtin_expect(to_group(&batch->in[i].msg_hdr), 0)) {
			__atomic_store_n(
				&batch->group_drops, batch->group_drops + 1, __ATOMIC_RELAXED);
			wipe(batch, i);
		} else {
			batch->kept[count++] = (uint8_t)i;
		}
	}
	return count;
}

uint64_t udp_group_drops(const struct udp_batch *batch)
{
	return batch ? __atomic_load_n(&batch->group_drops, __ATOMIC_RELAXED) : 0;
}

unsigned udp_receive(struct udp_batch *batch, int fd)
{
	int n;

	for (unsigned i = 0; i < UDP_BATCH; i++) {
		batch->in[i].msg_hdr.msg_namelen = sizeof(batch->names[i]);
		batch->in[i].msg_hdr.msg_controllen = PKTINFO_SPACE;
	}
	forget_replies(batch);
	memset(batch->replied, 0, sizeof(batch->replied));
	/* MSG_TRUNC makes msg_len the length as sent. */
	n = recvmmsg(fd, batch->in, UDP_BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
	batch->received = n > 0 ? (unsigned)n : 0;
	return keep(batch);
}

void udp_datagram(struct udp_batch *batch, unsigned i, struct udp_datagram *datagram)
{
	i = batch->kept[i];
	datagram->data = batch->data[i];
	datagram->length = batch->in[i].msg_len;
	if (address_from_sockaddr(
		    (struct sockaddr *)&batch->names[i], &datagram->source, &datagram->port) < 0) {
		memset(&datagram->source, 0, sizeof(datagram->source));
		datagram->port = 0;
	}
}

/* The interface of a reply over IPv6, which reverse_pktinfo leaves to routing, too; but link-local
 * addresses need it. For requests from a VRF the kernel stores the VRF in the peer's scope id, and
 * refuses a reply whose scope id and interface differ. */
static uint32_t ip6_interface(
	const struct vrf_ports *vrfs, const struct in6_pktinfo *info, struct sockaddr_in6 *peer)
{
	uint32_t vrf = vrf_ports_find(vrfs, info->ipi6_ifindex);
	bool local = IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr);

	if (!vrf)
		return local ? info->ipi6_ifindex : 0;
	if (!local && !IN6_IS_ADDR_LINKLOCAL(&peer->sin6_addr))
		return vrf;
	peer->sin6_scope_id = info->ipi6_ifindex;
	return info->ipi6_ifindex;
}

/* Turns the control message with the request's destination into one with the reply's source. The
 * interface is left to routing, in the table of the VRF that the request arrived by. */
static void reverse_pktinfo(const struct vrf_ports *vrfs, struct msghdr *message)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);

	if (!cmsg)
		return;
	if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;

		memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
		info.ipi_ifindex = (int)vrf_ports_find(vrfs, (uint32_t)info.ipi_ifindex);
		memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
	} else if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;

		memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
		info.ipi6_ifindex = ip6_interface(vrfs, &info, message->msg_name);
		memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
	}
}

/* Whether two replies go to the same peer from the same address. */
static bool addressed_alike(const struct udp_batch *batch, unsigned a, unsigned b)
{
	const struct msghdr *x = &batch->in[a].msg_hdr, *y = &batch->in[b].msg_hdr;
	const struct cmsghdr *from = CMSG_FIRSTHDR(x);

	return x->msg_namelen == y->msg_namelen && x->msg_controllen == y->msg_controllen &&
	       memcmp(x->msg_name, y->msg_name, x->msg_namelen) == 0 &&
	       (!from || memcmp(from, y->msg_control, from->cmsg_len) == 0);
}

/* The port distinguishes peers well enough, and is at the same offset in both families. */
static unsigned bucket_of(const struct udp_batch *batch, unsigned i, size_t length)
{
	const struct sockaddr_in *name = (const struct sockaddr_in *)&batch->names[i];
	uint32_t mixed = (name->sin_port ^ (uint32_t)length << 16) * 0x9e3779b1U;

	return mixed >> 16 & (BUCKETS - 1);
}

/* Finds or makes the parcel for a reply to datagram `i`. */
static struct parcel *parcel_for(struct udp_batch *batch, unsigned i, size_t length)
{
	uint8_t *last = &batch->last[bucket_of(batch, i, length)];
	struct parcel *parcel;

	if (*last && !batch->split) {
		parcel = &batch->parcels[*last - 1];
		if (parcel->length == length && parcel->count < SEGMENTS_MAX &&
			(parcel->count + 1) * length <= SEGMENT_BYTES_MAX &&
			addressed_alike(batch, parcel->first, i))
			return parcel;
	}
	parcel = &batch->parcels[batch->parcel_count++];
	*parcel = (struct parcel){.first = i, .length = (unsigned)length};
	*last = (uint8_t)batch->parcel_count;
	return parcel;
}

void udp_reply(struct udp_batch *batch, unsigned i, size_t length)
{
	struct reply *reply = &batch->replies[batch->reply_count++];
	struct parcel *parcel;

	i = batch->kept[i];
	reverse_pktinfo(batch->vrfs, &batch->in[i].msg_hdr);
	parcel = parcel_for(batch, i, length);
	parcel->count++;
	reply->datagram = i;
	batch->replied[i] = length;
	reply->parcel = (unsigned)(parcel - batch->parcels);
}

/* Makes the kernel split the message into datagrams of `length` bytes. */
static void add_segment_size(struct msghdr *message, uint16_t length)
{
	uint8_t *at = (uint8_t *)message->msg_control + CMSG_ALIGN(message->msg_controllen);
	struct cmsghdr cmsg = {CMSG_LEN(sizeof(length)), IPPROTO_UDP, UDP_SEGMENT};

	memcpy(at, &cmsg, sizeof(cmsg));
	memcpy(CMSG_DATA((struct cmsghdr *)(void *)at), &length, sizeof(length));
	message->msg_controllen = CMSG_ALIGN(message->msg_controllen) + SEGMENT_SPACE;
}

/* Makes one message per parcel. */
static void make_messages(struct udp_batch *batch)
{
	unsigned at = 0;

	for (unsigned i = 0; i < batch->parcel_count; i++) {
		struct parcel *parcel = &batch->parcels[i];
		struct msghdr *in = &batch->in[parcel->first].msg_hdr,
			      *out = &batch->out[i].msg_hdr;

		*out = (struct msghdr){
			.msg_name = in->msg_name,
			.msg_namelen = in->msg_namelen,
			.msg_iov = &batch->segments[at],
			.msg_control = in->msg_control,
			.msg_controllen = in->msg_controllen,
		};
		if (parcel->count > 1)
			add_segment_size(out, (uint16_t)parcel->length);
		else if (out->msg_controllen == 0)
			out->msg_control = NULL;
		at += parcel->count;
	}
	for (unsigned i = 0; i < batch->reply_count; i++) {
		struct reply *reply = &batch->replies[i];
		struct msghdr *out = &batch->out[reply->parcel].msg_hdr;

		out->msg_iov[out->msg_iovlen++] = (struct iovec){
			batch->data[reply->datagram], batch->parcels[reply->parcel].length};
	}
}

/* Sends the replies of a parcel one by one, after the kernel refused the joined message: longer
 * than the path MTU, a device without checksum offload, or a kernel without UDP_SEGMENT. Returns
 * how many could not be sent. */
static unsigned send_split(const struct msghdr *parcel, size_t control, int fd)
{
	struct msghdr message = *parcel;
	unsigned failed = 0;

	message.msg_iovlen = 1;
	message.msg_controllen = control;
	if (control == 0)
		message.msg_control = NULL;
	for (size_t i = 0; i < parcel->msg_iovlen; i++, message.msg_iov++) {
		ssize_t n;

		do {
			n = sendmsg(fd, &message, MSG_DONTWAIT);
		} while (n < 0 && errno == EINTR);
		failed += n < 0;
	}
	return failed;
}

unsigned udp_send(struct udp_batch *batch, int fd)
{
	unsigned sent = 0, failed = 0;

	make_messages(batch);
	while (sent < batch->parcel_count) {
		int n = sendmmsg(fd, batch->out + sent, batch->parcel_count - sent, MSG_DONTWAIT);

		if (n > 0) {
			sent += (unsigned)n;
		} else if (errno != EINTR) {
			const struct parcel *parcel = &batch->parcels[sent];

			/* The error concerns this message only; go on with the others. */
			if (parcel->count > 1) {
				failed += send_split(&batch->out[sent].msg_hdr,
					batch->in[parcel->first].msg_hdr.msg_controllen, fd);
				batch->split = SPLIT_SENDS;
			} else {
				failed++;
			}
			sent++;
		}
	}
	if (batch->split && batch->reply_count)
		batch->split--;
	forget_replies(batch);
	return failed;
}

void udp_keep_way(struct udp_batch *batch, unsigned i, int fd, struct udp_way *way)
{
	struct msghdr *message = &batch->in[batch->kept[i]].msg_hdr;

	_Static_assert(sizeof(way->name) >= sizeof(struct sockaddr_in6), "room for every name");
	_Static_assert(sizeof(way->control) >= PKTINFO_SPACE, "room for every control message");
	reverse_pktinfo(batch->vrfs, message);
	way->fd = fd;
	way->name_length = (uint8_t)message->msg_namelen;
	way->control_length = (uint8_t)message->msg_controllen;
	if (way->name_length > sizeof(way->name) || way->control_length > sizeof(way->control))
		way->fd = -1; /* of another family than the sockets have */
	else {
		memcpy(way->name, message->msg_name, way->name_length);
		memcpy(way->control, message->msg_control, way->control_length);
	}
}

bool udp_send_way(const struct udp_way *way, const void *reply, size_t length)
{
	struct iovec iov = {(void *)reply, length};
	struct msghdr message = {
		.msg_name = (void *)way->name,
		.msg_namelen = way->name_length,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = way->control_length ? (void *)way->control : NULL,
		.msg_controllen = way->control_length,
	};
	ssize_t n;

	if (way->fd < 0)
		return false;
	do {
		n = sendmsg(way->fd, &message, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n >= 0;
}

void udp_wipe(struct udp_batch *batch)
{
	for (unsigned i = 0; i < batch->received; i++)
		wipe(batch, i);
	batch->received = 0;
}
