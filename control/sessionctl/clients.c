/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The counters that libsessiond's clients on this host leave in files. Whoever can write to the
 * folder can write anything there.
 */
#include "control/sessionctl/sessionctl.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <sessiond/client_counters.h>

#include "common/client_pages.h"
#include "common/text.h"

static const struct {
	const char *name, *help;
} counters[] = {
#define X(name, help) {#name, help},
	SESSIOND_CLIENT_COUNTERS(X)
#undef X
};

#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

struct found {
	const char *name; /* of the file */
	pid_t pid;	  /* -1: not known */
	bool master;	  /* has counted nothing, and is the parent of one that is listed */
	struct client_page page;
};

struct all {
	struct found *found;
	size_t count;
};

/* An older library has fewer counters. */
static uint64_t counter(const struct client_page *page, size_t i)
{
	return i < page->counter_count ? page->counters[i] : 0;
}

static bool is_open(const struct client_page *page, unsigned cache)
{
	return page->caches[cache].breaker.retry_at != 0;
}

static bool has_counted(const struct client_page *page)
{
	for (size_t i = 0; i < COUNTERS; i++)
		if (counter(page, i))
			return true;
	return false;
}

/* -1: not known. */
static pid_t parent_of(pid_t pid)
{
	char path[64], text[512], *at;
	int parent = -1;
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return -1;
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	/* The second field is a name in brackets, which may contain anything. */
	at = strrchr(text, ')');
	return at && sscanf(at, ") %*c %d", &parent) == 1 ? parent : -1;
}

/* A master, such as HAProxy's, answers nobody: its workers do, which are its children. */
static void find_masters(const struct all *all)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct found *child = &all->found[i];
		pid_t parent = child->pid > 0 ? parent_of(child->pid) : -1;

		for (size_t j = 0; parent > 0 && j < all->count; j++) {
			struct found *found = &all->found[j];

			if (j != i && found->pid == parent && !has_counted(&found->page) &&
				strcmp(found->page.program, child->page.program) == 0)
				found->master = true;
		}
	}
}

/* For terminals, JSON and labels: printable ASCII. */
static void clean(char *text)
{
	for (; *text; text++)
		if (!isprint((unsigned char)*text) || (unsigned char)*text > 126)
			*text = '?';
}

static int print_text(const struct all *all)
{
	if (all->count == 0)
		puts("no clients");
	for (size_t i = 0; i < all->count; i++) {
		const struct client_page *page = &all->found[i].page;

		printf("%s%s%s%s%s%s\n", all->found[i].name,
			page->flags & CLIENT_PAGE_SEALED ? " sealed" : " plain",
			page->flags & CLIENT_PAGE_SINGLE_USE ? " single-use" : "",
			*page->scope ? " scope " : "", page->scope,
			all->found[i].master ? " (master)" : "");
		for (unsigned j = 0; j < page->cache_count; j++)
			printf("  cache %s %s\n", page->caches[j].text,
				is_open(page, j) ? "given-up" : "in-use");
		for (size_t j = 0; j < COUNTERS; j++)
			printf("  %s %llu\n", counters[j].name,
				(unsigned long long)counter(page, j));
	}
	return 0;
}

static json_t *as_json(const struct found *found)
{
	const struct client_page *page = &found->page;
	json_t *row, *caches = json_array(), *numbers = json_object();

	for (unsigned i = 0; i < page->cache_count; i++)
		json_array_append_new(
			caches, json_pack("{s:s, s:b}", "address", page->caches[i].text, "given_up",
					is_open(page, i)));
	for (size_t i = 0; i < COUNTERS; i++)
		json_object_set_new(
			numbers, counters[i].name, json_integer((json_int_t)counter(page, i)));
	row = json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:o}", "client", found->name,
		"program", page->program, "scope", page->scope, "sealed",
		page->flags & CLIENT_PAGE_SEALED, "single_use",
		page->flags & CLIENT_PAGE_SINGLE_USE, "master", found->master, "caches", caches,
		"counters", numbers);
	if (row)
		json_object_set_new(
			row, "pid", found->pid > 0 ? json_integer(found->pid) : json_null());
	return row;
}

static int print_json(const struct all *all)
{
	for (size_t i = 0; i < all->count; i++) {
		json_t *row = as_json(&all->found[i]);

		if (!row)
			return error_set(ENOMEM, "out of memory");
		json_dumpf(row, stdout, 0);
		putchar('\n');
		json_decref(row);
	}
	return 0;
}

static void print_label(const char *name, const char *value)
{
	printf("%s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			putchar('\\');
		putchar(*value);
	}
	putchar('"');
}

static void print_labels(const struct found *found, const char *cache)
{
	putchar('{');
	print_label("client", found->name);
	putchar(',');
	print_label("program", found->page.program);
	putchar(',');
	print_label("scope", found->page.scope);
	if (cache) {
		putchar(',');
		print_label("cache", cache);
	}
	putchar('}');
}

static int print_metrics(const struct all *all)
{
	for (size_t i = 0; i < COUNTERS; i++) {
		printf("# HELP sessiond_client_%s_total libsessiond: %s.\n"
		       "# TYPE sessiond_client_%s_total counter\n",
			counters[i].name, counters[i].help, counters[i].name);
		for (size_t j = 0; j < all->count; j++) {
			printf("sessiond_client_%s_total", counters[i].name);
			print_labels(&all->found[j], NULL);
			printf(" %llu\n", (unsigned long long)counter(&all->found[j].page, i));
		}
	}
	puts("# HELP sessiond_client_cache_in_use libsessiond: 1, or 0 while the cache is given "
	     "up.\n# TYPE sessiond_client_cache_in_use gauge");
	for (size_t i = 0; i < all->count; i++) {
		const struct client_page *page = &all->found[i].page;

		for (unsigned j = 0; j < page->cache_count; j++) {
			printf("sessiond_client_cache_in_use");
			print_labels(&all->found[i], page->caches[j].text);
			printf(" %d\n", !is_open(page, j));
		}
	}
	return 0;
}

static int add(struct all *all, int folder, char *name)
{
	struct found *more = realloc(all->found, (all->count + 1) * sizeof(*more));
	struct found *found;

	if (!more)
		return error_set(ENOMEM, "out of memory");
	all->found = more;
	found = &all->found[all->count];
	if (!client_pages_read(folder, name, &found->page))
		return 0;
	found->pid = client_pages_user(&found->page);
	if (found->pid == 0)
		return 0;
	found->name = name;
	found->master = false;
	clean(name);
	clean(found->page.program);
	clean(found->page.scope);
	for (unsigned i = 0; i < found->page.cache_count; i++)
		clean(found->page.caches[i].text);
	all->count++;
	return 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int collect_and_print(const struct ctl *ctl, int folder)
{
	struct all all = {0};
	struct dirent **names;
	int ret = 0, count;

	/* Only root may, as a rule. */
	client_pages_sweep(folder, UINT_MAX);
	count = scandirat(folder, ".", &names, is_visible, alphasort);
	if (count < 0)
		return error_set(errno, "%s", strerror(errno));
	for (int i = 0; ret == 0 && i < count; i++)
		ret = add(&all, folder, names[i]->d_name);
	find_masters(&all);
	if (ret == 0)
		ret = ctl->metrics ? print_metrics(&all)
		      : ctl->json  ? print_json(&all)
				   : print_text(&all);
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	free(all.found);
	return ret;
}

int ctl_clients(const struct ctl *ctl)
{
	const char *path = ctl->argument ? ctl->argument : CLIENT_PAGE_FOLDER;
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	char quoted[TEXT_QUOTE], why[256];

	/* Nobody has ever left anything. */
	if (folder < 0 && errno == ENOENT && !ctl->argument) {
		ret = ctl->metrics || ctl->json ? 0 : print_text(&(struct all){0});
		return ret < 0 ? ctl_fail(EXIT_RUNTIME) : EXIT_SUCCESS;
	}
	if (folder < 0) {
		error_set(errno, "clients: cannot open the folder %s: %s", text_quote(path, quoted),
			strerror(errno));
		return ctl_fail(EXIT_RUNTIME);
	}
	ret = collect_and_print(ctl, folder);
	close(folder);
	if (ret == 0)
		return EXIT_SUCCESS;
	snprintf(why, sizeof(why), "%s", error_message());
	error_set(-ret, "clients: %s: %s", text_quote(path, quoted), why);
	return ctl_fail(EXIT_RUNTIME);
}
