/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What EAL and its drivers say, as log lines of ours.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_EAL_LOG_H
#define SESSIOND_DATAPLANE_DPDK_EAL_LOG_H

/* From now on. */
void eal_log_open(void);
/* Between these two nothing is logged but at debug level, not even what EAL prints by itself; the
 * first line that tells of an error is kept, and returned by the second, "" if there was none. */
void eal_log_hold(void);
const char *eal_log_resume(void);

#endif
