/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/doctor/firewall_read.h"

#include "control/sessionctl/doctor/firewall_iptables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The chain of a rule, such as "ip filter INPUT"; NULL if the object is no rule. */
static const char *chain_of(const json_t *object, char key[160])
{
	const json_t *rule = json_object_get(object, "rule");
	const char *family = json_string_value(json_object_get(rule, "family"));
	const char *table = json_string_value(json_object_get(rule, "table"));
	const char *chain = json_string_value(json_object_get(rule, "chain"));

	if (!family || !table || !chain)
		return NULL;
	snprintf(key, 160, "%s %s %s", family, table, chain);
	return key;
}

static bool has_extension(const json_t *object)
{
	const json_t *rule = json_object_get(object, "rule"), *statement;
	size_t i;

	json_array_foreach(json_object_get(rule, "expr"), i, statement)
	{
		if (json_object_get(statement, "xt"))
			return true;
	}
	return false;
}

/* Marks the chains of rules in `objects`, or only those of rules with an extension of iptables. */
static json_t *mark_chains(const json_t *objects, bool extensions)
{
	json_t *marks = json_object(), *object;
	char key[160];
	size_t i;

	json_array_foreach(objects, i, object)
	{
		if (chain_of(object, key) && (!extensions || has_extension(object)))
			json_object_set_new(marks, key, json_true());
	}
	return marks;
}

/* Adds the chains and rules that nft lists. For a chain with extensions of iptables it adds the
 * rules from iptables-save instead, because nft lists extensions without their arguments. */
static int merge(json_t *objects, json_t *listed, json_t *saved)
{
	json_t *extended = mark_chains(listed, true), *printed = mark_chains(saved, false);
	int ret = extended && printed ? 0 : -ENOMEM;
	json_t *object;
	char key[160];
	size_t i;

	json_array_foreach(listed, i, object)
	{
		if (chain_of(object, key) && json_object_get(extended, key) &&
			json_object_get(printed, key))
			continue;
		if (json_array_append(objects, object) < 0)
			ret = -ENOMEM;
	}
	json_array_foreach(saved, i, object)
	{
		if (chain_of(object, key) && json_object_get(extended, key) &&
			json_array_append(objects, object) < 0)
			ret = -ENOMEM;
	}
	json_decref(extended);
	json_decref(printed);
	return ret;
}

/* Whether the kernel has tables of iptables-legacy. */
static bool has_legacy(const struct doctor_host *host)
{
	char text[256];

	return (doctor_read(host, text, sizeof(text), "/proc/net/ip_tables_names") && text[0]) ||
	       (doctor_read(host, text, sizeof(text), "/proc/net/ip6_tables_names") && text[0]);
}

static int get(const struct doctor_host *host, enum doctor_filter filter, char *texts[])
{
	int ret = host->probe->rules(host->probe->ctx, filter, &texts[filter]);

	if (ret < 0)
		texts[filter] = NULL;
	return ret;
}

/* iptables-save may be either variant. The nftables variant prints nothing if it has no rules; then
 * iptables-legacy-save has the legacy rules. Returns false if there are legacy rules that cannot be
 * read. */
static bool get_iptables(const struct doctor_host *host, char *texts[])
{
	get(host, DOCTOR_IPTABLES, texts);
	get(host, DOCTOR_IP6TABLES, texts);
	if (!has_legacy(host))
		return true;
	if (texts[DOCTOR_IPTABLES] && texts[DOCTOR_IPTABLES][0] &&
		!iptables_is_nft(texts[DOCTOR_IPTABLES]))
		return true;
	return get(host, DOCTOR_IPTABLES_LEGACY, texts) == 0 &&
	       get(host, DOCTOR_IP6TABLES_LEGACY, texts) == 0;
}

/* Appends the output of iptables-save to the array of its variant. */
static int add_saved(char *texts[], json_t *of_nft, json_t *of_legacy)
{
	int ret = 0;

	for (int i = DOCTOR_NFT + 1; ret == 0 && i < DOCTOR_FILTERS; i++) {
		bool v6 = i == DOCTOR_IP6TABLES || i == DOCTOR_IP6TABLES_LEGACY;

		if (!texts[i])
			continue;
		if (iptables_is_nft(texts[i]))
			ret = iptables_read(texts[i], v6 ? "ip6" : "ip", of_nft);
		else
			ret = iptables_read(
				texts[i], v6 ? "ip6tables-legacy" : "iptables-legacy", of_legacy);
	}
	return ret;
}

int firewall_read(const struct doctor_host *host, json_t **objects, const char **hidden)
{
	json_t *root = NULL, *listed = NULL, *saved = json_array();
	char *texts[DOCTOR_FILTERS] = {NULL};
	int nft = get(host, DOCTOR_NFT, texts), ret;
	bool whole = get_iptables(host, texts), any = false;

	*objects = json_array();
	if (texts[DOCTOR_NFT]) {
		root = json_loads(texts[DOCTOR_NFT], 0, NULL);
		listed = json_object_get(root, "nftables");
	}
	*hidden = !listed && nft != -ENOENT ? "nftables" : whole ? NULL : "iptables-legacy";
	ret = *objects && saved ? add_saved(texts, saved, *objects) : -ENOMEM;
	if (ret == 0 && listed)
		ret = merge(*objects, listed, saved);
	else if (ret == 0)
		ret = json_array_extend(*objects, saved);
	for (int i = 0; i < DOCTOR_FILTERS; i++) {
		any |= texts[i] && (i != DOCTOR_NFT || listed);
		free(texts[i]);
	}
	json_decref(root);
	json_decref(saved);
	if (ret == 0 && any)
		return 0;
	json_decref(*objects);
	return ret < 0 ? ret : -ENOENT;
}
