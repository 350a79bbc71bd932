/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dpdk/dpdk.h"

#include <sessiond/log.h>

#include <pthread.h>
#include <rte_telemetry.h>
#include <rte_version.h>

/* Commands cannot be taken back: they outlive the engine, and then say so. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct engine *current;

static void add_figure(void *ctx, const char *name, uint64_t value)
{
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
	rte_tel_data_add_dict_uint(ctx, name, value);
#else
	rte_tel_data_add_dict_u64(ctx, name, value);
#endif
}

static int answer(const char *command, const char *params, struct rte_tel_data *data)
{
	int err = 0;

	(void)command;
	(void)params;
	rte_tel_data_start_dict(data);
	pthread_mutex_lock(&mutex);
	if (current)
		stats_collect(current, add_figure, data);
	else
		err = -ENODEV;
	pthread_mutex_unlock(&mutex);
	return err;
}

void telemetry_open(struct engine *engine)
{
	pthread_mutex_lock(&mutex);
	current = engine;
	pthread_mutex_unlock(&mutex);
	if (rte_telemetry_register_cmd("/sessiond/stats", answer,
		    "Figures of the session cache, as sessionctl stats has them. No parameters.") <
		0)
		log_warning("no /sessiond/stats in DPDK's telemetry");
}

void telemetry_close(void)
{
	pthread_mutex_lock(&mutex);
	current = NULL;
	pthread_mutex_unlock(&mutex);
}
