/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Turns the output of EAL and its drivers into sessiond's log lines.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_EAL_LOG_H
#define SESSIOND_DATAPLANE_DPDK_EAL_LOG_H

/* Call before EAL is started. */
void eal_log_open(void);
/* Between hold and release, output is logged at debug level only, even what EAL prints itself. The
 * first line that reports an error is kept; release returns it, or "". */
void eal_log_hold(void);
const char *eal_log_resume(void);

#endif
