/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The live view. ncurses owns the terminal between screen_open and screen_close. Signals only set a
 * flag, so that screen_close always runs.
 */
#include "control/sessionctl/sessionctl.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/sessionctl/admin_client.h"
#include "control/sessionctl/top.h"

#ifdef HAVE_NCURSES
#include <ncurses.h>
#endif

#define TIMEOUT_MS 2000

static volatile sig_atomic_t ended;

static uint64_t milliseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int on_figure(void *ctx, char *line)
{
	char *value = strchr(line, ' ');

	if (!value)
		return error_set(EPROTO,
			"cannot parse the daemon's reply: is it the same version as this program?");
	*value++ = '\0';
	top_add_figure(ctx, line, strtoull(value, NULL, 10));
	return 0;
}

static int on_source(void *ctx, char *line)
{
	return top_add_source(ctx, line) ? 0 : error_set(EPROTO, "cannot parse the daemon's reply");
}

static int on_maker(void *ctx, char *line)
{
	return top_add_maker(ctx, line) ? 0 : error_set(EPROTO, "cannot parse the daemon's reply");
}

static int on_context(void *ctx, char *line)
{
	return top_add_context(ctx, line) ? 0
					  : error_set(EPROTO, "cannot parse the daemon's reply");
}

static void ask(const struct ctl *ctl, struct top_sample *sample)
{
	struct admin_client *client;
	int ret = admin_client_open(&client, ctl->control_path, TIMEOUT_MS);

	if (ret == 0) {
		ret = admin_client_request(client, "stats", on_figure, sample);
		if (ret == 0 && admin_client_request(client, "talkers", on_source, sample) < 0)
			snprintf(sample->no_sources, sizeof(sample->no_sources), "%s",
				error_message());
		/* An older daemon has none of these. */
		if (ret == 0)
			admin_client_request(client, "sources", on_maker, sample);
		if (ret == 0)
			admin_client_request(client, "contexts", on_context, sample);
		admin_client_close(client);
	}
	if (ret == 0)
		return;
	sample->figure_count = sample->source_count = 0;
	snprintf(sample->trouble, sizeof(sample->trouble), "%s", error_message());
	/* The pinned XDP program may still answer. */
	if (ctl_pinned_stats(ctl, top_add_figure, sample) == 0) {
		sample->pinned = true;
		snprintf(sample->no_sources, sizeof(sample->no_sources),
			"only a running daemon counts them");
	} else {
		sample->figure_count = 0;
	}
}

static void look(const struct ctl *ctl, struct top_sample *sample)
{
	memset(sample, 0, sizeof(*sample));
	ask(ctl, sample);
	sample->at = milliseconds();
}

static void on_signal(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

static void catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = on_signal}; /* without SA_RESTART */

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

/* Takes three samples. A rate needs two; counting by source starts with the first, and its sampling
 * is sparse until the daemon has seen the rate. */
static int print_once(const struct ctl *ctl)
{
	static struct top_sample samples[3];
	static struct top_text text;

	for (int i = 0; i < 3 && !ended; i++) {
		const struct timespec pause = {
			.tv_sec = ctl->interval_ms / 1000,
			.tv_nsec = (long)(ctl->interval_ms % 1000) * 1000000,
		};

		if (i > 0)
			nanosleep(&pause, NULL);
		look(ctl, &samples[i]);
		if (samples[i].figure_count == 0) {
			error_set(ENOENT, "%s", samples[i].trouble);
			return ctl_fail(EXIT_RUNTIME);
		}
	}
	if (ended)
		return EXIT_SUCCESS;
	if (ctl->json)
		return top_json(&samples[1], &samples[2]) < 0 ? ctl_fail(EXIT_RUNTIME)
							      : EXIT_SUCCESS;
	top_text(&text, &samples[1], &samples[2], TOP_ROWS_MAX);
	for (unsigned i = 0; i < text.count; i++) {
		size_t len = strlen(text.rows[i]);

		while (len > 0 && text.rows[i][len - 1] == ' ')
			len--;
		printf("%.*s\n", (int)len, text.rows[i]);
	}
	return EXIT_SUCCESS;
}

#ifdef HAVE_NCURSES
static SCREEN *screen_open(void)
{
	SCREEN *screen = newterm(NULL, stdout, stdin);

	if (!screen)
		return NULL;
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	return screen;
}

static void screen_close(SCREEN *screen)
{
	endwin();
	delscreen(screen);
}

static void screen_show(const struct top_text *text, const struct top_sample *now, bool held)
{
	int last = LINES - 1;

	erase();
	for (unsigned i = 0; i < text->count && (int)i < last; i++) {
		if (text->heading[i])
			attron(A_BOLD);
		mvaddnstr((int)i, 0, text->rows[i], COLS);
		attroff(A_BOLD);
	}
	attron(A_REVERSE);
	mvhline(last, 0, ' ', COLS);
	mvaddnstr(last, 0,
		held ? " PAUSED   q quit   p resume   h help" : " q quit   p pause   h help", COLS);
	if (now->trouble[0])
		mvaddnstr(last, 36, now->trouble, COLS > 37 ? COLS - 37 : 0);
	attroff(A_REVERSE);
	refresh();
}

/* Scrolls, or passes the key on. */
static void scroll_by(struct top_view *view, int key)
{
	int rows = key == KEY_NPAGE || key == KEY_PPAGE ? 10 : 1;

	if (key == KEY_DOWN || key == KEY_NPAGE)
		key = 'j';
	else if (key == KEY_UP || key == KEY_PPAGE)
		key = 'k';
	while (rows-- > 0)
		top_key(view, key);
}

static int show_live(const struct ctl *ctl)
{
	static struct top_sample samples[2];
	static struct top_text text;
	struct top_view view = {0};
	unsigned count = 0;
	bool held = false;
	SCREEN *screen;
	uint64_t next = 0;

	screen = screen_open();
	if (!screen) {
		error_set(EINVAL, "this terminal's type is unknown: set TERM, or use --once");
		return ctl_fail(EXIT_RUNTIME);
	}
	while (!ended) {
		const struct top_sample *now, *before;
		uint64_t time = milliseconds();
		int key;

		if (!held && time >= next) {
			look(ctl, &samples[count++ % 2]);
			next = time + ctl->interval_ms;
		}
		now = &samples[(count - 1) % 2];
		before = &samples[count % 2];
		view.columns = COLS > 0 ? (unsigned)COLS : 0;
		top_show(&text, &view, before, now, LINES > 1 ? (unsigned)LINES - 1 : 0);
		screen_show(&text, now, held);
		time = milliseconds();
		timeout(time < next ? (int)(next - time) : held ? (int)ctl->interval_ms : 0);
		key = getch();
		if (key == 'q' || key == 'Q')
			break;
		if (key == 'p' || key == 'P')
			held = !held;
		else
			scroll_by(&view, key);
		/* The terminal is gone, and getch would return at once from now on. */
		if (key == ERR && !isatty(STDIN_FILENO))
			break;
	}
	screen_close(screen);
	return EXIT_SUCCESS;
}
#endif

int ctl_top(const struct ctl *ctl)
{
	catch_signals();
#ifdef HAVE_NCURSES
	if (!ctl->once && !ctl->json && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO))
		return show_live(ctl);
#endif
	return print_once(ctl);
}
