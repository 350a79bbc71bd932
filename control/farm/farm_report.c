/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/farm/farm_private.h"

#include <stdio.h>
#include <string.h>

static uint32_t to_ms(uint64_t us)
{
	us /= 1000U;
	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static void report_engine(const struct farm_engine *engine, struct farm_engine_status *to)
{
	const struct farm *farm = engine->farm;
	const char *error = engine->out.error;

	memcpy(to->url, engine->url.shown, sizeof(to->url));
	to->up = engine->ready && engine->in.state == LINK_UP;
	if (!error[0])
		error = engine->in.error[0] ? engine->in.error : engine->note;
	snprintf(to->error, sizeof(to->error), "%s", error);
	memcpy(to->version, engine->out.version, sizeof(to->version));
	to->checked = engine->check.done;
	to->faults = engine->check.faults;
	to->since = to_ms(farm->now - engine->changed) / 1000U;
	to->rtt_us = engine->rtt;
	to->queued = (uint32_t)(publisher_last(&farm->publisher) - engine->acked);
	to->connects = engine->connects;
	to->restarts = engine->restarts;
	to->batches_out = engine->batches_out;
	to->batches_in = engine->batches_in;
	to->bytes_out = engine->out.bytes_out + engine->in.bytes_out;
	to->bytes_in = engine->out.bytes_in + engine->in.bytes_in;
	memcpy(to->dropped, engine->dropped, sizeof(to->dropped));
	to->take = arbiter_state(engine, farm->now);
	if (to->take == FARM_TAKE_WAITING)
		to->take_wait = 1 + to_ms(engine->take.usable - farm->now) / 1000U;
}

static void report_node(
	const struct farm *farm, const struct farm_peer *peer, struct farm_node_status *to)
{
	memcpy(to->name, peer->name, sizeof(to->name));
	to->alive = peer->heard_ever && farm->now - peer->heard < FARM_ALIVE_US;
	to->lag_ms = peer->lag_ms;
	to->heard_ms = to_ms(farm->now - peer->heard);
	to->sequence = peer->current ? peer->current->window.high : 0;
	to->gaps = peer->gaps;
	to->resends = peer->resends;
	to->sessions = peer->sessions;
	to->sessions_live = peer->sessions_live;
	to->removes = peer->removes;
}

void report_update(struct farm *farm)
{
	struct farm_status status;
	const struct publisher *publisher = &farm->publisher;

	memset(&status, 0, sizeof(status));
	for (unsigned e = 0; e < FARM_ENGINES_MAX; e++)
		if (farm->engines[e].used)
			report_engine(&farm->engines[e], &status.engines[status.engine_count++]);
	for (unsigned i = 0; i < FARM_PEERS && status.node_count < FARM_NODES_MAX; i++) {
		const struct farm_peer *peer = &farm->peers[i];

		if (peer->used && (i > 0 || peer->sessions > 0))
			report_node(farm, peer, &status.nodes[status.node_count++]);
	}
	status.sequence = publisher_last(publisher);
	status.batches = publisher->batches;
	status.records = publisher->records;
	status.sessions = publisher->sessions;
	memcpy(status.dropped, farm->dropped, sizeof(status.dropped));
	status.resends = farm->resends;
	status.warm_up = farm->warm_up;
	status.warm_up_sessions = farm->warm_up_sessions;
	status.warm_up_percent = warm_up_percent(farm);
	status.warm_up_ms = to_ms(farm->warm_up_took);
	status.received = farm->received;
	status.copies = farm->copies;
	status.expired = farm->expired;
	status.tombstoned = farm->tombstoned;
	status.unknown = farm->unknown;
	status.too_long = farm->too_long;
	status.held_up = farm->held_up;
	memcpy(status.refused, farm->refused, sizeof(status.refused));
	status.takes = farm->arbiter.counts;
	if (farm->arbiter.queues) {
		status.takes.full += take_queues_full(farm->arbiter.queues);
		status.takes.down += take_queues_alone(farm->arbiter.queues);
	}
	status.name_clash = farm->clashed != 0 && farm->now - farm->clashed < FARM_RECENT_US;
	pthread_mutex_lock(&farm->lock);
	farm->snapshot = status;
	pthread_mutex_unlock(&farm->lock);
}

void farm_status(struct farm *farm, struct farm_status *status)
{
	pthread_mutex_lock(&farm->lock);
	*status = farm->snapshot;
	pthread_mutex_unlock(&farm->lock);
}
