/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Writes the tables of options, commands and counters in mdoc(7), on stdout.
 */
#ifndef SESSIOND_MDOC_H
#define SESSIOND_MDOC_H

#include <argp.h>

/* The command line of sessiond, and its configuration file. */
void mdoc_sessiond_options(void);
void mdoc_conf_options(void);

void mdoc_sessionctl_options(void);
void mdoc_sessionctl_commands(void);
/* What stats prints in every mode; what it prints of times where they are measured; and what it
 * prints in one mode alone. */
void mdoc_counters(void);
void mdoc_measured_figures(void);
void mdoc_farm_figures(void);
void mdoc_socket_counters(void);
void mdoc_xdp_counters(void);
void mdoc_dpdk_counters(void);

void mdoc_sessionbench_options(void);

#endif
