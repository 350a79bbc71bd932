/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which process holds a UDP port: from the kernel's /proc, and from simulated files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/log.h"
#include "common/port_holder.h"
#include "dataplane/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static void put(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc", root);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/proc/%s", root, folder);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/proc/%s/%s", root, folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int up(void **state)
{
	(void)state;
	strcpy(root, "/tmp/holder-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int down(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* This process, in the kernel's tables. */
static void test_names_the_process(void **state)
{
	struct sockaddr_in bound = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), second;
	char text[PORT_HOLDER_TEXT], wanted[64];
	socklen_t size = sizeof(bound);
	struct endpoint endpoint;

	(void)state;
	assert_return_code(bind(fd, (struct sockaddr *)&bound, size), errno);
	assert_return_code(getsockname(fd, (struct sockaddr *)&bound, &size), errno);
	assert_int_equal(endpoint_parse("127.0.0.1", ntohs(bound.sin_port), &endpoint), 0);
	assert_true(port_holder("", &endpoint, AF_INET, text));
	snprintf(wanted, sizeof(wanted), "test_port_holde (process %d)", getpid());
	assert_string_equal(text, wanted);
	/* Its address conflicts with the wildcard, not with another address. */
	assert_int_equal(endpoint_parse("0.0.0.0", ntohs(bound.sin_port), &endpoint), 0);
	assert_true(port_holder("", &endpoint, AF_INET, text));
	assert_int_equal(endpoint_parse("127.0.0.9", ntohs(bound.sin_port), &endpoint), 0);
	assert_false(port_holder("", &endpoint, AF_INET, text));
	assert_string_equal(text, "");
	/* The daemon reports it. */
	assert_int_equal(endpoint_parse("127.0.0.1", ntohs(bound.sin_port), &endpoint), 0);
	assert_int_equal(udp_open_all(&endpoint, 1, false, &second, 1), -EADDRINUSE);
	assert_non_null(strstr(error_message(), wanted));
	assert_null(strstr(error_message(), "sessiond"));
	close(fd);
}

#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
#define LINE(address, user, inode) \
	"  123: " address " 00000000:0000 07 00000000:00000000 00:00000000 00000000 " user \
	"        0 " inode " 2 0000000000000000 0\n"

static void test_what_proc_does_not_show(void **state)
{
	char text[PORT_HOLDER_TEXT];
	struct endpoint endpoint;

	(void)state;
	assert_int_equal(endpoint_parse("192.0.2.1", 54321, &endpoint), 0);
	assert_false(port_holder(root, &endpoint, AF_INET, text));
	put("net", "udp", HEAD "cut: \n" LINE("00000000:D430", "0", "5"));
	assert_false(port_holder(root, &endpoint, AF_INET, text));
	/* In use by another user, or in another namespace. */
	put("net", "udp", HEAD LINE("00000000:D431", "107", "77"));
	assert_true(port_holder(root, &endpoint, AF_INET, text));
	assert_string_equal(text, "a process of user 107 that cannot be seen from here");
	/* A socket of the kernel's own has no inode. */
	put("net", "udp", HEAD LINE("00000000:D431", "0", "0"));
	assert_true(port_holder(root, &endpoint, AF_INET, text));
	/* [::] includes IPv4; no other IPv6 address does, and IPv4 does not conflict with IPv6. */
	put("net", "udp", HEAD);
	put("net", "udp6", HEAD LINE("00000000000000000000000001000000:D431", "0", "5"));
	assert_false(port_holder(root, &endpoint, AF_INET, text));
	put("net", "udp6", HEAD LINE("00000000000000000000000000000000:D431", "0", "5"));
	assert_true(port_holder(root, &endpoint, AF_INET, text));
	put("net", "udp6", HEAD);
	put("net", "udp", HEAD LINE("00000000:D431", "0", "5"));
	assert_int_equal(endpoint_parse("[::1]", 54321, &endpoint), 0);
	assert_false(port_holder(root, &endpoint, AF_INET6, text));
}

/* A process chooses its name: the text stays one line. */
static void test_odd_name(void **state)
{
	char text[PORT_HOLDER_TEXT], path[128];
	struct endpoint endpoint;

	(void)state;
	put("net", "udp", HEAD LINE("010200C0:D431", "0", "4242"));
	put("99", "comm", "a\033[31mb\n");
	snprintf(path, sizeof(path), "%s/proc/99/fd", root);
	assert_return_code(mkdir(path, 0755), errno);
	snprintf(path, sizeof(path), "%s/proc/99/fd/7", root);
	assert_return_code(symlink("socket:[4242]", path), errno);
	assert_int_equal(endpoint_parse("192.0.2.1", 54321, &endpoint), 0);
	assert_true(port_holder(root, &endpoint, AF_INET, text));
	assert_string_equal(text, "a?[31mb (process 99)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_the_process),
		cmocka_unit_test_setup_teardown(test_what_proc_does_not_show, up, down),
		cmocka_unit_test_setup_teardown(test_odd_name, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
