/* SPDX-License-Identifier: BSD-2-Clause */
/* One thread that waits for the word to put probes in, or to take them out. */
#include "slice.h"

#include <pthread.h>
#include <stdlib.h>

#include "clock.h"

struct gt_slice {
	struct gt_attach *a;
	const struct gt_target *t;
	pthread_t thread;
	pthread_mutex_t mu; /* guards all below */
	pthread_cond_t cond;
	bool on, wanted; /* differ while a change is under way */
	bool changed, stop;
	bool started; /* the thread is, with the first change: by then we have given up rights */
	struct gt_slice_done done;
};

/* Without the lock: a change holds up nobody who asks. */
static struct gt_slice_done change(const struct gt_slice *s, bool on)
{
	struct gt_slice_done d = { .on = on, .begin_ns = gt_clock_ns(CLOCK_MONOTONIC) };

	if (on)
		d.rc = gt_attach_again(s->a, s->t, &d.err);
	else
		gt_attach_stop(s->a);
	d.on = on && !d.rc;
	d.end_ns = gt_clock_ns(CLOCK_MONOTONIC);
	return d;
}

static void *slice_main(void *arg)
{
	struct gt_slice *s = arg;

	(void)pthread_mutex_lock(&s->mu);
	for (;;) {
		while (s->on == s->wanted && !s->stop)
			(void)pthread_cond_wait(&s->cond, &s->mu);
		if (s->on == s->wanted)
			break;
		bool on = s->wanted;
		(void)pthread_mutex_unlock(&s->mu);
		struct gt_slice_done d = change(s, on);
		(void)pthread_mutex_lock(&s->mu);
		s->on = s->wanted = d.on;
		s->done = d;
		s->changed = true;
	}
	(void)pthread_mutex_unlock(&s->mu);
	return NULL;
}

int gt_slice_new(struct gt_slice **out, struct gt_attach *a, const struct gt_target *t, bool on,
		 struct gt_err *err)
{
	struct gt_slice *s = calloc(1, sizeof(*s));

	if (!s)
		return gt_fail(err, GT_NOMEM, "out of memory");
	s->a = a;
	s->t = t;
	s->on = s->wanted = on;
	(void)pthread_mutex_init(&s->mu, NULL);
	(void)pthread_cond_init(&s->cond, NULL);
	*out = s;
	return GT_OK;
}

void gt_slice_free(struct gt_slice *s)
{
	if (!s)
		return;
	(void)pthread_mutex_lock(&s->mu);
	s->stop = true;
	(void)pthread_cond_signal(&s->cond);
	(void)pthread_mutex_unlock(&s->mu);
	if (s->started)
		(void)pthread_join(s->thread, NULL);
	(void)pthread_cond_destroy(&s->cond);
	(void)pthread_mutex_destroy(&s->mu);
	free(s);
}

int gt_slice_ask(struct gt_slice *s, bool on, struct gt_err *err)
{
	if (!s->started && pthread_create(&s->thread, NULL, slice_main, s))
		return gt_fail(err, GT_IO, "cannot start the thread that attaches probes");
	s->started = true;
	(void)pthread_mutex_lock(&s->mu);
	if (s->on == s->wanted && !s->changed && s->on != on) {
		s->wanted = on;
		(void)pthread_cond_signal(&s->cond);
	}
	(void)pthread_mutex_unlock(&s->mu);
	return GT_OK;
}

bool gt_slice_take(struct gt_slice *s, struct gt_slice_done *ret)
{
	(void)pthread_mutex_lock(&s->mu);
	bool changed = s->changed;
	if (changed)
		*ret = s->done;
	s->changed = false;
	(void)pthread_mutex_unlock(&s->mu);
	return changed;
}
