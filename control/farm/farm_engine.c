/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * An engine: who it is, what time it has, and which streams are in it.
 */
#include "control/farm/farm_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

#define CONTROL_HANDLE	 UINT64_MAX
#define CONTROL_LOOK	 "256" /* entries of the control stream to read at the start */
#define EXPIRE_EVERY_US	 10000000
#define EXPIRE_MIN	 7800 /* more than two hours: an engine's clock may be set */
#define EXPIRE_MAX	 86400
#define CLOCK_GOOD_US	 50000
#define CLOCK_OLD_US	 10000000
#define ARGS_OF_TEXT_MAX 12

bool engine_send(struct farm_engine *engine, int count, const char *const *args,
	const size_t *sizes, link_answer answer, uint64_t arg)
{
	return link_command(
		&engine->out, count, args, sizes, answer, arg, LINK_TIMEOUT_US, engine->farm->now);
}

bool engine_send_texts(
	struct farm_engine *engine, const char *const *args, link_answer answer, uint64_t arg)
{
	size_t sizes[ARGS_OF_TEXT_MAX];
	int count = 0;

	while (args[count] && count < ARGS_OF_TEXT_MAX) {
		sizes[count] = strlen(args[count]);
		count++;
	}
	return engine_send(engine, count, args, sizes, answer, arg);
}

const struct reply *engine_entry(const struct reply *entry, struct entry_id *id)
{
	const struct reply *blob;

	if (entry->type != REPLY_ARRAY || entry->size != 2 || !reply_entry_id(&entry->items[0], id))
		return NULL;
	blob = reply_field(&entry->items[1], "b");
	return blob && blob->type == REPLY_TEXT ? blob : NULL;
}

static void any_answer(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;

	(void)arg;
	(void)now;
	if (reply->type == REPLY_ERROR)
		link_fail_reply(&engine->out, reply);
}

static void look_ready(struct farm_engine *engine)
{
	if (engine->ready || !engine->run_known || !engine->clock_known)
		return;
	engine->ready = true;
	engine->was_ready = true;
	engine->connects++;
	engine->changed = engine->farm->now;
	engine->next_hello = 0;
	engine->next_expire = 0;
}

/* Another process, or a new one, without what the former had. */
static void begin_again(struct farm_engine *engine)
{
	peers_reset_engine(engine->farm, engine->index);
	tail_forget(engine);
	memset(&engine->control, 0, sizeof(engine->control));
}

/* Which would get each batch twice, and lose all at once. */
static bool is_the_other(const struct farm_engine *engine, const char *run_id)
{
	const struct farm_engine *first = &engine->farm->engines[0];

	return engine->index > 0 && first->used && first->run_known &&
	       strcmp(first->run_id, run_id) == 0;
}

static void info_answer(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;
	const char *at = reply->type == REPLY_TEXT ? strstr(reply->text, "run_id:") : NULL;
	char run_id[sizeof(engine->run_id)] = "";

	(void)arg;
	(void)now;
	if (!at || sscanf(at, "run_id:%47[0-9a-f]", run_id) != 1) {
		link_fail_reply(&engine->out, reply);
		return;
	}
	if (is_the_other(engine, run_id)) {
		link_fail(&engine->out, "it is the same server as the first engine");
		return;
	}
	if (strcmp(run_id, engine->run_id) != 0) {
		if (engine->run_id[0])
			engine->restarts++;
		begin_again(engine);
		memcpy(engine->run_id, run_id, sizeof(run_id));
		engine->check.allowed_asked = false;
	}
	engine->run_known = true;
	look_ready(engine);
}

static void time_answer(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;
	uint64_t seconds, micros, rtt;

	now = farm_clock();
	rtt = now - arg;
	if (reply->type != REPLY_ARRAY || reply->size != 2 ||
		!reply_number(&reply->items[0], &seconds) ||
		!reply_number(&reply->items[1], &micros) || seconds > UINT32_MAX * 16ULL ||
		micros >= 1000000U) {
		link_fail_reply(&engine->out, reply);
		return;
	}
	engine->rtt = rtt < UINT32_MAX ? (uint32_t)rtt : UINT32_MAX;
	if (!engine->clock_known || rtt < CLOCK_GOOD_US || now - engine->clock_set > CLOCK_OLD_US) {
		engine->offset = (int64_t)(seconds * 1000000U + micros) - (int64_t)(arg + rtt / 2);
		engine->clock_set = now;
		engine->clock_known = true;
	}
	look_ready(engine);
}

static void ask_time(struct farm_engine *engine)
{
	static const char *const args[] = {"TIME", NULL};

	engine->next_time = engine->farm->now + FARM_HELLO_US;
	(void)engine_send_texts(engine, args, time_answer, farm_clock());
}

static void out_up(void *ctx, uint64_t now)
{
	static const char *const args[] = {"INFO", "server", NULL};
	struct farm_engine *engine = ctx;

	(void)now;
	(void)engine_send_texts(engine, args, info_answer, 0);
	ask_time(engine);
}

static void forget_question(struct farm_stream *stream)
{
	if (stream->state == STREAM_ASKED)
		stream->state = STREAM_UNKNOWN;
	stream->history_asked = false;
}

static void out_down(void *ctx, uint64_t now)
{
	struct farm_engine *engine = ctx;

	if (engine->ready)
		engine->changed = now;
	engine->ready = engine->run_known = engine->clock_known = false;
	engine->sent = engine->acked;
	engine_check_forget(&engine->check);
	forget_question(&engine->control);
	for (unsigned i = 0; i < FARM_PEERS; i++)
		forget_question(&engine->farm->peers[i].streams[engine->index]);
}

static void in_up(void *ctx, uint64_t now)
{
	(void)ctx;
	(void)now;
}

static void in_down(void *ctx, uint64_t now)
{
	(void)now;
	tail_forget(ctx);
}

int engine_open(struct farm *farm, unsigned index, const struct engine_url *url, SSL_CTX *ssl_ctx)
{
	struct farm_engine *engine = &farm->engines[index];
	const struct link_events out = {engine, out_up, out_down}, in = {engine, in_up, in_down};
	int ret;

	memset(engine, 0, sizeof(*engine));
	engine->farm = farm;
	engine->index = index;
	engine->used = true;
	engine->out.fd = engine->in.fd = engine->take.link.fd = -1;
	engine->url = *url;
	engine->ssl_ctx = ssl_ctx;
	engine->changed = farm_clock();
	engine->sent = engine->acked = publisher_last(&farm->publisher);
	engine->missed = engine->acked > 0;
	ret = link_open(&engine->out, &engine->url, ssl_ctx, &out, farm->on_thread);
	if (ret == 0)
		ret = link_open(&engine->in, &engine->url, ssl_ctx, &in, farm->on_thread);
	if (ret == 0)
		ret = arbiter_open(engine);
	if (ret < 0)
		engine_close(engine);
	return ret;
}

void engine_close(struct farm_engine *engine)
{
	if (!engine->used)
		return;
	link_close(&engine->out);
	link_close(&engine->in);
	arbiter_close(engine);
	intake_drop(&engine->delivery);
	SSL_CTX_free(engine->ssl_ctx);
	explicit_bzero(engine, sizeof(*engine));
}

/* The answer of XINFO STREAM as last id and length. False: the engine failed. */
static bool read_info(struct farm_engine *engine, const struct reply *reply, struct entry_id *last,
	uint64_t *length)
{
	const struct reply *id = reply_field(reply, "last-generated-id");
	const struct reply *count = reply_field(reply, "length");

	*last = (struct entry_id){0};
	*length = 0;
	if (reply->type == REPLY_ERROR && strncmp(reply->text, "ERR no such key", 15) == 0)
		return true;
	if (id && count && reply_entry_id(id, last) && reply_number(count, length))
		return true;
	link_fail_reply(&engine->out, reply);
	return false;
}

static void own_stream(struct farm_engine *engine, uint64_t length)
{
	engine->before = length;
	/* It had our history once; others that join need it. */
	if (length == 0 && engine->acked > 0)
		engine->farm->resend_wanted = true;
}

/* What a former daemon stored is not read again. */
static void begin_at_mark(struct farm_engine *engine, struct farm_peer *peer, struct entry_id last)
{
	struct farm_stream *stream = &peer->streams[engine->index];
	struct entry_id mark;

	/* A mark beyond the end is of a stream that is gone. */
	if (!marks_find(engine, peer, &mark) || entry_id_compare(mark, last) > 0)
		return;
	if (peer == engine->farm->peers) {
		stream->history_end = mark;
	} else {
		/* In its order: the sessions from before are stored, and a flush may follow. */
		stream->tail = mark;
		stream->missed = last;
		stream->history_done = true;
	}
}

static void stream_answer(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;
	struct farm_peer *peer = peer_of_handle(engine->farm, arg);
	struct farm_stream *stream;
	struct entry_id last;
	uint64_t length;

	if (!read_info(engine, reply, &last, &length) || !peer)
		return;
	stream = &peer->streams[engine->index];
	stream->refreshed = now;
	stream->exists = length > 0;
	if (stream->state == STREAM_READ && entry_id_compare(last, stream->tail) < 0 &&
		peer != engine->farm->peers) {
		/* It is not the stream that was read so far. */
		warm_up_forget(stream);
		stream->state = STREAM_ASKED;
	}
	if (stream->state == STREAM_READ) {
		if (peer == engine->farm->peers && length == 0)
			own_stream(engine, 0);
		return;
	}
	stream->state = STREAM_READ;
	stream->tail = stream->history_next = last;
	stream->history_length = length;
	stream->history_read = 0;
	stream->history_done = length == 0;
	stream->history_last = false;
	stream->history_end = stream->missed = (struct entry_id){0};
	stream->skipped = false;
	begin_at_mark(engine, peer, last);
	if (peer == engine->farm->peers)
		own_stream(engine, length);
}

static void ask_stream(struct farm_engine *engine, struct farm_peer *peer)
{
	struct farm_stream *stream = &peer->streams[engine->index];
	char key[FARM_KEY_TEXT];
	const char *args[] = {"XINFO", "STREAM", peer_key(engine->farm, peer->name, key), NULL};

	if (!engine_send_texts(engine, args, stream_answer, peer_handle(engine->farm, peer)))
		return;
	stream->refreshed = engine->farm->now;
	if (stream->state == STREAM_UNKNOWN)
		stream->state = STREAM_ASKED;
}

static void control_history(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;
	const struct reply *blob;
	struct entry_id id;

	(void)arg;
	(void)now;
	if (reply->type != REPLY_ARRAY) {
		link_fail_reply(&engine->out, reply);
		return;
	}
	for (uint32_t i = 0; i < reply->size; i++) {
		blob = engine_entry(&reply->items[i], &id);
		if (blob)
			control_entry(engine, (const uint8_t *)blob->text, blob->size, id);
	}
	engine->control.state = STREAM_READ;
}

static void control_answer(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;
	char key[FARM_KEY_TEXT], id[ENTRY_ID_TEXT];
	const char *args[] = {
		"XREVRANGE", control_key(engine->farm, key), id, "-", "COUNT", CONTROL_LOOK, NULL};
	struct entry_id last;
	uint64_t length;

	(void)arg;
	engine->control.refreshed = now;
	if (!read_info(engine, reply, &last, &length))
		return;
	if (engine->control.state == STREAM_READ) {
		if (entry_id_compare(last, engine->control.tail) < 0)
			engine->control.tail = last;
		return;
	}
	engine->control.tail = last;
	entry_id_format(last, id);
	if (length == 0)
		engine->control.state = STREAM_READ;
	else if (!engine_send_texts(engine, args, control_history, 0))
		engine->control.state = STREAM_UNKNOWN;
}

static void ask_control(struct farm_engine *engine)
{
	char key[FARM_KEY_TEXT];
	const char *args[] = {"XINFO", "STREAM", control_key(engine->farm, key), NULL};

	if (!engine_send_texts(engine, args, control_answer, 0))
		return;
	engine->control.refreshed = engine->farm->now;
	if (engine->control.state == STREAM_UNKNOWN)
		engine->control.state = STREAM_ASKED;
}

void engine_doubt(struct farm_engine *engine, struct farm_peer *peer)
{
	if (engine->ready && peer->streams[engine->index].state == STREAM_READ)
		ask_stream(engine, peer);
}

static bool due(const struct farm_engine *engine, const struct farm_stream *stream)
{
	return stream->state == STREAM_UNKNOWN ||
	       (stream->state == STREAM_READ &&
		       engine->farm->now - stream->refreshed > FARM_REFRESH_US);
}

static void look_at_streams(struct farm_engine *engine)
{
	struct farm *farm = engine->farm;

	if (due(engine, &engine->control))
		ask_control(engine);
	for (unsigned i = 0; i < FARM_PEERS; i++)
		if (farm->peers[i].used && due(engine, &farm->peers[i].streams[engine->index]))
			ask_stream(engine, &farm->peers[i]);
}

/* A stream whose node is gone for good must not stay for ever. */
static void refresh_expiry(struct farm_engine *engine)
{
	struct farm *farm = engine->farm;
	uint32_t seconds = farm->publisher.seconds_max + 60;
	char own[FARM_KEY_TEXT], control[FARM_KEY_TEXT], text[16], control_text[16];
	const char *args[] = {"EXPIRE", peer_key(farm, farm->node, own), text, NULL};
	const char *control_args[] = {"EXPIRE", control_key(farm, control), control_text, NULL};

	seconds = seconds < EXPIRE_MIN ? EXPIRE_MIN : seconds > EXPIRE_MAX ? EXPIRE_MAX : seconds;
	snprintf(text, sizeof(text), "%" PRIu32, seconds);
	snprintf(control_text, sizeof(control_text), "%u", EXPIRE_MAX);
	engine->next_expire = farm->now + EXPIRE_EVERY_US;
	(void)engine_send_texts(engine, args, any_answer, 0);
	(void)engine_send_texts(engine, control_args, any_answer, 0);
}

void engine_run(struct farm_engine *engine, short out_events, short in_events)
{
	struct farm *farm = engine->farm;

	link_run(&engine->out, out_events, farm->now);
	link_run(&engine->in, in_events, farm->now);
	if (engine->ready) {
		look_at_streams(engine);
		publish_send(engine);
		if (farm->now >= engine->next_time)
			ask_time(engine);
		if (farm->now >= engine->next_hello) {
			control_hello(engine);
			engine->next_hello = farm->now + FARM_HELLO_US;
		}
		if (farm->now >= engine->next_expire)
			refresh_expiry(engine);
		engine_check_run(&engine->check, &engine->out, farm->now);
	}
	tail_deliver(engine);
	tail_read(engine);
	/* What was put into the buffers since. */
	link_run(&engine->out, 0, farm->now);
	link_run(&engine->in, 0, farm->now);
}

uint64_t engine_deadline(const struct farm_engine *engine)
{
	uint64_t out = link_deadline(&engine->out), in = link_deadline(&engine->in);

	return out < in ? out : in;
}
