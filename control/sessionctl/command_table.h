/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The tables of sessionctl's commands and options. The command line, --help and the man page are
 * made from them.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_COMMAND_TABLE_H
#define SESSIOND_CONTROL_SESSIONCTL_COMMAND_TABLE_H

#include <argp.h>
#include <stddef.h>

#include "control/sessionctl/sessionctl.h"

#define CTL_PIN_ROOT_DEFAULT "/sys/fs/bpf/sessiond"

/* Keys of options without a letter. */
enum {
	CTL_KEY_PIN_DIR = 256,
	CTL_KEY_PORT,
	CTL_KEY_JSON,
	CTL_KEY_ONCE,
	CTL_KEY_INTERVAL,
	CTL_KEY_INTERFACE,
	CTL_KEY_DIFF,
	CTL_KEY_METRICS,
	CTL_KEY_CONTEXT,
	CTL_KEY_TLS,
	CTL_KEY_SOURCE,
	CTL_KEY_ID,
	CTL_KEY_OUTCOME,
};

struct ctl_command {
	const char *name, *argument; /* NULL: it takes none; "[X]": it is optional */
	bool json;		     /* supports --json */
	int (*run)(const struct ctl *ctl);
	const char *help;    /* a few words */
	const char *details; /* more sentences for the man page; or NULL */
	bool filters;	     /* supports --context, --tls and --source */
};

extern const struct argp_option ctl_options[]; /* ends with an empty one */
extern const struct ctl_command ctl_commands[];
extern const size_t ctl_command_count;

#endif
