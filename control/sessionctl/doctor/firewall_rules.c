/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/doctor/firewall_rules.h"

#include "control/sessionctl/doctor/firewall_rule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define JUMPS_MAX  8   /* depth; the kernel allows 16 */
#define CHAINS_MAX 512 /* limit on visited chains, in case jumps branch widely */

/* The objects by table: {"inet filter": {"chains": {NAME: [rule...]}, "sets": {NAME: set}}}. */
struct ruleset {
	json_t *tables;
	uint16_t port;
	unsigned chains; /* visited */
	enum {
		ALL_PASSED,
		ALL_ACCEPTED,
		ALL_DROPPED,
	} all; /* what the last chain does with every packet */
};

/* A chain that a packet traverses. */
struct walk {
	struct ruleset *ruleset;
	const json_t *table;
	unsigned depth;
	enum rules_verdict verdict;
	bool decided;
};

static enum rules_verdict walk_chain(
	struct ruleset *ruleset, const json_t *table, const char *chain, unsigned depth);

/* A jump: what its target chain does with the port. */
static enum rules_verdict apply_jump(struct walk *walk, const struct rule *rule)
{
	struct ruleset *ruleset = walk->ruleset;
	enum rules_verdict there;

	if (walk->depth == 0 || !rule->target)
		return walk->verdict;
	there = walk_chain(ruleset, walk->table, rule->target, walk->depth - 1);
	if (rule->names_port && ruleset->all == ALL_ACCEPTED)
		there = RULES_ACCEPTED;
	else if (rule->names_port && ruleset->all == ALL_DROPPED)
		there = RULES_REFUSED;
	if (!rule->whole && there == RULES_REFUSED)
		there = RULES_SOME;
	if (!rule->whole || rule->names_port)
		ruleset->all = ALL_PASSED; /* not every packet jumps */
	return there == RULES_OPEN ? walk->verdict : there;
}

/* What a rule does with the port, given the verdict of the rules before it. */
static enum rules_verdict apply(struct walk *walk, const struct rule *rule)
{
	if (rule->other)
		return walk->verdict;
	switch (rule->action) {
	case RULE_ACCEPT:
		if (rule->names_port)
			return RULES_ACCEPTED;
		if (rule->whole)
			walk->ruleset->all = ALL_ACCEPTED;
		return walk->verdict;
	case RULE_DROP:
		if (rule->names_port)
			return rule->whole ? RULES_REFUSED : RULES_SOME;
		if (rule->whole)
			walk->ruleset->all = ALL_DROPPED;
		return walk->verdict;
	case RULE_JUMP:
		return apply_jump(walk, rule);
	default:
		return walk->verdict;
	}
}

/* The first deciding rule ends the walk. No packet gets past a rule that matches everything. */
static void on_step(void *ctx, const struct rule *rule)
{
	struct walk *walk = ctx;

	if (walk->decided)
		return;
	walk->verdict = apply(walk, rule);
	walk->decided = walk->verdict == RULES_ACCEPTED || walk->verdict == RULES_REFUSED ||
			walk->ruleset->all != ALL_PASSED;
}

static enum rules_verdict walk_chain(
	struct ruleset *ruleset, const json_t *table, const char *chain, unsigned depth)
{
	const json_t *rules = json_object_get(json_object_get(table, "chains"), chain), *rule;
	struct walk walk = {.ruleset = ruleset, .table = table, .depth = depth};
	size_t i;

	ruleset->all = ALL_PASSED;
	if (ruleset->chains++ >= CHAINS_MAX)
		return RULES_OPEN;
	json_array_foreach(rules, i, rule)
	{
		rule_read(rule, json_object_get(table, "sets"), ruleset->port, on_step, &walk);
		if (walk.decided)
			break;
	}
	return walk.verdict;
}

static bool is_text(const json_t *object, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value && strcmp(value, text) == 0;
}

/* Whether this is a base chain for incoming packets. */
static bool is_entry(const json_t *chain)
{
	return is_text(chain, "type", "filter") &&
	       (is_text(chain, "hook", "input") || is_text(chain, "hook", "prerouting") ||
		       is_text(chain, "hook", "ingress")) &&
	       !is_text(chain, "family", "bridge") && !is_text(chain, "family", "arp");
}

/* A problem for IPv4 counts more; among equals the first chain. */
static bool is_worse(const struct rules *than, enum rules_verdict verdict, bool v6_only)
{
	if (!than->where[0])
		return true;
	if (verdict > RULES_ACCEPTED && than->verdict > RULES_ACCEPTED && v6_only != than->v6_only)
		return than->v6_only;
	return verdict > than->verdict;
}

static const char *table_of(const json_t *object, bool is_table, char name[128])
{
	const char *family = json_string_value(json_object_get(object, "family"));
	const char *table = json_string_value(json_object_get(object, is_table ? "name" : "table"));

	snprintf(name, 128, "%s %s", family ? family : "", table ? table : "");
	return name;
}

static void judge_chain(struct ruleset *ruleset, const json_t *chain, struct rules *rules)
{
	const char *name = json_string_value(json_object_get(chain, "name"));
	bool drops = is_text(chain, "policy", "drop"), v6_only;
	enum rules_verdict verdict;
	char table[128];

	if (!name || !is_entry(chain))
		return;
	v6_only = strncmp(table_of(chain, false, table), "ip6", 3) == 0;
	verdict = walk_chain(ruleset, json_object_get(ruleset->tables, table), name, JUMPS_MAX);
	if ((verdict == RULES_OPEN || verdict == RULES_SOME) &&
		(ruleset->all == ALL_DROPPED || (ruleset->all == ALL_PASSED && drops)))
		verdict = RULES_DROPPED;
	rules->filtered = true;
	if (!is_worse(rules, verdict, v6_only))
		return;
	rules->verdict = verdict;
	rules->v6_only = v6_only;
	snprintf(rules->where, sizeof(rules->where), "table %.40s, chain %.40s", table, name);
}

static void on_any_rule(void *ctx, const struct rule *rule)
{
	struct rules *rules = ctx;

	rules->tracking |= rule->tracking;
	rules->untracked |= rule->names_port && rule->action == RULE_NOTRACK;
	rules->opaque |= rule->opaque;
}

/* The object under a key, created if missing. */
static json_t *grow(json_t *in, const char *key, json_t *(*make)(void))
{
	json_t *found = json_object_get(in, key);

	if (found || !in)
		return found;
	found = make();
	return json_object_set_new(in, key, found) < 0 ? NULL : found;
}

static int index_object(struct ruleset *ruleset, const json_t *object)
{
	const json_t *rule = json_object_get(object, "rule");
	json_t *set = json_object_get(object, "set"), *table, *statements;
	const char *name;
	char key[128];

	if (!set)
		set = json_object_get(object, "map");
	name = json_string_value(json_object_get(rule ? rule : set, rule ? "chain" : "name"));
	if (!name)
		return 0;
	table = grow(ruleset->tables, table_of(rule ? rule : set, false, key), json_object);
	if (!rule)
		return json_object_set(grow(table, "sets", json_object), name, set);
	statements = json_object_get(rule, "expr");
	return statements ? json_array_append(
				    grow(grow(table, "chains", json_object), name, json_array),
				    statements)
			  : 0;
}

int rules_judge(const json_t *objects, uint16_t port, struct rules *rules)
{
	struct ruleset ruleset = {.tables = json_object(), .port = port};
	const json_t *object, *chain, *rule;
	int ret = -ENOMEM;
	char table[128];
	size_t i;

	memset(rules, 0, sizeof(*rules));
	if (!ruleset.tables)
		goto end;
	json_array_foreach(objects, i, object)
	{
		if (index_object(&ruleset, object) < 0)
			goto end;
	}
	json_array_foreach(objects, i, object)
	{
		rule = json_object_get(object, "rule");
		chain = json_object_get(object, "chain");
		if (rule)
			rule_read(json_object_get(rule, "expr"),
				json_object_get(json_object_get(ruleset.tables,
							table_of(rule, false, table)),
					"sets"),
				port, on_any_rule, rules);
		if (chain)
			judge_chain(&ruleset, chain, rules);
	}
	ret = 0;
end:
	json_decref(ruleset.tables);
	return ret;
}
