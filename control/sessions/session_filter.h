/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Selects sessions by id prefix, context, TLS version and source. Any thread.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_SESSION_FILTER_H
#define SESSIOND_CONTROL_SESSIONS_SESSION_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"
#include "control/sessions/census.h"
#include "dataplane/table/table.h"

/* Zero-initialise it: it selects every session. */
struct session_filter {
	uint8_t id[SESSD_KEY_SIZE];
	uint8_t id_digits; /* hex digits of the prefix; 0: any id */
	bool by_context, by_kind, by_source;
	uint8_t context_len;
	uint8_t context[SESSION_CONTEXT_MAX];
	enum session_kind kind;
	struct prefix source; /* a session whose source is unknown is not selected */
};

/* Bytes of the longest text of a context, with its NUL. */
#define CONTEXT_TEXT (2 + 2 * SESSION_CONTEXT_MAX + 1)
/* Writes a context without blanks: as it is if it is printable, else 0x and hex digits; "-" if it
 * is empty. Returns `out`. */
char *context_format(const uint8_t *context, size_t len, char out[CONTEXT_TEXT]);
/* Reads what context_format writes, or a name as it is. False if it is too long. */
bool context_parse(const char *text, uint8_t context[SESSION_CONTEXT_MAX], uint8_t *len);

/* Adds a condition: "id=HEX", "context=NAME", "tls=1.3" (or 1.2, other, sealed, opaque),
 * "source=CIDR". 0, or -EINVAL with error_message() set. */
int session_filter_add(struct session_filter *filter, const char *condition);
bool session_filter_is_empty(const struct session_filter *filter);
bool session_filter_selects(const struct session_filter *filter, const struct session *session,
	const struct session_info *info);

#endif
