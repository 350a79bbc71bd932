/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Every option, a row each: --help, the command line, the configuration file, reload, the manual,
 * docs/options.md and the shell's completion come from it, in this order. Included where rows are
 * wanted, with these defined:
 *
 *   OPTION(type, member, array, ...)   also declares a member of struct options
 *   ENGINE_OPTION(member, ...)         sets a member of struct engine_config
 *   ENGINE_OPTIONS(first, last, ...)   sets several
 *
 * The rest of a row initialises a struct option_def (option_table.h). Rows that need a parser of
 * their own have it in option_table.c.
 */

OPTION(uint16_t, port, , .name = "port", .arg = "PORT", .flags = OPTION_ARGUMENT,
	.help = "UDP port to serve", .set = set_number, .what = "a UDP port", .min = 1,
	.max = 65535, .fallback = "54321")

OPTION(const struct engine_mode *, mode, , .name = "mode", .letter = 'm', .arg = "MODE",
	.help = "auto, xdp, dpdk or socket; auto is xdp where --interface is given and it "
		"attaches, else socket",
	.details = "A mode that is named is used, or the daemon ends with an error. What auto "
		   "chose is the first line of the log.",
	.set = set_mode, .words = "auto xdp dpdk socket", .fallback = "auto")

ENGINE_OPTION(interfaces, .name = "interface", .letter = 'i', .arg = "IFNAME",
	.flags = OPTION_REPEATABLE, .help = "Answer in XDP on this interface", .set = add_interface,
	.clear = clear_interfaces, .complete = COMPLETE_INTERFACES, .example = "eth1")

ENGINE_OPTION(xdp_mode, .name = "xdp-mode", .arg = "HOW",
	.help = "native, generic or auto: native, and generic, announced, where the driver has no "
		"XDP",
	.set = set_word, .words = "auto native generic", .fallback = "auto")

ENGINE_OPTION(busy_poll, .name = "busy-poll",
	.help = "Look for NEWs without ever sleeping, which takes a CPU (xdp mode), or for every "
		"request, which takes one a thread (socket mode)",
	.details =
		"In xdp mode NEWs are stored some microseconds sooner, in socket mode everything "
		"is answered some microseconds sooner; and the CPUs that bring the packets are "
		"spared the waking of another.",
	.set = set_bool, .fallback = "no")

ENGINE_OPTION(listen, .name = "listen", .letter = 'l', .arg = "ADDR[:PORT]",
	.flags = OPTION_REPEATABLE, .help = "Serve this address; default every address",
	.details =
		"An IPv6 address that a port follows stands in brackets. * is every address of the "
		"host, those that come later included. A link-local address has %INTERFACE at its "
		"end; GETs to it are answered by the daemon's sockets in xdp mode too.",
	.set = add_listen, .clear = clear_listen, .example = "10.0.0.5")

OPTION(struct allow_list, allow, , .name = "allow", .letter = 'a', .arg = "CIDR",
	.flags = OPTION_REPEATABLE | OPTION_RELOADABLE,
	.help = "Serve clients in this range; default loopback, private, link-local and "
		"unique-local ranges",
	.details =
		"The first range that is given replaces the default. Requests from elsewhere are "
		"dropped and counted, never answered.",
	.set = add_allow, .clear = clear_allow,
	.fallback = "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 ::1/128 "
		    "fc00::/7 fe80::/10")

ENGINE_OPTION(capacity, .name = "capacity", .letter = 'n', .arg = "SESSIONS",
	.help = "Sessions to hold, fixed at start; a full cache evicts", .set = set_number,
	.what = "a number of sessions", .min = 1, .max = SESSD_SLOT_LIMIT - 1,
	.fallback = "1000000")

ENGINE_OPTION(value_max, .name = "max-session", .arg = "BYTES",
	.help = "Longest session to store, up to 1400",
	.details = "stunnel sends none longer than 512 bytes.", .set = set_number,
	.what = "a number of bytes", .min = 1, .max = SESSD_VALUE_LIMIT, .fallback = "512")

OPTION(enum remove_policy, remove, , .name = "remove", .arg = "POLICY", .flags = OPTION_RELOADABLE,
	.help = "honour or ignore clients' REMOVEs",
	.details =
		"stunnel sends a REMOVE not only for a session that shall end, but also when its "
		"own cache overflows, when it reads its configuration again, and when a client "
		"closes without saying so.",
	.set = set_word, .words = "honour ignore", .fallback = "honour")

ENGINE_OPTION(threads, .name = "threads", .letter = 't', .arg = "N",
	.help = "Reader threads of socket mode; default one a CPU", .set = set_number,
	.what = "a number of threads", .min = 1, .max = 256, .example = "2")

ENGINE_OPTION(dpdk_args, .name = "dpdk-args", .arg = "\"EAL ARGS\"",
	.help = "Arguments of DPDK's environment layer, in one text", .set = set_dpdk_args,
	.example = "-l 1 -a 0000:01:00.0")

OPTION(bool, keep, , .name = "keep",
	.help = "Leave the pinned fast path answering after a clean stop",
	.details = "The next start adopts it with every session in it, so that a restart leaves no "
		   "GET unanswered. xdp mode only.",
	.set = set_bool, .fallback = "no")

/* "" if none. */
OPTION(char, user, [IDENTITY_SIZE], .name = "user", .letter = 'u', .arg = "NAME[:GROUP]",
	.help = "Run as this user once everything is open; default sessiond, if started as root "
		"and there is one; root stays root",
	.details =
		"Nothing but open descriptors is left of root's rights then: every capability is "
		"given up. In dpdk mode root stays root unless a user is named.",
	.set = set_user, .complete = COMPLETE_USERS, .example = "nobody")

OPTION(bool, seccomp, , .name = "seccomp", .arg = "yes|no",
	.help = "Refuse system calls that the daemon has no use for",
	.details = "They fail, and the kernel logs them; those that only an intruder makes end the "
		   "daemon, while what answers in XDP goes on.",
	.set = set_bool, .words = "yes no", .fallback = "yes")

/* "" if none. */
OPTION(char, config_path, [PATH_MAX], .name = "config", .letter = 'c', .arg = "FILE",
	.flags = OPTION_COMMAND_LINE,
	.help = "Read options from FILE: the same names, name = value, a line each; the command "
		"line wins",
	.set = set_path, .complete = COMPLETE_FILES)

OPTION(char, control_path, [CONTROL_PATH_SIZE], .name = "control", .letter = 'C', .arg = "PATH",
	.help = "Admin socket",
	.details =
		"A daemon that may not write there uses sessiond.sock in XDG_RUNTIME_DIR, if that "
		"is set.",
	.set = set_control, .complete = COMPLETE_FILES, .fallback = "/run/sessiond/control.sock")

OPTION(char, pin_root, [ENGINE_PIN_DIR_SIZE - 8], .name = "pin-dir", .arg = "PATH",
	.help = "Folder on a BPF file system for the pins; each instance uses PATH/PORT",
	.set = set_pin_dir, .complete = COMPLETE_FOLDERS, .fallback = "/sys/fs/bpf/sessiond")

OPTION(enum log_level, log_level, , .name = "log-level", .arg = "LEVEL", .flags = OPTION_RELOADABLE,
	.help = "error, warning, notice, info or debug", .set = set_log_level,
	.words = "error warning notice info debug", .fallback = "info")

ENGINE_OPTIONS(limit_gets, limit_news, .name = "rate-limit", .arg = "GETS/NEWS",
	.help = "Drop what one source sends over so many GETs and NEWs a second",
	.details = "A source is an IPv4 address or a /64 of IPv6; REMOVEs count as NEWs, 0 is no "
		   "limit. A second's worth may come at once.",
	.set = set_rate_limit, .example = "20000/2000")

/* "" if off. */
OPTION(char, metrics, [108], .name = "metrics", .arg = "WHERE",
	.help = "Serve metrics for Prometheus over HTTP: PORT is on loopback, else ADDR:PORT or "
		"the path of a Unix socket",
	.details =
		"They are at /metrics. There is neither encryption nor a password: an address of "
		"the farm's network lets everybody there read them. Times of answers and inserts "
		"are measured only if this is given.",
	.set = set_metrics, .example = "9532")

ENGINE_OPTION(xdp_histogram, .name = "xdp-histogram",
	.help = "Have the XDP program measure each answer, for --metrics; xdp mode",
	.details = "Each answer takes two looks at the clock longer.", .set = set_bool,
	.fallback = "no")

OPTION(bool, check, , .name = "check", .flags = OPTION_COMMAND_LINE,
	.help = "Check the options and exit", .set = set_bool)

#undef OPTION
#undef ENGINE_OPTION
#undef ENGINE_OPTIONS
