/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The parts of doctor_probe_host in separate files.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_DOCTOR_PROBE_H
#define SESSIOND_CONTROL_SESSIONCTL_DOCTOR_PROBE_H

#include "control/sessionctl/doctor/doctor.h"

/* probe_netlink.c */
int probe_xdp_features(void *ctx, const char *interface, uint64_t *features);
int probe_link(void *ctx, const char *interface, struct doctor_link *link);
int probe_peer(void *ctx, const char *interface, struct doctor_link *peer);

/* probe_bpf.c; without xdp mode probe_no_bpf.c, where each is -EOPNOTSUPP */
int probe_program(void *ctx, uint32_t id, struct doctor_program *program);
int probe_pinned_map(void *ctx, const char *path, uint32_t *id);
int probe_runs(void *ctx, uint32_t id, unsigned milliseconds, uint64_t *runs);

#endif
