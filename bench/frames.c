/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/frames.h"

#include "common/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sessiond/checksum.h>

#include "bench/flow.h"
#include "bench/frames_config.h"
#include "bench/neighbour.h"
#include "bench/workload.h"

#include "dataplane/xdp/percpu_values.h"

#include "common/bpf_skeleton.h"

#include "bench/frames.skel.h" /* needs frames_config.h */

/* Frames per batch of BPF_PROG_TEST_RUN (live frames need Linux 5.18). 128 gave the highest rate,
 * of 8 to 256 at a thousand sessions and of 16 to 128 at a million. */
#define FRAMES_BATCH 128

/* Maximum frames of one call, about half a second; the thread does nothing else meanwhile. With a
 * rate, a call sends the frames due since the last one. Each call waits for RCU at its beginning
 * and end, some 25 ms together without sending, so short calls would send in bursts and leave the
 * line idle in between. */
#define FRAMES_CALL_MAX (1 << 20)

/* Longest sleep: bounds how late a signal is noticed. */
#define WAIT_NS 100000000U

/* Time after which the last replies have surely arrived. */
#define SETTLE_US 20000

/* Largest frame of a request before it is trimmed: IPv6, the largest value. */
#define FRAME_MAX (14 + 40 + 8 + MESSAGE_MAX + 8)

struct frames {
	const struct bench_options *options;
	struct neighbour neighbour;
	struct frames_bpf *bpf;
	int link_fd;
	unsigned cpus[BENCH_THREADS_MAX]; /* one per thread */
};

struct frames_thread {
	struct frames *frames;
	struct bench_result *result;
	const volatile int *stop;
	pthread_t thread;
	unsigned number;
	int error;
	char message[256];
};

static const enum frames_workload workload_of[] = {
	[WORKLOAD_GET] = FRAMES_GET,
	[WORKLOAD_MISS] = FRAMES_MISS,
	[WORKLOAD_NEW] = FRAMES_NEW,
	[WORKLOAD_REMOVE] = FRAMES_REMOVE,
	[WORKLOAD_TAKE] = FRAMES_TAKE,
	[WORKLOAD_MIX] = FRAMES_MIX,
	[WORKLOAD_CHURN] = FRAMES_CHURN,
};

static void fill_config(const struct frames *frames, volatile struct frames_config *config)
{
	const struct bench_options *o = frames->options;
	const struct neighbour *n = &frames->neighbour;
	bool ipv4 = address_is_ipv4(&o->target.addr);
	uint32_t size = ipv4 ? 4 : 16;
	struct frames_config c = {
		.population = o->population,
		.sessions = o->sessions,
		.threads = o->threads,
		.popular_mask = o->zipf > 0 ? FRAMES_POPULAR - 1 : 0,
		.workload = workload_of[o->workload],
		.resumed = (uint32_t)(o->resumed * UINT32_MAX),
		.run = o->run,
		.timeout = htons(o->timeout),
		.target_port = htons(o->target.port),
		.source_port = o->source_port,
		.ports = (uint16_t)o->ports,
		.ipv6 = !ipv4,
		.reflector = o->reflector,
		.each = o->each,
		.changes = o->changes,
	};

	memcpy(c.source_mac, n->source_mac, 6);
	memcpy(c.target_mac, n->target_mac, 6);
	memcpy(c.source, n->source.bytes + 16 - size, size);
	memcpy(c.target, o->target.addr.bytes + 16 - size, size);
	c.address_sum =
		checksum_fold(checksum_bytes(c.source, size) + checksum_bytes(c.target, size));
	memcpy((void *)config, &c, sizeof(c));
}

/* Chooses one CPU per thread among those this process may use (taskset(1)). */
static int choose_cpus(struct frames *frames)
{
	unsigned count = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return error_set(errno, "sched_getaffinity: %s", strerror(errno));
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && count < frames->options->threads; cpu++) {
		if (CPU_ISSET(cpu, &set))
			frames->cpus[count++] = cpu;
	}
	if (count < frames->options->threads)
		return error_set(EINVAL,
			"--threads: %u CPUs may be used, and each thread of "
			"--interface needs its own",
			count);
	return 0;
}

void frames_cpus(const struct frames *frames, cpu_set_t *cpus)
{
	CPU_ZERO(cpus);
	for (unsigned i = 0; i < frames->options->threads; i++)
		CPU_SET(frames->cpus[i], cpus);
}

static int init_lanes(struct frames *frames)
{
	int fd = bpf_map__fd(frames->bpf->maps.lanes);
	struct frames_lane *lanes;
	uint32_t zero = 0;
	unsigned cpus;
	int ret = 0;

	lanes = percpu_read(fd, sizeof(*lanes), &cpus);
	if (!lanes)
		return -EIO;
	for (unsigned i = 0; i < frames->options->threads; i++) {
		if (frames->cpus[i] >= cpus) {
			free(lanes);
			return error_set(EINVAL,
				"CPU %u is beyond the %u possible CPUs of the kernel",
				frames->cpus[i], cpus);
		}
		lanes[frames->cpus[i]].lane = i;
		lanes[frames->cpus[i]].warm_up = frames->options->warm_up;
		lanes[frames->cpus[i]].random = mix64((uint64_t)frames->options->run << 8 | i);
	}
	if (bpf_map_update_elem(fd, &zero, lanes, 0) < 0)
		ret = error_set(errno, "a map of the generator: %s", strerror(errno));
	free(lanes);
	return ret;
}

/* Draws the sessions to request, if keys are not uniform. */
static int draw_popular(const struct frames *frames)
{
	const struct bench_options *options = frames->options;
	size_t size = FRAMES_POPULAR * sizeof(uint32_t);
	struct workload workload;
	uint32_t *popular;

	if (options->zipf <= 0)
		return 0;
	popular = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		bpf_map__fd(frames->bpf->maps.popular), 0);
	if (popular == MAP_FAILED)
		return error_set(errno, "a map of the generator: %s", strerror(errno));
	workload_init(&workload, options, 0);
	for (uint32_t i = 0; i < FRAMES_POPULAR; i++)
		popular[i] = (uint32_t)workload_stored(&workload);
	munmap(popular, size);
	return 0;
}

static int no_print(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int attach(struct frames *frames)
{
	const char *interface = frames->options->interface;
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(bpf_program__fd(frames->bpf->progs.check),
		frames->neighbour.ifindex, BPF_XDP, &opts);

	if (fd < 0 && (errno == EBUSY || errno == EEXIST))
		return error_set(errno, "--interface: %s has an XDP program already", interface);
	if (fd < 0)
		return error_set(
			errno, "--interface: native XDP on %s: %s", interface, strerror(errno));
	/* There is no struct bpf_link, only the descriptor. */
	frames->link_fd = fd;
	return 0;
}

int frames_open(struct frames **out, const struct bench_options *options)
{
	struct frames *frames = calloc(1, sizeof(*frames));
	int ret;

	*out = frames;
	if (!frames)
		return error_set(ENOMEM, "no memory");
	frames->options = options;
	frames->link_fd = -1;
	ret = neighbour_find(
		&frames->neighbour, options->interface, &options->target, options->mac);
	if (ret == 0)
		ret = choose_cpus(frames);
	if (ret < 0)
		return ret;
	libbpf_set_print(no_print);
	frames->bpf = frames_bpf__open();
	if (!frames->bpf)
		return error_set(errno, "the generator's program: %s", strerror(errno));
	fill_config(frames, &frames->bpf->rodata->config);
	if (options->zipf > 0)
		bpf_map__set_max_entries(frames->bpf->maps.popular, FRAMES_POPULAR);
	ret = frames_bpf__load(frames->bpf);
	if (ret < 0)
		return error_set(-ret, "loading the generator's program: %s", strerror(-ret));
	ret = init_lanes(frames);
	if (ret == 0)
		ret = draw_popular(frames);
	return ret < 0 ? ret : attach(frames);
}

void frames_close(struct frames *frames)
{
	if (!frames)
		return;
	if (frames->link_fd >= 0)
		close(frames->link_fd);
	frames_bpf__destroy(frames->bpf);
	free(frames);
}

static int read_cpu(int fd, unsigned cpu, size_t size, void *value)
{
	unsigned cpus;
	uint8_t *all = percpu_read(fd, size, &cpus);

	if (!all)
		return -EIO;
	memcpy(value, all + cpu * size, size);
	free(all);
	return 0;
}

/* Replies are counted on the CPU where they arrive: on a veth the sending CPU, on a NIC any. The
 * first thread adds those of CPUs that do not send. */
static int read_counters(struct frames_thread *t)
{
	const struct frames *frames = t->frames;
	int fd = bpf_map__fd(frames->bpf->maps.counters);
	struct bench_counters *c = &t->result->counters;
	struct frames_counters sum = {0}, *all;
	struct frames_lane lane = {0};
	unsigned cpus;
	int ret;

	ret = read_cpu(
		bpf_map__fd(frames->bpf->maps.lanes), frames->cpus[t->number], sizeof(lane), &lane);
	if (ret < 0)
		return ret;
	all = percpu_read(fd, sizeof(*all), &cpus);
	if (!all)
		return -EIO;
	for (unsigned cpu = 0; cpu < cpus; cpu++) {
		unsigned owner = 0;

		for (unsigned i = 0; i < frames->options->threads; i++) {
			if (frames->cpus[i] == cpu)
				owner = i;
		}
		if (owner != t->number)
			continue;
		for (size_t i = 0; i < sizeof(sum) / sizeof(__u64); i++)
			((__u64 *)&sum)[i] += ((__u64 *)&all[cpu])[i];
	}
	free(all);
#define SET(to, value) __atomic_store_n(&c->to, value, __ATOMIC_RELAXED)
	SET(get_sent, lane.gets);
	SET(new_sent, lane.news);
	SET(remove_sent, lane.removes);
	SET(hits, sum.hits);
	SET(misses, sum.misses);
	SET(wrong_length, sum.wrong_length);
	SET(wrong_header, sum.wrong_header);
	SET(wrong_timeout, sum.wrong_timeout);
	SET(wrong_key, sum.wrong_key);
	SET(wrong_value, sum.wrong_value);
	SET(wrong_checksum, sum.wrong_checksum);
	SET(wrong_hit, sum.wrong_hit);
#undef SET
	return 0;
}

static int send_frames(const struct frames *frames, unsigned count)
{
	static const uint8_t zeros[FRAME_MAX];
	bool ipv4 = address_is_ipv4(&frames->options->target.addr);
	uint32_t head = (ipv4 ? 42 : 62) + SESSD_HEADER_SIZE;
	uint32_t value = frames->options->population.value_max;
	/* Longer than any request, so that `generate` trims each frame: the kernel updates a
	 * frame's length only if the program changed it, and a recycled page has the length of its
	 * last reply. */
	uint32_t size = head + value + 8;
	struct xdp_md ctx = {
		.data_end = size,
		.ingress_ifindex = (uint32_t)frames->neighbour.ifindex,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = zeros, .data_size_in = size, .ctx_in = &ctx,
		.ctx_size_in = sizeof(ctx), .repeat = (int)count,
		.flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = FRAMES_BATCH);

	if (bpf_prog_test_run_opts(bpf_program__fd(frames->bpf->progs.generate), &opts) < 0 &&
		errno != EINTR)
		return error_set(errno, "sending live frames: %s", strerror(errno));
	return 0;
}

static int bind_to(const struct frames *frames, unsigned thread)
{
	cpu_set_t set;
	int ret;

	CPU_ZERO(&set);
	CPU_SET(frames->cpus[thread], &set);
	ret = -pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	return ret < 0 ? error_set(-ret, "binding a thread to its CPU: %s", strerror(-ret)) : 0;
}

/* What a thread has to send. */
struct schedule {
	uint64_t start, end;
	uint64_t quota; /* frames */
	uint64_t sent;
	double rate;	/* frames per second; 0: as fast as possible */
	unsigned least; /* minimum frames of a call, with a rate */
};

static struct schedule make_schedule(const struct bench_options *o, unsigned thread)
{
	struct schedule s = {.quota = UINT64_MAX, .rate = o->rate / o->threads, .least = 1};
	uint64_t sessions = (o->sessions + o->threads - 1 - thread) / o->threads;

	if (o->count > 0)
		s.quota = o->count / o->threads + (thread < o->count % o->threads);
	if ((o->each || o->workload == WORKLOAD_REMOVE || o->workload == WORKLOAD_TAKE) &&
		s.quota > sessions)
		s.quota = sessions; /* each session once */
	if (s.quota < UINT64_MAX)
		s.quota += o->warm_up;
	/* Pages of frames that are still queued in a socket make the end of a call slow, so calls
	 * are longer for NEWs and REMOVEs. */
	if (s.rate > 0)
		s.least += (unsigned)(s.rate / (o->changes ? 25 : 2000));
	s.start = bench_now();
	s.end = s.start + (uint64_t)(o->duration * 1e9);
	return s;
}

/* Frames that should have been sent by `now`. */
static uint64_t due_by(const struct schedule *s, uint64_t now)
{
	uint64_t due = s->quota;

	if (s->rate > 0) {
		double by_rate = (double)((now < s->end ? now : s->end) - s->start) * s->rate / 1e9;

		if (by_rate < (double)due)
			due = (uint64_t)(by_rate + 0.5);
	}
	return due;
}

/* The size of the next call; 0: wait for `*wait_ns` first, or, if that is 0, the run is over. */
static unsigned next_call(const struct schedule *s, uint64_t now, uint64_t *wait_ns)
{
	uint64_t left = due_by(s, now) - s->sent, least_at;

	*wait_ns = 0;
	if (s->sent == s->quota)
		return 0;
	/* Frames that became due during the last call are still sent, but not the backlog of an
	 * unreachable rate. */
	if (now >= s->end && (s->rate <= 0 || (double)left > s->rate / 10))
		return 0;
	if (now >= s->end || s->rate <= 0 || left >= s->least || s->sent + left == s->quota)
		return left < FRAMES_CALL_MAX ? (unsigned)left : FRAMES_CALL_MAX;
	least_at = s->start + (uint64_t)((double)(s->sent + s->least) * 1e9 / s->rate) + 1;
	*wait_ns = (least_at < s->end ? least_at : s->end) - now;
	return 0;
}

static int run_frames(struct frames_thread *t)
{
	struct schedule s = make_schedule(t->frames->options, t->number);
	uint64_t now = s.start, counted = s.start, wait_ns;
	int ret = 0;

	while (ret == 0 && !*t->stop) {
		unsigned n = next_call(&s, now, &wait_ns);

		if (n == 0 && wait_ns == 0)
			break;
		if (n == 0)
			usleep((useconds_t)(wait_ns < WAIT_NS ? wait_ns : WAIT_NS) / 1000 + 1);
		else
			ret = send_frames(t->frames, n);
		s.sent += n;
		now = bench_now();
		if (ret == 0 && now - counted > 100000000) {
			ret = read_counters(t);
			counted = now;
		}
	}
	t->result->seconds = (double)(now - s.start) / 1e9;
	if (s.rate > 0 && !*t->stop)
		t->result->behind_ns =
			(uint64_t)((double)(due_by(&s, now) - s.sent) * 1e9 / s.rate);
	return ret;
}

static void *thread_main(void *arg)
{
	struct frames_thread *t = arg;

	t->error = bind_to(t->frames, t->number);
	if (t->error == 0)
		t->error = run_frames(t);
	if (t->error < 0)
		strncpy(t->message, error_message(), sizeof(t->message) - 1);
	return NULL;
}

static int finish(struct frames_thread *t, uint64_t *news)
{
	struct bench_counters *c = &t->result->counters;
	uint64_t answered;
	int ret;

	if (t->error < 0)
		return error_set(-t->error, "%s", t->message);
	ret = read_counters(t);
	answered = c->hits + c->misses + bench_counters_wrong(c);
	c->lost = c->get_sent > answered ? c->get_sent - answered : 0;
	*news = c->new_sent;
	return ret;
}

int frames_run(struct frames *frames, struct bench_result *results, uint64_t *news,
	const volatile int *stop)
{
	struct frames_thread *threads = calloc(frames->options->threads, sizeof(*threads));
	unsigned started = 0;
	int ret = 0;

	if (!threads)
		return error_set(ENOMEM, "no memory");
	for (; started < frames->options->threads; started++) {
		struct frames_thread *t = &threads[started];

		t->frames = frames;
		t->result = &results[started];
		t->stop = stop;
		t->number = started;
		ret = -pthread_create(&t->thread, NULL, thread_main, t);
		if (ret < 0) {
			error_set(-ret, "starting a thread: %s", strerror(-ret));
			break;
		}
	}
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i].thread, NULL);
	usleep(SETTLE_US);
	for (unsigned i = 0; i < started && ret == 0; i++)
		ret = finish(&threads[i], &news[i]);
	free(threads);
	return ret;
}
