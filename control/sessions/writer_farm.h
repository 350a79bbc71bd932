/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The writer's part in a farm: what clients change here goes out, and what peers changed comes in.
 * The farm's thread calls the functions of the side; they never wait.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_WRITER_FARM_H
#define SESSIOND_CONTROL_SESSIONS_WRITER_FARM_H

#include "control/farm/farm.h"
#include "control/sessions/writer.h"

/* Bytes that writer_config.farm takes. */
size_t writer_farm_bytes(uint32_t capacity);

/* Main thread, after writer_start: makes what a farm needs, as writer_config.farm does at start, or
 * frees it; then no farm may use the writer's side any more. 0, or -ENOMEM with error_message()
 * set. */
int writer_set_farm(struct writer *writer, bool on);

/* For farm_create. Only with writer_config.farm, or after writer_set_farm. */
struct farm_side writer_farm_side(struct writer *writer);
/* Main thread, before farm_start: the farm that the writer wakes, and whose warm-up the status
 * waits for. It must live until writer_stop, or until a call with NULL has returned. */
void writer_join_farm(struct writer *writer, struct farm *farm);

#endif
