/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The packet path of every mode, on the same frame: the XDP program by BPF_PROG_TEST_RUN, dpdk
 * mode's burst from port to port, and socket mode's handling of the datagram. An input is a frame.
 * They must agree:
 *
 *   XDP answers      dpdk mode sends the same bytes from the UDP header on; what socket mode makes
 *                    of the payload is the same
 *   XDP drops        dpdk mode sends nothing
 *   XDP passes       for a reason that would make the kernel drop it as well: dpdk mode sends
 *                    nothing; for one that leaves it to the daemon's socket: if dpdk mode answers
 *                    or stores, then as socket mode does
 *   a TAKE           the same, and the session is gone in each; it is stored again afterwards
 *   a NEW, a REMOVE  what an AF_XDP socket, a plain one and dpdk mode hand the writer is the same
 *
 * If the frame's last byte is odd, its checksums are corrected first: otherwise few inputs would
 * pass them.
 */
#include "tests/fuzz/fuzz.h"

#include "common/log.h"

#include "common/clock.h"
#include "dataplane/xdp/mirror/entry.h"
#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>

#include <arpa/inet.h>
#include <errno.h>

#include "tests/fuzz/packet_dpdk.h"
#include "tests/fuzz/packet_frame.h"
#include "tests/fuzz/packet_judge.h"
#include "tests/wire.h"

#define FRAME_ROOM 1514
#define PORT	   54321

static struct sessiond_bpf *skel;
static struct table *by_dpdk, *by_socket; /* the same sessions, for a TAKE ends them */
static struct sessd_config settings;

/* The server's addresses are those of tests/dpdk/packet.h. */
static const char *const served[] = {"192.0.2.1", "2001:db8::1"};

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* A value that is not stored would look like modes that disagree. */
static void put(struct bpf_map *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY) < 0)
		FUZZ_FAIL("the kernel refuses to store in the map %s: %s", bpf_map__name(map),
			strerror(errno));
}

static void store_in(struct table *table, const struct session *session, const uint8_t *value)
{
	uint64_t hash = table_hash(table, session->key);
	uint32_t slot = table_find(table, hash, session->key);

	/* The one freed last is taken first: the slot is the session's own. */
	if (slot != TABLE_NO_SLOT)
		table_delete(table, slot);
	if (table_alloc(table) != session->slot)
		FUZZ_FAIL("another slot");
	table_insert(table, hash, session, value);
}

static void store(uint8_t id, unsigned len, uint32_t seconds)
{
	uint8_t value[VALUE_MAX], rests[SESSD_BLOCK_SIZE(VALUE_MAX)] = {0};
	const struct entry_format format = {.secret = settings.secret, .value_max = VALUE_MAX};
	struct session session = {.slot = id - 'A', .len = (uint16_t)len};
	uint32_t number = session.slot << SESSD_REST_BITS | (SESSD_RESTS(VALUE_MAX) - 1);
	struct sessd_entry entry;

	memset(session.key, id, SESSD_KEY_SIZE);
	for (unsigned i = 0; i < len; i++)
		value[i] = (uint8_t)(id + 3 * i);
	session.expires = seconds ? clock_tick() + clock_ticks(seconds) : 1;
	session.sum = htons((uint16_t)wire_sum(0, value, len));
	store_in(by_dpdk, &session, value);
	store_in(by_socket, &session, value);
	/* The last of its block. */
	entry_pack(&format, &entry,
		rests + SESSD_BLOCK_SIZE(VALUE_MAX) - SESSD_REST_SIZE(VALUE_MAX), &session, value);
	if (len > SESSD_INLINE_MAX)
		memcpy(entry.data + SESSD_SPLIT, &number, sizeof(number));
	put(skel->maps.overflow, &session.slot, rests);
	put(skel->maps.sessions, session.key, &entry);
}

static void store_all(void)
{
	store('A', 144, 65000);
	store('B', 1, 65000);
	store('C', 149, 65000);
	store('D', 512, 65000);
	store('E', 20, 0);
	store('F', 7, 65000);
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
	put(skel->maps.config, &zero, &settings);
	put(skel->maps.allow4, &net4, &one);
	put(skel->maps.allow6, &net6, &one);
	for (unsigned i = 0; i < 2; i++) {
		local = (struct sessd_local){.port = htons(PORT)};
		if (inet_pton(AF_INET6, served[i], local.addr) != 1) {
			local.addr[10] = local.addr[11] = 0xff;
			inet_pton(AF_INET, served[i], local.addr + 12);
		}
		put(skel->maps.local, &local, &one);
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
	by_dpdk = table_create(&config);
	by_socket = table_create(&config);
	if (!by_dpdk || !by_socket)
		FUZZ_FAIL("no table");
	store_all();
	packet_judge_open(by_socket);
	packet_dpdk_open(by_dpdk, VALUE_MAX, served, 2);
	return 0;
}

static void read_counters(struct sessd_xdp_counters *sum)
{
	static struct sessd_xdp_counters each[1024];
	int cpus = libbpf_num_possible_cpus();
	uint32_t zero = 0;

	memset(sum, 0, sizeof(*sum));
	if (cpus < 1 || cpus > 1024)
		FUZZ_FAIL("%d CPUs", cpus);
	if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.stats), &zero, each) < 0)
		FUZZ_FAIL("the counters cannot be read: %s", strerror(errno));
	for (int cpu = 0; cpu < cpus; cpu++) {
		for (size_t i = 0; i < sizeof(*sum) / 8; i++)
			((uint64_t *)sum)[i] += ((const uint64_t *)&each[cpu])[i];
	}
}

/* Whether the kernel would also drop a packet passed for the reason counted last. */
static bool nobodys(const struct sessd_xdp_counters *a, const struct sessd_xdp_counters *b)
{
	return b->pass_not_udp > a->pass_not_udp || b->pass_other_port > a->pass_other_port ||
	       b->pass_bad_checksum > a->pass_bad_checksum ||
	       b->pass_not_local > a->pass_not_local || b->pass_not_ip > a->pass_not_ip;
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
	/* Our ports do not accept frames for another station's address. */
	if (!(request.bytes[0] & 1))
		memcpy(request.bytes, packet_dpdk_mac, 6);
	if (data[size - 1] & 1)
		frame_fix_checksums(&request);
	read_counters(&before);
	opts.data_size_in = (uint32_t)size;
	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.sessiond_xdp), &opts) < 0)
		FUZZ_FAIL("the kernel does not run the program: %s", strerror(errno));
	xdp.len = opts.data_size_out;
	read_counters(&after);
	dpdk.len = packet_dpdk_run(request.bytes, size, dpdk.bytes, sizeof(dpdk.bytes));
	packet_judge(&request, opts.retval, &xdp, &dpdk, nobodys(&before, &after),
		after.pass_new > before.pass_new || after.pass_remove > before.pass_remove);
	/* By each mode: also by dpdk mode what the program has passed to the daemon's socket. */
	if (packet_dpdk_taken || after.take_hits > before.take_hits)
		store_all();
	return 0;
}
