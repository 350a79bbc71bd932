/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * NEWs and REMOVEs from the wire to the sink, in the rings and by AF_XDP (--busy-poll): frames are
 * sent at one end of a veth pair with several queues, and the engine's program is at the other.
 */
#include "tests/bpf/engine_world.h"
#include "tests/bpf/frame.h"

#include "common/log.h"

#include "dataplane/xdp/xsk/xsk_queue.h"

#include <bpf/bpf.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT   7300 /* engine_world's */
#define QUEUES 4

static struct world world;
static const uint8_t key[SESSD_KEY_SIZE] = "key";

/* What the sink got. */
static struct {
	unsigned news, removes;
	uint8_t key[SESSD_KEY_SIZE];
	uint16_t timeout;
	size_t length;
	uint32_t sum; /* of the value's bytes */
} got;

static void on_new(void *ctx, const uint8_t *new_key, uint16_t timeout, const void *value,
	size_t len, const struct address *source)
{
	(void)ctx;
	assert_non_null(source);
	got.news++;
	got.timeout = timeout;
	got.length = len;
	memcpy(got.key, new_key, sizeof(got.key));
	got.sum = 0;
	for (size_t i = 0; i < len; i++)
		got.sum += ((const uint8_t *)value)[i];
}

static void on_remove(void *ctx, const uint8_t *old_key)
{
	(void)ctx;
	got.removes++;
	memcpy(got.key, old_key, sizeof(got.key));
}

static const struct update_sink sink = {.on_new = on_new, .on_remove = on_remove};

static void serve(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	assert_int_equal(engine_xdp.set_local(world.engine, &address, true), 0);
}

/* Those of frame_build. */
static void join(uint32_t tags)
{
	struct sessd_vlan vlan = {if_nametoindex("t0"), tags};

	assert_int_equal(engine_xdp.set_vlan(world.engine, &vlan, true), 0);
}

static void start(const char *command, bool busy_poll)
{
	struct allow_list allow;

	world_sh("ip link del t0 2>/dev/null || true");
	world_sh(command);
	world_sh("ip link set t0 up && ip link set t1 up");
	world_reset(&world);
	world.config.listen[0].any = true;
	world.config.busy_poll = busy_poll;
	memset(&got, 0, sizeof(got));
	allow_list_default(&allow);
	assert_int_equal(world_open(&world), 0);
	assert_int_equal(engine_xdp.set_allow(world.engine, &allow), 0);
	serve(FRAME_SERVER4);
	serve(FRAME_SERVER6);
	join(sessd_vlan_tag(100, false));
	join(sessd_vlan_push(sessd_vlan_tag(100, true), sessd_vlan_tag(101, false)));
	assert_int_equal(engine_xdp.start(world.engine, NULL, &sink), 0);
}

#define VETH4 \
	"ip link add t0 numrxqueues 4 numtxqueues 4 type veth peer name t1 " \
	"numrxqueues 4 numtxqueues 4"

struct figure {
	const char *name;
	uint64_t value;
};

static void on_figure(void *ctx, const char *name, uint64_t value)
{
	struct figure *figure = ctx;

	if (strcmp(name, figure->name) == 0)
		figure->value = value;
}

static uint64_t stat_of(const char *name)
{
	struct figure figure = {.name = name, .value = UINT64_MAX};

	engine_xdp.stats(world.engine, on_figure, &figure);
	if (figure.value == UINT64_MAX)
		print_error("no figure %s\n", name);
	assert_int_not_equal(figure.value, UINT64_MAX);
	return figure.value;
}

static void send_frame(const uint8_t *frame, size_t size)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("t1")};
	static int fd = -1; /* kept open: closing one takes a grace period */
	static unsigned sent;

	if (fd < 0)
		fd = socket(AF_PACKET, SOCK_RAW, 0);
	assert_true(fd >= 0);
	assert_int_equal(
		sendto(fd, frame, size, 0, (struct sockaddr *)&at, sizeof(at)), (ssize_t)size);
	/* The link's own queue is short, and a slow machine empties it later. */
	if (++sent % 64 == 0)
		usleep(2000);
}

static void send_spec(struct frame_spec spec)
{
	uint8_t frame[FRAME_MAX];

	spec.dest_port = PORT;
	if (!spec.key)
		spec.key = key;
	send_frame(frame, frame_build(&spec, frame));
}

/* Polls until `n` figures have reached `value`, 2 seconds at most. */
static void poll_until(const char *name, uint64_t value)
{
	time_t end = time(NULL) + 3;

	while (stat_of(name) < value && time(NULL) < end)
		assert_true(engine_xdp.poll(world.engine, 50) >= 0);
	assert_int_equal(stat_of(name), value);
}

static void arrives(bool busy_poll)
{
	unsigned news = 0;

	start(VETH4, busy_poll);
	assert_int_equal(stat_of("xsk_sockets"), QUEUES);
	assert_int_equal(stat_of("xsk_sockets_zero_copy"), 0); /* which veth has not */
	for (int v6 = 0; v6 < 2; v6++) {
		for (unsigned vlans = 0; vlans <= 2; vlans++) {
			send_spec((struct frame_spec){.type = -1,
				.v6 = v6,
				.vlans = vlans,
				.trailing = 100 + vlans,
				.timeout = (uint16_t)(300 + vlans)});
			poll_until("xsk_received", ++news);
			assert_int_equal(got.news, news);
			assert_int_equal(got.timeout, 300 + vlans);
			assert_int_equal(got.length, 100 + vlans);
			assert_memory_equal(got.key, key, sizeof(key));
		}
	}
	send_spec((struct frame_spec){.type = SESSD_REMOVE});
	poll_until("xsk_received", news + 1);
	assert_int_equal(got.removes, 1);
	assert_memory_equal(got.key, key, sizeof(key));
	/* The longest value, and a checksum as from a sender on this host. */
	send_spec((struct frame_spec){
		.type = -1, .v6 = true, .trailing = SESSD_VALUE_LIMIT, .check = CHECK_PARTIAL});
	poll_until("xsk_received", news + 2);
	assert_int_equal(got.news, news + 1);
	assert_int_equal(got.length, SESSD_VALUE_LIMIT);
	assert_int_equal(stat_of("xsk_fallback"), 0);
	assert_int_equal(stat_of("xsk_drop_checksum"), 0);
	assert_int_equal(stat_of("xsk_drop_malformed"), 0);
	assert_int_equal(stat_of("xdp_pass_new"), news + 1);
	assert_int_equal(stat_of("xdp_pass_remove"), 1);
	world_close(&world, false);
}

static void arrives_in_rings(void **state)
{
	(void)state;
	arrives(false);
}

static void arrives_by_af_xdp(void **state)
{
	(void)state;
	arrives(true);
}

static void add_source(void *ctx, const struct talker *talker)
{
	struct talker *sum = ctx;

	if (address_equal(&talker->source, &sum->source)) {
		sum->news += talker->news;
		sum->drops += talker->drops;
	}
}

/* What the program and the daemon have counted of a source. */
static struct talker counted(const char *source)
{
	struct talker sum = {0};

	assert_int_equal(address_parse(source, &sum.source), 0);
	engine_xdp.talkers(world.engine, add_source, &sum);
	return sum;
}

/* Dropped, and counted by source. */
static void checksums(bool busy_poll)
{
	start(VETH4, busy_poll);
	engine_xdp.watch(world.engine, 1);
	send_spec((struct frame_spec){.type = -1, .trailing = 144, .check = CHECK_WRONG});
	poll_until("xsk_drop_checksum", 1);
	send_spec(
		(struct frame_spec){.type = -1, .trailing = 144, .v6 = true, .check = CHECK_NONE});
	poll_until("xsk_drop_checksum", 2);
	assert_int_equal(got.news, 0);
	send_spec((struct frame_spec){.type = -1, .trailing = 144, .check = CHECK_NONE});
	poll_until("xsk_received", 3);
	assert_int_equal(got.news, 1);
	assert_int_equal(counted(FRAME_CLIENT4).news, 2);
	assert_int_equal(counted(FRAME_CLIENT4).drops, 1);
	assert_int_equal(counted(FRAME_CLIENT6).drops, 1);
	world_close(&world, false);
}

static void checksums_in_rings(void **state)
{
	(void)state;
	checksums(false);
}

static void checksums_by_af_xdp(void **state)
{
	(void)state;
	checksums(true);
}

/* From many ports, so that every queue gets some, and more than fit into a ring of one burst. */
static void every_queue(bool busy_poll)
{
	unsigned used = 0;

	start(VETH4, busy_poll);
	for (int port = 1000; port < 1600; port++)
		send_spec((struct frame_spec){.type = -1, .trailing = 8, .source_port = port});
	poll_until("xsk_received", 600);
	assert_int_equal(got.news, 600);
	for (unsigned i = 0; i < QUEUES; i++) {
		char command[128];

		snprintf(command, sizeof(command),
			"ethtool -S t0 2>/dev/null | grep -q 'rx_queue_%u_xdp_redirect: [1-9]'", i);
		used += system(command) == 0;
	}
	if (used < 2) /* by the kernel's hash of the ports, or there is no ethtool */
		print_message("only %u queues are seen to be used\n", used);
	world_close(&world, false);
}

static void every_queue_in_rings(void **state)
{
	(void)state;
	every_queue(false);
}

static void every_queue_by_af_xdp(void **state)
{
	(void)state;
	every_queue(true);
}

/* More than there is room for without polling: losses are counted, the rest arrives, and afterwards
 * everything works as before. All frames go to the ring of one CPU. */
static void overflow(bool busy_poll, unsigned count, int length)
{
	cpu_set_t before, one;
	uint64_t lost;

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	start("ip link add t0 type veth peer name t1", busy_poll);
	assert_int_equal(stat_of("xsk_sockets"), 1);
	for (unsigned i = 0; i < count; i++)
		send_spec((struct frame_spec){.type = -1, .trailing = length});
	usleep(100000); /* frames that a slow machine has not delivered yet */
	lost = stat_of("xsk_drop_no_frame") + stat_of("xsk_drop_ring_full");
	assert_in_range(lost, 1, count - 1);
	poll_until("xsk_received", count - lost);
	assert_int_equal(got.news, count - lost);
	send_spec((struct frame_spec){.type = -1, .trailing = length});
	poll_until("xsk_received", count + 1 - lost);
	world_close(&world, false);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

static void overflow_of_a_ring(void **state)
{
	(void)state;
	overflow(false, 2000, 1000);
}

static void overflow_of_af_xdp(void **state)
{
	(void)state;
	overflow(true, 5000, 8);
}

static void *send_later(void *ctx)
{
	(void)ctx;
	usleep(200000);
	send_spec((struct frame_spec){.type = -1, .trailing = 8});
	return NULL;
}

/* A writer that sleeps is woken, again and again. */
static void wakes(void **state)
{
	(void)state;
	start(VETH4, false);
	for (unsigned i = 1; i <= 3; i++) {
		time_t began = time(NULL);
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, send_later, NULL), 0);
		while (got.news < i && time(NULL) < began + 20)
			assert_true(engine_xdp.poll(world.engine, 30000) >= 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(got.news, i);
		assert_true(time(NULL) < began + 20);
	}
	world_close(&world, false);
}

static void on_either(void *ctx, const uint8_t *old_key)
{
	on_remove(ctx, old_key);
	assert_true(got.news > 0); /* which came before */
}

/* A REMOVE that a reload has sent the other way does not overtake its NEW. */
static void order(void **state)
{
	for (int busy_poll = 0; busy_poll < 2; busy_poll++) {
		struct engine_config next;

		(void)state;
		start(VETH4, busy_poll);
		world.engine->sink.on_remove = on_either;
		world.engine->started = false; /* there is no writer thread to wait for */
		next = world.config;
		send_spec((struct frame_spec){.type = -1, .trailing = 8});
		next.busy_poll = !busy_poll;
		assert_int_equal(engine_xdp.reload(world.engine, &next), 0);
		send_spec((struct frame_spec){.type = SESSD_REMOVE});
		usleep(50000);
		poll_until("xsk_received", 2);
		assert_int_equal(got.news, 1);
		assert_int_equal(got.removes, 1);
		world.engine->started = true;
		world_close(&world, false);
	}
}

/* From rings to AF_XDP and back: nothing is lost. */
static void reload(void **state)
{
	struct engine_config next;
	unsigned news = 0;

	(void)state;
	start(VETH4, false);
	world.engine->started = false; /* there is no writer thread to wait for */
	next = world.config;
	for (unsigned i = 0; i < 4; i++) {
		for (int port = 1000; port < 1040; port++)
			send_spec((struct frame_spec){
				.type = -1, .trailing = 8, .source_port = port});
		news += 40;
		next.busy_poll = !next.busy_poll;
		assert_int_equal(engine_xdp.reload(world.engine, &next), 0);
		poll_until("xsk_received", news);
		assert_int_equal(got.news, news);
	}
	world.engine->started = true;
	world_close(&world, false);
}

static void one_poll_is_bounded(void **state)
{
	int most = 0, n;

	(void)state;
	start(VETH4, false);
	for (int port = 1000; port < 2200; port++)
		send_spec((struct frame_spec){.type = -1, .trailing = 8, .source_port = port});
	while (got.news < 1200) {
		n = engine_xdp.poll(world.engine, 1000);
		assert_in_range(n, 1, XSK_BUDGET);
		most = n > most ? n : most;
	}
	assert_int_equal(most, XSK_BUDGET);
	world_close(&world, false);
}

/* If the driver has no XDP, or must not use it. */
static void generic(void **state)
{
	struct allow_list allow;

	(void)state;
	world_reset(&world);
	world.config.listen[0].any = true;
	world.config.xdp_mode = XDP_MODE_GENERIC;
	memset(&got, 0, sizeof(got));
	allow_list_default(&allow);
	assert_int_equal(world_open(&world), 0);
	assert_int_equal(engine_xdp.set_allow(world.engine, &allow), 0);
	serve(FRAME_SERVER4);
	assert_int_equal(engine_xdp.start(world.engine, NULL, &sink), 0);
	assert_true(stat_of("xsk_sockets") > 0);
	send_spec((struct frame_spec){.type = -1, .trailing = 144});
	poll_until("xsk_received", 1);
	assert_int_equal(got.news, 1);
	world_close(&world, false);
}

/* The sockets close with their daemon, and the next daemon's replace them. */
static void adoption(void **state)
{
	unsigned descriptors = world_descriptors();
	struct allow_list allow;

	(void)state;
	start(VETH4, false);
	send_spec((struct frame_spec){.type = -1, .trailing = 144});
	poll_until("xsk_received", 1);
	world_close(&world, true);
	assert_int_equal(world_descriptors(), descriptors);
	assert_int_not_equal(world_program("t0"), 0);
	send_spec((struct frame_spec){.type = -1, .trailing = 144}); /* to nobody */

	assert_int_equal(world_open(&world), 0);
	assert_true(world.engine->adopted);
	allow_list_default(&allow);
	assert_int_equal(engine_xdp.set_allow(world.engine, &allow), 0);
	assert_int_equal(engine_xdp.start(world.engine, NULL, &sink), 0);
	assert_int_equal(stat_of("xdp_pass_new"), 2);
	assert_int_equal(stat_of("xsk_received"), 0);
	serve(FRAME_SERVER4);
	send_spec((struct frame_spec){.type = -1, .trailing = 144});
	poll_until("xsk_received", 1);
	assert_int_equal(got.news, 2);
	world_close(&world, false);
	assert_int_equal(world_descriptors(), descriptors);
}

static void interface_goes(void **state)
{
	(void)state;
	start(VETH4, false);
	world_sh("ip link del t0");
	/* It neither fails nor spins. */
	for (int i = 0; i < 8; i++)
		assert_int_equal(engine_xdp.poll(world.engine, 0), 0);
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(engine_xdp.poll(world.engine, 100), 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec > 50000000);
	world_close(&world, false);
	world_make_veth();
}

static size_t frame_bytes;

int __real_xsk_queue_open(struct xsk_queue *queue, const char *interface, uint32_t number,
	unsigned frames, bool copy, bool busy_poll);
int __wrap_xsk_queue_open(struct xsk_queue *queue, const char *interface, uint32_t number,
	unsigned frames, bool copy, bool busy_poll);
int __wrap_xsk_queue_open(struct xsk_queue *queue, const char *interface, uint32_t number,
	unsigned frames, bool copy, bool busy_poll)
{
	frame_bytes += (size_t)frames * XSK_FRAME_SIZE;
	return __real_xsk_queue_open(queue, interface, number, frames, copy, busy_poll);
}

/* With many queues, the frames of all sockets together take no more than the documented limit. */
static void memory_of_many_queues(void **state)
{
	static const struct xsk_interface interfaces[] = {
		{"q0", true, 0, 64}, {"q1", true, 1, 64}, {"q2", true, 2, 64}};
	static const char names[][IF_NAMESIZE] = {"q0", "q1", "q2"};
	int map = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "xsks", 4, 4, 3 * 64, NULL);
	struct xsk_set *set;

	(void)state;
	assert_true(map >= 0);
	for (int i = 0; i < 3; i++) {
		char command[128];

		snprintf(command, sizeof(command),
			"ip link add q%d numrxqueues 64 numtxqueues 64 type veth peer name p%d && "
			"ip link set q%d up",
			i, i, i);
		world_sh(command);
	}
	frame_bytes = 0;
	set = xsk_open(interfaces, 3, map, 64, true, &(struct frame_intake){0});
	assert_non_null(set);
	assert_int_equal(xsk_count(set), 192);
	print_message("192 queues take %zu KiB\n", frame_bytes >> 10);
	assert_in_range(frame_bytes, XSK_BYTES_MAX / 2, XSK_BYTES_MAX);
	assert_int_equal(xsk_bytes(names, 3, true), frame_bytes);
	xsk_close(set);
	assert_int_equal(xsk_bytes(names, 1, true), XSK_BYTES_MAX);
	close(map);
	for (int i = 0; i < 3; i++) {
		char command[64];

		snprintf(command, sizeof(command), "ip link del q%d", i);
		world_sh(command);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(generic),
		world_test(arrives_in_rings),
		world_test(arrives_by_af_xdp),
		world_test(checksums_in_rings),
		world_test(checksums_by_af_xdp),
		world_test(every_queue_in_rings),
		world_test(every_queue_by_af_xdp),
		world_test(overflow_of_a_ring),
		world_test(overflow_of_af_xdp),
		world_test(one_poll_is_bounded),
		world_test(wakes),
		world_test(order),
		world_test(reload),
		world_test(adoption),
		world_test(interface_goes),
		world_test(memory_of_many_queues),
	};
	int probe = socket(AF_XDP, SOCK_RAW, 0);

	if (probe < 0) {
		printf("skipped: no AF_XDP socket can be made here: %s\n", strerror(errno));
		return 77;
	}
	close(probe);
	log_open(LOG_LEVEL_WARNING);
	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
