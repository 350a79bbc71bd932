/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * All rules of a host's packet filters, as nft and iptables-save print them.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_READ_H
#define SESSIOND_CONTROL_SESSIONCTL_DOCTOR_FIREWALL_READ_H

#include <jansson.h>

#include "control/sessionctl/doctor/doctor.h"

/* `*objects` becomes an array of objects as nft lists them; the caller frees it. `*hidden` names a
 * filter that may have rules that cannot be read; else NULL. Returns 0, or a negative errno if no
 * rules can be read. */
int firewall_read(const struct doctor_host *host, json_t **objects, const char **hidden);

#endif
