/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The TLS version of a session, from the first bytes of its DER.
 */
#ifndef SESSIOND_DATAPLANE_TLS_VERSION_H
#define SESSIOND_DATAPLANE_TLS_VERSION_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the `len` bytes of `value` are what OpenSSL's i2d_SSL_SESSION makes of a TLS 1.3 session:
 * SEQUENCE { INTEGER 1, INTEGER 0x0304, ... } of exactly `len` bytes. Reads at most ten bytes.
 * False for everything else. Any thread. */
bool session_is_tls13(const void *value, size_t len);

#endif
