/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/config/option_table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <sessiond/rate_limit.h>

#include "common/text.h"
#include "control/host/metrics_address.h"

#define THREADS_MAX 256

static _Thread_local char reason[256];

static const char *expected_number(const char *what, uint64_t min, uint64_t max)
{
	snprintf(reason, sizeof(reason), "expected %s from %llu to %llu", what,
		(unsigned long long)min, (unsigned long long)max);
	return reason;
}

/* The index of `value` in a list of words that ends with NULL, or -1. */
static int word_index(const char *value, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(value, words[i]) == 0)
			return i;
	return -1;
}

static const char *set_bool(bool *out, const char *value)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on", NULL};
	int i = word_index(value, words);

	if (i < 0)
		return "expected yes, no, true, false, on or off";
	*out = i % 2;
	return NULL;
}

/* `room` counts the end. An empty path is nobody's wish. */
static const char *set_path(char *out, size_t room, const char *value)
{
	size_t len = strlen(value);

	if (len == 0)
		return "expected a path";
	if (len >= room) {
		snprintf(reason, sizeof(reason),
			"the path is %zu bytes long, expected at most %zu: choose a shorter one",
			len, room - 1);
		return reason;
	}
	memcpy(out, value, len + 1);
	return NULL;
}

static const char *set_port(struct options *options, const char *value)
{
	uint64_t number;

	if (!text_number(value, 1, 65535, &number))
		return expected_number("a UDP port", 1, 65535);
	options->port = (uint16_t)number;
	return NULL;
}

static const char *set_mode(struct options *options, const char *value)
{
	const struct engine_mode *mode = engines_find(value);
	size_t used;

	if (mode || strcmp(value, "auto") == 0) {
		options->mode = mode;
		return NULL;
	}
	used = (size_t)snprintf(reason, sizeof(reason), "expected auto");
	for (size_t i = 0; i < engine_mode_count && used < sizeof(reason); i++)
		used += (size_t)snprintf(reason + used, sizeof(reason) - used, "%s%s",
			i + 1 < engine_mode_count ? ", " : " or ", engine_modes[i].name);
	return reason;
}

static const char *set_xdp_mode(struct options *options, const char *value)
{
	static const char *const words[] = {"auto", "native", "generic", NULL};
	static const enum xdp_mode modes[] = {XDP_MODE_AUTO, XDP_MODE_NATIVE, XDP_MODE_GENERIC};
	int i = word_index(value, words);

	if (i < 0)
		return "expected auto, native or generic";
	options->engine.xdp_mode = modes[i];
	return NULL;
}

static const char *set_busy_poll(struct options *options, const char *value)
{
	return set_bool(&options->engine.busy_poll, value);
}

static const char *set_xdp_histogram(struct options *options, const char *value)
{
	return set_bool(&options->engine.xdp_histogram, value);
}

static const char *add_interface(struct options *options, const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len >= IF_NAMESIZE) {
		snprintf(reason, sizeof(reason),
			"expected the name of an interface, 1 to %d characters", IF_NAMESIZE - 1);
		return reason;
	}
	for (size_t i = 0; i < len; i++)
		if (value[i] == '/' || value[i] == ':' || isspace((unsigned char)value[i]))
			return "expected the name of one interface; repeat the option for more";
	for (size_t i = 0; i < options->engine.interface_count; i++)
		if (strcmp(options->engine.interfaces[i], value) == 0)
			return "this interface is named twice: leave one out";
	if (options->engine.interface_count == ENGINE_INTERFACES_MAX) {
		snprintf(reason, sizeof(reason), "too many interfaces, expected at most %d",
			ENGINE_INTERFACES_MAX);
		return reason;
	}
	memcpy(options->engine.interfaces[options->engine.interface_count++], value, len + 1);
	return NULL;
}

static void clear_interfaces(struct options *options)
{
	memset(options->engine.interfaces, 0, sizeof(options->engine.interfaces));
	options->engine.interface_count = 0;
}

/* The port may yet come: 0 stands for it until options_parse ends. */
static const char *add_listen(struct options *options, const char *value)
{
	struct endpoint endpoint, *to;

	if (endpoint_parse(value, 0, &endpoint) < 0)
		return "expected ADDR, ADDR:PORT, [IPV6]:PORT, * or *:PORT, addresses as numbers, "
		       "a link-local one with %INTERFACE";
	if (options->engine.listen_count == ENGINE_LISTEN_MAX) {
		snprintf(reason, sizeof(reason), "too many addresses, expected at most %d",
			ENGINE_LISTEN_MAX);
		return reason;
	}
	to = &options->engine.listen[options->engine.listen_count++];
	to->addr = endpoint.addr; /* member by member: memcmp must see no stray padding */
	to->port = endpoint.port;
	to->any = endpoint.any;
	memcpy(to->scope, endpoint.scope, sizeof(to->scope));
	return NULL;
}

static void clear_listen(struct options *options)
{
	memset(options->engine.listen, 0, sizeof(options->engine.listen));
	options->engine.listen_count = 0;
}

static const char *add_allow(struct options *options, const char *value)
{
	struct prefix prefix;

	if (prefix_parse(value, &prefix) < 0)
		return "expected ADDR or ADDR/LENGTH with no bits set past the length, such as "
		       "10.0.0.0/8";
	if (options->allow.count == ALLOW_MAX) {
		snprintf(reason, sizeof(reason), "too many prefixes, expected at most %d",
			ALLOW_MAX);
		return reason;
	}
	options->allow.prefixes[options->allow.count++] = prefix;
	return NULL;
}

static void clear_allow(struct options *options)
{
	memset(&options->allow, 0, sizeof(options->allow));
	options->allow_is_default = false;
}

static const char *set_capacity(struct options *options, const char *value)
{
	uint64_t number;

	if (!text_number(value, 1, SESSD_SLOT_LIMIT - 1, &number))
		return expected_number("a number of sessions", 1, SESSD_SLOT_LIMIT - 1);
	options->engine.capacity = (uint32_t)number;
	return NULL;
}

static const char *set_value_max(struct options *options, const char *value)
{
	uint64_t number;

	if (!text_number(value, 1, SESSD_VALUE_LIMIT, &number))
		return expected_number("a number of bytes", 1, SESSD_VALUE_LIMIT);
	options->engine.value_max = (uint16_t)number;
	return NULL;
}

static const char *set_remove(struct options *options, const char *value)
{
	static const char *const words[] = {"honour", "ignore", NULL};
	int i = word_index(value, words);

	if (i < 0)
		return "expected honour or ignore";
	options->remove = i == 0 ? REMOVE_HONOUR : REMOVE_IGNORE;
	return NULL;
}

static const char *set_threads(struct options *options, const char *value)
{
	uint64_t number;

	if (!text_number(value, 1, THREADS_MAX, &number))
		return expected_number("a number of threads", 1, THREADS_MAX);
	options->engine.threads = (unsigned)number;
	return NULL;
}

static const char *set_dpdk_args(struct options *options, const char *value)
{
	size_t len = strlen(value);

	if (len == 0)
		return "expected arguments of DPDK's EAL in one text";
	if (len >= sizeof(options->engine.dpdk_args)) {
		snprintf(reason, sizeof(reason), "too long, expected at most %zu bytes",
			sizeof(options->engine.dpdk_args) - 1);
		return reason;
	}
	memset(options->engine.dpdk_args, 0, sizeof(options->engine.dpdk_args));
	memcpy(options->engine.dpdk_args, value, len);
	return NULL;
}

static const char *set_keep(struct options *options, const char *value)
{
	return set_bool(&options->keep, value);
}

static const char *set_user(struct options *options, const char *value)
{
	const char *colon = strchr(value, ':');
	size_t len = strlen(value);

	if (len == 0 || colon == value || (colon && (!colon[1] || strchr(colon + 1, ':'))))
		return "expected NAME or NAME:GROUP";
	if (len >= sizeof(options->user)) {
		snprintf(reason, sizeof(reason), "too long, expected at most %zu bytes",
			sizeof(options->user) - 1);
		return reason;
	}
	memset(options->user, 0, sizeof(options->user));
	memcpy(options->user, value, len);
	return NULL;
}

static const char *set_seccomp(struct options *options, const char *value)
{
	return set_bool(&options->seccomp, value);
}

static const char *set_check(struct options *options, const char *value)
{
	return set_bool(&options->check, value);
}

static const char *set_config(struct options *options, const char *value)
{
	return set_path(options->config_path, sizeof(options->config_path), value);
}

static const char *set_control(struct options *options, const char *value)
{
	memset(options->control_path, 0, sizeof(options->control_path));
	options->control_is_default = false;
	return set_path(options->control_path, sizeof(options->control_path), value);
}

static const char *set_pin_dir(struct options *options, const char *value)
{
	if (value[0] != '/')
		return "expected an absolute path on a BPF file system";
	memset(options->pin_root, 0, sizeof(options->pin_root));
	return set_path(options->pin_root, sizeof(options->pin_root), value);
}

static const char *set_log_level(struct options *options, const char *value)
{
	if (log_level_parse(value, &options->log_level) < 0)
		return "expected error, warning, notice, info or debug";
	return NULL;
}

static const char *set_rate_limit(struct options *options, const char *value)
{
	static const char wrong[] = "expected GETS/NEWS, both a second and 0 for no limit, such as "
				    "20000/2000";
	const char *slash = strchr(value, '/');
	uint64_t gets, news;
	char first[16];

	if (!slash || slash - value >= (int)sizeof(first))
		return wrong;
	memcpy(first, value, (size_t)(slash - value));
	first[slash - value] = '\0';
	if (!text_number(first, 0, SESSD_LIMIT_MAX, &gets) ||
		!text_number(slash + 1, 0, SESSD_LIMIT_MAX, &news))
		return wrong;
	options->engine.limit_gets = (uint32_t)gets;
	options->engine.limit_news = (uint32_t)news;
	return NULL;
}

static const char *set_metrics(struct options *options, const char *value)
{
	struct metrics_address address;

#ifndef HAVE_MICROHTTPD
	return "this sessiond was built without it: build with libmicrohttpd, or leave it out";
#endif
	if (metrics_address_parse(value, &address) < 0)
		return "expected PORT, ADDR:PORT, [IPV6]:PORT, or the path of a Unix socket";
	memset(options->metrics, 0, sizeof(options->metrics));
	return set_path(options->metrics, sizeof(options->metrics), value);
}

/* Keys of options without a letter. */
enum {
	KEY_XDP_MODE = 256,
	KEY_XDP_HISTOGRAM,
	KEY_BUSY_POLL,
	KEY_MAX_SESSION,
	KEY_REMOVE,
	KEY_DPDK_ARGS,
	KEY_KEEP,
	KEY_SECCOMP,
	KEY_PIN_DIR,
	KEY_LOG_LEVEL,
	KEY_METRICS,
	KEY_RATE_LIMIT,
	KEY_CHECK,
};

#define MEMBER(member) offsetof(struct options, member), sizeof(((struct options *)0)->member)
/* From `first` to `last`. */
#define MEMBERS(first, last) \
	offsetof(struct options, first), offsetof(struct options, last) + \
						 sizeof(((struct options *)0)->last) - \
						 offsetof(struct options, first)

const struct option_def option_table[] = {
	{"port", 0, "PORT", OPTION_ARGUMENT, "UDP port to serve", set_port, NULL, MEMBER(port),
		.fallback = "54321"},
	{"mode", 'm', "MODE", 0,
		"auto, xdp, dpdk or socket; auto is xdp where --interface is given and it "
		"attaches, else socket",
		set_mode, NULL, MEMBER(mode), .fallback = "auto",
		.details = "A mode that is named is used, or the daemon ends with an error. What "
			   "auto chose is the first line of the log."},
	{"interface", 'i', "IFNAME", OPTION_REPEATABLE, "Answer in XDP on this interface",
		add_interface, clear_interfaces, MEMBER(engine.interfaces), .example = "eth1"},
	{"xdp-mode", KEY_XDP_MODE, "HOW", 0,
		"native, generic or auto: native, and generic, announced, where the driver has no "
		"XDP",
		set_xdp_mode, NULL, MEMBER(engine.xdp_mode), .fallback = "auto"},
	{"busy-poll", KEY_BUSY_POLL, NULL, 0,
		"Look for NEWs without ever sleeping, which takes a CPU (xdp mode), or for every "
		"request, which takes one a thread (socket mode)",
		set_busy_poll, NULL, MEMBER(engine.busy_poll), .fallback = "no",
		.details = "In xdp mode NEWs are stored some microseconds sooner, in socket mode "
			   "everything is answered some microseconds sooner; and the CPUs that "
			   "bring the packets are spared the waking of another."},
	{"listen", 'l', "ADDR[:PORT]", OPTION_REPEATABLE,
		"Serve this address; default every address", add_listen, clear_listen,
		MEMBER(engine.listen), .example = "10.0.0.5",
		.details = "An IPv6 address that a port follows stands in brackets. * is every "
			   "address of the host, those that come later included. A link-local "
			   "address has %INTERFACE at its end; GETs to it are answered by the "
			   "daemon's sockets in xdp mode too."},
	{"allow", 'a', "CIDR", OPTION_REPEATABLE | OPTION_RELOADABLE,
		"Serve clients in this range; default loopback, private, link-local and "
		"unique-local ranges",
		add_allow, clear_allow, MEMBER(allow),
		.fallback = "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 "
			    "::1/128 fc00::/7 fe80::/10",
		.details = "The first range that is given replaces the default. Requests from "
			   "elsewhere are dropped and counted, never answered."},
	{"capacity", 'n', "SESSIONS", 0, "Sessions to hold, fixed at start; a full cache evicts",
		set_capacity, NULL, MEMBER(engine.capacity), .fallback = "1000000"},
	{"max-session", KEY_MAX_SESSION, "BYTES", 0, "Longest session to store, up to 1400",
		set_value_max, NULL, MEMBER(engine.value_max), .fallback = "512",
		.details = "stunnel sends none longer than 512 bytes."},
	{"remove", KEY_REMOVE, "POLICY", OPTION_RELOADABLE, "honour or ignore clients' REMOVEs",
		set_remove, NULL, MEMBER(remove), .fallback = "honour",
		.details = "stunnel sends a REMOVE not only for a session that shall end, but also "
			   "when its own cache overflows, when it reads its configuration again, "
			   "and when a client closes without saying so."},
	{"threads", 't', "N", 0, "Reader threads of socket mode; default one a CPU", set_threads,
		NULL, MEMBER(engine.threads), .example = "2"},
	{"dpdk-args", KEY_DPDK_ARGS, "\"EAL ARGS\"", 0,
		"Arguments of DPDK's environment layer, in one text", set_dpdk_args, NULL,
		MEMBER(engine.dpdk_args), .example = "-l 1 -a 0000:01:00.0"},
	{"keep", KEY_KEEP, NULL, 0, "Leave the pinned fast path answering after a clean stop",
		set_keep, NULL, MEMBER(keep), .fallback = "no",
		.details = "The next start adopts it with every session in it, so that a restart "
			   "leaves no GET unanswered. xdp mode only."},
	{"user", 'u', "NAME[:GROUP]", 0,
		"Run as this user once everything is open; default sessiond, if started as root "
		"and there is one; root stays root",
		set_user, NULL, MEMBER(user), .example = "nobody",
		.details = "Nothing but open descriptors is left of root's rights then: every "
			   "capability is given up. In dpdk mode root stays root unless a user is "
			   "named."},
	{"seccomp", KEY_SECCOMP, "yes|no", 0, "Refuse system calls that the daemon has no use for",
		set_seccomp, NULL, MEMBER(seccomp), .fallback = "yes",
		.details = "They fail, and the kernel logs them; those that only an intruder makes "
			   "end the daemon, while what answers in XDP goes on."},
	{"config", 'c', "FILE", OPTION_COMMAND_LINE,
		"Read options from FILE: the same names, name = value, a line each; the command "
		"line wins",
		set_config, NULL, MEMBER(config_path)},
	{"control", 'C', "PATH", 0, "Admin socket", set_control, NULL, MEMBER(control_path),
		.fallback = "/run/sessiond/control.sock",
		.details = "A daemon that may not write there uses sessiond.sock in "
			   "XDG_RUNTIME_DIR, if that is set."},
	{"pin-dir", KEY_PIN_DIR, "PATH", 0,
		"Folder on a BPF file system for the pins; each instance uses PATH/PORT",
		set_pin_dir, NULL, MEMBER(pin_root), .fallback = "/sys/fs/bpf/sessiond"},
	{"log-level", KEY_LOG_LEVEL, "LEVEL", OPTION_RELOADABLE,
		"error, warning, notice, info or debug", set_log_level, NULL, MEMBER(log_level),
		.fallback = "info"},
	{"rate-limit", KEY_RATE_LIMIT, "GETS/NEWS", 0,
		"Drop what one source sends over so many GETs and NEWs a second", set_rate_limit,
		NULL, MEMBERS(engine.limit_gets, engine.limit_news), .example = "20000/2000",
		.details =
			"A source is an IPv4 address or a /64 of IPv6; REMOVEs count as NEWs, 0 is "
			"no limit. A second's worth may come at once."},
	{"metrics", KEY_METRICS, "WHERE", 0,
		"Serve metrics for Prometheus over HTTP: PORT is on loopback, else ADDR:PORT or "
		"the path of a Unix socket",
		set_metrics, NULL, MEMBER(metrics), .example = "9532",
		.details = "They are at /metrics. There is neither encryption nor a password: an "
			   "address of the farm's network lets everybody there read them. Times of "
			   "answers and inserts are measured only if this is given."},
	{"xdp-histogram", KEY_XDP_HISTOGRAM, NULL, 0,
		"Have the XDP program measure each answer, for --metrics; xdp mode",
		set_xdp_histogram, NULL, MEMBER(engine.xdp_histogram), .fallback = "no",
		.details = "Each answer takes two looks at the clock longer."},
	{"check", KEY_CHECK, NULL, OPTION_COMMAND_LINE, "Check the options and exit", set_check,
		NULL, MEMBER(check)},
};

const size_t option_table_size = sizeof(option_table) / sizeof(option_table[0]);
