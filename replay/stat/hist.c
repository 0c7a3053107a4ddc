/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The histogram's buckets: values below 64 have one each (octave 0); above, each power of two
 * is cut into 64. A quantile answers with its bucket's middle, held within [min, max].
 */
#include "hist.h"

#include <math.h>
#include <stdlib.h>

static unsigned octave(uint64_t v)
{
	return v < GT_HIST_SUB ? 0 : (unsigned)(63 - __builtin_clzll(v)) - 5;
}

static void count(struct gt_hist *h, uint64_t v, uint64_t n)
{
	unsigned o = octave(v);
	unsigned i = (unsigned)(o ? (v >> (o - 1)) - GT_HIST_SUB : v);

	if (!h->seg[o])
		h->seg[o] = calloc(GT_HIST_SUB, sizeof(*h->seg[o]));
	if (h->seg[o])
		h->seg[o][i] += n;
	else
		h->bad = true;
}

static void spill(struct gt_hist *h)
{
	for (uint64_t i = 0; h->exact && i < h->n; i++)
		count(h, h->exact[i], 1);
	free(h->exact);
	h->exact = NULL;
}

void gt_hist_add(struct gt_hist *h, uint64_t v)
{
	if (h->n < GT_HIST_EXACT) {
		if (!h->exact)
			h->exact = malloc(GT_HIST_EXACT * sizeof(*h->exact));
		if (h->exact)
			h->exact[h->n] = v;
		else
			h->bad = true;
	} else {
		if (h->exact)
			spill(h);
		count(h, v, 1);
	}
	if (!h->n || v < h->min)
		h->min = v;
	if (!h->n || v > h->max)
		h->max = v;
	h->n++;
	h->sum += v;
}

void gt_hist_merge(struct gt_hist *a, const struct gt_hist *b)
{
	if (b->n <= GT_HIST_EXACT) {
		for (uint64_t i = 0; b->exact && i < b->n; i++)
			gt_hist_add(a, b->exact[i]);
		a->bad = a->bad || b->bad;
		return;
	}
	if (a->n <= GT_HIST_EXACT)
		spill(a);
	for (unsigned o = 0; o < sizeof(b->seg) / sizeof(*b->seg); o++)
		for (unsigned i = 0; b->seg[o] && i < GT_HIST_SUB; i++)
			if (b->seg[o][i])
				count(a, o ? (uint64_t)(GT_HIST_SUB + i) << (o - 1) : i,
				      b->seg[o][i]);
	if (!a->n || b->min < a->min)
		a->min = b->min;
	if (!a->n || b->max > a->max)
		a->max = b->max;
	a->n += b->n;
	a->sum += b->sum;
	a->bad = a->bad || b->bad;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The value with RANK (from 1) others or itself not above it. */
static uint64_t by_rank(const struct gt_hist *h, uint64_t rank)
{
	for (unsigned o = 0; o < sizeof(h->seg) / sizeof(*h->seg); o++) {
		for (unsigned i = 0; h->seg[o] && i < GT_HIST_SUB; i++) {
			if (h->seg[o][i] < rank) {
				rank -= h->seg[o][i];
				continue;
			}
			uint64_t width = o ? 1ull << (o - 1) : 1;
			uint64_t v = (o ? (uint64_t)(GT_HIST_SUB + i) * width : i) + width / 2;
			return v < h->min ? h->min : v > h->max ? h->max : v;
		}
	}
	return h->max;
}

uint64_t gt_hist_quantile(const struct gt_hist *h, double q)
{
	uint64_t copy[GT_HIST_EXACT];

	if (!h->n)
		return 0;
	double want = ceil(q * (double)h->n);
	uint64_t rank = want < 1 ? 1 : want >= (double)h->n ? h->n : (uint64_t)want;
	if (rank == h->n)
		return h->max;
	if (!h->exact)
		return by_rank(h, rank);
	for (uint64_t i = 0; i < h->n; i++)
		copy[i] = h->exact[i];
	qsort(copy, h->n, sizeof(*copy), ascending);
	return copy[rank - 1];
}

uint64_t gt_hist_mean(const struct gt_hist *h)
{
	return h->n ? (uint64_t)(h->sum / h->n) : 0;
}

void gt_hist_free(struct gt_hist *h)
{
	free(h->exact);
	for (unsigned o = 0; o < sizeof(h->seg) / sizeof(*h->seg); o++)
		free(h->seg[o]);
	*h = (struct gt_hist){ 0 };
}
