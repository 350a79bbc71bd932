/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Every figure in `stats`, one row each. Metrics, the manual, the list of losses, and the checks of
 * the alert rules and the dashboard use this table. Names are stable.
 *
 * A counter of a data path or of the writer has its row at its declaration:
 * include/sessiond/counters.h, dataplane/dpdk/counters.h, control/sessions/writer_counters.h. All
 * other rows are in figures.c. Tests compare the table with what each mode prints.
 */
#ifndef SESSIOND_CONTROL_STATS_FIGURES_H
#define SESSIOND_CONTROL_STATS_FIGURES_H

#include <stdbool.h>
#include <stddef.h>

enum figure_kind {
	FIGURE_GAUGE,
	FIGURE_COUNTER,
	FIGURE_LOSS,	   /* a counter of requests or replies that were lost or refused */
	FIGURE_STATS_ONLY, /* not in metrics under its name */
};

/* The modes that print it. */
enum figure_modes {
	FIGURE_SOCKET = 1,
	FIGURE_XDP = 2,
	FIGURE_DPDK = 4,
	FIGURE_EVERY_MODE = FIGURE_SOCKET | FIGURE_XDP | FIGURE_DPDK,
	FIGURE_MEASURED = 8, /* any of them, but only with --metrics, which measures times */
	FIGURE_IN_FARM = 16, /* any of them, but only with --farm */
};

struct figure {
	const char *name; /* '#' stands for the number of a port or an lcore */
	enum figure_kind kind;
	unsigned modes; /* of enum figure_modes */
	const char *help;
};

extern const struct figure figure_table[];
extern const size_t figure_count;

/* The row of a name that `stats` prints; NULL if there is none. In xdp mode `stats` also prints
 * parts of the request counters, xdp_NAME and slow_NAME, which have no row. */
const struct figure *figure_find(const char *name);

/* Whether a name that `stats` prints counts requests or replies that were lost or refused. False
 * for parts of a sum, so that adding up losses counts each once. */
bool figure_is_loss(const char *name);
/* Whether a name that `stats` prints counts GETs or TAKEs that found their session, or did not. */
bool figure_is_hit(const char *name);
bool figure_is_miss(const char *name);

#endif
