/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/sessionctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "common/text.h"
#include "control/sessionctl/admin_client.h"
#include "control/sessions/session_filter.h"

#define TIMEOUT_MS 5000

/* Where the lines of a reply go: to stdout unchanged, into `object`, or to stdout as an array of
 * objects, row by row, because the array may be too long to hold. */
struct printer {
	json_t *object;
	unsigned rows;
	const char *heading; /* NULL once it is printed */
	int (*to_text)(void *ctx, char *line);
};

static int out_of_memory(void)
{
	return error_set(ENOMEM, "out of memory");
}

static int unreadable(void)
{
	return error_set(
		EPROTO, "cannot parse the daemon's reply: is it the same version as this program?");
}

/* One of an array; takes it over. */
static int print_json_row(struct printer *printer, json_t *row)
{
	if (!row)
		return out_of_memory();
	fputs(printer->rows++ ? ",\n  " : "[\n  ", stdout);
	json_dumpf(row, stdout, 0);
	json_decref(row);
	return 0;
}

/* Appends the filters of the command line to a request. */
static void add_filters(const struct ctl *ctl, char *request, size_t size)
{
	uint8_t context[SESSION_CONTEXT_MAX], len = 0;
	size_t used = strlen(request);
	char text[CONTEXT_TEXT];

	/* In hex if it has blanks. */
	if (ctl->context && context_parse(ctl->context, context, &len))
		used += (size_t)snprintf(request + used, size - used, " context=%s",
			context_format(context, len, text));
	if (ctl->tls)
		used += (size_t)snprintf(request + used, size - used, " tls=%s", ctl->tls);
	if (ctl->source)
		snprintf(request + used, size - used, " source=%s", ctl->source);
}

/* Sends one request. 0 or a negative errno with error_message() set. */
static int ask(const struct ctl *ctl, const char *request, int (*on_line)(void *ctx, char *line),
	void *ctx)
{
	struct admin_client *client;
	int ret = admin_client_open(&client, ctl->control_path, TIMEOUT_MS);

	if (ret < 0)
		return ret;
	/* A flush replies when all sessions are deleted, a minute or more for the largest caches. A
	 * list sends nothing while it skips free slots. */
	if (strcmp(request, "flush") == 0 || strncmp(request, "list", 4) == 0 ||
		strncmp(request, "remove", 6) == 0 || strncmp(request, "watch", 5) == 0)
		admin_client_be_patient(client);
	ret = admin_client_request(client, request, on_line, ctx);
	admin_client_close(client);
	return ret;
}

/* A request about one session that has failed. A shorter id is one that ends in zeros, which is
 * rarely meant. */
static int fail_of_id(const struct ctl *ctl)
{
	static const char absent[] = "no such session";
	char why[256];

	snprintf(why, sizeof(why), "%s", error_message());
	if (ctl->argument && strlen(ctl->argument) < 2 * (size_t)SESSD_KEY_SIZE &&
		strncmp(why, absent, strlen(absent)) == 0)
		(void)error_set(ENOENT, "%s: %s takes a whole id, `sessionctl list %s` shows it",
			why, ctl->command, ctl->argument);
	return ctl_fail(EXIT_RUNTIME);
}

static int print_line(void *ctx, char *line)
{
	(void)ctx;
	/* Write errors are reported at the end. */
	puts(line);
	return 0;
}

int ctl_ask(const struct ctl *ctl)
{
	char request[128];

	snprintf(request, sizeof(request), "%s%s%s", ctl->command, ctl->argument ? " " : "",
		ctl->argument ? ctl->argument : "");
	return ask(ctl, request, print_line, NULL) < 0 ? fail_of_id(ctl) : EXIT_SUCCESS;
}

int ctl_config(const struct ctl *ctl)
{
	return ask(ctl, ctl->diff ? "config-diff" : "config", print_line, NULL) < 0
		       ? ctl_fail(EXIT_RUNTIME)
		       : EXIT_SUCCESS;
}

static bool is_text(const char *name)
{
	static const char *const texts[] = {"id", "tls", "source", "context"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(name, texts[i]) == 0)
			return true;
	return false;
}

/* `name value`: a number, unless the name is one of texts. */
static int pair_to_json(void *ctx, char *line)
{
	struct printer *printer = ctx;
	char *value = strchr(line, ' ');
	json_t *json;

	if (!value)
		return unreadable();
	*value++ = '\0';
	json = is_text(line) ? json_string(value) : json_integer(strtoll(value, NULL, 10));
	/* Takes ownership of `json`, even on failure. */
	return json_object_set_new(printer->object, line, json) < 0 ? out_of_memory() : 0;
}

static int print_object(const json_t *object)
{
	if (json_dumpf(object, stdout, JSON_INDENT(2)) < 0)
		return -EIO; /* of stdout, reported at the end */
	putchar('\n');
	return 0;
}

static int print_pairs(const struct ctl *ctl, const char *request)
{
	struct printer printer = {.object = json_object()};
	int ret;

	if (!printer.object)
		return out_of_memory();
	ret = ask(ctl, request, ctl->json ? pair_to_json : print_line, &printer);
	if (ret == 0 && ctl->json)
		print_object(printer.object);
	json_decref(printer.object);
	return ret;
}

/* The ids that begin with a prefix. */
struct matches {
	unsigned count;
	char id[TEXT_KEY_SIZE]; /* the first */
};

static int on_match(void *ctx, char *line)
{
	struct matches *matches = ctx;

	if (matches->count++ == 0)
		snprintf(matches->id, sizeof(matches->id), "%.*s", (int)strcspn(line, " "), line);
	return 0;
}

/* The request to show the only session whose id begins with the argument. */
static int find_prefix(const struct ctl *ctl, char *request, size_t size)
{
	struct matches matches = {0};
	char quoted[TEXT_QUOTE];
	int ret;

	snprintf(request, size, "list id=%s", ctl->argument);
	ret = ask(ctl, request, on_match, &matches);
	if (ret < 0)
		return ret;
	text_quote(ctl->argument, quoted);
	if (matches.count == 0)
		return error_set(ENOENT, "no such session");
	if (matches.count > 1)
		return error_set(EINVAL, "%u sessions begin with %s: give more of the id",
			matches.count, quoted);
	snprintf(request, size, "show %s", matches.id);
	return 0;
}

int ctl_show(const struct ctl *ctl)
{
	size_t digits = strlen(ctl->argument);
	char request[128];

	snprintf(request, sizeof(request), "show %s", ctl->argument);
	/* A short id that is padded with zeros is also the beginning of itself. */
	if (digits < 2 * SESSD_KEY_SIZE && find_prefix(ctl, request, sizeof(request)) < 0)
		return ctl_fail(EXIT_RUNTIME);
	return print_pairs(ctl, request) < 0 ? ctl_fail(EXIT_RUNTIME) : EXIT_SUCCESS;
}

int ctl_remove(const struct ctl *ctl)
{
	char request[256];

	snprintf(request, sizeof(request), "remove %s", ctl->argument ? ctl->argument : "");
	add_filters(ctl, request, sizeof(request));
	return ask(ctl, request, print_line, NULL) < 0 ? fail_of_id(ctl) : EXIT_SUCCESS;
}

/* `CONTEXT TLS SESSIONS STORED USED` */
static int context_to_json(void *ctx, char *line)
{
	struct printer *printer = ctx;
	long long sessions, stored, used;
	char context[CONTEXT_TEXT], tls[16];
	json_t *row;

	if (sscanf(line, "%66s %15s %lld %lld %lld", context, tls, &sessions, &stored, &used) != 5)
		return unreadable();
	row = json_pack("{s:s, s:s, s:I, s:I, s:I}", "context", context, "tls", tls, "sessions",
		(json_int_t)sessions, "stored", (json_int_t)stored, "used", (json_int_t)used);
	return print_json_row(printer, row);
}

/* For whoever reads it; scripts get rows only. */
static int print_headed(void *ctx, char *line)
{
	struct printer *printer = ctx;

	if (printer->heading && isatty(STDOUT_FILENO))
		puts(printer->heading);
	printer->heading = NULL;
	return printer->to_text(ctx, line);
}

static int print_rows(const struct ctl *ctl, const char *request, const char *heading,
	int (*to_text)(void *ctx, char *line), int (*to_json)(void *ctx, char *line))
{
	struct printer printer = {.heading = heading, .to_text = to_text};

	if (ask(ctl, request, ctl->json ? to_json : print_headed, &printer) < 0)
		return ctl_fail(EXIT_RUNTIME);
	if (ctl->json)
		puts(printer.rows ? "\n]" : "[]");
	return EXIT_SUCCESS;
}

/* Each line with its time, and at once. */
static int print_event(void *ctx, char *line)
{
	char text[16] = "";
	struct timespec now;
	struct tm tm;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &now);
	if (line[0] != '#' && localtime_r(&now.tv_sec, &tm))
		strftime(text, sizeof(text), "%H:%M:%S ", &tm);
	printf("%s%s\n", text, line);
	return fflush(stdout) == EOF ? -EIO : 0;
}

int ctl_watch(const struct ctl *ctl)
{
	struct printer printer = {
		.heading = "# TIME REQUEST OUTCOME SOURCE ID TLS CONTEXT", .to_text = print_event};
	char request[512] = "watch";
	size_t used = strlen(request);

	if (ctl->id)
		used += (size_t)snprintf(request + used, sizeof(request) - used, " id=%s", ctl->id);
	if (ctl->outcome && used < sizeof(request))
		snprintf(request + used, sizeof(request) - used, " outcome=%s", ctl->outcome);
	add_filters(ctl, request, sizeof(request));
	return ask(ctl, request, print_headed, &printer) < 0 ? ctl_fail(EXIT_RUNTIME)
							     : EXIT_SUCCESS;
}

int ctl_contexts(const struct ctl *ctl)
{
	return print_rows(
		ctl, "contexts", "CONTEXT TLS SESSIONS STORED USED", print_line, context_to_json);
}

/* `SOURCE SESSIONS STORED USED ELSEWHERE HOME`: without the last two, which count only while
 * somebody looks. */
static int print_source(void *ctx, char *line)
{
	char *end = line;

	(void)ctx;
	for (unsigned i = 0; i < 4 && end; i++)
		end = strchr(i ? end + 1 : end, ' ');
	if (!end)
		return unreadable();
	printf("%.*s\n", (int)(end - line), line);
	return 0;
}

static int source_to_json(void *ctx, char *line)
{
	struct printer *printer = ctx;
	long long sessions, stored, used;
	char source[ADDRESS_TEXT];

	if (sscanf(line, "%71s %lld %lld %lld", source, &sessions, &stored, &used) != 4)
		return unreadable();
	return print_json_row(printer, json_pack("{s:s, s:I, s:I, s:I}", "source", source,
					       "sessions", (json_int_t)sessions, "stored",
					       (json_int_t)stored, "used", (json_int_t)used));
}

int ctl_sources(const struct ctl *ctl)
{
	return print_rows(
		ctl, "sources", "SOURCE SESSIONS STORED USED", print_source, source_to_json);
}

/* `ID SECONDS BYTES AGE TLS SOURCE CONTEXT` */
static int row_to_json(void *ctx, char *line)
{
	struct printer *printer = ctx;
	char id[TEXT_KEY_SIZE], tls[16], source[ADDRESS_TEXT], context[CONTEXT_TEXT];
	long long remaining, length, age;
	json_t *row;

	if (sscanf(line, "%64s %lld %lld %lld %15s %71s %66s", id, &remaining, &length, &age, tls,
		    source, context) != 7)
		return unreadable();
	row = json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:s}", "id", id, "remaining",
		(json_int_t)remaining, "length", (json_int_t)length, "age", (json_int_t)age, "tls",
		tls, "source", source, "context", context);
	return print_json_row(printer, row);
}

int ctl_list(const struct ctl *ctl)
{
	char request[512] = "list";

	if (ctl->argument)
		snprintf(request, sizeof(request), "list id=%s", ctl->argument);
	add_filters(ctl, request, sizeof(request));
	return print_rows(
		ctl, request, "ID SECONDS BYTES AGE TLS SOURCE CONTEXT", print_line, row_to_json);
}

static void print_figure(void *ctx, const char *name, uint64_t value)
{
	struct printer *printer = ctx;

	if (!printer->object)
		printf("%s %" PRIu64 "\n", name, value);
	else
		json_object_set_new(printer->object, name, json_integer((json_int_t)value));
}

/* The daemon is not running; the pinned XDP program may still answer. */
static int print_pinned(const struct ctl *ctl)
{
	struct printer printer = {0};
	char why[512];
	int ret;

	snprintf(why, sizeof(why), "%s", error_message());
	if (ctl->json) {
		printer.object = json_object();
		if (!printer.object)
			return out_of_memory();
	}
	ret = ctl_pinned_stats(ctl, print_figure, &printer);
	/* Nothing is pinned, or not readable: report the error about the daemon. */
	if (ret == -ENOENT || ret == -EACCES || ret == -EPERM)
		error_set(-ret, "%s", why);
	if (ret == 0) {
		fprintf(stderr,
			"sessionctl: %s (these are the counters of the XDP program, which runs "
			"without it)\n",
			why);
		if (printer.object)
			print_object(printer.object);
	}
	json_decref(printer.object);
	return ret;
}

int ctl_stats(const struct ctl *ctl)
{
	int ret = print_pairs(ctl, "stats");

	if (ret == -ENOENT || ret == -ECONNREFUSED || ret == -ETIMEDOUT)
		ret = print_pinned(ctl);
	return ret < 0 ? ctl_fail(EXIT_RUNTIME) : EXIT_SUCCESS;
}
