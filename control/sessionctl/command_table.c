/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/command_table.h"

const struct argp_option ctl_options[] = {
	{"control", 'C', "PATH", 0, "The daemon's admin socket, default /run/sessiond/control.sock",
		0},
	{"json", CTL_KEY_JSON, NULL, 0,
		"Print stats, top, contexts, sources, list, show, farm, clients and doctor as JSON",
		0},
	{"metrics", CTL_KEY_METRICS, NULL, 0, "Print clients in the text format of Prometheus", 0},
	{"context", CTL_KEY_CONTEXT, "NAME", 0,
		"list, remove, watch: only sessions with this session id context, stunnel's "
		"service name; "
		"- for none, 0x and hex digits for bytes",
		0},
	{"tls", CTL_KEY_TLS, "VERSION", 0,
		"list, remove, watch: only sessions of this version: 1.3, 1.2, other, sealed or "
		"opaque",
		0},
	{"source", CTL_KEY_SOURCE, "CIDR", 0,
		"list, remove: only sessions made by terminators in this prefix; watch: only "
		"requests "
		"from it",
		0},
	{"id", CTL_KEY_ID, "PREFIX", 0, "watch: only ids that begin with these hex digits", 0},
	{"outcome", CTL_KEY_OUTCOME, "LIST", 0,
		"watch: only these, separated by commas: hit, miss, expired, torn, drop, stored, "
		"exists, refused, removed",
		0},
	{"once", CTL_KEY_ONCE, NULL, 0, "top: print once and exit, as without a terminal", 0},
	{"interval", CTL_KEY_INTERVAL, "SECONDS", 0, "top: time between two updates, default 1", 0},
	{"pin-dir", CTL_KEY_PIN_DIR, "PATH", 0, "Folder of the pins, default " CTL_PIN_ROOT_DEFAULT,
		0},
	{"port", CTL_KEY_PORT, "PORT", 0,
		"Port of the instance with the pins; default all, or the only one", 0},
	{"interface", CTL_KEY_INTERFACE, "IFNAME", 0,
		"detach: only sessiond's XDP program on this interface, wherever it is pinned", 0},
	{"diff", CTL_KEY_DIFF, NULL, 0, "config: only what differs from file and command line", 0},
	{0},
};

const struct ctl_command ctl_commands[] = {
	{"stats", NULL, true, ctl_stats, "counters and figures, one `name value` per line",
		.details = "While the daemon is down, these are the counters of the pinned XDP "
			   "program, if there is one."},
	{"top", NULL, true, ctl_top, "live view of rates, hit ratio and sources; q quits",
		.details = "h shows its keys: sort, scroll, pages, pause. Requests of sources are "
			   "sampled, fewer at high rates, and counted only while top runs; so is "
			   "how often a source's sessions were given to others (elsewhere) and to "
			   "itself (home). Without a terminal it prints once; with --json rates "
			   "are per second."},
	{"watch", NULL, false, ctl_watch, "live events: what becomes of requests", .filters = true,
		.details =
			"Until it is interrupted, it prints a line for each event that every "
			"filter "
			"selects: time, request, outcome, who sent it, id, TLS version, context; - "
			"stands for what is unknown. GETs are sampled, fewer at high rates: a line "
			"that begins with # says one in how many. Of NEWs and REMOVEs it shows at "
			"most 2000 a second. A drop is a request over --rate-limit, a malformed "
			"one, or one that found no place in a queue. While nobody watches, "
			"nothing is gathered. Packets of sources outside of --allow are in the "
			"log."},
	{"contexts", NULL, true, ctl_contexts, "sessions by session id context and TLS version",
		.details =
			"It prints, for each context and version: sessions now, stored since the "
			"start, and how many of these were asked for at least once. A session is "
			"resumed only by a service with the same context, which in stunnel is the "
			"name of the service. The 64 contexts of most sessions stored of late are "
			"counted separately; (other) is the rest. A context that was among the "
			"rest counts what is stored and asked for from then on."},
	{"sources", NULL, true, ctl_sources, "sessions by the terminators that made them",
		.details = "It prints, for each source: sessions now, stored since the start, and "
			   "how many of these were asked for at least once. - stands for sessions "
			   "of sources that are unknown: those that were kept over a restart, came "
			   "from other caches, or are of more than 255 sources. Where they were "
			   "used, top shows."},
	{"list", "[ID]", true, ctl_list, "live sessions; ID is the beginning of their ids",
		.filters = true,
		.details = "It prints, for each session: id, seconds left, bytes, age in seconds, "
			   "TLS version, who made it, and the session id context; - stands for "
			   "what is unknown. On a terminal, a line with the names of the columns "
			   "comes first, as with contexts, sources and watch."},
	{"show", "ID", true, ctl_show, "one session; the beginning of its id is enough"},
	{"remove", "[ID]", false, ctl_remove, "delete one session, or all that --context... select",
		.filters = true,
		.details = "The id must be whole: list shows it. Without an ID it deletes all "
			   "sessions that the options select, and prints how many."},
	{"take", "ID", false, ctl_ask, "end one session, if no client has taken it",
		.details = "As remove, but by the rule of TAKE: it succeeds only if no client has "
			   "used the session by TAKE, and then no client can."},
	{"flush", NULL, false, ctl_ask, "delete all sessions",
		.details =
			"It returns once every session that existed is deleted, at most 256 per "
			"millisecond, so that no reply is delayed. Sessions stored meanwhile "
			"stay. It prints how many it deleted. It waits for an earlier flush that "
			"still runs, and counts the rest of that one too. If interrupted, it "
			"continues in the daemon."},
	{"reload", NULL, false, ctl_ask, "reload the configuration, as SIGHUP does",
		.details = "It prints what changed, which key file was read again, what needs a "
			   "restart and why, and whether a restart ends sessions. If it fails, "
			   "nothing was changed."},
	{"config", NULL, false, ctl_config, "what runs, and where each value comes from",
		.details = "It prints a configuration file, with a comment behind each value: the "
			   "default, the line of the file, or the command line. With --diff it "
			   "reads file and command line again, and prints what differs: - for "
			   "what runs, + for what is there now, whether a reload applies it, and "
			   "what a restart costs."},
	{"log-level", "LEVEL", false, ctl_ask, "error, warning, notice, info or debug"},
	{"version", NULL, false, ctl_ask, "the daemon's version"},
	{"detach", NULL, false, ctl_detach, "remove the pins of a daemon that no longer runs",
		.details = "This detaches the XDP program from its interfaces and ends every "
			   "session. With --interface it detaches the program from that interface "
			   "only, even if its pins are elsewhere or gone."},
	{"farm", NULL, true, ctl_farm, "state of the farm of caches: engines, lag, gaps, drops",
		.details = "A row for each engine (Redis, Valkey) and each other cache. Lag is the "
			   "time until what another cache published was read here. Gaps are "
			   "batches that no engine had any more; that cache is then asked to "
			   "publish all its sessions again."},
	{"check", "ADDR[:PORT]", false, ctl_check, "whether a cache is ready, here or elsewhere",
		.details =
			"It asks over the network, as clients do, and needs no admin socket. The "
			"daemon renews what it asks for each second: 3 seconds after a daemon has "
			"died or got stuck the check fails, though in xdp mode sessions are still "
			"answered. It prints the status and exits 0 only if the cache is ready. A "
			"cache of "
			"a farm is not ready while it reads the sessions of the others at start, "
			"30 seconds at most; an engine that is down does not count."},
	{"clients", "[FOLDER]", true, ctl_clients, "counters of the servers on this host",
		.details = "Every program that uses libsessiond leaves its counters in a file of "
			   "/run/sessiond-clients, or of the folder that its SESSIOND_CLIENTS "
			   "names. Processes that were forked count together. (master) marks one "
			   "that only starts workers, such as HAProxy's. Files of programs that "
			   "have ended are removed. Needs no daemon."},
	{"key", "new|rotate FILE", false, ctl_key, "make or rotate a key file of libsessiond",
		.details =
			"new makes a file with one random key. rotate takes one step of three: "
			"add a key, which only opens; promote it, so that it seals; drop the old "
			"one. After each step copy the file to all servers and reload them, "
			"then take the next. Wait for the longest lifetime of a session before "
			"the last. Needs no daemon."},
	{"doctor", "[IFNAME]", true, ctl_doctor, "check this host, and say what to fix",
		.details = "It checks the kernel, the firewall, leftover pins, and interfaces: the "
			   "one named, those of a running daemon, or all that are up. It asks the "
			   "daemon for its interfaces, its --pin-dir and its namespaces, and looks "
			   "there; that takes root. Needs no daemon."},
};

const size_t ctl_command_count = sizeof(ctl_commands) / sizeof(ctl_commands[0]);
