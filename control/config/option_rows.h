/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Every option, one row each. --help, the command line, the configuration file, reload, the manual,
 * docs/options.md and shell completion are made from it, in this order. Define these before
 * including it:
 *
 *   OPTION(type, member, array, ...)   also declares a member of struct options
 *   ENGINE_OPTION(member, ...)         sets a member of struct engine_config
 *   ENGINE_OPTIONS(first, last, ...)   sets several
 *
 * The rest of a row initialises a struct option_def (option_table.h). Rows that need a parser of
 * their own have it in option_table.c.
 */

/* NOLINTBEGIN(bugprone-sizeof-expression): a member's size, also where it is a pointer */
OPTION(uint16_t, port, , .name = "port", .arg = "PORT", .flags = OPTION_MOVES | OPTION_ARGUMENT,
	.fixed = "sockets are bound at start", .help = "UDP port to serve", .set = set_number,
	.value = value_number, .what = "a UDP port", .min = 1, .max = 65535, .fallback = "54321")

OPTION(const struct engine_mode *, mode, , .name = "mode", .letter = 'm', .arg = "MODE",
	.flags = OPTION_MOVES, .fixed = "a mode lasts as long as the daemon",
	.help = "auto, xdp, dpdk or socket; auto is xdp if --interface is given and it attaches, "
		"else socket",
	.details = "A mode that is named but cannot run ends the daemon with an error. A line "
		   "of the log says what auto chose.",
	.set = set_mode, .value = value_mode, .words = "auto xdp dpdk socket", .fallback = "auto")

ENGINE_OPTION(interfaces, .name = "interface", .letter = 'i', .arg = "IFNAME",
	.flags = OPTION_REPEATABLE,
	.fixed = "attaching needs privileges that the daemon gives up after its start",
	.help = "Answer in XDP on this interface", .set = add_interface, .value = value_interface,
	.first_line = 0, .clear = clear_interfaces, .complete = COMPLETE_INTERFACES,
	.example = "eth1")

ENGINE_OPTION(xdp_mode, .name = "xdp-mode", .arg = "HOW", .needs = ENGINE_INTERFACES,
	.fixed = "attaching needs privileges that the daemon gives up after its start",
	.help = "native, generic or auto; auto is native, or generic with a warning if the driver "
		"has no XDP",
	.set = set_word, .value = value_word, .words = "auto native generic", .fallback = "auto")

ENGINE_OPTION(busy_poll, .name = "busy-poll", .needs = ENGINE_BUSY_POLL, .flags = OPTION_RELOADABLE,
	.help = "Poll without sleeping: for NEWs in xdp mode, which takes one CPU, for all "
		"requests in socket mode, which takes one CPU per thread",
	.details = "It saves some microseconds: until a NEW is stored in xdp mode, until any "
		   "request is answered in socket mode. The CPUs that receive the packets need not "
		   "wake another CPU. In xdp mode, only a start as root also makes the kernel "
		   "prefer polling to interrupts.",
	.set = set_bool, .value = value_bool, .fallback = "no")

ENGINE_OPTIONS(listen, listen_count, .name = "listen", .letter = 'l', .arg = "ADDR[:PORT]",
	.flags = OPTION_REPEATABLE | OPTION_RELOADABLE | OPTION_PORT,
	.reloads = ENGINE_LISTENS_AGAIN, .fixed = "the ports' filters are made for it at start",
	.help = "Serve this address; default every address",
	.details = "An IPv6 address with a port is written in brackets. * is every address of the "
		   "host, including those added later. A link-local address ends in %INTERFACE; in "
		   "xdp mode the daemon's sockets answer GETs to it. A reload opens new sockets "
		   "before it closes old ones; in dpdk mode, or with another PORT, a change needs "
		   "a restart.",
	.set = add_listen, .value = value_listen, .first_line = ENGINE_INTERFACES_MAX,
	.clear = clear_listen, .example = "10.0.0.5")

OPTION(struct allow_list, allow, , .name = "allow", .letter = 'a', .arg = "CIDR",
	.flags = OPTION_REPEATABLE | OPTION_RELOADABLE,
	.help = "Serve clients in this range; default loopback, private, link-local and "
		"unique-local ranges",
	.details = "The first range that is given replaces the default. Requests from other "
		   "sources are dropped and counted, never answered.",
	.set = add_allow, .value = value_allow,
	.first_line = ENGINE_INTERFACES_MAX + ENGINE_LISTEN_MAX, .clear = clear_allow,
	.fallback = "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 ::1/128 "
		    "fc00::/7 fe80::/10")

ENGINE_OPTION(capacity, .name = "capacity", .letter = 'n', .arg = "SESSIONS",
	.fixed = "memory is reserved at start",
	.help = "Maximum number of sessions, fixed at start; a full cache evicts",
	.set = set_number, .value = value_number, .what = "a number of sessions", .min = 1,
	.max = SESSD_SLOT_LIMIT - 1, .fallback = "1000000")

ENGINE_OPTION(value_max, .name = "max-session", .arg = "BYTES",
	.fixed = "memory is reserved at start", .help = "Largest session to store, up to 1400",
	.details = "stunnel never sends more than 512 bytes.", .set = set_number,
	.value = value_number, .what = "a number of bytes", .min = 1, .max = SESSD_VALUE_LIMIT,
	.fallback = "512")

OPTION(enum remove_policy, remove, , .name = "remove", .arg = "POLICY", .flags = OPTION_RELOADABLE,
	.help = "honour or ignore REMOVEs from clients",
	.details = "stunnel sends a REMOVE not only to end a session, but also when its own cache "
		   "overflows, when it reloads its configuration, and when a client closes without "
		   "close_notify.",
	.set = set_word, .value = value_word, .words = "honour ignore", .fallback = "honour")

ENGINE_OPTION(take, .name = "take", .arg = "HOW",
	.fixed = "the XDP program and the readers are made for it at start",
	.help = "Who may answer a TAKE, which gets a session and ends it: local, this cache alone; "
		"farm, if no other cache of the farm did; no, nobody",
	.details =
		"A client that sends TAKE in place of GET uses each session once (TLS 1.3 tickets, "
		"early data). stunnel sends GETs alone. yes is the same as local. In a farm of "
		"caches, local suffices if clients ask one cache at a time, behind a virtual "
		"address. With farm, an engine of --farm decides each TAKE, within 20 "
		"milliseconds, or the answer is a miss; all caches of the farm need the option, "
		"and the same engines. With no, a TAKE is dropped and counted like a message of "
		"unknown type.",
	.set = set_take, .value = value_word, .words = "no local farm", .fallback = "local")

ENGINE_OPTION(threads, .name = "threads", .letter = 't', .arg = "N", .needs = ENGINE_THREADS,
	.fixed = "threads are made at start",
	.help = "Reader threads in socket mode; default one per CPU", .set = set_number,
	.value = value_number, .what = "a number of threads", .min = 1, .max = 256, .example = "2")

ENGINE_OPTION(dpdk_args, .name = "dpdk-args", .arg = "\"EAL ARGS\"", .fixed = "the EAL starts once",
	.help = "Arguments of DPDK's EAL, as one string", .set = set_dpdk_args, .value = value_text,
	.example = "-l 1 -a 0000:01:00.0")

OPTION(bool, keep, , .name = "keep", .flags = OPTION_RELOADABLE,
	.needs = ENGINE_PINS | ENGINE_HANDS_OVER,
	.help = "Keep the sessions after a clean stop; in xdp mode the program goes on answering",
	.details = "The next start has all of them. In xdp mode no GET is unanswered meanwhile. In "
		   "the other modes the service manager keeps them (systemd, with "
		   "FileDescriptorStoreMax=1).",
	.set = set_bool, .value = value_bool, .fallback = "no")

/* "" if none. */
OPTION(char, user, [IDENTITY_SIZE], .name = "user", .letter = 'u', .arg = "NAME[:GROUP]",
	.fixed = "the daemon cannot become another user again",
	.help = "Run as this user after start; default sessiond, if started as root and that user "
		"exists; name root to stay root",
	.details = "The daemon then gives up every capability and keeps only its open descriptors. "
		   "In dpdk mode it stays root unless a user is named.",
	.set = set_user, .value = value_text, .complete = COMPLETE_USERS, .example = "nobody")

OPTION(bool, seccomp, , .name = "seccomp", .arg = "yes|no",
	.fixed = "a filter of system calls cannot be taken off",
	.help = "Refuse system calls that the daemon does not need",
	.details = "They fail, and the kernel logs them. Calls that only an attacker makes end the "
		   "daemon; the XDP program keeps answering.",
	.set = set_bool, .value = value_bool, .words = "yes no", .fallback = "yes")

/* "" if none. */
OPTION(char, config_path, [PATH_MAX], .name = "config", .letter = 'c', .arg = "FILE",
	.flags = OPTION_COMMAND_LINE,
	.help = "Read options from FILE, one name = value per line, with the same names; the "
		"command line wins",
	.set = set_path, .value = value_text, .complete = COMPLETE_FILES)

OPTION(char, control_path, [CONTROL_PATH_SIZE], .name = "control", .letter = 'C', .arg = "PATH",
	.fixed = "the socket is made at start, by privileges that the daemon then gives up",
	.help = "Admin socket",
	.details = "A daemon that may not write there uses sessiond.sock in XDG_RUNTIME_DIR, if "
		   "that is set.",
	.set = set_control, .value = value_text, .complete = COMPLETE_FILES,
	.fallback = "/run/sessiond/control.sock")

OPTION(char, pin_root, [ENGINE_PIN_DIR_SIZE - 8], .name = "pin-dir", .arg = "PATH",
	.needs = ENGINE_PINS, .flags = OPTION_MOVES, .fixed = "pins are made at start",
	.help = "Folder for the pins, on a BPF file system; each instance uses PATH/PORT",
	.set = set_pin_dir, .value = value_text, .complete = COMPLETE_FOLDERS,
	.fallback = "/sys/fs/bpf/sessiond")

OPTION(enum log_level, log_level, , .name = "log-level", .arg = "LEVEL", .flags = OPTION_RELOADABLE,
	.help = "error, warning, notice, info or debug", .set = set_log_level,
	.value = value_log_level, .words = LOG_LEVEL_WORDS, .fallback = "info")

ENGINE_OPTIONS(limit_gets, limit_news, .name = "rate-limit", .arg = "GETS/NEWS",
	.flags = OPTION_RELOADABLE,
	.help = "Drop what one source sends above this many GETs and NEWs per second",
	.details = "A source is an IPv4 address or an IPv6 /64. REMOVEs count as NEWs. 0 is no "
		   "limit. A source may send one second's requests in a burst.",
	.set = set_rate_limit, .value = value_rate_limit, .example = "20000/2000")

/* "" if off. */
OPTION(char, metrics, [108], .name = "metrics", .arg = "WHERE", .flags = OPTION_RELOADABLE,
	.help = "Serve metrics for Prometheus over HTTP, on PORT of loopback, on ADDR:PORT, or on "
		"the path of a Unix socket",
	.details = "The page is /metrics. It has no encryption and no password: on an address of "
		   "the farm's network everybody there can read it. Times of replies and inserts "
		   "are measured only with this option. A reload opens a new page before it closes "
		   "the old one; if that fails, the old one stays.",
	.set = set_metrics, .value = value_text, .example = "9532")

ENGINE_OPTION(xdp_histogram, .name = "xdp-histogram", .needs = ENGINE_INTERFACES,
	.flags = OPTION_RELOADABLE,
	.help = "Measure each answer of the XDP program, for --metrics; xdp mode",
	.details = "Each answer takes longer by two reads of the clock.", .set = set_bool,
	.value = value_bool, .fallback = "no")

OPTION(struct option_engines, farm, , .name = "farm", .arg = "URL",
	.flags = OPTION_REPEATABLE | OPTION_RELOADABLE | OPTION_PASSWORD,
	.help = "Share sessions with other caches over this Redis or Valkey server, at most two: "
		"redis://, rediss:// or unix://",
	.details = "A URL is redis://HOST[:PORT], rediss://HOST[:PORT] for TLS, or unix:///PATH. "
		   "USER:PASSWORD@ may stand before HOST or PATH; the file is the place for a "
		   "password, because a command line is public. With two servers, which are "
		   "independent of each other, every session is sent to both, and losing one "
		   "changes nothing.",
	.set = add_farm, .value = value_farm,
	.first_line = ENGINE_INTERFACES_MAX + ENGINE_LISTEN_MAX + ALLOW_MAX, .clear = clear_farm,
	.example = "redis://10.0.0.21:6379")

/* "" if none. */
OPTION(char, farm_key, [PATH_MAX], .name = "farm-key", .arg = "FILE", .flags = OPTION_RELOADABLE,
	.help = "Key file that seals sessions before they leave this host, for --farm",
	.details = "Only the user that the daemon runs as may read it. `sessionctl key new` makes "
		   "one; all caches of a farm have the same. A reload reads it again.",
	.set = set_path, .value = value_text, .complete = COMPLETE_FILES,
	.example = "/etc/sessiond/farm.key")

/* "": those of the system. */
OPTION(char, farm_ca, [PATH_MAX], .name = "farm-ca", .arg = "FILE", .flags = OPTION_RELOADABLE,
	.help = "Certificates (PEM) that a rediss:// server of --farm must be signed by; default "
		"those of the system",
	.set = set_path, .value = value_text, .complete = COMPLETE_FILES,
	.example = "/etc/sessiond/farm-ca.pem")

OPTION(char, farm_name, [FARM_NAME_MAX + 1], .name = "farm-name", .arg = "NAME",
	.flags = OPTION_RELOADABLE,
	.help = "Name of the farm: caches with the same name share sessions", .set = set_farm_name,
	.value = value_text, .fallback = "sessiond")

/* The host's name if it is not given and there is a farm. */
OPTION(char, farm_node, [FARM_NAME_MAX + 1], .name = "farm-node", .arg = "NAME",
	.flags = OPTION_RELOADABLE,
	.help = "Name of this cache in its farm, different for each; default the host's name",
	.set = set_farm_name, .value = value_text, .example = "cache1")

OPTION(bool, check, , .name = "check", .flags = OPTION_COMMAND_LINE,
	.help = "Check the options and exit", .set = set_bool, .value = value_bool)
/* NOLINTEND(bugprone-sizeof-expression) */

#undef OPTION
#undef ENGINE_OPTION
#undef ENGINE_OPTIONS
