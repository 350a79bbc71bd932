/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * An answer of DPDK's telemetry holds at most 256 figures, and the number of ports and lcores has
 * no such limit. So one command gives the sums, and others the figures of one port or lcore by its
 * id.
 */
#include "dataplane/dpdk/dpdk.h"

#include "common/log.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <rte_telemetry.h>
#include <rte_version.h>
#include <stdlib.h>

/* Commands cannot be unregistered: they outlive the engine, and then return an error. */
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

static int stats(struct engine *engine, const char *params, struct rte_tel_data *data)
{
	(void)params;
	rte_tel_data_start_dict(data);
	stats_totals(engine, add_figure, data);
	return 0;
}

/* Whether `params` is this id. */
static bool asked_for(const char *params, unsigned id)
{
	char *end;

	return isdigit((unsigned char)*params) && strtoul(params, &end, 10) == id && !*end;
}

static int ports(struct engine *engine, const char *params, struct rte_tel_data *data)
{
	if (!params || !*params)
		rte_tel_data_start_array(data, RTE_TEL_INT_VAL);
	for (unsigned i = 0; i < engine->port_count; i++) {
		const struct port *port = &engine->ports[i];

		if (!params || !*params) {
			rte_tel_data_add_array_int(data, port->id);
		} else if (asked_for(params, port->id)) {
			rte_tel_data_start_dict(data);
			stats_port(port, add_figure, data);
			return 0;
		}
	}
	return params && *params ? -EINVAL : 0;
}

static int lcores(struct engine *engine, const char *params, struct rte_tel_data *data)
{
	if (!params || !*params)
		rte_tel_data_start_array(data, RTE_TEL_INT_VAL);
	for (unsigned i = 0; i < engine->lcore_count; i++) {
		const struct lcore *lcore = &engine->lcores[i];

		if (!params || !*params) {
			rte_tel_data_add_array_int(data, (int)lcore->id);
		} else if (asked_for(params, lcore->id)) {
			rte_tel_data_start_dict(data);
			stats_lcore(lcore, add_figure, data);
			return 0;
		}
	}
	return params && *params ? -EINVAL : 0;
}

static const struct command {
	const char *name;
	int (*answer)(struct engine *engine, const char *params, struct rte_tel_data *data);
	const char *help;
} commands[] = {
	{"/sessiond/stats", stats, "Sums of the session cache's figures. No parameters."},
	{"/sessiond/ports", ports, "Ids of the ports; with one, its figures. Parameters: id"},
	{"/sessiond/lcores", lcores, "Ids of the lcores; with one, its figures. Parameters: id"},
};

static int answer(const char *name, const char *params, struct rte_tel_data *data)
{
	int err = -ENODEV;

	pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < RTE_DIM(commands) && current; i++) {
		if (strcmp(name, commands[i].name) == 0)
			err = commands[i].answer(current, params, data);
	}
	pthread_mutex_unlock(&mutex);
	return err;
}

void telemetry_open(struct engine *engine)
{
	pthread_mutex_lock(&mutex);
	current = engine;
	pthread_mutex_unlock(&mutex);
	for (size_t i = 0; i < RTE_DIM(commands); i++) {
		if (rte_telemetry_register_cmd(commands[i].name, answer, commands[i].help) < 0)
			log_warning("no %s in DPDK's telemetry", commands[i].name);
	}
}

void telemetry_close(void)
{
	pthread_mutex_lock(&mutex);
	current = NULL;
	pthread_mutex_unlock(&mutex);
}
