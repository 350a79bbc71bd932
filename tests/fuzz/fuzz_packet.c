/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The packet path of every mode, on the same frame: the XDP program by BPF_PROG_TEST_RUN, dpdk
 * mode's burst from a port to a port, and what socket mode does with the datagram. An input is a
 * frame. They must agree:
 *
 *   XDP answers      dpdk mode sends the same bytes from the UDP header on; what socket mode makes
 *                    of the payload is the same
 *   XDP drops        dpdk mode sends nothing
 *   XDP passes       for a reason that would make the kernel drop it as well: dpdk mode sends
 *                    nothing; for one that leaves it to the daemon's socket: if dpdk mode answers
 *                    or stores, then as socket mode does
 *   a NEW, a REMOVE  what an AF_XDP socket, a plain one and dpdk mode hand the writer is the same
 *
 * The frame's checksums are made right first if its last byte is odd: few inputs would be seen to
 * pass them otherwise.
 */
#include "fuzz.h"

#include <sessiond/log.h>

#include "clock.h"
#include "request.h"
#include "sessiond.skel.h"

#include <bpf/bpf.h>

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <time.h>

#include "packet_dpdk.h"
#include "xdp/xsk_parse.h"

#define FRAME_ROOM 1514
#define VALUE_MAX  512
#define PORT	   54321

static struct sessiond_bpf *skel;
static struct table *table;
static struct sessd_config settings;

/* The server's addresses are those of tests/dpdk/packet.h. */
static const char *const served[] = {"192.0.2.1", "2001:db8::1"};

struct fuzz_frame {
	uint8_t bytes[2048];
	size_t len;
};

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static uint16_t sum16(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void store(uint8_t id, unsigned len, uint32_t seconds)
{
	uint8_t value[VALUE_MAX], rest[SESSD_OVERFLOW_SIZE(VALUE_MAX)] = {0};
	struct sessd_entry entry = {0};
	struct session session = {.slot = table_alloc(table), .len = (uint16_t)len};
	unsigned head = len > SESSD_INLINE_MAX ? SESSD_SPLIT : len;

	memset(session.key, id, SESSD_KEY_SIZE);
	for (unsigned i = 0; i < len; i++)
		value[i] = (uint8_t)(id + 3 * i);
	session.expires = seconds ? clock_tick() + clock_ticks(seconds) : 1;
	session.sum = htons(sum16(0, value, len));
	table_insert(table, table_hash(table, session.key), &session, value);
	entry.life = sessd_life(session.expires, session.slot);
	entry.len = session.len;
	entry.sum = session.sum;
	entry.guard =
		sessd_guard(settings.secret, session.key, entry.life, entry.sum, value, entry.len);
	memcpy(entry.data, value, head);
	memcpy(rest, value + head, len - head);
	bpf_map_update_elem(bpf_map__fd(skel->maps.overflow), &session.slot, rest, BPF_ANY);
	bpf_map_update_elem(bpf_map__fd(skel->maps.sessions), session.key, &entry, BPF_ANY);
}

static void open_xdp(void)
{
	struct sessd_lpm4 net4 = {.prefixlen = 0};
	struct sessd_lpm6 net6 = {.prefixlen = 0};
	struct sessd_local local;
	uint32_t zero = 0;
	uint8_t one = 1;

	skel = sessiond_bpf__open();
	if (!skel)
		FUZZ_FAIL("the program cannot be opened");
	skel->rodata->value_max = VALUE_MAX;
	bpf_map__set_max_entries(skel->maps.sessions, 64);
	bpf_map__set_max_entries(skel->maps.overflow, 64);
	if (sessiond_bpf__load(skel) < 0)
		FUZZ_SKIP("BPF programs cannot be loaded here");
	settings = (struct sessd_config){.abi = SESSD_ABI,
		.capacity = 64,
		.value_max = VALUE_MAX,
		.port_filter = 1ULL << PORT % 64};
	for (unsigned i = 0; i < SESSD_GUARD_KEYS; i++)
		settings.secret[i] = (i + 1) * 0x9e3779b97f4a7c15 | 1;
	bpf_map_update_elem(bpf_map__fd(skel->maps.config), &zero, &settings, BPF_ANY);
	bpf_map_update_elem(bpf_map__fd(skel->maps.allow4), &net4, &one, BPF_ANY);
	bpf_map_update_elem(bpf_map__fd(skel->maps.allow6), &net6, &one, BPF_ANY);
	for (unsigned i = 0; i < 2; i++) {
		local = (struct sessd_local){.port = htons(PORT)};
		if (inet_pton(AF_INET6, served[i], local.addr) != 1) {
			local.addr[10] = local.addr[11] = 0xff;
			inet_pton(AF_INET, served[i], local.addr + 12);
		}
		bpf_map_update_elem(bpf_map__fd(skel->maps.local), &local, &one, BPF_ANY);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct table_config config = {.capacity = 64, .value_max = VALUE_MAX};

	(void)argc;
	(void)argv;
	log_open(LOG_LEVEL_ERROR);
	libbpf_set_print(quiet);
	open_xdp();
	table = table_create(&config);
	if (!table)
		FUZZ_FAIL("no table");
	store('A', 144, 65000);
	store('B', 1, 65000);
	store('C', 149, 65000);
	store('D', 512, 65000);
	store('E', 20, 0);
	store('F', 7, 65000);
	packet_dpdk_open(table, VALUE_MAX, served, 2);
	return 0;
}

/* Where the UDP header is, or 0: of the plain kind, which is what checksums are made for here. */
static size_t udp_at(const struct fuzz_frame *frame, bool *v6)
{
	size_t at = 12;
	uint16_t type = 0;

	for (unsigned tags = 0; tags < 3 && at + 2 <= frame->len; tags++) {
		type = (uint16_t)(frame->bytes[at] << 8 | frame->bytes[at + 1]);
		if (type != 0x8100 && type != 0x88a8)
			break;
		at += 4;
	}
	at += 2;
	*v6 = type == ETHERTYPE_IPV6;
	if (*v6)
		return at + 48 <= frame->len && frame->bytes[at + 6] == IPPROTO_UDP ? at + 40 : 0;
	if (type != ETHERTYPE_IP || at + 20 > frame->len || frame->bytes[at + 9] != IPPROTO_UDP)
		return 0;
	at += 4U * (frame->bytes[at] & 15);
	return at + 8 <= frame->len ? at : 0;
}

static size_t ip_at(const struct fuzz_frame *frame)
{
	size_t at = 12;

	while (at + 2 <= frame->len && (frame->bytes[at] << 8 | frame->bytes[at + 1]) != 0x0800 &&
		(frame->bytes[at] << 8 | frame->bytes[at + 1]) != 0x86dd)
		at += 4;
	return at + 2;
}

static void put16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

/* Of a datagram that is whole. */
static uint32_t pseudo_header(const struct fuzz_frame *frame, size_t udp, bool v6)
{
	size_t ip = ip_at(frame);
	uint32_t len = (uint32_t)(frame->bytes[udp + 4] << 8 | frame->bytes[udp + 5]);

	return len + IPPROTO_UDP +
	       (v6 ? sum16(0, frame->bytes + ip + 8, 32) : sum16(0, frame->bytes + ip + 12, 8));
}

static void fix_checksums(struct fuzz_frame *frame)
{
	bool v6;
	size_t udp = udp_at(frame, &v6), ip, len, header;
	uint16_t sum;

	if (!udp)
		return;
	ip = ip_at(frame);
	len = (size_t)(frame->bytes[udp + 4] << 8 | frame->bytes[udp + 5]);
	if (len < 8 || udp + len > frame->len)
		return;
	if (!v6) {
		header = udp - ip;
		if (header < 20)
			return;
		put16(frame->bytes + ip + 10, 0);
		put16(frame->bytes + ip + 10, (uint16_t)~sum16(0, frame->bytes + ip, header));
	}
	put16(frame->bytes + udp + 6, 0);
	sum = (uint16_t)~sum16(pseudo_header(frame, udp, v6), frame->bytes + udp, len);
	put16(frame->bytes + udp + 6, sum ? sum : 0xffff);
}

static void read_counters(struct sessd_xdp_counters *sum)
{
	static struct sessd_xdp_counters each[1024];
	int cpus = libbpf_num_possible_cpus();
	uint32_t zero = 0;

	memset(sum, 0, sizeof(*sum));
	if (cpus > 1024 || bpf_map_lookup_elem(bpf_map__fd(skel->maps.stats), &zero, each) < 0)
		FUZZ_FAIL("no counters");
	for (int cpu = 0; cpu < cpus; cpu++) {
		for (size_t i = 0; i < sizeof(*sum) / 8; i++)
			((uint64_t *)sum)[i] += ((const uint64_t *)&each[cpu])[i];
	}
}

/* Whether the kernel, too, would drop what was passed for the reason counted last. */
static bool nobodys(const struct sessd_xdp_counters *a, const struct sessd_xdp_counters *b)
{
	return b->pass_not_udp > a->pass_not_udp || b->pass_other_port > a->pass_other_port ||
	       b->pass_bad_checksum > a->pass_bad_checksum ||
	       b->pass_not_local > a->pass_not_local || b->pass_not_ip > a->pass_not_ip;
}

/* What socket mode answers to a payload: its length, 0 for nothing. */
static size_t by_socket(const uint8_t *payload, size_t len, uint8_t *reply)
{
	struct request_counters counters = {0};
	uint8_t *copy;
	size_t size = 0;

	if (request_classify(payload, len) != REQUEST_GET)
		return 0;
	/* Of its own, so that a read past it is seen; with a slot's alignment, as a buffer has. */
	copy = malloc(len);
	memcpy(copy, payload, len);
	size = request_get(table, table_hash(table, ((struct sessd_header *)copy)->key),
		(struct sessd_header *)copy, clock_tick(), reply, NULL, &counters);
	free(copy);
	return size;
}

/* What a mode that found this payload hands its writer. */
static void update_of(const uint8_t *payload, size_t len, struct packet_update *update)
{
	struct sessd_header header;
	enum request_kind kind;

	memset(update, 0, sizeof(*update));
	kind = request_classify(payload, len);
	if (kind != REQUEST_NEW && kind != REQUEST_REMOVE)
		return;
	memcpy(&header, payload, sizeof(header));
	update->count = 1;
	memcpy(update->key, header.key, SESSD_KEY_SIZE);
	if (kind == REQUEST_REMOVE)
		return;
	update->is_new = true;
	update->timeout = ntohs(header.timeout);
	update->len = len - SESSD_HEADER_SIZE;
	if (update->len <= VALUE_MAX)
		memcpy(update->value, payload + SESSD_HEADER_SIZE, update->len);
}

/* What an AF_XDP socket's reader makes of the frame, in memory of its own. */
static enum xsk_parsed by_xsk(const struct fuzz_frame *request, struct packet_update *update)
{
	uint8_t *frame = malloc(request->len);
	const uint8_t *message;
	enum xsk_parsed parsed;
	size_t len;

	memset(update, 0, sizeof(*update));
	memcpy(frame, request->bytes, request->len);
	parsed = xsk_parse(frame, request->len, &message, &len);
	if (parsed == XSK_MESSAGE) {
		/* Of its own, so that a read past it is seen. */
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, message, len);
		update_of(copy, len, update);
		free(copy);
	}
	free(frame);
	return parsed;
}

static void dump(const char *name, const uint8_t *bytes, size_t len)
{
	fprintf(stderr, "%s, %zu bytes:", name, len);
	for (size_t i = 0; i < len && i < 160; i++)
		fprintf(stderr, "%s%02x", i % 16 ? " " : "\n  ", bytes[i]);
	fputc('\n', stderr);
}

static void compare(
	const char *what, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	if (a_len == b_len && memcmp(a, b, a_len) == 0)
		return;
	dump("one", a, a_len);
	dump("other", b, b_len);
	FUZZ_FAIL("%s", what);
}

/* A GET's reply, or what is handed to the writer, where XDP leaves it to the daemon's socket. */
static void judge_passed(const struct fuzz_frame *request, const struct fuzz_frame *dpdk)
{
	uint8_t reply[SESSD_HEADER_SIZE + VALUE_MAX];
	struct packet_update update;
	size_t at, size, other, len;
	bool v6;

	if (!dpdk->len && !packet_dpdk_update.count)
		return;
	at = udp_at(request, &v6);
	size = at ? (size_t)(request->bytes[at + 4] << 8 | request->bytes[at + 5]) : 0;
	if (size < 8 || at + size > request->len) {
		dump("request", request->bytes, request->len);
		FUZZ_FAIL("dpdk mode takes what is no whole datagram");
	}
	update_of(request->bytes + at + 8, size - 8, &update);
	compare("dpdk and socket mode hand on different updates", (uint8_t *)&packet_dpdk_update,
		sizeof(update), (uint8_t *)&update, sizeof(update));
	len = by_socket(request->bytes + at + 8, size - 8, reply);
	other = dpdk->len ? udp_at(dpdk, &v6) + 8 : 0;
	compare("dpdk and socket mode differ", dpdk->bytes + other, dpdk->len - other, reply, len);
}

/* What the program has counted as a NEW or REMOVE. */
static void judge_update(const struct fuzz_frame *request, enum xsk_parsed parsed,
	const struct packet_update *by_xsk)
{
	struct packet_update update;
	size_t at, size;
	bool v6;

	if (parsed != XSK_MESSAGE) {
		if (packet_dpdk_update.count)
			FUZZ_FAIL("dpdk mode stores what AF_XDP's reader refuses");
		return;
	}
	at = udp_at(request, &v6);
	if (!at)
		FUZZ_FAIL("AF_XDP's reader takes what is no UDP");
	size = (size_t)(request->bytes[at + 4] << 8 | request->bytes[at + 5]);
	update_of(request->bytes + at + 8, size - 8, &update);
	if (!update.count)
		FUZZ_FAIL("the program hands on what is neither NEW nor REMOVE");
	compare("AF_XDP's reader and the socket hand on different updates", (uint8_t *)by_xsk,
		sizeof(update), (uint8_t *)&update, sizeof(update));
	/* Of a sender on this host, which leaves the sum to hardware that a frame from a wire has
	 * met. */
	if (!packet_dpdk_update.count &&
		sum16(pseudo_header(request, at, v6), NULL, 0) ==
			(request->bytes[at + 6] << 8 | request->bytes[at + 7]))
		return;
	compare("AF_XDP's reader and dpdk mode hand on different updates", (uint8_t *)by_xsk,
		sizeof(update), (uint8_t *)&packet_dpdk_update, sizeof(update));
}

static void judge(const struct fuzz_frame *request, uint32_t verdict, const struct fuzz_frame *xdp,
	const struct fuzz_frame *dpdk, bool is_nobodys, bool is_update)
{
	struct packet_update update;
	enum xsk_parsed parsed = by_xsk(request, &update);

	uint8_t reply[SESSD_HEADER_SIZE + VALUE_MAX];
	size_t at, other, len = 0;
	bool v6;

	if (verdict == XDP_ABORTED)
		FUZZ_FAIL("the program gave up");
	if (verdict == XDP_DROP || (verdict == XDP_PASS && is_nobodys)) {
		if (dpdk->len) {
			dump("dpdk mode", dpdk->bytes, dpdk->len);
			FUZZ_FAIL("dpdk mode answers what XDP %s",
				verdict == XDP_DROP ? "drops" : "leaves to the kernel to drop");
		}
		if (packet_dpdk_update.count)
			FUZZ_FAIL("dpdk mode stores what XDP %s",
				verdict == XDP_DROP ? "drops" : "leaves to the kernel to drop");
		return;
	}
	if (verdict == XDP_PASS && is_update)
		judge_update(request, parsed, &update);
	else if (verdict == XDP_PASS)
		judge_passed(request, dpdk);
	at = udp_at(request, &v6);
	if (at && verdict == XDP_TX) {
		size_t size = (size_t)(request->bytes[at + 4] << 8 | request->bytes[at + 5]);

		len = by_socket(request->bytes + at + 8, size - 8, reply);
		other = udp_at(xdp, &v6);
		if (!other)
			FUZZ_FAIL("XDP's reply is no UDP");
		compare("XDP and socket mode differ", xdp->bytes + other + 8, xdp->len - other - 8,
			reply, len);
	}
	if (verdict == XDP_TX) {
		if (!dpdk->len)
			FUZZ_FAIL("XDP answers, dpdk mode does not");
		at = udp_at(xdp, &v6);
		other = udp_at(dpdk, &v6);
		if (!other)
			FUZZ_FAIL("dpdk mode's reply is no UDP");
		compare("XDP and dpdk mode differ", xdp->bytes + at, xdp->len - at,
			dpdk->bytes + other, dpdk->len - other);
		compare("they answer to different stations", xdp->bytes, 12, dpdk->bytes, 12);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_frame request, xdp, dpdk;
	struct sessd_xdp_counters before, after;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = request.bytes, .data_out = xdp.bytes,
		.data_size_out = sizeof(xdp.bytes), .repeat = 1);

	if (size < 60 || size > FRAME_ROOM)
		return 0;
	memcpy(request.bytes, data, size);
	request.len = size;
	/* What comes for another station's address, no port of ours takes. */
	if (!(request.bytes[0] & 1))
		memcpy(request.bytes, packet_dpdk_mac, 6);
	if (data[size - 1] & 1)
		fix_checksums(&request);
	read_counters(&before);
	opts.data_size_in = (uint32_t)size;
	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.sessiond_xdp), &opts) < 0)
		return 0;
	xdp.len = opts.data_size_out;
	read_counters(&after);
	dpdk.len = packet_dpdk_run(request.bytes, size, dpdk.bytes, sizeof(dpdk.bytes));
	judge(&request, opts.retval, &xdp, &dpdk, nobodys(&before, &after),
		after.pass_new > before.pass_new || after.pass_remove > before.pass_remove);
	return 0;
}
