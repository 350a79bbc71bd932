/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * xdp mode: the program answers GETs from the pinned maps; the daemon fills them.
 */
#include "dataplane/xdp/xdp.h"

#include "dataplane/xdp/resident.h"

#include "common/ethtool.h"
#include "common/log.h"
#include "dataplane/xdp/mirror/entry.h"
#include "dataplane/xdp/percpu_values.h"

#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void free_engine(struct engine *engine)
{
	for (size_t i = 0; i < engine->link_count; i++) {
		if (engine->links[i].fd >= 0)
			close(engine->links[i].fd);
		if (engine->links[i].before >= 0)
			close(engine->links[i].before);
	}
	mirror_destroy(engine->mirror);
	claims_destroy(engine->claims);
	xsk_close(engine->xsks);
	frame_rings_close(engine->rings);
	receive_close(engine);
	take_desk_close(&engine->desk);
	take_queues_close(engine->takes);
	reader_shared_close(&engine->readers);
	resize_close(engine);
	notes_close(engine);
	maps_close(engine);
	pins_unlock(engine);
	free(engine->allow);
	hidden_tags_free(engine->hidden_tags);
	local_map_close(engine);
	free(engine);
}

/* Stores sessions by the BPF program; without it, by BPF_MAP_UPDATE_BATCH. */
static void use_store(struct engine *engine)
{
	int fd = bpf_program__fd(engine->skel->progs.sessiond_map_batch);
	int err = fd < 0 ? fd
			 : mirror_use_program(
				   engine->mirror, fd, bpf_map__fd(engine->skel->maps.puts));

	if (err)
		log_info("sessions are stored by BPF_MAP_UPDATE_BATCH: %s", strerror(-err));
}

static int xdp_open(struct engine **out, const struct engine_config *config)
{
	struct engine *engine = aligned_alloc(_Alignof(struct engine), sizeof(*engine));
	int err = -ENOMEM;

	if (!engine)
		return error_set(ENOMEM, "out of memory at start");
	memset(engine, 0, sizeof(*engine));
	engine->config = *config;
	engine->lock_fd = -1;
	engine->root_fd = -1;
	engine->wake_fd = -1;
	atomic_store(&engine->measure, config->measure);
	atomic_store(&engine->busy_poll, config->busy_poll);
	local_map_open(engine);
	engine->hidden_tags = hidden_tags_new();
	/* Sockets first: NEWs that come while a full map is adopted wait in their buffers. */
	err = engine->hidden_tags ? receive_open(engine)
				  : error_set(ENOMEM, "out of memory at start");
	if (!err)
		err = pins_lock(engine);
	if (!err)
		err = maps_open(engine);
	if (!err)
		err = kernel_clock_follow(engine);
	if (err)
		goto fail;
	engine->allow_ours = !engine->adopted;
	engine->locals_ours = !engine->adopted || engine->local_made;
	engine->mirror = mirror_create(bpf_map__fd(engine->skel->maps.sessions),
		bpf_map__fd(engine->skel->maps.overflow),
		&(struct mirror_shape){config->capacity, config->value_max},
		engine->settings.secret);
	if (engine->mirror)
		use_store(engine);
	engine->claims = claims_create(bpf_map__fd(engine->skel->maps.sessions),
		bpf_program__fd(engine->skel->progs.sessiond_claim),
		bpf_map__fd(engine->skel->maps.claim), engine->taken, config->capacity);
	engine->allow = calloc(1, sizeof(*engine->allow));
	/* The program has already limited the rate of NEWs: twice the rate here, so that the two
	 * clocks' difference refuses nothing. It has counted the sources, too. */
	err = reader_shared_open(&engine->readers, config->limit_gets, 2 * config->limit_news,
		READER_TALKERS_GETS, config->take != TAKE_NO);
	if (err || !engine->mirror || !engine->claims || !engine->allow) {
		err = error_set(ENOMEM, "out of memory at start");
		goto fail;
	}
	if (config->take == TAKE_FARM) {
		engine->takes = take_queues_open(1);
		err = engine->takes ? take_desk_open(
					      &engine->desk, engine->takes->queues, engine->wake_fd)
				    : -ENOMEM;
		if (err) {
			err = error_set(ENOMEM, "out of memory at start");
			goto fail;
		}
	}
	reader_init(&engine->reader, &engine->readers);
	atomic_store(&engine->slow_allow, engine->allow);
	*out = engine;
	return 0;
fail:
	if (engine->lock_fd >= 0)
		pins_remove_folder(engine); /* removed only if empty, so it was new */
	free_engine(engine);
	return err;
}

static struct take_queues *xdp_take_queues(struct engine *engine)
{
	return engine->takes;
}

static void xdp_table_config(struct engine *engine, struct table_config *config)
{
	config->value_max = 0;
	config->marks = engine->marks;
}

/* After attaching: only then it is known whether the program runs in the driver, a bond's in the
 * drivers of its ports. */
static void open_xsks(struct engine *engine)
{
	struct xsk_interface interfaces[ENGINE_INTERFACES_MAX];
	struct sessiond_bpf *skel = engine->skel;
	size_t count = 0;

	for (size_t i = 0; i < engine->slot_count; i++) {
		struct redirect_slot *slot = &engine->slots[i];
		bool native = engine->links[slot->interface].native;

		if (slot->port ? !native : slot->bond && native)
			continue;
		slot->queues = ethtool_receive_queues(slot->name);
		interfaces[count++] = (struct xsk_interface){.name = slot->name,
			.native = native,
			.slot = (uint32_t)i,
			.queues = slot->queues};
	}
	engine->xsks = xsk_open(interfaces, count, bpf_map__fd(skel->maps.xsks),
		bpf_map__max_entries(skel->maps.xsks) / ENGINE_INTERFACES_MAX,
		engine->config.busy_poll, &engine->intake);
}

/* The ways on which the program hands over NEWs. */
static int open_ways(struct engine *engine, const struct table *table)
{
	const struct bpf_map *frames = engine->skel->maps.frames;

	engine->intake = (struct frame_intake){.table = table, .reader = &engine->reader};
	engine->rings = frame_rings_open(bpf_map__fd(frames), bpf_map__fd(engine->skel->maps.wakes),
		bpf_map__max_entries(frames), engine->skel->rodata->frame_ring_size);
	if (!engine->rings && errno == ENOMEM)
		return error_set(ENOMEM, "out of memory at start");
	if (!engine->rings)
		return error_set(errno, "cannot map the rings for NEWs: %s", strerror(errno));
	open_xsks(engine);
	return 0;
}

/* Counters that cannot be read stay 0; logged once. */
static void read_counters(struct engine *engine, struct sessd_xdp_counters *total)
{
	memset(total, 0, sizeof(*total));
	if (percpu_sum(bpf_map__fd(engine->skel->maps.stats), sizeof(*total) / sizeof(__u64),
		    (__u64 *)total) == 0 ||
		engine->uncounted)
		return;
	engine->uncounted = true;
	log_warning("%s: they are shown as 0", error_message());
}

static bool held_in_table(void *ctx, uint32_t slot, struct session *session)
{
	return table_slot(ctx, slot, session);
}

static int xdp_start(struct engine *engine, struct table *table, const struct update_sink *sink)
{
	struct sessd_xdp_counters counters;
	int err = 0;

	read_counters(engine, &counters); /* logs a failure at start */
	engine->sink = *sink;
	if (!engine->adopted && !engine->old) {
		/* Links left by an older daemon answer from its maps until they are updated. Links
		 * of another network namespace never are: their interfaces are not here, whatever
		 * their index. */
		pins_remove(engine, engine->foreign);
		engine->pinned = true;
		err = pins_add(engine);
	}
	if (!err)
		err = attach_all(engine);
	if (!err && engine->local_made)
		err = pins_replace(engine, engine->skel->maps.local);
	if (err)
		return err;
	/* The old program answers nothing any more, ours does not answer yet: what was taken stays
	 * taken. */
	if (engine->old)
		resize_wait_for_readers();
	resize_follow_takes(engine, held_in_table, table);
	hidden_tags_look(engine);
	local_map_publish(engine);
	err = access_publish(engine);
	if (!err)
		err = maps_publish(engine);
	if (err)
		return err;
	err = open_ways(engine, table); /* the table is the writer's index; GETs do not read it */
	if (!err)
		err = receive_start(engine);
	if (!err && engine->old)
		err = resize_pin(engine);
	if (err)
		return err;
	notes_open(engine);
	engine->started = true;
	return 0;
}

static void xdp_wake(struct engine *engine)
{
	uint64_t one = 1;

	if (write(engine->wake_fd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: the counter is full, so it is readable */
}

static void xdp_put(struct engine *engine, const struct session *session, const void *value)
{
	mirror_put(engine->mirror, session, value);
}

static void xdp_del(struct engine *engine, const struct session *session)
{
	mirror_del(engine->mirror, session);
}

static void xdp_commit(struct engine *engine, void (*failed)(void *ctx, uint32_t slot), void *ctx)
{
	mirror_commit(engine->mirror, failed, ctx);
}

/* The sockets too, so that a reload may open others beside them. */
static int xdp_give(struct engine *engine, uid_t uid, gid_t gid)
{
	udp_set_give(engine->sockets, uid, gid);
	return pins_give(engine, uid, gid);
}

static void xdp_describe(struct engine *engine, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < engine->link_count && used < size; i++) {
		const struct xdp_link *link = &engine->links[i];

		used += (size_t)snprintf(text + used, size - used, "%s%s on %s", i ? ", " : "",
			link->no_ethernet ? "SOCKETS"
			: link->native	  ? "native XDP"
					  : "GENERIC XDP",
			engine->config.interfaces[i]);
	}
	if (used < size)
		snprintf(text + used, size - used,
			engine->config.busy_poll ? "; NEWs by AF_XDP at %zu queues, %zu zero-copy"
						 : "; NEWs by a ring from %zu queues",
			xsk_count(engine->xsks), xsk_zero_copy(engine->xsks));
}

uint64_t stats_xdp_packets(struct engine *engine)
{
	__u64 counters[sizeof(struct sessd_xdp_counters) / sizeof(__u64)] = {0}, sum = 0;
	const size_t words = sizeof(counters) / sizeof(counters[0]);

	if (percpu_sum(bpf_map__fd(engine->skel->maps.stats), words, counters) < 0)
		return engine->runs_seen;
	for (size_t i = 0; i < words; i++)
		sum += counters[i];
	return sum;
}

uint64_t stats_xdp_replies(struct engine *engine)
{
	struct sessd_xdp_counters counters = {0};

	if (percpu_sum(bpf_map__fd(engine->skel->maps.stats), sizeof(counters) / sizeof(__u64),
		    (__u64 *)&counters) < 0)
		return 0;
	return counters.get_hits + counters.get_misses + counters.get_expired + counters.get_torn;
}

static void xdp_stats(struct engine *engine, stats_emit emit, void *ctx)
{
	struct sessd_xdp_counters program;
	struct request_counters fast, slow = {0}, total = {0};
	uint64_t drops = engine->closed_drops + udp_set_drops(engine->sockets);

	read_counters(engine, &program);
#define X(name, ...) fast.name = program.name;
	SESSD_REQUEST_COUNTERS(X)
#undef X
	request_counters_sum(&slow, &engine->reader.counters);
	request_counters_sum(&total, &fast);
	request_counters_sum(&total, &slow);
	reader_emit(&total, "", emit, ctx);
	emit(ctx, "drop_socket_buffer", drops);
	emit(ctx, "drop_group", udp_group_drops(engine->batch));
	emit(ctx, "send_failed", __atomic_load_n(&engine->slow_send_failed, __ATOMIC_RELAXED));
	reader_emit(&slow, "slow_", emit, ctx);
	reader_emit(&fast, "xdp_", emit, ctx);
#define X(name, ...) emit(ctx, "xdp_" #name, program.name);
	SESSD_XDP_COUNTERS(X)
#undef X
	xsk_stats(engine->xsks, engine->rings, emit, ctx);
	emit(ctx, "xsk_fallback", __atomic_load_n(&engine->slow_changes, __ATOMIC_RELAXED));
	stats_xdp_figures(engine, emit, ctx);
}

static bool xdp_taken(struct engine *engine, const struct session *session)
{
	return claims_taken(engine->claims, session);
}

static bool xdp_claim(struct engine *engine, const struct session *session)
{
	return mirror_claim(engine->mirror, engine->claims, session);
}

_Static_assert(ENTRY_VALUE_SIZE(SESSD_VALUE_LIMIT) <= ENGINE_VALUE_ROOM, "a value has room");

static uint16_t xdp_value(struct engine *engine, const struct session *session, void *value)
{
	uint32_t slot;
	int len = mirror_get(engine->mirror, session->key, 0, value, &slot);

	return len > 0 && slot == session->slot ? (uint16_t)len : 0;
}

static uint16_t xdp_length(struct engine *engine, const struct session *session)
{
	return mirror_length(engine->mirror, session);
}

static unsigned xdp_find_taken(struct engine *engine,
	bool (*held)(void *ctx, uint32_t slot, struct session *session), void *ctx, uint32_t *slots,
	unsigned room, bool *more)
{
	resize_follow_takes(engine, held, ctx);
	return claims_find(engine->claims, held, ctx, slots, room, more);
}

struct event_sink {
	void (*found)(void *ctx, const struct sessd_drop_sample *event);
	void *ctx;
};

static int on_event(void *ctx, void *data, size_t size)
{
	struct event_sink *sink = ctx;

	if (size >= sizeof(struct sessd_drop_sample))
		sink->found(sink->ctx, data);
	return 0;
}

static void xdp_drop_samples(struct engine *engine,
	void (*found)(void *ctx, const struct sessd_drop_sample *event), void *ctx)
{
	struct event_sink sink = {.found = found, .ctx = ctx};
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(engine->skel->maps.events), on_event, &sink, NULL);

	drop_sampler_drain(&engine->reader.samples, found, ctx);
	if (!ring)
		return;
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
}

static uint64_t xdp_restart_keeps(
	struct engine *engine, const struct engine_config *next, uint64_t sessions)
{
	(void)engine;
	return sessions < next->capacity ? sessions : next->capacity;
}

static void xdp_close(struct engine *engine, enum engine_close how)
{
	/* After adoption, the last daemon's program goes on answering from the adopted maps. */
	bool keep = how == ENGINE_CLOSE_KEEP ||
		    (how == ENGINE_CLOSE_FAILED && (engine->adopted || engine->moved));

	if (engine->started ? !keep : engine->pinned) {
		attach_remove(engine);
		pins_remove(engine, true);
	} else if (!engine->started) {
		attach_undo(engine); /* the start failed: restore the last daemon's links */
	}
	pins_remove_folder(engine); /* if it is empty */
	free_engine(engine);
}

const struct engine_ops engine_xdp = {
	.name = "xdp",
	.open = xdp_open,
	.table_config = xdp_table_config,
	.adopt = adopt_sessions,
	.start = xdp_start,
	.poll = xdp_poll,
	.wake = xdp_wake,
	.put = xdp_put,
	.del = xdp_del,
	.commit = xdp_commit,
	.taken = xdp_taken,
	.claim = xdp_claim,
	.find_taken = xdp_find_taken,
	.take_queues = xdp_take_queues,
	.value = xdp_value,
	.length = xdp_length,
	.give = xdp_give,
	.set_allow = access_set_allow,
	.reload = xdp_reload,
	.set_local = local_map_set,
	.set_vlan = access_set_vlan,
	.set_vlan_address = hidden_tags_set_address,
	.set_vrf = receive_set_vrf,
	.set_interface = attach_again,
	.supervise = supervise,
	.take_off = resident_take_off,
	.describe = xdp_describe,
	.stats = xdp_stats,
	.drop_samples = xdp_drop_samples,
	.latency = stats_xdp_latency,
	.answer_times = stats_xdp_answer_times,
	.watch = stats_xdp_watch,
	.lost = stats_xdp_lost,
	.observe = stats_xdp_observe,
	.events = stats_xdp_events,
	.talkers = stats_xdp_talkers,
	.notes = notes_of,
	.restart_keeps = xdp_restart_keeps,
	.close = xdp_close,
	.memory_needed = maps_memory_needed,
	.would_adopt = stale_pins_would_adopt,
	.start_cost = stale_pins_cost,
	.stale_pins = stale_pins_find,
};
