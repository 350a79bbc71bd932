/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sessiond/checksum.h>

#include "common/clock.h"
#include "common/locked_memory.h"
#include "common/log.h"
#include "common/rank.h"
#include "control/sessions/writer_private.h"
#include "dataplane/session_der.h"
#include "dataplane/tls_version.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Written at a time. */
#define BUFFER (1U << 20)

struct output {
	int fd;
	uint8_t *buffer;
	size_t used;
	uint64_t sessions, bytes;
};

static int flush(struct output *output)
{
	for (size_t done = 0; done < output->used;) {
		ssize_t n = write(output->fd, output->buffer + done, output->used - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	output->used = 0;
	return 0;
}

static int put_session(struct output *output, struct table *table, const struct session *session)
{
	struct handover_session head = {.expires = session->expires};
	uint8_t *to;
	unsigned retries = 0;
	uint16_t sum;
	int err = 0;

	/* table_get sets the mark. */
	head.visited = mark_test(table_marks(table), session->slot);
	memcpy(head.key, session->key, SESSD_KEY_SIZE);
	if (output->used + sizeof(head) + SESSD_VALUE_LIMIT > BUFFER)
		err = flush(output);
	if (err)
		return err;
	to = output->buffer + output->used;
	if (table_get(table, table_hash(table, head.key), head.key, clock_tick(), to + sizeof(head),
		    &head.len, &sum, &retries) != TABLE_HIT)
		return 0; /* taken, or it has just ended */
	memcpy(to, &head, sizeof(head));
	output->used += sizeof(head) + head.len;
	output->bytes += sizeof(head) + head.len;
	output->sessions++;
	return 0;
}

static int put_all(struct output *output, struct table *table)
{
	struct handover_head head = {.magic = HANDOVER_MAGIC};
	struct session session;
	int err = 0;

	output->used = output->bytes = sizeof(head);
	for (uint32_t slot = 0; !err && slot < table_used_end(table); slot++)
		if (table_slot(table, slot, &session))
			err = put_session(output, table, &session);
	if (!err)
		err = flush(output);
	if (err)
		return err;
	/* Now it is whole. */
	head.sessions = output->sessions;
	head.bytes = output->bytes;
	return pwrite(output->fd, &head, sizeof(head), 0) == sizeof(head) ? 0 : -errno;
}

uint64_t handover_bytes(const struct writer *writer)
{
	uint64_t bytes = sizeof(struct handover_head);
	struct session session;

	for (uint32_t slot = 0; slot < table_used_end(writer->table); slot++)
		if (table_slot(writer->table, slot, &session))
			bytes += sizeof(struct handover_session) + session.len;
	return bytes;
}

int handover_write(struct writer *writer, uint64_t *sessions)
{
	struct output output = {.fd = memfd_create("sessiond", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
	int err = output.fd < 0 ? -errno : 0;

	if (!err) {
		output.buffer = calloc(1, BUFFER);
		err = output.buffer ? 0 : -ENOMEM;
	}
	if (!err) {
		memory_lock(output.buffer, BUFFER);
		err = put_all(&output, writer->table);
		explicit_bzero(output.buffer, BUFFER);
	}
	if (!err && fcntl(output.fd, F_ADD_SEALS, SEALS) < 0)
		err = -errno;
	free(output.buffer);
	*sessions = output.sessions;
	if (!err)
		return output.fd;
	if (output.fd >= 0)
		close(output.fd);
	return error_set(-err, "cannot write the sessions to a memory file: %s", strerror(-err));
}

struct input {
	const uint8_t *memory;
	size_t size;
	size_t at;
};

/* The next session, or NULL at the end; sets `*value`. */
static const uint8_t *next_session(
	struct input *input, struct handover_session *head, const uint8_t **value)
{
	const uint8_t *from = input->memory + input->at;

	if (input->size - input->at < sizeof(*head))
		return NULL;
	memcpy(head, from, sizeof(*head));
	if (head->len == 0 || head->len > SESSD_VALUE_LIMIT || head->visited > 1 ||
		head->len > input->size - input->at - sizeof(*head))
		return NULL;
	*value = from + sizeof(*head);
	input->at += sizeof(*head) + head->len;
	return from;
}

/* Whether the file is as handover_write makes it. */
static bool is_whole(struct input *input)
{
	struct handover_session session;
	struct handover_head head;
	const uint8_t *value;
	uint64_t count = 0;

	if (input->size < sizeof(head))
		return false;
	memcpy(&head, input->memory, sizeof(head));
	if (memcmp(head.magic, HANDOVER_MAGIC, sizeof(head.magic)) != 0 ||
		head.bytes != input->size)
		return false;
	input->at = sizeof(head);
	while (next_session(input, &session, &value))
		count++;
	return input->at == input->size && count == head.sessions;
}

static bool is_wanted(const struct writer *writer, const struct handover_session *head)
{
	uint64_t now = clock_tick();

	return head->expires > now && head->expires <= clock_expiry(now, UINT16_MAX) &&
	       head->len <= writer->value_max;
}

/* The least rank that is kept; 0 for all, also without memory: then the first ones are kept. */
static uint64_t least_rank(const struct writer *writer, struct input input)
{
	uint32_t room = table_capacity(writer->table);
	struct handover_session head;
	const uint8_t *value;
	size_t count = 0;
	uint64_t *ranks, least;

	if (input.size / sizeof(head) <= room)
		return 0;
	ranks = calloc(input.size / sizeof(head), sizeof(*ranks));
	if (!ranks)
		return 0;
	input.at = sizeof(struct handover_head);
	while (next_session(&input, &head, &value))
		if (is_wanted(writer, &head))
			ranks[count++] = rank_of(head.expires, head.visited);
	least = rank_least(ranks, count, room);
	free(ranks);
	return least;
}

/* False if there is no room, or the key is in use. */
static bool store(struct writer *writer, const struct handover_session *head, const uint8_t *value)
{
	uint64_t hash = table_hash(writer->table, head->key);
	struct session session = {.expires = head->expires, .len = head->len};
	struct session_facts facts;

	if (table_find(writer->table, hash, head->key) != TABLE_NO_SLOT)
		return false;
	session.slot = table_alloc(writer->table);
	if (session.slot == TABLE_NO_SLOT)
		return false;
	memcpy(session.key, head->key, SESSD_KEY_SIZE);
	session.sum = checksum_fold(checksum_bytes(value, head->len));
	session.tls13 = session_is_tls13(value, head->len);
	session_read(value, head->len, &facts);
	session.facts = &facts;
	writer_take_in(writer, &session, value, head->visited);
	if (writer->ops->put)
		writer->ops->put(writer->engine, &session, value);
	return true;
}

static void store_all(struct writer *writer, struct input *input)
{
	uint64_t least = least_rank(writer, *input), stored = 0, not_stored = 0;
	struct handover_session head;
	const uint8_t *value;

	input->at = sizeof(struct handover_head);
	while (next_session(input, &head, &value)) {
		bool kept = is_wanted(writer, &head) &&
			    rank_of(head.expires, head.visited) >= least &&
			    store(writer, &head, value);

		stored += kept;
		not_stored += !kept;
	}
	writer_commit(writer);
	lifetime_order(writer->lifetime);
	resumption_begin(&writer->resumption, writer->census);
	log_notice(
		"took over %llu sessions from the last daemon (%llu expired, too long or without "
		"room)",
		(unsigned long long)stored, (unsigned long long)not_stored);
}

int handover_read(struct writer *writer, int fd)
{
	struct input input = {0};
	void *memory = MAP_FAILED;
	int seals = fcntl(fd, F_GET_SEALS), err = 0;
	struct stat st;

	/* Sealed: nobody changes it while it is read. */
	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0 || st.st_size <= 0)
		err = -EINVAL;
	if (!err) {
		input.size = (size_t)st.st_size;
		memory = mmap(NULL, input.size, PROT_READ, MAP_SHARED, fd, 0);
		if (memory == MAP_FAILED)
			err = -errno;
	}
	if (!err) {
		memory_lock(memory, input.size);
		input.memory = memory;
		if (is_whole(&input))
			store_all(writer, &input);
		else
			err = -EINVAL;
		munmap(memory, input.size);
	}
	return err ? error_set(-err,
			     "the sessions of the last daemon are lost: their memory file: %s",
			     err == -EINVAL ? "it is damaged, or of another version"
					    : strerror(-err))
		   : 0;
}
