/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The parts of doctor_probe_host that are files of their own.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_DOCTOR_PROBE_H
#define SESSIOND_CONTROL_SESSIONCTL_DOCTOR_PROBE_H

#include "control/sessionctl/doctor/doctor.h"

/* probe_netlink.c */
int probe_xdp_features(void *ctx, const char *interface, uint64_t *features);
int probe_link(void *ctx, const char *interface, struct doctor_link *link);
int probe_peer(void *ctx, const char *interface, struct doctor_link *peer);

#endif
