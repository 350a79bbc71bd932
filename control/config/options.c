/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/config/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cli.h"
#include "common/control_path.h"
#include "common/text.h"
#include "control/config/option_farm.h"
#include "control/config/option_source.h"
#include "control/config/option_together.h"

/* "allow, remove and log-level" */
static const char *reloadable(char text[256])
{
	size_t left = 0, used = 0;

	for (size_t i = 0; i < option_table_size; i++)
		left += option_table[i].flags & OPTION_RELOADABLE ? 1 : 0;
	for (size_t i = 0; i < option_table_size && used < 256; i++)
		if (option_table[i].flags & OPTION_RELOADABLE)
			used += (size_t)snprintf(text + used, 256 - used, "%s%s",
				option_table[i].name,
				--left == 0 ? ""
				: left == 1 ? " and "
					    : ", ");
	return text;
}

static const char *help(char text[1024])
{
	char names[256];

	snprintf(text, 1024,
		"A shared TLS session cache for a farm of TLS terminators.\v"
		"PORT is the UDP port, default %u. sessiond runs in the foreground. SIGHUP reloads "
		"%s, SIGUSR1 logs a line of statistics, SIGUSR2 stops it as with --keep. Exit "
		"codes: 0; 1 for a failure; 2 for a wrong command line or configuration.",
		SESSD_PORT, reloadable(names));
	return text;
}

/* Sets each word of a repeatable option. */
static void set_default(struct options *options, const struct option_def *def)
{
	const char *from = def->fallback;
	char value[PATH_MAX];

	while (*from) {
		size_t len = def->flags & OPTION_REPEATABLE ? strcspn(from, " ") : strlen(from);

		snprintf(value, sizeof(value), "%.*s", (int)len, from);
		def->set(def, options, value);
		from += len + (from[len] == ' ');
	}
}

static void set_defaults(struct options *options)
{
	memset(options, 0, sizeof(*options)); /* includes padding, because reload compares bytes */
	for (size_t i = 0; i < option_table_size; i++)
		if (option_table[i].fallback)
			set_default(options, &option_table[i]);
	options->allow_is_default = true;
	/* The default depends on where this user may write. */
	memset(options->control_path, 0, sizeof(options->control_path));
	control_path_default(CONTROL_LISTEN, options->control_path);
	options->control_is_default = true;
}

static int on_option(void *ctx, int key, const char *value)
{
	for (size_t i = 0; i < option_table_size; i++)
		if (option_key(&option_table[i]) == key)
			return option_apply(ctx, &option_table[i], value);
	return error_set(EINVAL, "option %d is not in the table", key);
}

static int on_argument(void *ctx, const char *argument)
{
	for (size_t i = 0; i < option_table_size; i++)
		if (option_table[i].flags & OPTION_ARGUMENT)
			return option_apply(ctx, &option_table[i], argument);
	return error_set(EINVAL, "no arguments are taken: try --help");
}

static int read_command_line(struct options *options, int argc, char **argv)
{
	struct argp_option argp_options[OPTION_TABLE_MAX + 1] = {0};
	char texts[OPTION_TABLE_MAX][OPTION_HELP];
	struct option_source source = {.options = options};
	char text[1024];
	const struct cli cli = {
		.options = argp_options,
		.args_doc = "[PORT]",
		.doc = help(text),
		.on_option = on_option,
		.on_argument = on_argument,
		.ctx = &source,
	};
	size_t n = 0;

	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];

		if (def->flags & OPTION_ARGUMENT)
			continue;
		argp_options[n++] = (struct argp_option){.name = def->name,
			.key = option_key(def),
			.arg = def->arg,
			.doc = option_help(def, texts[i])};
	}
	return cli_parse(&cli, argc, argv) < 0 ? -EINVAL : 0;
}

/* Fills in what depends on other options. */
static void complete_listen(struct options *options)
{
	if (options->engine.listen_count == 0)
		options->engine.listen[options->engine.listen_count++].any = true;
	for (size_t i = 0; i < options->engine.listen_count; i++)
		if (options->engine.listen[i].port == 0)
			options->engine.listen[i].port = options->port;
}

static void complete_measure(struct options *options)
{
	options->engine.measure = options->metrics[0] != '\0';
}

static void complete_engine(struct options *options)
{
	struct engine_config *engine = &options->engine;

	snprintf(engine->pin_dir, sizeof(engine->pin_dir), "%s/%u", options->pin_root,
		options->port);
	complete_measure(options);
}

static int complete_farm(struct options *options)
{
	return options->farm.count > 0 && !options->farm_node[0]
		       ? option_farm_host_name(options->farm_node)
		       : 0;
}

int options_parse(struct options *options, int argc, char **argv, struct option_errors *errors)
{
	char config_path[sizeof(options->config_path)];
	struct option_errors own = {0};
	int ret;

	/* The command line is read twice: first for --config, then to override the file. */
	set_defaults(options);
	ret = read_command_line(options, argc, argv);
	if (ret < 0)
		return ret;
	if (options->config_path[0]) {
		memcpy(config_path, options->config_path, sizeof(config_path));
		set_defaults(options);
		/* What is said of the file after a mistake in it names it, too. */
		memcpy(options->config_path, config_path, sizeof(config_path));
		ret = options_read_file(options, config_path, errors);
		if (ret < 0) {
			if (errors)
				errors->in_lines = errors->count > 0;
			return ret;
		}
		ret = read_command_line(options, argc, argv);
		if (ret < 0)
			return ret;
	}
	complete_engine(options);
	complete_listen(options);
	ret = complete_farm(options);
	if (ret < 0)
		return ret;
	options_check_together(options, errors ? errors : &own);
	if (errors ? errors->count : own.count)
		return error_set(EINVAL, "%s", errors ? errors->first : own.first);
	return 0;
}

void options_without_effect(const struct options *options, const struct engine_mode *mode,
	void (*tell)(void *ctx, const char *name, const char *mode), void *ctx)
{
	static const char zeros[sizeof(bool)];

	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];
		const char *member = (const char *)options + def->offset;
		/* An option that is off, such as "keep = no", has no effect in any mode. */
		bool off = !def->arg && memcmp(member, zeros, sizeof(zeros)) == 0;

		if (options->given >> i & 1 && def->needs && !off &&
			!engine_mode_has(mode, def->needs))
			tell(ctx, def->name, mode->name);
	}
}

/* A pipe can be read only once, and opening it again may block forever. */
static int check_file_again(const char *path)
{
	char quoted[TEXT_QUOTE];
	struct stat st;

	if (!path[0] || stat(path, &st) < 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return 0;
	return error_set(EINVAL,
		"configuration file %s: not a regular file, so it cannot be read again: restart "
		"sessiond, or give it one with --config",
		text_quote(path, quoted));
}

int options_reload(struct options *next, int argc, char **argv, const struct options *running,
	const struct engine_mode *mode,
	void (*changed)(void *ctx, const struct option_def *def, const struct options *running,
		const struct options *now),
	void *ctx)
{
	struct option_errors errors = {0};
	struct options *parsed;
	int ret = check_file_again(running->config_path);

	if (ret < 0)
		return ret;
	parsed = malloc(sizeof(*parsed));
	if (!parsed)
		return error_set(ENOMEM, "out of memory: the options were not reloaded");
	ret = options_parse(parsed, argc, argv, &errors);
	if (ret < 0) {
		if (errors.count > 1)
			error_set(EINVAL, "%s (errors: %u; sessiond --check prints all)",
				errors.first, errors.count);
		goto end;
	}
	/* The default depends on where the daemon may write, and it had more privileges when it
	 * chose. */
	if (parsed->control_is_default && running->control_is_default)
		memcpy(parsed->control_path, running->control_path, sizeof(parsed->control_path));
	memmove(next, running, sizeof(*next));
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_def *def = &option_table[i];
		char *to = (char *)next + def->offset;
		const char *from = (const char *)parsed + def->offset;

		if (def->flags & OPTION_COMMAND_LINE)
			continue;
		if (memcmp(to, from, def->size) != 0) {
			if (changed)
				changed(ctx, def, running, parsed);
			if (option_fixed(def, mode, running, parsed))
				continue;
			memcpy(to, from, def->size);
		}
		option_copy_lines(def, next, parsed);
	}
	next->allow_is_default = parsed->allow_is_default;
	complete_measure(next);
end:
	free(parsed);
	return ret;
}
