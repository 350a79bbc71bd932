/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/config/option_source.h"
#include "control/config/option_values.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGS_MAX 80
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Splits `line` at blanks; '~' in a word stands for a blank, "''" for an empty word. */
static int parse_line(struct options *options, const char *line)
{
	char copy[4096], *argv[ARGS_MAX] = {(char *)"sessiond"}, *save = NULL;
	int argc = 1;

	assert_true(strlen(line) < sizeof(copy));
	strcpy(copy, line);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		assert_true(argc < ARGS_MAX - 1);
		if (strcmp(word, "''") == 0)
			*word = '\0';
		for (char *c = word; *c; c++)
			if (*c == '~')
				*c = ' ';
		argv[argc++] = word;
	}
	return options_parse(options, argc, argv, NULL);
}

static void assert_one_line(const char *message)
{
	assert_true(strlen(message) > 0);
	for (const char *c = message; *c; c++)
		assert_true((unsigned char)*c >= 0x20);
}

static void defaults(void **state)
{
	struct address loopback, public;
	struct allow_list allow;
	struct options options;

	(void)state;
	assert_int_equal(parse_line(&options, ""), 0);
	assert_null(options.mode);
	assert_int_equal(options.engine.xdp_mode, XDP_MODE_AUTO);
	assert_int_equal(options.port, 54321);
	assert_int_equal(options.engine.listen_count, 1);
	assert_true(options.engine.listen[0].any);
	assert_int_equal(options.engine.listen[0].port, 54321);
	assert_true(options.allow_is_default);
	allow_list_default(&allow);
	assert_int_equal(options.allow.count, allow.count);
	assert_memory_equal(
		options.allow.prefixes, allow.prefixes, allow.count * sizeof(allow.prefixes[0]));
	assert_int_equal(address_parse("127.0.0.1", &loopback), 0);
	assert_int_equal(address_parse("192.0.2.1", &public), 0);
	assert_true(allow_list_contains(&options.allow, &loopback));
	assert_false(allow_list_contains(&options.allow, &public));
	assert_int_equal(options.engine.capacity, 1000000);
	assert_int_equal(options.engine.value_max, 512);
	assert_int_equal(options.remove, REMOVE_HONOUR);
	assert_int_equal(options.engine.threads, 0);
	assert_false(options.keep);
	assert_true(options.seccomp);
	assert_false(options.check);
	assert_true(options.control_is_default);
	assert_string_equal(options.pin_root, "/sys/fs/bpf/sessiond");
	assert_string_equal(options.engine.pin_dir, "/sys/fs/bpf/sessiond/54321");
	assert_int_equal(options.log_level, LOG_LEVEL_INFO);
	assert_string_equal(options.config_path, "");
}

static void all_given(void **state)
{
	struct options options;
	char text[ADDRESS_TEXT];

	(void)state;
	assert_int_equal(
		parse_line(&options, "-m socket --xdp-mode generic -l 192.0.2.1 -l [::1]:99 443 "
				     "-a 192.0.2.0/24 -a 2001:db8::/32 -n 5 --max-session=1400 "
				     "--remove ignore -t 256 --keep -C /tmp/x.sock --pin-dir "
				     "/tmp/pins --log-level debug --check"),
		0);
	assert_ptr_equal(options.mode, engines_find("socket"));
	assert_int_equal(options.engine.xdp_mode, XDP_MODE_GENERIC);
	assert_int_equal(options.port, 443);
	assert_int_equal(options.engine.listen_count, 2);
	/* The port follows later, and still counts. */
	assert_string_equal(endpoint_format(&options.engine.listen[0], text), "192.0.2.1:443");
	assert_string_equal(endpoint_format(&options.engine.listen[1], text), "[::1]:99");
	assert_int_equal(options.allow.count, 2);
	assert_false(options.allow_is_default);
	assert_string_equal(prefix_format(&options.allow.prefixes[1], text), "2001:db8::/32");
	assert_int_equal(options.engine.capacity, 5);
	assert_int_equal(options.engine.value_max, 1400);
	assert_int_equal(options.remove, REMOVE_IGNORE);
	assert_int_equal(options.engine.threads, 256);
	assert_true(options.keep);
	assert_string_equal(options.control_path, "/tmp/x.sock");
	assert_false(options.control_is_default);
	assert_string_equal(options.pin_root, "/tmp/pins");
	assert_string_equal(options.engine.pin_dir, "/tmp/pins/443");
	assert_int_equal(options.log_level, LOG_LEVEL_DEBUG);
	assert_true(options.check);
}

static void check_good(const char *const *lines, size_t count)
{
	struct options options;

	for (size_t i = 0; i < count; i++) {
		print_message("%s\n", lines[i]);
		assert_int_equal(parse_line(&options, lines[i]), 0);
	}
}

struct bad_line {
	const char *line, *says; /* what the message must contain */
};

static void check_bad(const struct bad_line *cases, size_t count)
{
	struct options options;

	for (size_t i = 0; i < count; i++) {
		int ret = parse_line(&options, cases[i].line);

		print_message("%s -> %s\n", cases[i].line, error_message());
		assert_int_equal(ret, -EINVAL);
		assert_one_line(error_message());
		assert_non_null(strstr(error_message(), cases[i].says));
	}
}

static void good_lines(void **state)
{
	static const char *const lines[] = {
		"1",
		"65535",
		"-- 7",
		"-n1 -n 67108863",
		"--cap 7", /* an unambiguous beginning */
		"--max-session 1",
		"-t1",
		"-a 0.0.0.0/0 -a ::/0",
		"-l *:5 -l *:6",
		"-l * -l 127.0.0.1:5",
		"-l 0.0.0.0 -l ::",
		"-l fe80::1%eth0 -l fe80::1%eth1 -l [fe80::2%eth1]:99",
		"-l 0.0.0.0 -l ::1",
		"-l 10.0.0.1 -l ::",
	};

	(void)state;
	check_good(lines, COUNT(lines));
}

/* A mode's own options are accepted if it is built in, else refused with this error. */
static void built_in(void **state)
{
	static const char *const xdp[] = {
		"-m xdp -i eth0",
		"-i eth0 -i eth1 --xdp-mode native",
		"-m auto -i fifteenletters0",
	};
	static const char *const dpdk[] = {
		"-m dpdk --dpdk-args --no-pci~--vdev=net_null0",
		"-m dpdk -l fe80::1",
	};
	static const struct bad_line without_xdp[] = {
		{"-m xdp -i eth0",
			"--mode xdp: this sessiond was built without it: build with -Dxdp=enabled, "
			"or use --mode socket"},
		{"-i eth0", "--interface eth0: this sessiond was built without xdp mode: build "
			    "with -Dxdp=enabled, or leave it out"},
	};
	static const struct bad_line without_dpdk[] = {
		{"-m dpdk", "--mode dpdk: this sessiond was built without it: build with "
			    "-Ddpdk=enabled, or use --mode socket"},
	};

	(void)state;
	if (engines_find("xdp")->ops)
		check_good(xdp, COUNT(xdp));
	else
		check_bad(without_xdp, COUNT(without_xdp));
	if (engines_find("dpdk")->ops)
		check_good(dpdk, COUNT(dpdk));
	else
		check_bad(without_dpdk, COUNT(without_dpdk));
}

static void bad_lines(void **state)
{
	static const struct bad_line cases[] = {
		{"0", "PORT 0: expected a UDP port from 1 to 65535"},
		{"70000", "PORT 70000: expected a UDP port from 1 to 65535"},
		{"65536", "PORT 65536"},
		{"-- -1", "PORT -1"},
		{"+1", "PORT +1"},
		{"0x10", "PORT 0x10"},
		{"80x", "PORT 80x"},
		{"~80", "PORT  80"},
		{"''", "PORT \"\""},
		{"18446744073709551617", "PORT 18446744073709551617"},
		{"1 2", "PORT 2: given twice"},
		{"-m fast", "--mode fast: expected auto, xdp, dpdk or socket"},
		{"-m ''", "--mode \"\""},
		{"-m Socket", "--mode Socket"},
		{"--xdp-mode skb", "--xdp-mode skb: expected auto, native or generic"},
		{"-m xdp", "--mode xdp needs an interface"},
		{"-m socket -i eth0", "--interface eth0 has no use with --mode socket"},
		{"-m dpdk -i eth0", "--interface eth0 has no use with --mode dpdk"},
		{"--dpdk-args --no-pci", "--dpdk-args has no use without --mode dpdk"},
		{"--xdp-histogram", "--xdp-histogram has no use without --metrics"},
		{"-m socket --dpdk-args x", "--dpdk-args has no use without --mode dpdk"},
		{"-m dpdk --dpdk-args ''", "--dpdk-args \"\""},
		{"-i eth0 -i eth0", "--interface eth0: this interface is named twice"},
		{"-i sixteenletters00", "expected the name of an interface, 1 to 15"},
		{"-i ''", "--interface \"\""},
		{"-i eth0/x", "--interface eth0/x"},
		{"-i eth0~eth1", "repeat the option for more"},
		{"-l localhost", "--listen localhost: expected ADDR"},
		{"-l 192.0.2.1:0", "--listen 192.0.2.1:0"},
		{"-l 192.0.2.1:70000", "--listen 192.0.2.1:70000"},
		{"-l 192.0.2.256", "--listen 192.0.2.256"},
		{"-l 127.0.0.1 -l 127.0.0.1:54321", "--listen 127.0.0.1:54321 is given twice"},
		{"-l * -l 127.0.0.1",
			"--listen *:54321 and --listen 127.0.0.1:54321: one includes"},
		{"-l ::1 -l *", "--listen [::1]:54321 and --listen *:54321: one includes"},
		{"-l 0.0.0.0 -l *", "one includes the other"},
		{"-l :: -l *", "one includes the other"},
		{"-l 0.0.0.0 -l 127.0.0.1", "one includes the other"},
		{"-l ::1 -l 10.0.0.1 -l ::", "--listen [::1]:54321 and --listen [::]:54321"},
		{"-l fe80::1",
			"--listen [fe80::1]:54321: a link-local address needs its interface"},
		{"-l fe80::1%lo -l fe80::1%lo:54321", "--listen fe80::1%lo:54321"},
		{"-l fe80::1%lo -l [fe80::1%lo]:54321", "is given twice"},
		{"-l fe80::1%lo -l ::", "one includes the other"},
		{"-l fd00::1%lo", "--listen fd00::1%lo: expected ADDR"},
		{"-a 10.0.0.0/33", "--allow 10.0.0.0/33: expected ADDR"},
		{"-a 10.0.0.1/8", "no bits set past the length"},
		{"-a 10.0.0", "--allow 10.0.0:"},
		{"-a ''", "--allow \"\""},
		{"-n 0", "--capacity 0: expected a number of sessions from 1 to 67108863"},
		{"-n 67108864", "--capacity 67108864"},
		{"-n -1", "--capacity -1"},
		{"-n 1e6", "--capacity 1e6"},
		{"-n 1000K", "--capacity 1000K"},
		{"-n 99999999999999999999", "--capacity 99999999999999999999"},
		{"--max-session 0", "--max-session 0: expected a number of bytes from 1 to 1400"},
		{"--max-session 1401", "--max-session 1401"},
		{"--remove maybe", "--remove maybe: expected honour or ignore"},
		{"-t 0", "--threads 0: expected a number of threads from 1 to 256"},
		{"-t 257", "--threads 257"},
		{"--log-level loud", "--log-level loud: expected error, warning"},
		{"-C ''", "--control \"\": expected a path"},
		{"-C /0123456789012345678901234567890123456789012345678901234567890123456789"
		 "0123456789012345678901234567890123456",
			"the path is 108 bytes long, expected at most 107"},
		{"--pin-dir relative", "--pin-dir relative: expected an absolute path"},
		{"--pin-dir ''", "--pin-dir \"\""},
		{"-c /nonexistent/file", "configuration file /nonexistent/file: No such file"},
		{"-c /", "configuration file /: Is a directory"},
		{"-c ''", "--config \"\""},
		/* What getopt refuses; the shape of the message is ours. */
		{"--capcity=5", "unknown option --capcity=5: did you mean --capacity? try --help"},
		{"--frobnicate", "unknown option --frobnicate: try --help"},
		{"--frobnicate=1", "unknown option --frobnicate=1"},
		{"-Z", "unknown option -Z: try --help"},
		{"-n 5 -Z", "unknown option -Z"},
		{"-n 5 -Zx", "unknown option -Z"},
		{"-Zx", "unknown option -Z"},
		{"5 -Zx", "unknown option -Z"},
		{"5 -Z 6", "unknown option -Z"},
		{"-n", "option -n needs a value, SESSIONS"},
		{"5 -m socket -n", "option -n needs a value, SESSIONS"},
		{"--capacity", "option --capacity needs a value, SESSIONS"},
		{"--keep=yes", "option --keep takes no value"},
		{"--co x", "option --co is ambiguous"},
		{"--port 5", "unknown option --port"},
		{"-n \n", "--capacity ?: expected"},
		{"--a\nb", "unknown option --a?b"},
	};

	(void)state;
	check_bad(cases, COUNT(cases));
}

/* A command line of `n` times an option, the i-th with value `format` % i. */
static int parse_repeated(struct options *options, const char *option, const char *format, int n)
{
	char **argv = test_calloc((size_t)n + 2, sizeof(*argv));
	char(*texts)[64] = test_calloc((size_t)n + 1, sizeof(*texts));
	int ret;

	argv[0] = (char *)"sessiond";
	for (int i = 0; i < n; i++) {
		int len = snprintf(texts[i], sizeof(texts[i]), "%s", option);

		snprintf(texts[i] + len, sizeof(texts[i]) - (size_t)len, format, i / 256, i % 256);
		argv[i + 1] = texts[i];
	}
	ret = options_parse(options, n + 1, argv, NULL);
	test_free(texts);
	test_free(argv);
	return ret;
}

static void too_many(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse_repeated(&options, "--listen=", "10.0.%d.%d", ENGINE_LISTEN_MAX), 0);
	assert_int_equal(parse_repeated(&options, "--listen=", "10.0.%d.%d", ENGINE_LISTEN_MAX + 1),
		-EINVAL);
	assert_non_null(strstr(error_message(), "too many addresses, expected at most 64"));
	assert_int_equal(parse_repeated(&options, "--allow=", "10.0.%d.%d", ALLOW_MAX), 0);
	assert_int_equal(options.allow.count, ALLOW_MAX);
	assert_int_equal(
		parse_repeated(&options, "--allow=", "10.0.%d.%d", ALLOW_MAX + 1), -EINVAL);
	assert_non_null(strstr(error_message(), "too many prefixes, expected at most 1024"));
	assert_int_equal(
		parse_repeated(&options, "--interface=", "e%d-%d", ENGINE_INTERFACES_MAX + 1),
		-EINVAL);
	assert_non_null(strstr(error_message(), "too many interfaces, expected at most 16"));
}

static void long_dpdk_args(void **state)
{
	char text[1100];
	struct options options;
	char *argv[] = {(char *)"sessiond", (char *)"-m", (char *)"dpdk", (char *)"--dpdk-args",
		text, NULL};

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(options.engine.dpdk_args)] = '\0';
	assert_int_equal(options_parse(&options, 5, argv, NULL), -EINVAL);
	assert_non_null(strstr(error_message(), "too long, expected at most 1023 bytes"));
	assert_one_line(error_message());
}

static int read_text(struct options *options, const char *text)
{
	char *argv[] = {(char *)"sessiond", NULL};

	assert_int_equal(options_parse(options, 1, argv, NULL), 0);
	return options_read_memory(options, "test.conf", text, strlen(text), NULL);
}

static void good_files(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(read_text(&options, ""), 0);
	assert_int_equal(read_text(&options, "\n\n# nothing\n; at all\n"), 0);
	assert_int_equal(read_text(&options, "\xef\xbb\xbfport = 443\r\n"
					     "mode=socket\n"
					     "   xdp-mode = native\n"
					     "\tcapacity\t=\t77 ; a comment\n"
					     "max-session = 600\n"
					     "# allow = nobody\n"
					     "allow = 192.0.2.0/24\n"
					     "  allow = 2001:db8::/32\n"
					     "remove = ignore\n"
					     "threads = 3\n"
					     "keep = on\n"
					     "control = /tmp/c.sock\n"
					     "pin-dir = /tmp/pins\n"
					     "log-level = error"),
		0);
	assert_int_equal(options.port, 443);
	assert_ptr_equal(options.mode, engines_find("socket"));
	assert_int_equal(options.engine.xdp_mode, XDP_MODE_NATIVE);
	assert_int_equal(options.engine.capacity, 77);
	assert_int_equal(options.engine.value_max, 600);
	assert_int_equal(options.allow.count, 2);
	assert_int_equal(options.remove, REMOVE_IGNORE);
	assert_int_equal(options.engine.threads, 3);
	assert_true(options.keep);
	assert_string_equal(options.control_path, "/tmp/c.sock");
	assert_string_equal(options.pin_root, "/tmp/pins");
	assert_int_equal(options.log_level, LOG_LEVEL_ERROR);
	assert_int_equal(read_text(&options, "keep = false\n"), 0);
	assert_false(options.keep);
}

static void note_error(void *ctx, const char *message)
{
	char *all = ctx;

	strcat(strcat(all, message), "|");
}

/* A comment after a blank, quotes, and thousands. */
static void values_in_files(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(read_text(&options, "capacity = 2M # two million\n"
					     "rate-limit = 20k/2k ; a second\n"
					     "pin-dir = \"/sys/fs/bpf/a #b\"   # a comment\n"
					     "user = \"nobody\"\n"
					     "dpdk-args = -l 1 --vdev=\"x\"\n"),
		0);
	assert_int_equal(options.engine.capacity, 2000000);
	assert_int_equal(options.engine.limit_gets, 20000);
	assert_int_equal(options.engine.limit_news, 2000);
	assert_string_equal(options.pin_root, "/sys/fs/bpf/a #b");
	assert_string_equal(options.user, "nobody");
	assert_string_equal(options.engine.dpdk_args, "-l 1 --vdev=\"x\"");
}

static void every_error_is_told(void **state)
{
	static const char text[] = "capacity = 0\nbad line\nport = 5\nprt = 5\n[x]\nport = 6\n";
	char all[1024] = "";
	struct option_errors errors = {.tell = note_error, .ctx = all};
	struct options options;

	(void)state;
	assert_int_equal(parse_line(&options, ""), 0);
	assert_int_equal(options_read_memory(&options, "x", text, strlen(text), &errors), -EINVAL);
	print_message("%s\n", all);
	assert_int_equal(errors.count, 5);
	assert_memory_equal(all, "x:1: capacity = 0: expected", 27);
	assert_non_null(strstr(all, "|x:2: expected name = value|x:4: unknown name prt: did you "
				    "mean port? --help lists the names|x:5: sections are not used "
				    "here: leave the line out|x:6: port = 6: given twice"));
	assert_memory_equal(error_message(), all, strlen(error_message()));
}

static void bad_files(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"capacity = 0\n", "test.conf:1: capacity = 0: expected a number of sessions"},
		{"\n# x\ncapacity = 5x\n", "test.conf:3: capacity = 5x: expected"},
		{"capacity =\n", "test.conf:1: capacity = \"\": expected"},
		{"capacity\n", "test.conf:1: expected name = value"},
		{"= 5\n", "test.conf:1: unknown name \"\""},
		{"capacty = 5\n",
			"test.conf:1: unknown name capacty: did you mean capacity? --help lists"},
		{"Capacity = 5\n", "test.conf:1: unknown name Capacity: did you mean capacity?"},
		{"port = 0\n", "test.conf:1: port = 0: expected a UDP port"},
		{"mode = quick\n", "test.conf:1: mode = quick: expected auto"},
		{"keep = maybe\n", "test.conf:1: keep = maybe: expected yes, no"},
		{"keep = \n", "test.conf:1: keep = \"\""},
		{"port = 5\nport = 5\n", "test.conf:2: port = 5: given twice"},
		{"allow = 10.0.0.0/33\n", "test.conf:1: allow = 10.0.0.0/33: expected"},
		{"[server]\nport = 5\n", "test.conf:1: sections are not used here"},
		{"port = 5\n[server]", "test.conf:2: sections are not used here"},
		{"[server\n", "test.conf:1: sections are not used here"},
		{"config = /etc/x\n", "test.conf:1: config is for the command line only"},
		{"check = yes\n", "test.conf:1: check is for the command line only"},
		{"help = yes\n", "test.conf:1: unknown name help"},
		{"port = 5#five\n", "test.conf:1: port = 5#five: expected"},
		{"port = \"5\n", "test.conf:1: the closing quote is missing"},
		{"capacity = 2T\n", "test.conf:1: capacity = 2T: expected"},
		{"capacity = M\n", "test.conf:1: capacity = M: expected"},
		{"capacity = 5G\n", "test.conf:1: capacity = 5G: expected"},
		{"rate-limit = 20k/2x\n", "test.conf:1: rate-limit = 20k/2x: expected"},
		{"port = 5\x01\n", "test.conf:1: a control character"},
		{"bad line\ncapacity = 0\n", "test.conf:1: expected name = value"},
		{"capacity = 0\nbad line\n", "test.conf:1: capacity = 0"},
		{"capacity = 1\n 2\n", "test.conf:2: expected name = value"},
	};
	struct options options;
	char text[400];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int ret = read_text(&options, cases[i].text);

		print_message("%s\n", error_message());
		assert_int_equal(ret, -EINVAL);
		assert_one_line(error_message());
		assert_non_null(strstr(error_message(), cases[i].says));
	}
	/* A line past inih's limit is refused, not cut to "threads = 1". */
	memset(text, ' ', sizeof(text));
	memcpy(text, "threads = ", 10);
	text[10] = '1';
	text[390] = '9';
	text[399] = '\0';
	assert_int_equal(read_text(&options, text), -EINVAL);
	assert_non_null(strstr(error_message(), "test.conf:1: the line is too long"));
	/* A NUL does not end a line silently. */
	assert_int_equal(options_read_memory(&options, "test.conf", "threads = 1\0002\n", 14, NULL),
		-EINVAL);
	assert_non_null(strstr(error_message(), "a control character"));
}

/* Any bytes: no crash, no overrun (run it under a sanitizer), and one line if refused. The
 * generator is a small LCG, so a failure can be repeated. */
static void random_files(void **state)
{
	static const char *const bits[] = {"port", "allow", "listen", "=", " ", "\n", "\r", "[",
		"]", ";", "#", ":", "10.0.0.0/8", "::1", "*", "4294967296", "-", "keep", "yes",
		"\xef\xbb\xbf", "interface", "eth0", "\t", "\x01", "dpdk-args",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	uint64_t x = 88172645463325252ULL;
	struct options options;
	char text[2048];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t len = 0;

		for (int j = 0; j < 24; j++) {
			const char *bit;

			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
			bit = bits[(x >> 33) % COUNT(bits)];
			memcpy(text + len, bit, strlen(bit));
			len += strlen(bit);
		}
		text[len] = '\0';
		if (i % 64 == 0)
			text[(x >> 20) % len] = '\0';
		memset(&options, 0, sizeof(options));
		if (options_read_memory(&options, "random", text, len, NULL) < 0)
			assert_one_line(error_message());
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void precedence(void **state)
{
	char path[] = "/tmp/test_options.XXXXXX", line[256], text[ADDRESS_TEXT];
	struct options options;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	write_file(path, "port = 1000\ncapacity = 10\nallow = 192.0.2.0/24\nlisten = 127.0.0.1\n"
			 "listen = 127.0.0.2\nkeep = yes\nremove = ignore\n");
	/* The file alone. */
	snprintf(line, sizeof(line), "-c %s", path);
	assert_int_equal(parse_line(&options, line), 0);
	assert_int_equal(options.port, 1000);
	assert_int_equal(options.engine.capacity, 10);
	assert_int_equal(options.allow.count, 1);
	assert_int_equal(options.engine.listen_count, 2);
	assert_string_equal(endpoint_format(&options.engine.listen[1], text), "127.0.0.2:1000");
	assert_string_equal(options.config_path, path);
	/* The command line wins, wherever --config is placed; its lists replace the file's. */
	snprintf(line, sizeof(line), "-n 20 -a 198.51.100.0/24 -a 203.0.113.0/24 2000 -c %s", path);
	assert_int_equal(parse_line(&options, line), 0);
	assert_int_equal(options.port, 2000);
	assert_int_equal(options.engine.capacity, 20);
	assert_int_equal(options.allow.count, 2);
	assert_string_equal(prefix_format(&options.allow.prefixes[0], text), "198.51.100.0/24");
	assert_int_equal(options.engine.listen_count, 2);
	assert_string_equal(endpoint_format(&options.engine.listen[1], text), "127.0.0.2:2000");
	assert_true(options.keep);
	assert_int_equal(options.remove, REMOVE_IGNORE);
	/* Errors in the file name file and line; the command line is checked too. */
	write_file(path, "port = 1000\ncapacity = ten\n");
	assert_int_equal(parse_line(&options, line), -EINVAL);
	assert_non_null(strstr(error_message(), ":2: capacity = ten: expected"));
	/* Conflicts between the two are found. */
	write_file(path, "mode = xdp\n");
	snprintf(line, sizeof(line), "-c %s", path);
	assert_int_equal(parse_line(&options, line), -EINVAL);
	assert_non_null(strstr(error_message(), "needs an interface"));
	assert_int_equal(unlink(path), 0);
}

static char restarts[256];

static void note_restart(void *ctx, const struct option_def *def, const struct options *running,
	const struct options *now)
{
	char text[OPTION_VALUES];

	(void)ctx;
	assert_true(strlen(option_change(def, running, now, text)) > 0);
	assert_int_equal(option_fixed(def, engines_find("socket"), running, now) != NULL,
		!(def->flags & OPTION_RELOADABLE));
	if (def->flags & OPTION_RELOADABLE)
		return;
	strcat(restarts, def->name);
	strcat(restarts, ";");
}

static int reload(struct options *next, const char *path, const struct options *running)
{
	char *argv[] = {
		(char *)"sessiond", (char *)"-t", (char *)"2", (char *)"-c", (char *)path, NULL};

	restarts[0] = '\0';
	return options_reload(next, 5, argv, running, engines_find("socket"), note_restart, NULL);
}

static void reloads(void **state)
{
	char path[] = "/tmp/test_options.XXXXXX", text[ADDRESS_TEXT];
	char *argv[] = {(char *)"sessiond", (char *)"-t", (char *)"2", (char *)"-c", path, NULL};
	struct options running, next;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	write_file(path, "capacity = 10\nallow = 192.0.2.0/24\nlisten = 127.0.0.1\n");
	assert_int_equal(options_parse(&running, 5, argv, NULL), 0);

	assert_int_equal(reload(&next, path, &running), 0);
	assert_string_equal(restarts, "");
	assert_memory_equal(&next, &running, sizeof(next));

	write_file(path, "capacity = 11\nallow = 198.51.100.0/24\nlisten = 127.0.0.1\n"
			 "listen = 127.0.0.2\nremove = ignore\nlog-level = debug\nkeep = yes\n");
	assert_int_equal(reload(&next, path, &running), 0);
	assert_string_equal(restarts, "capacity;");
	assert_int_equal(next.remove, REMOVE_IGNORE);
	assert_int_equal(next.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(next.allow.count, 1);
	assert_string_equal(prefix_format(&next.allow.prefixes[0], text), "198.51.100.0/24");
	assert_int_equal(next.engine.capacity, 10);
	assert_int_equal(next.engine.listen_count, 2);
	assert_true(next.keep);
	assert_int_equal(next.engine.threads, 2);

	/* Back to the default list; in place, as a daemon may do it. */
	write_file(path, "capacity = 10\nlisten = 127.0.0.1\n");
	assert_int_equal(reload(&next, path, &next), 0);
	assert_string_equal(restarts, "");
	assert_true(next.allow_is_default);
	assert_true(next.allow.count > 1);
	assert_int_equal(next.remove, REMOVE_HONOUR);
	assert_int_equal(next.log_level, LOG_LEVEL_INFO);

	/* An invalid file changes nothing. */
	write_file(path, "remove = ignore\nallow = 10.0.0.1/8\n");
	running = next;
	assert_int_equal(reload(&next, path, &next), -EINVAL);
	assert_non_null(strstr(error_message(), ":2: allow = 10.0.0.1/8: expected"));
	assert_memory_equal(&next, &running, sizeof(next));
	assert_int_equal(unlink(path), 0);
}

static char shown[16384];

static void note_line(void *ctx, const char *text)
{
	(void)ctx;
	strcat(strcat(shown, text), "\n");
}

static void note_change(void *ctx, const struct option_def *def, const struct options *running,
	const struct options *now)
{
	(void)ctx;
	option_show_change(def, running, now, def->fixed ? "restart" : "reload", note_line, NULL);
}

static bool is_shown(const char *name_and_value, const char *where)
{
	char line[512];

	snprintf(line, sizeof(line), "%-40s # %s\n", name_and_value, where);
	return strstr(shown, line) != NULL;
}

/* Wrong ones in a list have no line. */
static void wrong_ones_in_a_list(void **state)
{
	static const char text[] = "allow = x\nallow = y\nallow = z\nallow = 192.0.2.0/24\n";
	struct option_errors errors = {0};
	struct options options;

	(void)state;
	assert_int_equal(parse_line(&options, "-m socket"), 0);
	assert_int_equal(
		options_read_memory(&options, "a.conf", text, strlen(text), &errors), -EINVAL);
	assert_int_equal(errors.count, 3);
	for (size_t i = 0; i < option_table_size; i++)
		if (strcmp(option_table[i].name, "allow") == 0)
			assert_int_equal(option_line(&option_table[i], &options, 0), 4);
}

/* What runs is shown as a configuration file, which says where each value comes from and has the
 * same meaning. */
static void values_and_their_lines(void **state)
{
	char path[] = "/tmp/test_options.XXXXXX", where[64], more[96];
	char *argv[] = {(char *)"sessiond", (char *)"-t", (char *)"2", (char *)"-i", (char *)"eth7",
		(char *)"-c", path, NULL};
	struct options running, again, next;
	int fd;

	(void)state;
	if (!engines_find("xdp")->ops)
		skip();
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	write_file(path, "# a comment\ncapacity = 10\n\nallow = 192.0.2.0/24\nallow = fd00::/8\n"
			 "listen = 127.0.0.1\nmode = xdp\ninterface = eth1\n"
			 "rate-limit = 20k/2k\nmetrics = \"/run/a #1.sock\"\nseccomp = off\n");
	assert_int_equal(options_parse(&running, 7, argv, NULL), 0);
	shown[0] = '\0';
	options_show(&running, "xdp", note_line, NULL);
	snprintf(where, sizeof(where), "%s:2", path);
	assert_true(is_shown("capacity = 10", where));
	snprintf(where, sizeof(where), "%s:4", path);
	assert_true(is_shown("allow = 192.0.2.0/24", where));
	snprintf(where, sizeof(where), "%s:5", path);
	assert_true(is_shown("allow = fd00::/8", where));
	snprintf(where, sizeof(where), "%s:6", path);
	assert_true(is_shown("listen = 127.0.0.1:54321", where));
	snprintf(where, sizeof(where), "%s:9", path);
	assert_true(is_shown("rate-limit = 20000/2000", where));
	snprintf(where, sizeof(where), "%s:11", path);
	assert_true(is_shown("seccomp = no", where));
	assert_true(is_shown("threads = 2", "command line"));
	assert_true(is_shown("interface = eth7", "command line"));
	assert_null(strstr(shown, "eth1"));
	assert_true(is_shown("max-session = 512", "default"));
	snprintf(more, sizeof(more), "%s:7; mode xdp runs", path);
	assert_true(is_shown("mode = xdp", more));
	assert_non_null(strstr(shown, "\n# user is not set\n"));
	assert_non_null(strstr(shown, "\nmetrics = \"/run/a #1.sock\" "));

	memset(&again, 0, sizeof(again));
	assert_int_equal(parse_line(&again, "-m xdp -i eth1"), 0);
	assert_int_equal(options_read_memory(&again, "shown", shown, strlen(shown), NULL), 0);
	assert_memory_equal(&again.allow, &running.allow, sizeof(again.allow));
	assert_int_equal(again.engine.limit_news, 2000);
	assert_string_equal(again.metrics, running.metrics);
	assert_string_equal(again.control_path, running.control_path);
	assert_int_equal(again.seccomp, running.seccomp);

	/* The lines of what a reload applies are new, those of what runs on are not. */
	write_file(path, "mode = xdp\ncapacity = 20\nlisten = 127.0.0.1\nallow = fd00::/8\n"
			 "allow = 10.0.0.0/8\n");
	shown[0] = '\0';
	assert_int_equal(
		options_reload(&next, 7, argv, &running, engines_find("socket"), note_change, NULL),
		0);
	snprintf(where, sizeof(where), "%s:2", path);
	assert_true(is_shown("- capacity = 10", where));
	snprintf(more, sizeof(more), "%s:2; restart", path);
	assert_true(is_shown("+ capacity = 20", more));
	snprintf(where, sizeof(where), "%s:4", path);
	assert_true(is_shown("- allow = 192.0.2.0/24", where));
	snprintf(more, sizeof(more), "%s:5; reload", path);
	assert_true(is_shown("+ allow = 10.0.0.0/8", more));
	assert_null(strstr(shown, "allow = fd00::/8"));
	assert_true(is_shown("- rate-limit = 20000/2000", strcat(strcpy(where, path), ":9")));
	assert_null(strstr(shown, "+ rate-limit"));
	shown[0] = '\0';
	options_show(&next, "xdp", note_line, NULL);
	snprintf(where, sizeof(where), "%s:2", path);
	assert_true(is_shown("capacity = 10", where));
	snprintf(where, sizeof(where), "%s:4", path);
	assert_true(is_shown("allow = fd00::/8", where));
	assert_int_equal(unlink(path), 0);
}

/* A list of any length. */
static void change_of_a_long_list(void **state)
{
	static struct options from, to;
	char text[OPTION_VALUES], prefix[32];
	const struct option_def *def = option_table;

	(void)state;
	assert_int_equal(parse_line(&from, "-a 192.0.2.1"), 0);
	assert_int_equal(parse_line(&to, "-a 192.0.2.1"), 0);
	while (strcmp(def->name, "allow") != 0)
		def++;
	for (int i = 0; i < ALLOW_MAX - 1; i++) {
		snprintf(prefix, sizeof(prefix), "10.%d.%d.0/24", i / 256, i % 256);
		assert_null(def->set(def, &to, prefix));
	}
	option_change(def, &from, &to, text);
	assert_memory_equal(text, "10.0.0.0/24 was added, 10.0.1.0/24 was added", 44);
	assert_string_equal(text + strlen(text) - 5, ", ...");
	option_change(def, &to, &from, text);
	assert_memory_equal(text, "10.0.0.0/24 was removed, ", 25);
	from.allow.prefixes[0] = to.allow.prefixes[1];
	to.allow = from.allow;
	to.allow.prefixes[to.allow.count++] = to.allow.prefixes[0];
	assert_string_equal(option_change(def, &from, &to, text), "the order has changed");
}

/* A daemon that has dropped root may no longer write to the folder of its admin socket. */
static void reload_keeps_the_admin_socket(void **state)
{
	char *argv[] = {(char *)"sessiond", NULL};
	struct options running, next;

	(void)state;
	setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
	assert_int_equal(options_parse(&running, 1, argv, NULL), 0);
	strcpy(running.control_path, strcmp(running.control_path, "/run/user/1/sessiond.sock") == 0
					     ? "/run/sessiond/control.sock"
					     : "/run/user/1/sessiond.sock");
	restarts[0] = '\0';
	assert_int_equal(options_reload(&next, 1, argv, &running, engines_find("socket"),
				 note_restart, NULL),
		0);
	assert_string_equal(restarts, "");
	assert_string_equal(next.control_path, running.control_path);
	/* An explicit path is different. */
	running.control_is_default = false;
	assert_int_equal(options_reload(&next, 1, argv, &running, engines_find("socket"),
				 note_restart, NULL),
		0);
	assert_string_equal(restarts, "control;");
	unsetenv("XDG_RUNTIME_DIR");
}

/* A pipe can be read once: a reload reports that, and does not wait for another writer. */
static void reload_of_a_pipe(void **state)
{
	char path[] = "/tmp/test_options.XXXXXX";
	struct options running, next;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(parse_line(&running, ""), 0);
	strcpy(running.config_path, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(10); /* ends a test that blocks */
	assert_int_equal(reload(&next, path, &running), -EINVAL);
	alarm(0);
	assert_non_null(strstr(error_message(), "not a regular file"));
	assert_int_equal(unlink(path), 0);
}

/* Properties that the man pages and reload rely on. */
static void table_is_whole(void **state)
{
	(void)state;
	assert_in_range(option_table_size, 1, OPTION_TABLE_MAX);
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];

		assert_non_null(def->name);
		assert_non_null(def->help);
		assert_non_null(def->set);
		assert_int_equal(!!(def->flags & OPTION_REPEATABLE), !!def->clear);
		assert_true(def->size > 0 && def->offset + def->size <= sizeof(struct options));
		assert_true(def->letter != 'h' && def->letter != 'V');
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(def->name, option_table[j].name);
			assert_int_not_equal(option_key(def), option_key(&option_table[j]));
		}
	}
}

/* The lists of addresses count too: in the map 96 bytes for each and port, and 16 for each of its
 * buckets, and the daemon's own. */
static void memory_of_addresses(void **state)
{
	struct options options;
	uint64_t few, many, ports;

	(void)state;
	if (!engines_find("xdp")->ops)
		skip();
	assert_int_equal(parse_line(&options, "-m xdp -i lo -n 1000"), 0);
	few = options_memory_needed(&options);
	options.engine.address_count = 100000;
	many = options_memory_needed(&options);
	assert_in_range(many - few, 100000 * (96 + 150), 100000 * (96 + 42 + 250));
	assert_int_equal(parse_line(&options, "-m xdp -i lo -n 1000 -l *:1 -l *:2"), 0);
	options.engine.address_count = 100000;
	ports = options_memory_needed(&options);
	assert_in_range(ports - many, 100000 * 96, 100000 * (96 + 42 + 10));
}

/* In dpdk mode, hugepages are not part of the kernel's available memory. */
static void memory_of_dpdk_mode(void **state)
{
	const struct table_config table = {.capacity = 1000000, .value_max = 512};
	struct options huge, plain;

	(void)state;
	if (!engines_find("dpdk")->ops)
		skip();
	assert_int_equal(parse_line(&huge, "-m dpdk -l 10.0.0.1"), 0);
	assert_int_equal(parse_line(&plain, "-m dpdk -l 10.0.0.1 --dpdk-args --no-huge"), 0);
	assert_int_equal(options_memory_needed(&plain) - options_memory_needed(&huge),
		table_hot_bytes(&table));
	/* The remainder: lists, and the rest of long values, which few sessions have. */
	assert_in_range(options_memory_needed(&huge) / 1000000, 20, 350);
	assert_in_range(table_hot_bytes(&table) / 1000000, 256, 300);
}

static void host(void **state)
{
	struct options options;

	(void)state;
	/* The last of all tests. */
	if (access("/proc/meminfo", R_OK) < 0) {
		printf("skipped: /proc is not mounted: the amount of memory is unknown\n");
		exit(77);
	}
	assert_int_equal(parse_line(&options, "-n 1000"), 0);
	assert_int_equal(options_check_host(&options, NULL), 0);
	/* 67 million sessions of 1400 bytes are 90 GiB. */
	assert_int_equal(parse_line(&options, "-n 67108863 --max-session 1400"), 0);
	if (sysconf(_SC_PHYS_PAGES) * (sysconf(_SC_PAGESIZE) / 1024) < 80L << 20) {
		assert_int_equal(options_check_host(&options, NULL), -EINVAL);
		print_message("%s\n", error_message());
		assert_non_null(strstr(error_message(), "--capacity 67108863: needs up to"));
		assert_one_line(error_message());
	}
	assert_int_equal(parse_line(&options, "-n 1000"), 0);
	strcpy(options.engine.interfaces[options.engine.interface_count++], "nosuchif0");
	assert_int_equal(options_check_host(&options, NULL), -ENODEV);
	assert_non_null(strstr(error_message(), "--interface nosuchif0: no such interface"));
	strcpy(options.engine.interfaces[0], "lo");
	assert_int_equal(options_check_host(&options, NULL), 0);
	assert_int_equal(parse_line(&options, "-n 1000 -l fe80::1%nosuchif0"), 0);
	assert_int_equal(options_check_host(&options, NULL), -ENODEV);
	assert_non_null(strstr(
		error_message(), "--listen [fe80::1%nosuchif0]:54321: there is no such interface"));
	assert_int_equal(parse_line(&options, "-n 1000 -l fe80::1%lo"), 0);
	assert_int_equal(options_check_host(&options, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(all_given),
		cmocka_unit_test(good_lines),
		cmocka_unit_test(built_in),
		cmocka_unit_test(bad_lines),
		cmocka_unit_test(too_many),
		cmocka_unit_test(long_dpdk_args),
		cmocka_unit_test(good_files),
		cmocka_unit_test(values_in_files),
		cmocka_unit_test(every_error_is_told),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(random_files),
		cmocka_unit_test(precedence),
		cmocka_unit_test(wrong_ones_in_a_list),
		cmocka_unit_test(values_and_their_lines),
		cmocka_unit_test(change_of_a_long_list),
		cmocka_unit_test(reloads),
		cmocka_unit_test(reload_of_a_pipe),
		cmocka_unit_test(reload_keeps_the_admin_socket),
		cmocka_unit_test(table_is_whole),
		cmocka_unit_test(memory_of_addresses),
		cmocka_unit_test(memory_of_dpdk_mode),
		cmocka_unit_test(host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
