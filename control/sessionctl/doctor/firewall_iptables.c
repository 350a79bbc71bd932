/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/doctor/firewall_iptables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the next word of a line and advances `*line`. A quoted word may have spaces; the quotes
 * are removed. NULL at the end. */
static char *next_word(char **line)
{
	char *from = *line + strspn(*line, " "), *word = from, *to = from;
	bool quoted = false;

	if (!*from)
		return NULL;
	for (; *from && (quoted || *from != ' '); from++) {
		if (*from == '"')
			quoted = !quoted;
		else if (*from == '\\' && from[1])
			*to++ = *++from;
		else
			*to++ = *from;
	}
	*line = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

static json_t *match(const char *protocol, const char *field, bool negated, json_t *right)
{
	return json_pack("{s:{s:s, s:{s:{s:s, s:s}}, s:o}}", "match", "op",
		negated ? "!=" : "==", "left", "payload", "protocol", protocol, "field", field,
		"right", right);
}

/* "53,54000:55000" */
static json_t *read_ports(char *text)
{
	json_t *list = json_array();
	char *save, *word;

	for (word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		long first, last;

		switch (sscanf(word, "%ld:%ld", &first, &last)) {
		case 1:
			json_array_append_new(list, json_integer(first));
			break;
		case 2:
			json_array_append_new(list, json_pack("{s:[I, I]}", "range",
							    (json_int_t)first, (json_int_t)last));
			break;
		default:
			break;
		}
	}
	return json_pack("{s:o}", "set", list);
}

static bool is_either(const char *word, const char *one, const char *other)
{
	return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

/* A module is itself a condition, except the port and comment modules. */
static json_t *read_module(const char *name)
{
	if (is_either(name, "udp", "tcp") || is_either(name, "multiport", "comment"))
		return NULL;
	return json_pack("{s:{s:{s:s}}}", "match", "left",
		is_either(name, "conntrack", "state") ? "ct" : "module", "key", name);
}

/* Any other target is a chain, or an extension: no chain has the name of an extension. */
static json_t *read_target(const char *name, const char *rest)
{
	static const char *const known[][2] = {{"ACCEPT", "accept"}, {"DROP", "drop"},
		{"REJECT", "reject"}, {"RETURN", "return"}, {"NOTRACK", "notrack"},
		{"MASQUERADE", "masquerade"}, {"DNAT", "dnat"}, {"SNAT", "snat"},
		{"REDIRECT", "redirect"}};

	if (strcmp(name, "CT") == 0 && strstr(rest, "--notrack"))
		name = "NOTRACK";
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i][0]) == 0)
			return json_pack("{s:n}", known[i][1]);
	return json_pack("{s:{s:s}}", "jump", "target", name);
}

/* `-p udp -m udp --dport 54321 -j DROP` */
static json_t *read_rule(char *line)
{
	json_t *statements = json_array(), *statement;
	bool negated = false;
	char *word, *value;

	while ((word = next_word(&line))) {
		if (strcmp(word, "!") == 0) {
			negated = true;
			continue;
		}
		if (word[0] != '-')
			continue; /* value of a condition */
		if (!is_either(word, "-j", "-g") && !is_either(word, "-p", "-m") &&
			!is_either(word, "--dport", "--dports") && strcmp(word, "--comment") != 0)
			statement = json_pack("{s:{s:s}}", "match", "option", word);
		else if (!(value = next_word(&line)))
			break;
		else if (is_either(word, "-j", "-g"))
			statement = read_target(value, line);
		else if (strcmp(word, "-p") == 0)
			statement = match("ip", "protocol", negated, json_string(value));
		else if (strcmp(word, "-m") == 0)
			statement = read_module(value);
		else if (strcmp(word, "--comment") == 0)
			statement = NULL;
		else
			statement = match("udp", "dport", negated, read_ports(value));
		if (statement)
			json_array_append_new(statements, statement);
		if (is_either(word, "-j", "-g"))
			break;
		negated = false;
	}
	return statements;
}

/* ":INPUT DROP [0:0]", ":farm - [0:0]" */
static json_t *read_chain(char *line, const char *family, const char *table)
{
	const char *name = next_word(&line), *policy = next_word(&line), *hook;

	if (!name || !policy)
		return NULL;
	hook = strcmp(policy, "-") == 0		 ? ""
	       : strcmp(name, "INPUT") == 0	 ? "input"
	       : strcmp(name, "PREROUTING") == 0 ? "prerouting"
						 : "";
	return json_pack("{s:{s:s, s:s, s:s, s:s, s:s, s:s}}", "chain", "family", family, "table",
		table, "name", name, "type", strcmp(table, "nat") == 0 ? "nat" : "filter", "hook",
		hook, "policy", strcmp(policy, "DROP") == 0 ? "drop" : "accept");
}

int iptables_read(char *text, const char *family, json_t *objects)
{
	char *save, *line, *word, table[32] = "";

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		json_t *object = NULL;

		if (*line == '*') {
			snprintf(table, sizeof(table), "%s", line + 1);
		} else if (*line == ':') {
			line++;
			object = read_chain(line, family, table);
		} else if (strncmp(line, "-A ", 3) == 0) {
			line += 3;
			word = next_word(&line);
			if (!word)
				continue;
			object = json_pack("{s:{s:s, s:s, s:s, s:o}}", "rule", "family", family,
				"table", table, "chain", word, "expr", read_rule(line));
			if (!object)
				return -ENOMEM;
		}
		if (object && json_array_append_new(objects, object) < 0)
			return -ENOMEM;
	}
	return 0;
}

bool iptables_is_nft(const char *text)
{
	return strncmp(text, "# Generated by ip", 17) == 0 && strstr(text, " (nf_tables) ");
}
