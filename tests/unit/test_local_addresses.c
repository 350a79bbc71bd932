/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Following the host's addresses, in a temporary network namespace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/host/interfaces.h"
#include "control/host/local_addresses.h"
#include "tests/unit/unsendable.h"

#include "common/log.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELD_MAX 4096

static struct address held[HELD_MAX];
static unsigned held_count;

static bool has(const char *text)
{
	struct address addr;

	assert_int_equal(address_parse(text, &addr), 0);
	for (unsigned i = 0; i < held_count; i++) {
		if (address_equal(&held[i], &addr))
			return true;
	}
	return false;
}

static void changed(void *ctx, const struct address *addr, bool present)
{
	unsigned i = 0;

	(void)ctx;
	while (i < held_count && !address_equal(&held[i], addr))
		i++;
	/* Reported once when added, and once when removed. */
	assert_int_equal(i < held_count, !present);
	if (present) {
		assert_true(held_count < HELD_MAX);
		held[held_count++] = *addr;
	} else {
		held[i] = held[--held_count];
	}
}

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

/* Follows changes until there are none for a while. */
static void follow(struct follower *local, int quiet_ms)
{
	struct pollfd poller = {.fd = follower_fd(local), .events = POLLIN};

	while (poll(&poller, 1, quiet_ms) > 0) {
		int err = follower_follow(local);

		if (err)
			print_error("%s\n", error_message());
		assert_int_equal(err, 0);
	}
}

static void comes_and_goes(void **state)
{
	struct follower *local;

	(void)state;
	held_count = 0;
	local = local_addresses_open(changed, NULL);
	assert_non_null(local);
	assert_true(has("127.0.0.1"));
	run("ip addr add 10.1.2.3/32 dev lo");
	run("ip addr add fd00::77/128 dev lo nodad");
	follow(local, 50);
	assert_true(has("10.1.2.3"));
	assert_true(has("fd00::77"));
	/* On two interfaces: removed only with the last. */
	run("ip link add d0 type veth peer name d1 && ip addr add 10.1.2.3/32 dev d0");
	run("ip addr del 10.1.2.3/32 dev lo");
	follow(local, 50);
	assert_true(has("10.1.2.3"));
	run("ip link del d0");
	follow(local, 50);
	assert_false(has("10.1.2.3"));
	/* The peer of a point-to-point address is not ours. */
	run("ip addr add 10.5.0.1 peer 10.5.0.2 dev lo");
	run("ip addr del fd00::77/128 dev lo");
	follow(local, 50);
	assert_true(has("10.5.0.1"));
	assert_false(has("10.5.0.2"));
	assert_false(has("fd00::77"));
	run("ip addr del 10.5.0.1 peer 10.5.0.2 dev lo");
	follower_close(local);
	follower_close(NULL);
}

/* Readings that changes interrupt, and more events than the socket holds. */
static void churn(void **state)
{
	struct follower *local;
	unsigned before;
	pid_t pid;
	int status;

	(void)state;
	run("for i in $(seq 0 1499); do echo addr add 10.7.$((i / 250)).$((i % 250 + 1))/32 dev lo;"
	    " done | ip -batch -");
	held_count = 0;
	local = local_addresses_open(changed, NULL);
	assert_non_null(local);
	before = held_count;
	assert_true(before > 1500);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c",
			"for i in $(seq 4000); do a=10.8.$((i % 3)).$((i % 50 + 1))/32;"
			" echo addr add $a dev lo; [ $i -gt 3990 ] || echo addr del $a dev lo;"
			" done | ip -batch -",
			NULL);
		_exit(127);
	}
	do
		follow(local, 1);
	while (waitpid(pid, &status, WNOHANG) == 0);
	assert_int_equal(status, 0);
	follow(local, 100);
	assert_int_equal(held_count, before + 10);
	assert_true(has("10.7.5.250"));
	assert_true(has("10.8.1.1"));
	follower_close(local);
}

/* A failed reading is repeated without another event. */
static void read_again(void **state)
{
	struct follower *local;
	struct pollfd poller;

	(void)state;
	held_count = 0;
	local = local_addresses_open(changed, NULL);
	assert_non_null(local);
	run("ip addr add 10.9.9.9/32 dev lo");
	poller = (struct pollfd){.fd = follower_fd(local), .events = POLLIN};
	assert_int_equal(poll(&poller, 1, 1000), 1);
	unsendable = true;
	assert_int_equal(follower_follow(local), -ENOBUFS);
	assert_int_equal(follower_retry(local), -ENOBUFS);
	unsendable = false;
	assert_int_equal(poll(&poller, 1, 0), 0);
	assert_false(has("10.9.9.9"));
	assert_int_equal(follower_retry(local), 0);
	assert_true(has("10.9.9.9"));
	/* Only once: then nothing is left to do. */
	unsendable = true;
	assert_int_equal(follower_retry(local), 0);
	unsendable = false;
	run("ip addr del 10.9.9.9/32 dev lo");
	follower_close(local);
}

static int indexes[2];

static void on_interface(void *ctx, size_t i, int ifindex)
{
	(void)ctx;
	indexes[i] = ifindex;
}

static void ask_again(void **state)
{
	static const char names[2][IF_NAMESIZE] = {"lo", "d0"};
	struct follower *interfaces;
	struct pollfd poller;

	(void)state;
	interfaces = interfaces_open(names, 2, on_interface, NULL);
	assert_non_null(interfaces);
	assert_int_equal(indexes[1], 0);
	run("ip link add d0 type veth peer name d1");
	poller = (struct pollfd){.fd = follower_fd(interfaces), .events = POLLIN};
	assert_int_equal(poll(&poller, 1, 1000), 1);
	unsendable = true;
	assert_int_equal(follower_follow(interfaces), -ENOBUFS);
	unsendable = false;
	assert_int_equal(indexes[1], 0);
	assert_int_equal(follower_retry(interfaces), 0);
	assert_int_equal(indexes[1], (int)if_nametoindex("d0"));
	run("ip link del d0");
	follower_close(interfaces);
}

/* After lost events, every name is looked up. */
static void events_lost(void **state)
{
	static const char names[2][IF_NAMESIZE] = {"lo", "d0"};
	struct follower *interfaces;
	struct pollfd poller;

	(void)state;
	run("ip link add d8 type veth peer name d9");
	indexes[1] = -1;
	interfaces = interfaces_open(names, 2, on_interface, NULL);
	assert_non_null(interfaces);
	assert_int_equal(indexes[1], 0);
	run("for i in $(seq 1000); do echo link set d8 mtu $((1000 + i)); done | ip -batch -");
	run("ip link add d0 type veth peer name d1");
	poller = (struct pollfd){.fd = follower_fd(interfaces), .events = POLLIN};
	assert_int_equal(poll(&poller, 1, 1000), 1);
	assert_int_equal(follower_follow(interfaces), 0);
	assert_int_equal(indexes[1], (int)if_nametoindex("d0"));
	run("ip link del d0");
	run("ip link del d8");
	follower_close(interfaces);
}

static unsigned received, restless;

ssize_t __real_mnl_socket_recvfrom(const struct mnl_socket *socket, void *buffer, size_t size);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *buffer, size_t size);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *buffer, size_t size)
{
	ssize_t n = __real_mnl_socket_recvfrom(socket, buffer, size);
	struct nlmsghdr *header = buffer;

	received++;
	/* As if an address had changed while the list was read. */
	if (restless > 0 && n > 0 && header->nlmsg_flags & NLM_F_MULTI) {
		header->nlmsg_flags |= NLM_F_DUMP_INTR;
		restless--;
	}
	return n;
}

static unsigned told;

static void count_change(void *ctx, const struct address *addr, bool present)
{
	unsigned *count = ctx;

	(void)addr;
	told++;
	*count += present ? 1 : -1U;
}

/* However many addresses there are, a step reads and reports a few, and returns. */
static void many_in_steps(void **state)
{
	static const char make[] =
		"for d in $(seq 0 39); do echo link add m$d type veth peer name n$d; done"
		" | ip -batch -";
	static const char add[] = "for d in $(seq 0 39); do for i in $(seq 0 499); do"
				  " echo addr add 10.$((100 + d)).$((i / 250)).$((i % 250))/32"
				  " dev m$d; done; done | ip -batch -";
	unsigned count = 0, steps = 0, before;
	struct follower *local;
	struct pollfd poller;

	(void)state;
	run(make);
	local = local_addresses_open(count_change, &count);
	assert_non_null(local);
	before = count;
	run(add);
	poller = (struct pollfd){.fd = follower_fd(local), .events = POLLIN};
	while (poll(&poller, 1, 50) > 0) {
		received = told = 0;
		assert_int_equal(follower_follow(local), 0);
		assert_in_range(received, 0, 40);
		assert_in_range(told, 0, 256);
		steps++;
	}
	assert_int_equal(count, before + 20000);
	assert_in_range(steps, 20000 / 256, 20000);
	run("for d in $(seq 0 39); do echo link del m$d; done | ip -batch -");
	while (poll(&poller, 1, 50) > 0) {
		told = 0;
		assert_int_equal(follower_follow(local), 0);
		assert_in_range(told, 0, 256);
	}
	assert_int_equal(count, before);
	follower_close(local);
}

/* At the start, a list that changes during every reading is accepted, and read again. */
static void restless_at_start(void **state)
{
	struct follower *local;

	(void)state;
	held_count = 0;
	restless = 1000;
	local = local_addresses_open(changed, NULL);
	assert_non_null(local);
	assert_in_range(restless, 1, 999);
	assert_true(has("127.0.0.1"));
	/* Later it is not accepted: a missed address would be removed. */
	restless = 1000;
	assert_int_equal(follower_retry(local), 0);
	follow(local, 10);
	assert_true(has("127.0.0.1"));
	restless = 0;
	unsendable = true;
	assert_int_equal(follower_retry(local), -ENOBUFS);
	unsendable = false;
	assert_int_equal(follower_retry(local), 0);
	unsendable = true;
	assert_int_equal(follower_retry(local), 0);
	unsendable = false;
	follower_close(local);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_and_goes),
		cmocka_unit_test(churn),
		cmocka_unit_test(read_again),
		cmocka_unit_test(ask_again),
		cmocka_unit_test(events_lost),
		cmocka_unit_test(many_in_steps),
		cmocka_unit_test(restless_at_start),
	};

	if (unshare(CLONE_NEWNET) < 0) {
		printf("skipped: no network namespace can be made: %s\n", strerror(errno));
		return 77;
	}
	if (system("ip link set lo up") != 0) {
		printf("skipped: ip cannot be run\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
