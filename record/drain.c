/* SPDX-License-Identifier: BSD-2-Clause */
/* The drain thread: rounds over all rings, watermarks, and the bounded queue. */
#include "drain.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define QUEUE_MAX  (256u << 20) /* bytes that may wait for the consumer */
#define PERIOD_MAX 20000000L	/* ns between rounds when there is little to do */
#define PERIOD_MIN 500000L
#define BUSY_PART  16 /* a ring more than 1/16 full asks for a shorter period */

struct gt_drain {
	struct gt_rings *rings;
	uint64_t *watermark; /* by CPU: everything older has been read */
	pthread_t thread;
	int event_fd;

	pthread_mutex_t mu;  /* guards all below */
	pthread_cond_t cond; /* the consumer took, asked for a round, or said stop; a round ended */
	struct gt_batch *first, **last;
	size_t queued;
	uint64_t rounds; /* rounds finished */
	uint64_t wanted; /* rounds somebody waits for */
	bool stop;
	uint64_t cpu_ns;
};

/*
 * One round: copy what each ring holds. A ring whose every reservation was read has as its
 * watermark the time just before it was looked at; one with a record still being written
 * keeps its old watermark. The batch's watermark is the least of them.
 */
static struct gt_batch *round_once(struct gt_drain *d, bool *ret_busy)
{
	size_t total = 0, room = sizeof(struct gt_batch) + d->rings->n * sizeof(struct gt_segment);
	struct {
		const uint8_t *p;
		size_t len;
	} *peek = calloc(d->rings->n, sizeof(*peek));
	uint64_t low = UINT64_MAX;

	*ret_busy = false;
	if (!peek)
		return NULL;
	for (uint32_t c = 0; c < d->rings->n; c++) {
		struct gt_ring *r = &d->rings->r[c];
		bool all;
		if (r->fd < 0)
			continue;
		uint64_t before = gt_clock_ns(CLOCK_MONOTONIC);
		peek[c].len = gt_ring_peek(r, &peek[c].p, &all);
		if (all)
			d->watermark[c] = before;
		if (d->watermark[c] < low)
			low = d->watermark[c];
		if (peek[c].len > r->size / BUSY_PART)
			*ret_busy = true;
		total += peek[c].len;
	}
	struct gt_batch *b = malloc(room + total);
	if (b) {
		uint8_t *to = (uint8_t *)b + room;
		*b = (struct gt_batch){ .watermark = low, .bytes = total };
		b->seg = (struct gt_segment *)(b + 1);
		for (uint32_t c = 0; c < d->rings->n; c++) {
			if (!peek[c].len)
				continue;
			memcpy(to, peek[c].p, peek[c].len);
			gt_ring_advance(&d->rings->r[c], peek[c].len);
			b->seg[b->n++] = (struct gt_segment){ c, peek[c].len, to };
			to += peek[c].len;
		}
	}
	free(peek);
	return b;
}

static void wait_until(struct gt_drain *d, long ns)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += ns;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	(void)pthread_cond_timedwait(&d->cond, &d->mu, &ts);
}

static void *drain_main(void *arg)
{
	struct gt_drain *d = arg;
	long period = PERIOD_MAX;

	(void)pthread_mutex_lock(&d->mu);
	while (!d->stop) {
		if (d->queued >= QUEUE_MAX) {
			wait_until(d, PERIOD_MAX);
			continue;
		}
		bool busy;
		uint64_t serial = d->wanted;
		(void)pthread_mutex_unlock(&d->mu);
		struct gt_batch *b = round_once(d, &busy);
		(void)pthread_mutex_lock(&d->mu);
		if (b) {
			*d->last = b;
			d->last = &b->next;
			d->queued += b->bytes;
			d->rounds = serial;
			(void)pthread_cond_broadcast(&d->cond);
			(void)!write(d->event_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
		}
		period = busy ? period / 2 : period + period / 4;
		if (period < PERIOD_MIN)
			period = PERIOD_MIN;
		if (period > PERIOD_MAX)
			period = PERIOD_MAX;
		d->cpu_ns = gt_clock_ns(CLOCK_THREAD_CPUTIME_ID);
		if (!d->stop && d->wanted == serial)
			wait_until(d, period);
	}
	(void)pthread_mutex_unlock(&d->mu);
	return NULL;
}

int gt_drain_start(struct gt_drain **out, struct gt_rings *rings, struct gt_err *err)
{
	struct gt_drain *d = calloc(1, sizeof(*d));
	pthread_condattr_t attr;

	if (d)
		d->watermark = calloc(rings->n, sizeof(*d->watermark));
	if (!d || !d->watermark) {
		free(d);
		return gt_fail(err, GT_NOMEM, "out of memory");
	}
	d->rings = rings;
	d->last = &d->first;
	d->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	(void)pthread_mutex_init(&d->mu, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&d->cond, &attr);
	(void)pthread_condattr_destroy(&attr);
	errno = d->event_fd < 0 ? errno : pthread_create(&d->thread, NULL, drain_main, d);
	if (errno) {
		int rc = gt_fail_errno(err, GT_IO, "cannot start the drain thread");
		if (d->event_fd >= 0)
			(void)close(d->event_fd);
		free(d->watermark);
		free(d);
		return rc;
	}
	*out = d;
	return GT_OK;
}

int gt_drain_event_fd(const struct gt_drain *d)
{
	return d->event_fd;
}

struct gt_batch *gt_drain_take(struct gt_drain *d)
{
	uint64_t count;

	(void)!read(d->event_fd, &count, sizeof(count));
	(void)pthread_mutex_lock(&d->mu);
	struct gt_batch *b = d->first;
	d->first = NULL;
	d->last = &d->first;
	bool was_full = d->queued >= QUEUE_MAX;
	d->queued = 0;
	if (was_full)
		(void)pthread_cond_broadcast(&d->cond);
	(void)pthread_mutex_unlock(&d->mu);
	return b;
}

void gt_batch_free(struct gt_batch *b)
{
	free(b);
}

bool gt_drain_sync(struct gt_drain *d)
{
	uint64_t end = gt_clock_ns(CLOCK_MONOTONIC) + 5000000000u;

	(void)pthread_mutex_lock(&d->mu);
	uint64_t serial = ++d->wanted;
	d->queued = 0; /* who waits here takes next: the bound must not hold up the round */
	(void)pthread_cond_broadcast(&d->cond);
	while (d->rounds < serial && gt_clock_ns(CLOCK_MONOTONIC) < end)
		wait_until(d, PERIOD_MAX);
	bool done = d->rounds >= serial;
	(void)pthread_mutex_unlock(&d->mu);
	return done;
}

void gt_drain_stop(struct gt_drain *d, uint64_t *ret_cpu_ns)
{
	if (!d)
		return;
	(void)pthread_mutex_lock(&d->mu);
	d->stop = true;
	(void)pthread_cond_broadcast(&d->cond);
	(void)pthread_mutex_unlock(&d->mu);
	(void)pthread_join(d->thread, NULL);
	if (ret_cpu_ns)
		*ret_cpu_ns = d->cpu_ns;
	for (struct gt_batch *b = gt_drain_take(d), *next; b; b = next) {
		next = b->next;
		gt_batch_free(b);
	}
	(void)close(d->event_fd);
	(void)pthread_cond_destroy(&d->cond);
	(void)pthread_mutex_destroy(&d->mu);
	free(d->watermark);
	free(d);
}
