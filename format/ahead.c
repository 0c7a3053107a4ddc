/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread that decodes ahead, and the few blocks that it has ready. */
#include "ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "events.h"
#include "scan.h"

#define PLACES	   4u
#define CHUNK	   (256u << 10)
#define MAX_EVENTS 32768u /* a block of more is left to the reader */

struct place {
	struct gt_event *ev; /* owned; of MAX_EVENTS, made when it is first used */
	struct gt_blk h;
	uint64_t end; /* of the block in the file */
	enum { FREE, BUSY, READY, TAKEN } state;
	bool stale; /* nobody will ask for it */
};

struct gt_ahead {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct place place[PLACES];
	uint64_t from; /* where the thread is to go on; UINT64_MAX: as it is */
	bool idle, stop;

	/* the thread's own */
	struct gt_source src;
	struct gt_feed feed;
	struct gt_scan scan;
	struct gt_damage ignored;
	struct gt_unpress *unpress;
	struct gt_evdec *dec;
	uint8_t *body; /* GT_BLK_MAX_BODY bytes */
	uint64_t session;
};

/* ---- the thread ---- */

static bool decode(struct gt_ahead *a, const struct gt_found *f, struct gt_event *to)
{
	const uint8_t *body = f->body;
	const struct gt_event *ev;
	struct gt_err err;
	uint32_t n = 0;
	int some;

	if (f->h.flags & GT_BF_ZSTD) {
		body = a->body;
		if (gt_unpress_run(a->unpress, f->body, f->h.stored, a->body, f->h.raw, &err))
			return false;
	}
	if (gt_evdec_open(a->dec, &f->h, body, &err))
		return false;
	while ((some = gt_evdec_batch(a->dec, &ev, &err)) > 0) {
		if (n + (uint32_t)some > f->h.n)
			return false;
		memcpy(to + n, ev, (size_t)some * sizeof(*ev));
		n += (uint32_t)some;
	}
	return !some && n == f->h.n;
}

/* The next block of events from where the scan is; false: there is none. */
static bool next_block(struct gt_ahead *a, struct gt_found *f)
{
	struct gt_err err;
	int rc;

	while ((rc = gt_scan_next(&a->scan, f, &err)) == 1)
		if (f->h.session == a->session && f->h.kind == GT_K_EVENTS && f->h.n &&
		    f->h.n <= MAX_EVENTS)
			return true;
	return false; /* the end, or trouble, which the reader will meet */
}

static struct place *free_place(struct gt_ahead *a)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (a->place[i].state == FREE)
			return &a->place[i];
	return NULL;
}

/* A place to fill, or NULL when it is time to stop. The lock is held. */
static struct place *wait_for_work(struct gt_ahead *a)
{
	for (;;) {
		struct place *p = free_place(a);

		if (a->stop)
			return NULL;
		if (a->from != UINT64_MAX) {
			a->scan.pos = a->from;
			a->scan.at_end = false;
			a->from = UINT64_MAX;
			a->idle = false;
		}
		if (p && !a->idle)
			return p;
		pthread_cond_wait(&a->work, &a->lock);
	}
}

static void *run(void *arg)
{
	struct gt_ahead *a = arg;
	struct place *p;

	pthread_mutex_lock(&a->lock);
	while ((p = wait_for_work(a))) {
		struct gt_found f;
		bool good;

		pthread_mutex_unlock(&a->lock);
		good = next_block(a, &f);
		pthread_mutex_lock(&a->lock);
		a->idle = !good;
		if (!good || a->from != UINT64_MAX) /* it is wanted elsewhere by now */
			continue;
		p->h = f.h;
		p->end = f.offset + f.length;
		p->state = BUSY;
		p->stale = false;
		if (!p->ev)
			p->ev = malloc(MAX_EVENTS * sizeof(*p->ev));
		pthread_mutex_unlock(&a->lock);
		good = p->ev && decode(a, &f, p->ev);
		pthread_mutex_lock(&a->lock);
		p->state = good && !p->stale ? READY : FREE;
		pthread_cond_signal(&a->done);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* ---- the reader's side ---- */

static bool start(struct gt_ahead *a)
{
	sigset_t all, was;
	bool ok;

	if (pthread_mutex_init(&a->lock, NULL))
		return false;
	pthread_cond_init(&a->work, NULL);
	pthread_cond_init(&a->done, NULL);
	sigfillset(&all); /* signals are the caller's */
	pthread_sigmask(SIG_SETMASK, &all, &was);
	ok = !pthread_create(&a->thread, NULL, run, a);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (!ok) {
		pthread_cond_destroy(&a->work);
		pthread_cond_destroy(&a->done);
		pthread_mutex_destroy(&a->lock);
	}
	return ok;
}

static void drop(struct gt_ahead *a)
{
	for (unsigned i = 0; i < PLACES; i++)
		free(a->place[i].ev);
	gt_feed_free(&a->feed);
	gt_evdec_free(a->dec);
	gt_unpress_free(a->unpress);
	free(a->body);
	free(a);
}

struct gt_ahead *gt_ahead_new(const struct gt_source *src, uint64_t session)
{
	struct gt_ahead *a = calloc(1, sizeof(*a));
	struct gt_err err;

	if (!a)
		return NULL;
	a->src = *src;
	a->session = session;
	a->from = UINT64_MAX;
	a->idle = true;
	gt_feed_init(&a->feed, &a->src, CHUNK);
	gt_scan_init(&a->scan, &a->feed, &a->ignored);
	a->body = malloc(GT_BLK_MAX_BODY);
	if (!a->body || gt_unpress_new(&a->unpress, &err) || gt_evdec_new(&a->dec, &err) ||
	    !start(a)) {
		drop(a);
		return NULL;
	}
	return a;
}

void gt_ahead_free(struct gt_ahead *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	pthread_cond_destroy(&a->work);
	pthread_cond_destroy(&a->done);
	pthread_mutex_destroy(&a->lock);
	drop(a);
}

static struct place *place_of(struct gt_ahead *a, const struct gt_blk *b, uint64_t end)
{
	for (unsigned i = 0; i < PLACES; i++) {
		struct place *p = &a->place[i];

		if ((p->state == BUSY || p->state == READY) && !p->stale && p->end == end &&
		    p->h.seq == b->seq && p->h.crc == b->crc && p->h.n == b->n)
			return p;
	}
	return NULL;
}

/* Blocks that the reader has passed over, or, where it is ELSEWHERE, all. */
static void forget(struct gt_ahead *a, uint64_t end, bool elsewhere)
{
	for (unsigned i = 0; i < PLACES; i++) {
		struct place *p = &a->place[i];

		if (!elsewhere && p->end >= end)
			continue;
		p->stale = true;
		if (p->state == READY)
			p->state = FREE;
	}
}

struct gt_event *gt_ahead_take(struct gt_ahead *a, const struct gt_blk *b, uint64_t end)
{
	struct gt_event *ev = NULL;
	struct place *p;

	pthread_mutex_lock(&a->lock);
	p = place_of(a, b, end);
	while (p && p->state == BUSY)
		pthread_cond_wait(&a->done, &a->lock);
	if (p && p->state == READY) {
		p->state = TAKEN;
		ev = p->ev;
		forget(a, end, false);
	} else if (!p) {
		forget(a, end, true);
		a->from = end;
	}
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
	return ev;
}

void gt_ahead_give(struct gt_ahead *a, struct gt_event *ev)
{
	pthread_mutex_lock(&a->lock);
	for (unsigned i = 0; i < PLACES; i++)
		if (a->place[i].ev == ev && a->place[i].state == TAKEN)
			a->place[i].state = FREE;
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
}
