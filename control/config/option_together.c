/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/config/option_together.h"

#include <errno.h>

#include "common/text.h"
#include "control/config/option_source.h"

struct check {
	const struct options *options;
	struct option_errors *errors;
};

#define wrong(check, name, i, ...) \
	option_errors_about((check)->errors, (check)->options, name, i, EINVAL, __VA_ARGS__)

/* The mode that an option belongs to, whether it is built in or not. */
static const struct engine_mode *mode_with(unsigned flag)
{
	size_t i = 0;

	while (!(engine_modes[i].flags & flag))
		i++;
	return &engine_modes[i];
}

static void check_built_in(const struct check *check)
{
	const struct engine_config *engine = &check->options->engine;
	const struct engine_mode *mode = check->options->mode, *for_interfaces;

	for_interfaces = mode_with(ENGINE_INTERFACES);
	if (mode && !mode->ops)
		wrong(check, "mode", 0,
			"--mode %s: this sessiond was built without it: build with %s, or use "
			"--mode socket",
			mode->name, mode->build);
	else if (engine->interface_count > 0 && !for_interfaces->ops)
		wrong(check, "interface", 0,
			"--interface %s: this sessiond was built without %s mode: build with %s, "
			"or leave it out",
			engine->interfaces[0], for_interfaces->name, for_interfaces->build);
}

static void check_mode(const struct check *check)
{
	const struct engine_config *engine = &check->options->engine;
	const struct engine_mode *mode = check->options->mode;
	char quoted[TEXT_QUOTE];

	if (engine_mode_has(mode, ENGINE_INTERFACES) && engine->interface_count == 0)
		wrong(check, "mode", 0, "--mode %s needs an interface: add --interface IFNAME",
			mode->name);
	if (engine->interface_count > 0 && mode && !engine_mode_has(mode, ENGINE_INTERFACES))
		wrong(check, "interface", 0,
			"--interface %s has no use with --mode %s: leave it out, or use --mode %s",
			text_quote(engine->interfaces[0], quoted), mode->name,
			mode_with(ENGINE_INTERFACES)->name);
	else
		check_built_in(check);
	if (engine->dpdk_args[0] && !engine_mode_has(mode, ENGINE_DPDK_ARGS))
		wrong(check, "dpdk-args", 0,
			"--dpdk-args has no use without --mode %s: add that, or leave it out",
			mode_with(ENGINE_DPDK_ARGS)->name);
	if (engine->xdp_histogram && !check->options->metrics[0])
		wrong(check, "xdp-histogram", 0,
			"--xdp-histogram has no use without --metrics: add that, or leave it out");
}

static void check_farm(const struct check *check)
{
	const struct options *options = check->options;
	bool farm = options->farm.count > 0;

	if (farm && !options->farm_key[0])
		wrong(check, "farm", 0,
			"--farm needs a key: add --farm-key FILE; make one with: sessionctl key "
			"new FILE");
	if (!farm && options->farm_key[0])
		wrong(check, "farm-key", 0,
			"--farm-key has no use without --farm: add that, or leave it out");
	if (!farm && options->farm_ca[0])
		wrong(check, "farm-ca", 0,
			"--farm-ca has no use without --farm: add that, or leave it out");
	if (!farm && options->engine.take == TAKE_FARM)
		wrong(check, "take", 0,
			"--take farm needs a farm of caches: add --farm URL, or use --take local");
}

/* Listening once at each address. */
static void check_listen(const struct check *check)
{
	const struct engine_config *engine = &check->options->engine;
	char text[ADDRESS_TEXT], other[ADDRESS_TEXT];

	for (size_t i = 0; i < engine->listen_count; i++) {
		const struct endpoint *listen = &engine->listen[i];

		/* Every link has fe80::/64, so the interface must be given. An engine's own ports
		 * are not interfaces. */
		if (!engine_mode_has(check->options->mode, ENGINE_OWN_PORTS) && !listen->scope[0] &&
			address_is_link_local(&listen->addr))
			wrong(check, "listen", i,
				"--listen %s: a link-local address needs its interface: add "
				"%%INTERFACE to it",
				endpoint_format(listen, text));
		for (size_t j = 0; j < i; j++) {
			if (endpoint_equal(listen, &engine->listen[j]))
				wrong(check, "listen", i,
					"--listen %s is given twice: leave one out",
					endpoint_format(listen, text));
			else if (endpoint_overlaps(listen, &engine->listen[j]))
				wrong(check, "listen", i,
					"--listen %s and --listen %s: one includes the other: "
					"leave one out",
					endpoint_format(&engine->listen[j], other),
					endpoint_format(listen, text));
			else
				continue;
			break;
		}
	}
}

void options_check_together(const struct options *options, struct option_errors *errors)
{
	const struct check check = {options, errors};

	check_listen(&check);
	check_mode(&check);
	check_farm(&check);
}
