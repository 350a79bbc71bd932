/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The values of options as text, as a configuration file has them: the reverse of option_table.c.
 */
#ifndef SESSIOND_CONTROL_CONFIG_OPTION_VALUES_H
#define SESSIOND_CONTROL_CONFIG_OPTION_VALUES_H

#include "control/config/option_table.h"

/* Room for any value with its NUL. */
#define OPTION_VALUE PATH_MAX

/* Text of several values, which ends in ", ..." where they do not fit. */
#define OPTION_VALUES 400

/* For the member `value` of struct option_def: each writes value `i` and returns true, or returns
 * false: there are no more. An option that is not set has none. */
bool value_number(
	const struct option_def *def, const struct options *options, size_t i, char *text);
bool value_bool(const struct option_def *def, const struct options *options, size_t i, char *text);
bool value_word(const struct option_def *def, const struct options *options, size_t i, char *text);
bool value_text(const struct option_def *def, const struct options *options, size_t i, char *text);
bool value_mode(const struct option_def *def, const struct options *options, size_t i, char *text);
bool value_log_level(
	const struct option_def *def, const struct options *options, size_t i, char *text);
bool value_interface(
	const struct option_def *def, const struct options *options, size_t i, char *text);
bool value_listen(
	const struct option_def *def, const struct options *options, size_t i, char *text);
bool value_allow(const struct option_def *def, const struct options *options, size_t i, char *text);
/* Without user and password. */
bool value_farm(const struct option_def *def, const struct options *options, size_t i, char *text);
bool value_rate_limit(
	const struct option_def *def, const struct options *options, size_t i, char *text);

/* What changed between `from` and `to`: "from 1000 to 2000", "10.0.0.0/8 was removed, fd00::/8 was
 * added". Returns `text`. */
const char *option_change(const struct option_def *def, const struct options *from,
	const struct options *to, char text[OPTION_VALUES]);

/* Calls `line` for each line of a configuration file that has these values, with a comment that
 * says where each comes from. `mode` is the mode that runs. */
void options_show(const struct options *options, const char *mode,
	void (*line)(void *ctx, const char *text), void *ctx);

/* Calls `line` for each value of the option that only one of the two has: "- name = value" for
 * `from`, "+ name = value" for `to`, with the same comment and `remark` behind the latter. */
void option_show_change(const struct option_def *def, const struct options *from,
	const struct options *to, const char *remark, void (*line)(void *ctx, const char *text),
	void *ctx);

#endif
