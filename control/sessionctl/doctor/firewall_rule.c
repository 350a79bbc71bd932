/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/doctor/firewall_rule.h"

#include <netinet/in.h>
#include <string.h>

struct reader {
	const json_t *sets;
	uint16_t port;
	struct rule rule;
	void (*on_rule)(void *ctx, const struct rule *rule);
	void *ctx;
};

static bool is_text(const json_t *value, const char *text)
{
	return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static bool is_one_of(const json_t *value, const char *const *words)
{
	for (; *words; words++)
		if (is_text(value, *words))
			return true;
	return false;
}

/* A set's elements: given inline, or by the set's name. */
static const json_t *elements_of(const struct reader *reader, const json_t *value)
{
	const char *name = json_string_value(value);
	const json_t *set = json_object_get(value, "set");

	if (name && name[0] == '@')
		return json_object_get(json_object_get(reader->sets, name + 1), "elem");
	return json_is_array(value) ? value : set;
}

/* Whether a value, a range or a set includes the port, at position `place` of a concatenation. */
static bool has_port(const struct reader *reader, const json_t *value, size_t place)
{
	const json_t *range = json_object_get(value, "range"), *element;
	const json_t *concatenation = json_object_get(value, "concat");
	const json_t *inner = json_object_get(json_object_get(value, "elem"), "val");
	size_t i;

	if (json_is_integer(value))
		return json_integer_value(value) == reader->port;
	if (range)
		return json_integer_value(json_array_get(range, 0)) <= reader->port &&
		       reader->port <= json_integer_value(json_array_get(range, 1));
	if (concatenation)
		return has_port(reader, json_array_get(concatenation, place), 0);
	if (inner)
		return has_port(reader, inner, place);
	json_array_foreach(elements_of(reader, value), i, element)
	{
		if (has_port(reader, element, place))
			return true;
	}
	return false;
}

static bool is_port(const json_t *key)
{
	static const char *const protocols[] = {"udp", "th", NULL};
	const json_t *payload = json_object_get(key, "payload");

	return is_one_of(json_object_get(payload, "protocol"), protocols) &&
	       is_text(json_object_get(payload, "field"), "dport");
}

/* Whether an expression is the UDP destination port, or a concatenation that includes it, and at
 * which position. */
static bool find_port(const json_t *key, size_t *place, bool *alone)
{
	const json_t *part;
	size_t i;

	*place = 0;
	*alone = is_port(key);
	if (*alone)
		return true;
	json_array_foreach(json_object_get(key, "concat"), i, part)
	{
		*place = i;
		if (is_port(part))
			return true;
	}
	return false;
}

static bool is_protocol(const json_t *key)
{
	const json_t *payload = json_object_get(key, "payload");
	const json_t *protocol = json_object_get(payload, "protocol");
	const json_t *field = json_object_get(payload, "field");

	return is_text(json_object_get(json_object_get(key, "meta"), "key"), "l4proto") ||
	       (is_text(protocol, "ip") && is_text(field, "protocol")) ||
	       (is_text(protocol, "ip6") && is_text(field, "nexthdr"));
}

static bool compare(
	const struct reader *reader, const json_t *op, const json_t *right, size_t place)
{
	json_int_t than = json_integer_value(right);

	if (is_text(op, "!="))
		return !has_port(reader, right, place);
	if (is_text(op, "<"))
		return reader->port < than;
	if (is_text(op, ">"))
		return reader->port > than;
	if (is_text(op, "<="))
		return reader->port <= than;
	if (is_text(op, ">="))
		return reader->port >= than;
	return has_port(reader, right, place);
}

static void read_match(struct reader *reader, const json_t *match)
{
	const json_t *left = json_object_get(match, "left"), *op = json_object_get(match, "op");
	const json_t *right = json_object_get(match, "right");
	struct rule *rule = &reader->rule;
	bool alone, same;
	size_t place;

	if (find_port(left, &place, &alone)) {
		same = compare(reader, op, right, place);
		rule->names_port |= same;
		rule->other |= !same;
		rule->whole &= alone;
	} else if (is_protocol(left) && (json_is_string(right) || json_is_integer(right))) {
		same = is_text(right, "udp") || json_integer_value(right) == IPPROTO_UDP;
		rule->other |= same == is_text(op, "!=");
	} else if (is_text(json_object_get(json_object_get(left, "payload"), "protocol"), "tcp")) {
		rule->other = true;
	} else {
		rule->tracking |= json_object_get(left, "ct") != NULL;
		rule->whole = false;
	}
}

/* An extension of iptables: for some the name is sufficient. */
static void read_extension(struct rule *rule, const json_t *extension)
{
	static const char *const silent[] = {"comment", "LOG", "NFLOG", NULL};
	static const char *const tracking[] = {
		"conntrack", "state", "MASQUERADE", "DNAT", "SNAT", "REDIRECT", NULL};
	const json_t *name = json_object_get(extension, "name");

	if (is_one_of(name, silent))
		return;
	if (is_one_of(name, tracking)) {
		rule->tracking = true;
	} else if (is_text(name, "REJECT")) {
		rule->action = RULE_DROP;
		return;
	} else {
		rule->opaque = true;
	}
	rule->whole = false;
}

/* Sets the action; false if it is not one. */
static bool read_action(struct rule *rule, const char *name, const json_t *value)
{
	if (strcmp(name, "accept") == 0)
		rule->action = RULE_ACCEPT;
	else if (strcmp(name, "drop") == 0 || strcmp(name, "reject") == 0)
		rule->action = RULE_DROP;
	else if (strcmp(name, "notrack") == 0)
		rule->action = RULE_NOTRACK;
	else if (strcmp(name, "jump") == 0 || strcmp(name, "goto") == 0)
		rule->action = RULE_JUMP;
	else
		return strcmp(name, "return") == 0 || strcmp(name, "continue") == 0;
	rule->target = json_string_value(json_object_get(value, "target"));
	return true;
}

static void read_verdict(struct rule *rule, json_t *verdict)
{
	void *at = json_object_iter(verdict);

	if (at)
		read_action(rule, json_object_iter_key(at), json_object_iter_value(at));
}

static void read_map(struct reader *reader, const json_t *map)
{
	const json_t *key = json_object_get(map, "key"), *pair;
	const json_t *pairs = elements_of(reader, json_object_get(map, "data"));
	bool alone, by_port;
	size_t place, i;

	reader->rule.tracking |= json_object_get(key, "ct") != NULL;
	by_port = find_port(key, &place, &alone);
	reader->rule.whole &= by_port && alone;
	json_array_foreach(pairs, i, pair)
	{
		struct rule rule = reader->rule;

		if (by_port && !has_port(reader, json_array_get(pair, 0), place))
			continue;
		rule.names_port |= by_port;
		read_verdict(&rule, json_array_get(pair, 1));
		reader->on_rule(reader->ctx, &rule);
	}
}

/* Returns false if nothing of the rule is left. */
static bool read_statement(struct reader *reader, const char *name, const json_t *value)
{
	static const char *const nat[] = {"masquerade", "dnat", "snat", "redirect", NULL};
	struct rule *rule = &reader->rule;

	if (strcmp(name, "match") == 0) {
		read_match(reader, value);
	} else if (strcmp(name, "vmap") == 0) {
		read_map(reader, value);
		return false;
	} else if (strcmp(name, "xt") == 0) {
		read_extension(rule, value);
		return rule->action == RULE_NOTHING;
	} else if (read_action(rule, name, value)) {
		/* Another action may follow `notrack`. */
		if (rule->action != RULE_NOTRACK)
			return false;
		reader->on_rule(reader->ctx, rule);
		rule->action = RULE_NOTHING;
	} else if (strcmp(name, "counter") != 0 && strcmp(name, "log") != 0 &&
		   strcmp(name, "mangle") != 0) {
		for (const char *const *word = nat; *word; word++)
			rule->tracking |= strcmp(name, *word) == 0;
		rule->whole = false;
	}
	return true;
}

void rule_read(const json_t *statements, const json_t *sets, uint16_t port,
	void (*on_rule)(void *ctx, const struct rule *rule), void *ctx)
{
	struct reader reader = {.sets = sets,
		.port = port,
		.rule = {.whole = true},
		.on_rule = on_rule,
		.ctx = ctx};
	json_t *statement;
	size_t i;

	json_array_foreach(statements, i, statement)
	{
		void *at = json_object_iter(statement);

		if (at && !read_statement(
				  &reader, json_object_iter_key(at), json_object_iter_value(at)))
			break;
	}
	on_rule(ctx, &reader.rule);
}
