/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/command_table.h"

const struct argp_option ctl_options[] = {
	{"control", 'C', "PATH", 0, "The daemon's admin socket, default /run/sessiond/control.sock",
		0},
	{"json", CTL_KEY_JSON, NULL, 0, "Print stats, list, show and doctor as JSON", 0},
	{"once", CTL_KEY_ONCE, NULL, 0, "top: print one look and exit, as without a terminal", 0},
	{"interval", CTL_KEY_INTERVAL, "SECONDS", 0, "top: time between two looks, default 1", 0},
	{"pin-dir", CTL_KEY_PIN_DIR, "PATH", 0, "Where the pins are, default " CTL_PIN_ROOT_DEFAULT,
		0},
	{"port", CTL_KEY_PORT, "PORT", 0,
		"The instance whose pins are meant; default all or the only", 0},
	{"interface", CTL_KEY_INTERFACE, "IFNAME", 0,
		"detach: take sessiond's XDP program off this interface, wherever it is pinned", 0},
	{0},
};

const struct ctl_command ctl_commands[] = {
	{"stats", NULL, true, ctl_stats, "counters and figures, `name value` a line",
		.details = "While the daemon is down these are the counters of the pinned XDP "
			   "program, if there is one."},
	{"top", NULL, false, ctl_top, "live view of rates, hit ratio and sources; q quits",
		.details = "p holds it. Sources are counted by samples, and only while somebody "
			   "looks. Without a terminal, one look is printed."},
	{"list", NULL, true, ctl_list, "live sessions: id, seconds left, bytes"},
	{"show", "ID", true, ctl_show, "one session; an id is 1 to 32 bytes in hex"},
	{"remove", "ID", false, ctl_ask, "delete one session"},
	{"flush", NULL, false, ctl_ask, "delete all sessions",
		.details = "It returns when all that there were are gone: 256 a millisecond at the "
			   "most, so that no reply is held up. Sessions that are stored meanwhile "
			   "stay. It prints how many it deleted, which is what was left of an "
			   "earlier flush too if that was still under way: it then comes after it. "
			   "Interrupted, it goes on in the daemon."},
	{"reload", NULL, false, ctl_ask, "read the configuration again, as SIGHUP does"},
	{"log-level", "LEVEL", false, ctl_ask, "error, warning, notice, info or debug"},
	{"version", NULL, false, ctl_ask, "the daemon's version"},
	{"detach", NULL, false, ctl_detach, "remove what a daemon that is gone left pinned",
		.details = "This takes the XDP program off its interfaces and ends every session. "
			   "With "
			   "--interface it takes the program off that one, also where its pins "
			   "are elsewhere or gone."},
	{"doctor", "[IFNAME]", true, ctl_doctor, "is this host fit, and what to do if not",
		.details = "It looks at the kernel, at the interface named, or those that a daemon "
			   "is on, or all that are up, at the firewall and at leftovers. Needs no "
			   "daemon."},
};

const size_t ctl_command_count = sizeof(ctl_commands) / sizeof(ctl_commands[0]);
