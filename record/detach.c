/* SPDX-License-Identifier: BSD-2-Clause */
/* A few threads, started when they are needed, that do nothing but gt_attach_stop. */
#include "detach.h"

#include <pthread.h>
#include <stdlib.h>

#define MAX_THREADS 8 /* at work at a time; their waits for the kernel overlap */

struct list {
	struct gt_attach **p;
	size_t n, cap;
};

struct gt_detach {
	pthread_t thread[MAX_THREADS];
	uint32_t n_threads;

	pthread_mutex_t mu;  /* guards all below */
	pthread_cond_t work; /* something to do, or stop */
	pthread_cond_t end;  /* something was done */
	struct list todo, done;
	uint32_t busy; /* threads that have one in hand */
	bool stop;
};

int gt_detach_new(struct gt_detach **out, struct gt_err *err)
{
	struct gt_detach *d = calloc(1, sizeof(*d));

	if (!d)
		return gt_fail(err, GT_NOMEM, "out of memory");
	(void)pthread_mutex_init(&d->mu, NULL);
	(void)pthread_cond_init(&d->work, NULL);
	(void)pthread_cond_init(&d->end, NULL);
	*out = d;
	return GT_OK;
}

static void *detach_main(void *arg)
{
	struct gt_detach *d = arg;

	(void)pthread_mutex_lock(&d->mu);
	for (;;) {
		while (!d->todo.n && !d->stop)
			(void)pthread_cond_wait(&d->work, &d->mu);
		if (!d->todo.n)
			break;
		struct gt_attach *a = d->todo.p[--d->todo.n];
		d->busy++;
		(void)pthread_mutex_unlock(&d->mu);
		gt_attach_stop(a);
		(void)pthread_mutex_lock(&d->mu);
		d->busy--;
		d->done.p[d->done.n++] = a; /* room was made when it was put */
		(void)pthread_cond_broadcast(&d->end);
	}
	(void)pthread_mutex_unlock(&d->mu);
	return NULL;
}

/* Room for one more in LIST, without one more in it. */
static bool reserve(struct list *l, size_t n)
{
	if (n <= l->cap)
		return true;
	size_t cap = n * 2;
	struct gt_attach **p = realloc(l->p, cap * sizeof(struct gt_attach *));
	if (!p)
		return false;
	l->p = p;
	l->cap = cap;
	return true;
}

/* A thread for each that waits, up to the limit; false: there is not one. */
static bool have_thread(struct gt_detach *d)
{
	while (d->n_threads < MAX_THREADS && d->n_threads < d->todo.n + d->busy + 1 &&
	       !pthread_create(&d->thread[d->n_threads], NULL, detach_main, d))
		d->n_threads++;
	return d->n_threads > 0;
}

void gt_detach_put(struct gt_detach *d, struct gt_attach *a)
{
	(void)pthread_mutex_lock(&d->mu);
	size_t all = d->todo.n + d->busy + d->done.n + 1;
	bool room = reserve(&d->todo, d->todo.n + 1) && reserve(&d->done, all);
	if (room && have_thread(d)) {
		d->todo.p[d->todo.n++] = a;
		(void)pthread_cond_signal(&d->work);
	} else {
		gt_attach_stop(a);
		if (room)
			d->done.p[d->done.n++] = a;
	}
	(void)pthread_mutex_unlock(&d->mu);
}

struct gt_attach *gt_detach_take(struct gt_detach *d, bool wait)
{
	struct gt_attach *a = NULL;

	(void)pthread_mutex_lock(&d->mu);
	while (wait && !d->done.n && (d->todo.n || d->busy))
		(void)pthread_cond_wait(&d->end, &d->mu);
	if (d->done.n)
		a = d->done.p[--d->done.n];
	(void)pthread_mutex_unlock(&d->mu);
	return a;
}

void gt_detach_free(struct gt_detach *d)
{
	if (!d)
		return;
	(void)pthread_mutex_lock(&d->mu);
	d->stop = true;
	(void)pthread_cond_broadcast(&d->work);
	(void)pthread_mutex_unlock(&d->mu);
	for (uint32_t i = 0; i < d->n_threads; i++)
		(void)pthread_join(d->thread[i], NULL);
	(void)pthread_cond_destroy(&d->work);
	(void)pthread_cond_destroy(&d->end);
	(void)pthread_mutex_destroy(&d->mu);
	free(d->todo.p);
	free(d->done.p);
	free(d);
}
