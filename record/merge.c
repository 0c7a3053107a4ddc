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

bool gt_merge_add(struct gt_merge *m, uint32_t cpu, struct gt_pending p)
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
	for (; i > q->head && q->p[i - 1].ts > p.ts; i--)
		q->p[i] = q->p[i - 1];
	q->p[i] = p;
	return true;
}

/* Does queue A's head come before queue B's? */
static bool before(const struct gt_merge *m, uint32_t a, uint32_t b)
{
	uint64_t ta = m->q[a].p[m->q[a].head].ts, tb = m->q[b].p[m->q[b].head].ts;

	return ta != tb ? ta < tb : a < b;
}

static void sift(struct gt_merge *m, uint32_t i)
{
	for (;;) {
		uint32_t k = 2 * i + 1;
		if (k >= m->n_heap)
			return;
		if (k + 1 < m->n_heap && before(m, m->heap[k + 1], m->heap[k]))
			k++;
		if (!before(m, m->heap[k], m->heap[i]))
			return;
		uint32_t t = m->heap[i];
		m->heap[i] = m->heap[k];
		m->heap[k] = t;
		i = k;
	}
}

void gt_merge_start(struct gt_merge *m)
{
	m->n_heap = 0;
	for (uint32_t c = 0; c < m->n; c++)
		if (m->q[c].head < m->q[c].n)
			m->heap[m->n_heap++] = c;
	for (uint32_t i = m->n_heap / 2; i-- > 0;)
		sift(m, i);
}

bool gt_merge_next(struct gt_merge *m, uint64_t before_ns, struct gt_pending *ret,
		   uint32_t *ret_cpu)
{
	if (!m->n_heap)
		return false;
	struct gt_merge_queue *q = &m->q[m->heap[0]];
	if (q->p[q->head].ts >= before_ns)
		return false;
	*ret = q->p[q->head++];
	*ret_cpu = m->heap[0];
	if (q->head == q->n) {
		q->head = q->n = 0;
		m->heap[0] = m->heap[--m->n_heap];
	}
	sift(m, 0);
	return true;
}
