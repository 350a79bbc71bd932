/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Copies a session from its entry into the packet. The kernel may reuse the entry for another
 * session while it is read (guard.h), so each field is read exactly once and the guard is computed
 * over the words that were copied.
 */
#ifndef SESSIOND_EBPF_SESSION_BPF_H
#define SESSIOND_EBPF_SESSION_BPF_H

#include "ebpf/clock.bpf.h"
#include "ebpf/maps.bpf.h"
#include "ebpf/packet.bpf.h"

#include <sessiond/map_abi.h>
#include <sessiond/visited.h>

/* Longest value in the maps, in bytes (--max-session). Overflow's value_size must be
 * SESSD_BLOCK_SIZE(value_max). Set before load; for a small one the verifier removes the code for
 * overflow. */
const volatile __u32 value_max = SESSD_VALUE_DEFAULT_MAX;

/* SESSD_LAST_REST(value_max): the verifier knows no quotients. */
const volatile __u32 last_rest = SESSD_LAST_REST(SESSD_VALUE_DEFAULT_MAX);

/* An entry's fields other than its value. */
struct session {
	__u64 guard;
	__u64 life;
	__u16 len;
	__u16 sum;
};

INLINE void session_read(struct session *session, const struct sessd_entry *entry)
{
	const void *at = entry;

	session->guard = *(const volatile __u64 *)at;
	session->life = *(const volatile __u64 *)(at + 8);
	session->len = *(const volatile __u16 *)(at + 16);
	session->sum = *(const volatile __u16 *)(at + 18);
}

/* Prefetches the value's cache lines: up to the copy, the program makes more calls into the kernel
 * than the CPU executes ahead. */
INLINE void session_touch(const struct sessd_entry *entry)
{
#pragma unroll
	for (unsigned at = 64; at + 8 <= sizeof(*entry); at += 64)
		(void)*(const volatile __u64 *)((const void *)entry + at);
}

INLINE bool session_expired(const struct session *session, __u64 now)
{
	return sessd_life_expires(session->life) <= now;
}

/* Copies a word and returns its term of the guard. */
INLINE __u64 copy_word(void *to, const void *from, const __u64 *secret)
{
	__u64 word = *(const volatile __u64 *)from;

	*(__u64 *)to = word;
	return word * *secret;
}

/* Copies whole words up to the end of the packet, which the verifier requires to be checked before
 * each chunk anyway, and at most `limit` bytes. For a small limit that the compiler knows. */
INLINE __u64 copy_words(
	void *to, const void *end, const void *from, const __u64 *secret, __u64 limit)
{
	__u64 guard = 0, at = 0;

#pragma unroll
	for (__u64 chunk = 0; chunk + 32 <= limit; chunk += 32) {
		if (to + chunk + 32 > end)
			break;
		for (int i = 0; i < 4; i++)
			guard += copy_word(
				to + chunk + 8 * i, from + chunk + 8 * i, secret + chunk / 8 + i);
		at = chunk + 32;
	}
	for (; at + 8 <= limit; at += 8) {
		barrier_var(at);
		if (to + at + 8 > end)
			break;
		guard += copy_word(to + at, from + at, (const void *)secret + at);
	}
	return guard;
}

/* copy_words for any limit. */
INLINE __u64 copy_many_words(
	void *to, const void *end, const void *from, const __u64 *secret, __u64 limit)
{
	__u64 guard = 0, at = 0;

	for (; at + 32 <= limit; at += 32, to += 32, from += 32, secret += 4) {
		barrier_var(to);
		if (to + 32 > end)
			break;
		for (int i = 0; i < 4; i++)
			guard += copy_word(to + 8 * i, from + 8 * i, secret + i);
	}
	for (; at + 8 <= limit; at += 8, to += 8, from += 8, secret++) {
		barrier_var(to);
		if (to + 8 > end)
			break;
		guard += copy_word(to, from, secret);
	}
	return guard;
}

/* Copies the last word of a value whose length is not a multiple of 8. It starts at `at`, within
 * the word before, and ends within `limit`. The check repeats what is known: Linux 6.1's verifier
 * loses the bounds of spilled values. */
INLINE bool copy_last(void *to, const void *end, const void *from, const __u64 *secret, __u64 at,
	__u64 limit, __u64 *guard)
{
	barrier_var(at);
	if (at > limit - 8)
		return false;
	to += at;
	if (to + 8 > end)
		return false;
	*guard += copy_word(to, from + at, (const void *)secret + (at / 8 + 1) * 8);
	return true;
}

/* Copies a value of less than 8 bytes, up to the end of the packet. */
INLINE __u64 copy_short(void *to, const void *end, const void *from, const __u64 *secret)
{
	__u64 word = *(const volatile __u64 *)from; /* the entry is zero-filled behind the value */
	__u64 bytes = bpf_be64_to_cpu(word);

	for (int i = 0; i < 7; i++, bytes <<= 8) {
		if (to + i + 1 > end)
			break;
		*(__u8 *)(to + i) = bytes >> 56;
	}
	return word * *secret;
}

/* Copies an inline value of 8 bytes or more to `to`, where the packet has exactly session->len
 * bytes left, and returns its part of the guard. */
INLINE __u64 session_copy_inline(const struct session *session, const struct sessd_entry *entry,
	void *to, const void *end, const struct sessd_config *settings)
{
	const __u64 *secret = settings->secret + SESSD_GUARD_HEAD_WORDS;
	const void *data = (const void *)entry + __builtin_offsetof(struct sessd_entry, data);
	__u32 len = session->len;
	__u64 guard = copy_words(to, end, data, secret, SESSD_INLINE_MAX);

	if (len % 8)
		copy_last(to, end, data, secret, len - 8, SESSD_INLINE_MAX, &guard);
	return guard;
}

/* Whether the value is complete and belongs to the key. */
INLINE bool session_guarded(const struct session *session, __u64 guard)
{
#ifdef SESSD_UNSAFE_NO_GUARD /* for the negative control of the guard's test */
	return true;
#else
	return guard == session->guard;
#endif
}

/* The rest of a long value, or NULL: the entry is torn. In assembler, so that the register that is
 * checked is the one that is added: Linux 6.1's verifier does not know that two are equal. */
INLINE const void *session_rest(const void *data)
{
	__u32 number = *(const volatile __u32 *)(data + SESSD_SPLIT);
	__u32 block = number >> SESSD_REST_BITS;
	__u64 size = (value_max - SESSD_SPLIT + 7) & ~7ULL, last = last_rest, at;
	const void *rest = bpf_map_lookup_elem(&overflow, &block);

	if (!rest)
		return NULL;
	at = (number & (SESSD_RESTS_MAX - 1)) * size;
	asm volatile("if %[at] <= %[last] goto +2\n" /* else there is no such place */
		     "%[rest] = 0\n"
		     "goto +1\n"
		     "%[rest] += %[at]\n"
		     : [rest] "+r"(rest)
		     : [at] "r"(at), [last] "r"(last));
	return rest;
}

/* Copies the value behind the message header, where the packet has exactly session->len bytes left.
 * True if the guard matches: the value is complete and belongs to the key in `header`. */
INLINE bool session_copy(const struct session *session, const struct sessd_entry *entry,
	struct sessd_header *header, const void *end, const struct sessd_config *settings)
{
	void *to = header + 1;
	const __u64 *secret = settings->secret + SESSD_GUARD_HEAD_WORDS;
	const void *data = (const void *)entry + __builtin_offsetof(struct sessd_entry, data);
	__u32 len = session->len;
	__u64 guard = sessd_guard_head(
		settings->secret, session->life, len, session->sum, (const __u64 *)header->key);

	if (value_max > SESSD_INLINE_MAX && len > SESSD_INLINE_MAX) {
		const void *rest = session_rest(data);
		__u64 rest_max = value_max - SESSD_SPLIT;

		if (!rest)
			return false;
		guard += copy_words(to, end, data, secret, SESSD_SPLIT);
		to += SESSD_SPLIT;
		secret += SESSD_SPLIT / 8;
		guard += copy_many_words(to, end, rest, secret, rest_max);
		if (len % 8 &&
			!copy_last(to, end, rest, secret, len - SESSD_SPLIT - 8, rest_max, &guard))
			return false;
	} else if (len >= 8) {
		guard += copy_words(to, end, data, secret, SESSD_INLINE_MAX);
		if (len % 8 && !copy_last(to, end, data, secret, len - 8, SESSD_INLINE_MAX, &guard))
			return false;
	} else {
		guard += copy_short(to, end, data, secret);
	}
	return session_guarded(session, guard);
}

/* A session's visited mark: the eviction spares sessions used since its last pass. It is looked up
 * and read before the copy, so that the cache misses of both overlap. */
struct mark {
	__u64 *word;
	__u64 bit;
	__u64 seen;
};

/* False if the slot has no mark: the entry is torn. */
INLINE bool mark_read(struct mark *mark, const struct session *session)
{
	__u32 slot = sessd_life_slot(session->life);
	__u32 index = slot / SESSD_MARKS_PER_ELEM;
	__u64 *group = bpf_map_lookup_elem(&marks, &index);

	if (!group)
		return false;
	mark->word = group + slot % SESSD_MARKS_PER_ELEM / 64;
	mark->bit = mark_bit(slot);
	mark->seen = *(const volatile __u64 *)mark->word & mark->bit;
	return true;
}

/* Writes only if the mark was clear: one write for many hits. */
INLINE void mark_visited(const struct mark *mark)
{
	if (!mark->seen)
		__sync_fetch_and_or(mark->word, mark->bit);
}

#endif
