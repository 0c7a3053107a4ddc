/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of all CPUs in one order. */
#include "merge.h"

#include <stdlib.h>
#include <string.h>

bool gt_merge_init(struct gt_merge *m, uint32_t n)
{
	*m = (struct gt_merge){ .n = n };
	m->q = calloc(n, sizeof(*m->q));
	m->heap = calloc(n, sizeof(*m->heap));
	if (m->q && m->heap)
		return true;
	gt_merge_free(m);
	return false;
}

void gt_merge_free(struct gt_merge *m)
{
	for (uint32_t i = 0; m->q && i < m->n; i++)
		free(m->q[i].p);
	free(m->q);
	free(m->heap);
	*m = (struct gt_merge){ 0 };
}

bool gt_merge_insert(struct gt_merge *m, uint32_t cpu, uint64_t ts, const void *what, void *owner)
{
	struct gt_merge_queue *q = &m->q[cpu];

	if (q->n == q->cap) {
		if (q->head > q->cap / 2) { /* the front half is used up: move down */
			memmove(q->p, q->p + q->head, (q->n - q->head) * sizeof(*q->p));
			q->n -= q->head;
			q->head = 0;
		} else {
			size_t cap = q->cap ? q->cap * 2 : 1024;
			struct gt_pending *np = realloc(q->p, cap * sizeof(*np));
			if (!np)
				return false;
			q->p = np;
			q->cap = cap;
		}
	}
	size_t i = q->n++;
	for (; i > q->head && q->p[i - 1].ts > ts; i--)
		q->p[i] = q->p[i - 1];
	q->p[i] = (struct gt_pending){ ts, what, owner };
	return true;
}

static bool before(const struct gt_merge_head *a, const struct gt_merge_head *b)
{
	return a->ts != b->ts ? a->ts < b->ts : a->cpu < b->cpu;
}

static void sift(struct gt_merge *m, uint32_t i)
{
	struct gt_merge_head *h = m->heap, moved = h[i];

	for (uint32_t k; (k = 2 * i + 1) < m->n_heap; i = k) {
		if (k + 1 < m->n_heap && before(&h[k + 1], &h[k]))
			k++;
		if (!before(&h[k], &moved))
			break;
		h[i] = h[k];
	}
	h[i] = moved;
}

void gt_merge_start(struct gt_merge *m)
{
	m->n_heap = 0;
	for (uint32_t c = 0; c < m->n; c++)
		if (m->q[c].head < m->q[c].n)
			m->heap[m->n_heap++] = (struct gt_merge_head){ m->q[c].p[m->q[c].head].ts,
								       c };
	for (uint32_t i = m->n_heap / 2; i-- > 0;)
		sift(m, i);
}

const struct gt_pending *gt_merge_next(struct gt_merge *m, uint64_t before_ns, uint32_t *ret_cpu)
{
	struct gt_merge_head *top = m->heap;

	if (!m->n_heap || top->ts >= before_ns)
		return NULL;
	struct gt_merge_queue *q = &m->q[top->cpu];
	const struct gt_pending *p = &q->p[q->head++];
	*ret_cpu = top->cpu;
	if (q->head < q->n) {
		top->ts = q->p[q->head].ts;
	} else {
		q->head = q->n = 0;
		*top = m->heap[--m->n_heap];
	}
	sift(m, 0);
	return p;
}
