/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/take_queue.h"

#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MANY 200000

static struct take_queues *queues;
static struct take_queue *queue;

static int begin(void **state)
{
	(void)state;
	queues = take_queues_open(2);
	assert_non_null(queues);
	queue = &queues->queues[1];
	take_queues_begin(queues);
	return 0;
}

static int end(void **state)
{
	(void)state;
	take_queues_close(queues);
	return 0;
}

static void make_key(uint32_t number, uint8_t key[SESSD_KEY_SIZE])
{
	memset(key, 0, SESSD_KEY_SIZE);
	memcpy(key, &number, sizeof(number));
}

static int ask(uint32_t number)
{
	uint8_t key[SESSD_KEY_SIZE];

	make_key(number, key);
	return take_queue_ask(queue, key, number + 1);
}

static void questions_arrive_in_order(void **state)
{
	struct take_question question;
	struct take_answer answer;
	uint8_t key[SESSD_KEY_SIZE];
	int places[3];

	(void)state;
	assert_false(take_queue_next(queue, &question));
	assert_false(take_queues_waiting(queues));
	for (uint32_t i = 0; i < 3; i++)
		places[i] = ask(i);
	assert_true(take_queues_waiting(queues));
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(take_queue_next(queue, &question));
		make_key(i, key);
		assert_memory_equal(question.key, key, SESSD_KEY_SIZE);
		assert_int_equal(question.seconds, i + 1);
		assert_int_equal((int)question.place, places[i]);
		assert_true(question.asked > 0);
	}
	assert_false(take_queues_waiting(queues));
	assert_false(take_queue_hear(queue, &answer));
	/* In another order. */
	take_queue_decide(queue, (uint32_t)places[2], TAKE_WON);
	take_queue_decide(queue, (uint32_t)places[0], TAKE_LOST);
	assert_true(take_queue_hear(queue, &answer));
	assert_int_equal((int)answer.place, places[2]);
	assert_int_equal(answer.decision, TAKE_WON);
	assert_true(take_queue_hear(queue, &answer));
	assert_int_equal((int)answer.place, places[0]);
	assert_int_equal(answer.decision, TAKE_LOST);
	assert_false(take_queue_hear(queue, &answer));
}

static void a_full_queue_refuses(void **state)
{
	bool used[TAKE_PLACES] = {false};
	struct take_question question;
	struct take_answer answer;

	(void)state;
	for (unsigned i = 0; i < TAKE_PLACES; i++) {
		int place = ask(i);

		assert_in_range(place, 0, TAKE_PLACES - 1);
		assert_false(used[place]);
		used[place] = true;
	}
	assert_int_equal(ask(0), -1);
	assert_int_equal(take_queues_full(queues), 1);
	/* A question that was read still has its place. */
	assert_true(take_queue_next(queue, &question));
	assert_int_equal(ask(0), -1);
	take_queue_decide(queue, question.place, TAKE_UNDECIDED);
	assert_int_equal(ask(0), -1);
	assert_true(take_queue_hear(queue, &answer));
	assert_int_equal(ask(0), (int)question.place);
	assert_int_equal(take_queues_full(queues), 3);
	assert_int_equal(take_queues_alone(queues), 0);
}

static void without_an_arbiter(void **state)
{
	struct take_answer answer;
	int place = ask(1);

	(void)state;
	take_queues_end(queues);
	assert_true(take_queue_hear(queue, &answer));
	assert_int_equal((int)answer.place, place);
	assert_int_equal(answer.decision, TAKE_UNDECIDED);
	assert_int_equal(ask(2), -1);
	assert_int_equal(take_queues_alone(queues), 1);
	take_queues_begin(queues);
	assert_true(ask(3) >= 0);
}

static bool readable(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

static void who_sleeps_is_woken(void **state)
{
	struct take_question question;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	(void)state;
	queue->reader_fd = fd;
	assert_true(ask(1) >= 0);
	take_queue_send(queue);
	assert_false(readable(queues->arbiter_fd)); /* it is awake */
	atomic_store(&queues->asleep, true);
	take_queue_send(queue);
	assert_true(readable(queues->arbiter_fd));
	take_queue_send(queue);
	assert_false(readable(queues->arbiter_fd)); /* once */
	take_queues_tell(queues);
	assert_false(readable(fd));
	assert_true(take_queue_next(queue, &question));
	take_queue_decide(queue, question.place, TAKE_WON);
	assert_false(readable(fd));
	take_queues_tell(queues);
	assert_true(readable(fd));
	close(fd);
}

/* Decides by the key: odd ones win. */
static void *decide_all(void *arg)
{
	struct take_question question;
	uint32_t number;

	(void)arg;
	for (unsigned done = 0; done < MANY;) {
		if (!take_queue_next(queue, &question)) {
			sched_yield();
			continue;
		}
		memcpy(&number, question.key, sizeof(number));
		take_queue_decide(queue, question.place, number % 2 ? TAKE_WON : TAKE_LOST);
		done++;
	}
	return NULL;
}

static void each_question_is_answered_once(void **state)
{
	static uint32_t asked[TAKE_PLACES];
	unsigned heard = 0, won = 0;
	struct take_answer answer;
	uint32_t number = 0;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, decide_all, NULL), 0);
	while (heard < MANY) {
		int place = number < MANY ? ask(number) : -1;

		if (place >= 0)
			asked[place] = ++number; /* 0: nothing */
		if (!take_queue_hear(queue, &answer)) {
			if (place < 0)
				sched_yield();
			continue;
		}
		assert_int_not_equal(asked[answer.place], 0);
		assert_int_equal(
			answer.decision, (asked[answer.place] - 1) % 2 ? TAKE_WON : TAKE_LOST);
		asked[answer.place] = 0;
		won += answer.decision == TAKE_WON;
		heard++;
	}
	pthread_join(thread, NULL);
	assert_int_equal(won, MANY / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(questions_arrive_in_order, begin, end),
		cmocka_unit_test_setup_teardown(a_full_queue_refuses, begin, end),
		cmocka_unit_test_setup_teardown(without_an_arbiter, begin, end),
		cmocka_unit_test_setup_teardown(who_sleeps_is_woken, begin, end),
		cmocka_unit_test_setup_teardown(each_question_is_answered_once, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
