/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The admin socket's connections. The memory per client is bounded: a line, the requests it sent
 * ahead, and replies up to OUTPUT_MAX and one more; further requests wait in the kernel. Its time
 * is bounded too: after one request, or one page of a list, control returns to the event loop.
 */
#include "control/admin/admin.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/listener.h>

#include "common/clock.h"
#include "common/log.h"

#include "control/admin/admin_connection.h"
#include "control/admin/admin_socket.h"

#define CONNECTIONS_MAX 64
#define IDLE_MS		60000
#define LINE_MAX_BYTES	256
#define INPUT_MAX	4096
#define OUTPUT_MAX	65536
/* Interval of the checks whether a flush has ended. */
#define FLUSH_LOOK_MS 5
/* Interval of the looks for events. */
#define WATCH_LOOK_MS 100
/* They go on for so long after a `sources`. */
#define GATHER_SECONDS 5

struct admin {
	struct admin_config config;
	struct admin_socket sock;
	struct evconnlistener *listener;
	struct event *relisten, *look;
	uint64_t gather_until; /* tick: until then events are looked for, though none is watched */
	unsigned connections;
	LIST_HEAD(, admin_connection) list;
};

static void connection_free(struct admin_connection *connection)
{
	LIST_REMOVE(connection, link);
	connection->admin->connections--;
	event_free(connection->again);
	bufferevent_free(connection->bev);
	free(connection);
}

/* Whether the reply to the last request is still incomplete. */
static bool is_replying(const struct admin_connection *connection)
{
	return connection->listing || connection->removing || connection->flushing ||
	       connection->watching;
}

/* Runs the next request, if there is one and not too many replies are unread. May free the
 * connection. */
static void connection_go_on(struct admin_connection *connection)
{
	struct evbuffer *in = bufferevent_get_input(connection->bev);
	struct evbuffer *out = bufferevent_get_output(connection->bev);
	struct timeval wait = {0, 0};
	char *line = NULL;
	size_t len;

	if (!connection->closing && !is_replying(connection) &&
		evbuffer_get_length(out) < OUTPUT_MAX) {
		line = evbuffer_readln(in, &len, EVBUFFER_EOL_CRLF);
		if (line ? len > LINE_MAX_BYTES || strlen(line) != len
			 : evbuffer_get_length(in) > LINE_MAX_BYTES + 1) {
			evbuffer_add_printf(
				out, "ERR the line has over %d bytes or a NUL\n", LINE_MAX_BYTES);
			connection->closing = true;
		} else if (line) {
			admin_command(connection, line);
		} else if (connection->eof) {
			connection->closing = true;
		}
	}
	if (connection->closing)
		bufferevent_disable(connection->bev, EV_READ);
	if (connection->watching) /* on_look continues */
		goto done;
	if (connection->flushing)
		wait.tv_usec = FLUSH_LOOK_MS * 1000;
	if (evbuffer_get_length(out) == 0 ? is_replying(connection) : line && !connection->closing)
		event_add(connection->again, &wait);
	else if (evbuffer_get_length(out) == 0 && connection->closing)
		connection_free(connection);
	/* Else on_written or on_readable continues. */
done:
	free(line);
}

static void on_readable(struct bufferevent *bev, void *ctx)
{
	(void)bev;
	connection_go_on(ctx);
}

/* The output buffer is empty. */
static void on_written(struct bufferevent *bev, void *ctx)
{
	struct admin_connection *connection = ctx;

	(void)bev;
	if (connection->listing)
		admin_list_page(connection);
	else if (connection->removing)
		admin_remove_page(connection);
	else if (connection->flushing)
		admin_flush_look(connection);
	connection_go_on(connection);
}

static void on_again(evutil_socket_t fd, short what, void *ctx)
{
	struct admin_connection *connection = ctx;

	(void)fd;
	(void)what;
	if (evbuffer_get_length(bufferevent_get_output(connection->bev)) == 0)
		on_written(connection->bev, connection);
	else if (!is_replying(connection))
		connection_go_on(connection);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct admin_connection *connection = ctx;
	bool busy;

	/* A client that sends no more has ended its watch. */
	if (what & BEV_EVENT_EOF && connection->watching) {
		connection->watching = false;
		admin_reply_end(bufferevent_get_output(bev));
	}
	busy = is_replying(connection) || evbuffer_get_length(bufferevent_get_output(bev)) > 0;
	if (what & BEV_EVENT_EOF) {
		/* It may still read replies. */
		connection->eof = true;
		if (!busy)
			connection_go_on(connection);
		return;
	}
	if (what & BEV_EVENT_TIMEOUT && what & BEV_EVENT_READING && busy) {
		/* It is reading a long reply, or waits for a flush. */
		bufferevent_enable(bev, EV_READ);
		return;
	}
	connection_free(connection);
}

static void on_found(void *ctx, const struct session_event *event)
{
	struct admin *admin = ctx;
	struct admin_connection *connection;

	LIST_FOREACH(connection, &admin->list, link)
	if (connection->watching)
		admin_watch_event(
			&connection->watch, bufferevent_get_output(connection->bev), event);
}

static void schedule_look(struct admin *admin)
{
	const struct timeval wait = {0, WATCH_LOOK_MS * 1000};

	event_add(admin->look, &wait);
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
	struct admin *admin = ctx;
	struct admin_connection *connection;
	unsigned watching = 0, one_in;

	(void)fd;
	(void)what;
	LIST_FOREACH(connection, &admin->list, link)
	watching += connection->watching;
	if (!watching && clock_tick() >= admin->gather_until)
		return;
	one_in = admin->config.ops->watch(admin->config.ctx, on_found, admin);
	LIST_FOREACH(connection, &admin->list, link)
	if (connection->watching)
		admin_watch_end(
			&connection->watch, bufferevent_get_output(connection->bev), one_in);
	schedule_look(admin);
}

void admin_gather(struct admin *admin)
{
	admin->gather_until = clock_tick() + clock_ticks(GATHER_SECONDS);
	/* Else looks are under way, and would be put off. */
	if (!event_pending(admin->look, EV_TIMEOUT, NULL))
		schedule_look(admin);
}

void admin_watch_begin(struct admin_connection *connection)
{
	connection->watch.one_in = (unsigned)-1;
	/* It sends no more, and no event would tell that again. */
	if (connection->eof) {
		admin_reply_end(bufferevent_get_output(connection->bev));
		return;
	}
	connection->watching = true;
	schedule_look(connection->admin);
}

static struct admin_connection *connection_new(
	struct admin *admin, struct event_base *base, int fd, uid_t uid)
{
	const struct timeval idle = {
		admin->config.idle_ms / 1000, (suseconds_t)(admin->config.idle_ms % 1000) * 1000};
	struct admin_connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return NULL;
	connection->admin = admin;
	connection->config = &admin->config;
	connection->again = evtimer_new(base, on_again, connection);
	if (!connection->again)
		goto err;
	connection->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!connection->bev)
		goto err;
	connection->uid = uid;
	bufferevent_setcb(connection->bev, on_readable, on_written, on_event, connection);
	bufferevent_setwatermark(connection->bev, EV_READ, 0, INPUT_MAX);
	bufferevent_set_timeouts(connection->bev, &idle, &idle);
	return connection;
err:
	if (connection->again)
		event_free(connection->again);
	free(connection);
	return NULL;
}

/* Frees connections whose client has closed them, so that they do not fill the limit: on a busy
 * machine many clients may come and go before the loop handles them. Their remaining requests are
 * dropped. */
static void free_the_gone(struct admin *admin)
{
	struct admin_connection *connection = LIST_FIRST(&admin->list), *next;

	for (; connection; connection = next) {
		/* Not POLLRDHUP: a client that has shut down its sending side still reads. */
		struct pollfd hangup = {.fd = bufferevent_getfd(connection->bev)};

		next = LIST_NEXT(connection, link);
		if (poll(&hangup, 1, 0) > 0 && hangup.revents & (POLLHUP | POLLERR))
			connection_free(connection);
	}
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
	int len, void *ctx)
{
	static const char full[] = "ERR too many connections: close one and try again\n";
	static const char stranger[] = "ERR permission denied: be root, or in the daemon's group\n";
	struct admin *admin = ctx;
	struct admin_connection *connection = NULL;
	uid_t uid = (uid_t)-1;
	bool trusted = admin_socket_trusts(fd, &uid);

	(void)addr;
	(void)len;
	if (admin->connections == admin->config.connections_max)
		free_the_gone(admin);
	if (!trusted)
		log_warning("admin: refused user %u", uid);
	else if (admin->connections < admin->config.connections_max)
		connection = connection_new(admin, evconnlistener_get_base(listener), fd, uid);
	if (!connection) {
		/* Its buffer is new and has room; otherwise the client gets no message. */
		const char *refusal = trusted ? full : stranger;

		if (send(fd, refusal, strlen(refusal), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			log_debug("admin: a refused connection went away: %s", strerror(errno));
		close(fd);
		return;
	}
	LIST_INSERT_HEAD(&admin->list, connection, link);
	admin->connections++;
	bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
}

/* Most likely out of descriptors. Pause, because the waiting connection would wake the loop again
 * at once. */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
	const struct timeval pause = {1, 0};
	struct admin *admin = ctx;

	log_warning("admin socket %s: cannot accept: %s", admin->sock.path, strerror(errno));
	evconnlistener_disable(listener);
	event_add(admin->relisten, &pause);
}

static void on_relisten(evutil_socket_t fd, short what, void *ctx)
{
	struct admin *admin = ctx;

	(void)fd;
	(void)what;
	evconnlistener_enable(admin->listener);
}

int admin_open(struct admin **out, struct event_base *base, const struct admin_config *config)
{
	struct admin *admin = calloc(1, sizeof(*admin));
	int ret;

	if (!admin)
		return error_set(ENOMEM, "admin socket: out of memory");
	admin->config = *config;
	if (!admin->config.connections_max)
		admin->config.connections_max = CONNECTIONS_MAX;
	if (!admin->config.idle_ms)
		admin->config.idle_ms = IDLE_MS;
	LIST_INIT(&admin->list);
	ret = admin_socket_open(&admin->sock, config->path);
	if (ret < 0)
		goto err;
	admin->relisten = evtimer_new(base, on_relisten, admin);
	admin->look = evtimer_new(base, on_look, admin);
	admin->listener = evconnlistener_new(
		base, on_accept, admin, LEV_OPT_CLOSE_ON_EXEC, 0, admin->sock.fd);
	if (!admin->relisten || !admin->look || !admin->listener) {
		ret = error_set(ENOMEM, "admin socket: cannot be watched: out of memory");
		goto err_socket;
	}
	evconnlistener_set_error_cb(admin->listener, on_accept_error);
	/* A write to a client that has gone must not end the daemon. */
	signal(SIGPIPE, SIG_IGN);
	*out = admin;
	return 0;
err_socket:
	if (admin->listener)
		evconnlistener_free(admin->listener);
	if (admin->relisten)
		event_free(admin->relisten);
	if (admin->look)
		event_free(admin->look);
	admin_socket_remove(&admin->sock);
	close(admin->sock.fd);
err:
	free(admin);
	return ret;
}

int admin_give(struct admin *admin, uid_t uid, gid_t gid)
{
	return admin_socket_give(&admin->sock, uid, gid);
}

void admin_close(struct admin *admin)
{
	if (!admin)
		return;
	while (!LIST_EMPTY(&admin->list))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the first changes each time */
		connection_free(LIST_FIRST(&admin->list));
	evconnlistener_free(admin->listener);
	event_free(admin->relisten);
	event_free(admin->look);
	admin_socket_remove(&admin->sock);
	close(admin->sock.fd);
	free(admin);
}
