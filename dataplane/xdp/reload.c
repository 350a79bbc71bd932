/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Options that change while the program runs.
 */
#include "dataplane/xdp/xdp.h"

#include "common/log.h"

#include <errno.h>

/* As at the start: see xdp_open. */
static int set_limits(struct engine *engine, const struct engine_config *config)
{
	return reader_shared_set_limits(
		&engine->readers, config->limit_gets, 2 * config->limit_news);
}

/* New sockets, then the program, then the old sockets are closed: a request is answered by the one
 * or the other. */
static int change_listen(struct engine *engine, const struct engine_config *next)
{
	struct udp_set *opened, *now = engine->sockets;
	int err = receive_listen(engine, next, &opened);

	if (err)
		return err;
	err = local_map_listen(engine, next);
	if (err)
		receive_settle(engine, now, opened);
	else
		receive_settle(engine, opened, now);
	return err;
}

int xdp_reload(struct engine *engine, const struct engine_config *next)
{
	struct engine_config *now = &engine->config;
	int err = 0;

	if (set_limits(engine, next) < 0)
		return error_set(ENOMEM, "out of memory for --rate-limit; the old one stays");
	if (!engine_same_listen(now, next))
		err = change_listen(engine, next);
	if (err) {
		set_limits(engine, now);
		return err;
	}
	reader_follow(&engine->reader, &engine->readers);
	maps_set_reloadable(engine, next);
	atomic_store(&engine->measure, next->measure);
	if (now->busy_poll != next->busy_poll)
		xsk_set_busy_poll(engine->xsks, next->busy_poll);
	atomic_store(&engine->busy_poll, next->busy_poll);
	now->limit_gets = next->limit_gets;
	now->limit_news = next->limit_news;
	now->xdp_histogram = next->xdp_histogram;
	now->busy_poll = next->busy_poll;
	receive_wait_for_writer(engine); /* from a sleep that is to be the last */
	return 0;
}
